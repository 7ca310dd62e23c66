"""Importing the package loads nothing: no R, no plots, no tables of numbers until they are needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

import sequoia_stats

HEAVY = ["anndata", "joblib", "lifelines", "matplotlib", "numpy", "pandas", "rpy2", "scipy", "torch", "typer"]


def modules_after(code: str) -> set[str]:
    """Names of the modules that a fresh interpreter holds after `code`."""
    printed = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(printed.stdout.split())


def test_importing_the_package_loads_no_library():
    assert modules_after("import sequoia_stats").isdisjoint(HEAVY)


def test_importing_the_plots_loads_no_plotting_library():
    assert "matplotlib" not in modules_after("import sequoia_stats; sequoia_stats.plots")


def test_importing_the_signature_starts_no_r():
    assert "rpy2" not in modules_after("from sequoia_stats import LassoCoxSignature, Signature, validate")


@pytest.mark.parametrize("name", sequoia_stats.__all__)
def test_every_public_name_is_there(name):
    assert getattr(sequoia_stats, name) is not None
    assert name in dir(sequoia_stats)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'LassoCoxSignatur'"):
        sequoia_stats.LassoCoxSignatur  # noqa: B018
