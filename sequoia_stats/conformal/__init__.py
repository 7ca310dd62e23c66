"""Conformal prediction: intervals of predicted values, and who is not decided by them."""

from __future__ import annotations

from sequoia_stats.conformal.abstention import (
    ABSTENTION_LEVELS,
    expected_share,
    risk_decisions,
    share_decided,
)
from sequoia_stats.conformal.scores import ScoreIntervals, score_intervals

__all__ = [
    "ABSTENTION_LEVELS",
    "ScoreIntervals",
    "expected_share",
    "risk_decisions",
    "score_intervals",
    "share_decided",
]
