"""Conformal prediction: intervals of predicted genes and of scores, and who is not decided by them."""

from __future__ import annotations

from sequoia_stats.conformal.abstention import (
    ABSTENTION_LEVELS,
    expected_share,
    interval_groups,
    share_decided,
)
from sequoia_stats.conformal.decisions import RiskDecisions, decide_risk
from sequoia_stats.conformal.genes import GeneIntervals, gene_coverage, gene_intervals
from sequoia_stats.conformal.scores import ScoreIntervals, score_intervals

__all__ = [
    "ABSTENTION_LEVELS",
    "GeneIntervals",
    "RiskDecisions",
    "ScoreIntervals",
    "decide_risk",
    "expected_share",
    "gene_coverage",
    "gene_intervals",
    "interval_groups",
    "score_intervals",
    "share_decided",
]
