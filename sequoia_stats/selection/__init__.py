"""Which genes are well predicted, by which rule, and how well the best of them are predicted."""

from __future__ import annotations

from sequoia_stats.selection.rules import RULES, UNITS, Rule, Selection, well_predicted
from sequoia_stats.selection.top_genes import TopK, per_slide, top_k

__all__ = ["RULES", "UNITS", "Rule", "Selection", "TopK", "per_slide", "top_k", "well_predicted"]
