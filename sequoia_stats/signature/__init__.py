"""LASSO Cox signatures: transforms, engines, cross-validation, the frozen signature and its validation.

Names are loaded when they are first used, so that a worker process that fits a path imports little else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sequoia_stats.signature.cross_validation import CrossValidation
    from sequoia_stats.signature.engines import CoxPath, PathSettings, cox_path
    from sequoia_stats.signature.estimator import LassoCoxSignature
    from sequoia_stats.signature.signature import RiskScore, Signature
    from sequoia_stats.signature.validation import Validation, validate

_HOME = {
    "CoxPath": "engines",
    "CrossValidation": "cross_validation",
    "LassoCoxSignature": "estimator",
    "PathSettings": "engines",
    "RiskScore": "signature",
    "Signature": "signature",
    "Validation": "validation",
    "cox_path": "engines",
    "validate": "validation",
}
__all__ = [
    "CoxPath",
    "CrossValidation",
    "LassoCoxSignature",
    "PathSettings",
    "RiskScore",
    "Signature",
    "Validation",
    "cox_path",
    "validate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
