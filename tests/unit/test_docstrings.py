"""Docstrings, module by module: their examples run, and their parameters are those of the signatures."""

from __future__ import annotations

import doctest
import inspect
from importlib import import_module
from pathlib import Path

import pytest
from numpydoc.validate import validate

ROOT = Path(__file__).parents[2]
PACKAGES = ("sequoia_base", "sequoia_stats", "sequoia_model")
#: Text of every module by its dotted name; nothing is imported to find them.
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path.read_text()
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}


def wrong_parameters(module):
    """What numpydoc says of the parameters of public functions, classes and their methods."""
    codes = {"PR01", "PR02", "PR03"}  # not documented, not in the signature, in another order
    return [
        f"{name}: {text}"
        for name, value in vars(module).items()
        if inspect.isfunction(value) or inspect.isclass(value)
        if value.__module__ == module.__name__ and not name.startswith("_")
        if "Parameters\n" in (inspect.getdoc(value) or "")
        for code, text in validate(f"{module.__name__}.{name}")["errors"]
        if code in codes
    ]


@pytest.mark.parametrize("name", [name for name, text in MODULES.items() if ">>> " in text])
def test_the_examples_give_what_they_show(name):
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    found = doctest.testmod(import_module(name), optionflags=flags)
    assert found.attempted > 0 and found.failed == 0


@pytest.mark.parametrize("name", [name for name, text in MODULES.items() if "Parameters\n" in text])
def test_the_documented_parameters_are_those_of_the_signature(name):
    assert wrong_parameters(import_module(name)) == []
