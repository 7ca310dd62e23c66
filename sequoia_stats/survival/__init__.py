"""Survival analysis: curves, log-rank, Cox regression, concordance, and the partial likelihood they share."""

from __future__ import annotations

from sequoia_stats.survival.concordance import Concordance, harrell_c
from sequoia_stats.survival.cox import CoxFit, LikelihoodRatio, cox_regression, likelihood_ratio
from sequoia_stats.survival.curves import (
    RISK_GROUPS,
    KaplanMeier,
    group_curves,
    kaplan_meier_curve,
    median_follow_up,
)
from sequoia_stats.survival.logrank import LogRank, logrank_test
from sequoia_stats.survival.paired_concordance import ConcordanceComparison, compare_concordance
from sequoia_stats.survival.partial_likelihood import breslow_log_likelihood, cox_deviance, cox_score
from sequoia_stats.survival.proportional_hazards import ProportionalHazards, proportional_hazards_test

__all__ = [
    "RISK_GROUPS",
    "Concordance",
    "ConcordanceComparison",
    "CoxFit",
    "KaplanMeier",
    "LikelihoodRatio",
    "LogRank",
    "ProportionalHazards",
    "breslow_log_likelihood",
    "compare_concordance",
    "cox_deviance",
    "cox_regression",
    "cox_score",
    "group_curves",
    "harrell_c",
    "kaplan_meier_curve",
    "likelihood_ratio",
    "logrank_test",
    "median_follow_up",
    "proportional_hazards_test",
]
