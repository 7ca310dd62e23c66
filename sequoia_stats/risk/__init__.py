"""Risk of patients: scores of several models compared on the same patients and folds."""

from __future__ import annotations

from sequoia_stats.risk._score_files import RiskScores, named_file, read_risk_scores
from sequoia_stats.risk.compare import compare_risks
from sequoia_stats.risk.comparison import RiskComparison

__all__ = ["RiskComparison", "RiskScores", "compare_risks", "named_file", "read_risk_scores"]
