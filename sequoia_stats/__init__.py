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
    from sequoia_stats import (
        compare,
        correlation,
        datasets,
        genes,
        genesets,
        gsea,
        gsva,
        ora,
        plots,
        prediction_error,
        selection,
        survival,
    )
    from sequoia_stats.cohort import Cohort, as_cohort
    from sequoia_stats.compare import Comparison, compare_models
    from sequoia_stats.errors import SequoiaError
    from sequoia_stats.genesets import GeneSets
    from sequoia_stats.gsva import Gsva
    from sequoia_stats.io import read_cohort, read_expression, read_predictions
    from sequoia_stats.outcome import Outcome, as_outcome
    from sequoia_stats.predictions import Predictions, as_predictions
    from sequoia_stats.selection import Selection, well_predicted
    from sequoia_stats.signature import LassoCoxSignature, Signature, validate

    __version__: str

__all__ = [
    "Cohort",
    "Comparison",
    "GeneSets",
    "Gsva",
    "LassoCoxSignature",
    "Outcome",
    "Predictions",
    "Selection",
    "SequoiaError",
    "Signature",
    "__version__",
    "as_cohort",
    "as_outcome",
    "as_predictions",
    "compare",
    "compare_models",
    "correlation",
    "datasets",
    "genes",
    "genesets",
    "gsea",
    "gsva",
    "ora",
    "plots",
    "prediction_error",
    "read_cohort",
    "read_expression",
    "read_predictions",
    "selection",
    "survival",
    "validate",
    "well_predicted",
]

_MODULES = {
    "compare",
    "correlation",
    "datasets",
    "genes",
    "genesets",
    "gsea",
    "gsva",
    "ora",
    "plots",
    "prediction_error",
    "selection",
    "survival",
}
_HOME = {
    "Cohort": "cohort",
    "GeneSets": "genesets",
    "Gsva": "gsva",
    "as_cohort": "cohort",
    "Comparison": "compare",
    "compare_models": "compare",
    "SequoiaError": "errors",
    "read_cohort": "io",
    "read_expression": "io",
    "Outcome": "outcome",
    "as_outcome": "outcome",
    "Predictions": "predictions",
    "as_predictions": "predictions",
    "read_predictions": "io",
    "Selection": "selection",
    "well_predicted": "selection",
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
