"""Docstrings name the parameters that the signatures have, in their order (the examples run as doctests)."""

from __future__ import annotations

import inspect
from importlib import import_module
from pkgutil import walk_packages

import pytest
from numpydoc.validate import validate

import sequoia_base
import sequoia_model
import sequoia_stats


def documented() -> list[str]:
    """Public functions and classes with a section of parameters, each where it is defined."""
    packages = (sequoia_base, sequoia_stats, sequoia_model)
    found = [m for package in packages for m in walk_packages(package.__path__, f"{package.__name__}.")]
    modules = [import_module(m.name) for m in found]
    return [
        f"{module.__name__}.{name}"
        for module in modules
        for name, value in vars(module).items()
        if (inspect.isfunction(value) or inspect.isclass(value)) and value.__module__ == module.__name__
        if not name.startswith("_") and "Parameters\n" in (inspect.getdoc(value) or "")
    ]


@pytest.mark.parametrize("name", documented())
def test_the_documented_parameters_are_those_of_the_signature(name):
    codes = {"PR01", "PR02", "PR03"}  # not documented, not in the signature, in another order
    assert [text for code, text in validate(name)["errors"] if code in codes] == []
