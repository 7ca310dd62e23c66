"""Measured or predicted gene expression, turned into tested statements about patients.

Public names are loaded when they are first used: importing the package starts no R and loads no library.

>>> import sequoia_stats as sq
>>> sq.datasets.load_tcga_brca(endpoint="PFI").n
956
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sequoia_stats import datasets, genes, plots, survival
    from sequoia_stats.cohort import Cohort, as_cohort
    from sequoia_stats.errors import SequoiaError
    from sequoia_stats.io import read_cohort, read_expression
    from sequoia_stats.outcome import Outcome, as_outcome
    from sequoia_stats.signature import LassoCoxSignature, Signature, validate

    __version__: str

__all__ = [
    "Cohort",
    "LassoCoxSignature",
    "Outcome",
    "SequoiaError",
    "Signature",
    "__version__",
    "as_cohort",
    "as_outcome",
    "datasets",
    "genes",
    "plots",
    "read_cohort",
    "read_expression",
    "survival",
    "validate",
]

_MODULES = {"datasets", "genes", "plots", "survival"}
_HOME = {
    "Cohort": "cohort",
    "as_cohort": "cohort",
    "SequoiaError": "errors",
    "read_cohort": "io",
    "read_expression": "io",
    "Outcome": "outcome",
    "as_outcome": "outcome",
    "LassoCoxSignature": "signature",
    "Signature": "signature",
    "validate": "signature",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name in _HOME:
        value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    elif name == "__version__":
        value = import_module("importlib.metadata").version("sequoia-histology")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
