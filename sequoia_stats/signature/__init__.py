"""LASSO Cox signatures: the estimator, the frozen signature, its transforms and its validation.

Names are loaded when they are first used, so that a process that fits a path imports little else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sequoia_stats.coxpath.cross_validation import CrossValidation
    from sequoia_stats.coxpath.path_engines import CoxPath, PathSettings, cox_path
    from sequoia_stats.signature.lasso_cox import LassoCoxSignature
    from sequoia_stats.signature.signature import RiskScore, Signature
    from sequoia_stats.signature.validation import Validation, validate

_HOME = {
    "CoxPath": "coxpath.path_engines",
    "CrossValidation": "coxpath.cross_validation",
    "LassoCoxSignature": "signature.lasso_cox",
    "PathSettings": "coxpath.path_engines",
    "RiskScore": "signature.signature",
    "Signature": "signature.signature",
    "Validation": "signature.validation",
    "cox_path": "coxpath.path_engines",
    "validate": "signature.validation",
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
    return getattr(import_module(f"sequoia_stats.{_HOME[name]}"), name)
