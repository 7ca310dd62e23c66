"""Pearson correlations of all columns at once, and tests between correlations that share a variable."""

from __future__ import annotations

from sequoia_stats.association._moments import Moments, as_matrix, moments
from sequoia_stats.association.correlation import (
    ALTERNATIVES,
    METHODS,
    AlternativeName,
    DependentTest,
    MethodName,
    Pearson,
    benjamini_hochberg,
    correlation_p,
    dependent_correlation_ci,
    dependent_correlation_test,
    fisher_mean,
    pearson,
)
from sequoia_stats.association.partial import PartialCorrelation, partial_correlation

__all__ = [
    "ALTERNATIVES",
    "METHODS",
    "AlternativeName",
    "DependentTest",
    "MethodName",
    "Moments",
    "PartialCorrelation",
    "Pearson",
    "as_matrix",
    "benjamini_hochberg",
    "correlation_p",
    "dependent_correlation_ci",
    "dependent_correlation_test",
    "fisher_mean",
    "moments",
    "partial_correlation",
    "pearson",
]
