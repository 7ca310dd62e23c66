"""LASSO Cox signatures: the estimator, the frozen signature, its transforms and its validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sequoia_base.lazy import on_demand

if TYPE_CHECKING:
    from sequoia_stats.signature.fold_scores import FoldScores
    from sequoia_stats.signature.folds import FoldSignatures, fit_folds
    from sequoia_stats.signature.intervals import decide_scores
    from sequoia_stats.signature.lasso_cox import LassoCoxSignature
    from sequoia_stats.signature.predicted import PredictedSignature, compare_with_measured
    from sequoia_stats.signature.reference import ScaleReference
    from sequoia_stats.signature.scoring import RiskScore
    from sequoia_stats.signature.signature import Signature
    from sequoia_stats.signature.validation import Validation, validate

__all__ = [
    "FoldScores",
    "FoldSignatures",
    "LassoCoxSignature",
    "PredictedSignature",
    "RiskScore",
    "ScaleReference",
    "Signature",
    "Validation",
    "compare_with_measured",
    "decide_scores",
    "fit_folds",
    "validate",
]

# A signature that is scored needs neither an engine nor a cross-validation.
__getattr__ = on_demand(
    __name__,
    {
        "FoldScores": "fold_scores:FoldScores",
        "FoldSignatures": "folds:FoldSignatures",
        "LassoCoxSignature": "lasso_cox:LassoCoxSignature",
        "PredictedSignature": "predicted:PredictedSignature",
        "RiskScore": "scoring:RiskScore",
        "ScaleReference": "reference:ScaleReference",
        "Signature": "signature:Signature",
        "Validation": "validation:Validation",
        "compare_with_measured": "predicted:compare_with_measured",
        "decide_scores": "intervals:decide_scores",
        "fit_folds": "folds:fit_folds",
        "validate": "validation:validate",
    },
)
