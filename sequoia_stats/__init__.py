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
    from sequoia_stats import association, compare, datasets, plots, selection, survival
    from sequoia_stats import association as correlation
    from sequoia_stats.association import prediction_errors as prediction_error
    from sequoia_stats.compare import Comparison, compare_models
    from sequoia_stats.errors import SequoiaError
    from sequoia_stats.io import read_cohort, read_expression, read_predictions
    from sequoia_stats.selection import Selection, well_predicted
    from sequoia_stats.sets import collections as genesets
    from sequoia_stats.sets import gsea, gsva, ora
    from sequoia_stats.sets.collections import GeneSets
    from sequoia_stats.sets.gsva import Gsva
    from sequoia_stats.signature import LassoCoxSignature, Signature, validate
    from sequoia_stats.types import genes
    from sequoia_stats.types.cohort import Cohort, as_cohort
    from sequoia_stats.types.expression import Expression, shared_genes
    from sequoia_stats.types.outcome import Outcome, as_outcome
    from sequoia_stats.types.predictions import Predictions, as_predictions

    __version__: str

__all__ = [
    "Cohort",
    "Comparison",
    "Expression",
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
    "association",
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
    "shared_genes",
    "survival",
    "validate",
    "well_predicted",
]

#: Public modules, and where they are.
_MODULES = {
    "association": "association",
    "compare": "compare",
    "correlation": "association",
    "datasets": "datasets",
    "genes": "types.genes",
    "genesets": "sets.collections",
    "gsea": "sets.gsea",
    "gsva": "sets.gsva",
    "ora": "sets.ora",
    "plots": "plots",
    "prediction_error": "association.prediction_errors",
    "selection": "selection",
    "survival": "survival",
}
#: Public names, and the module that holds each.
_HOME = {
    "Cohort": "types.cohort",
    "Comparison": "compare",
    "Expression": "types.expression",
    "GeneSets": "sets.collections",
    "Gsva": "sets.gsva",
    "LassoCoxSignature": "signature",
    "Outcome": "types.outcome",
    "Predictions": "types.predictions",
    "Selection": "selection",
    "SequoiaError": "errors",
    "Signature": "signature",
    "as_cohort": "types.cohort",
    "as_outcome": "types.outcome",
    "as_predictions": "types.predictions",
    "compare_models": "compare",
    "read_cohort": "io",
    "read_expression": "io",
    "read_predictions": "io",
    "shared_genes": "types.expression",
    "validate": "signature",
    "well_predicted": "selection",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{_MODULES[name]}")
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
