"""Over-representation: which gene sets hold more genes of a list than chance would give them."""

from sequoia_stats.sets.ora.control import WELL, WORST, negative_control
from sequoia_stats.sets.ora.similar_sets import MEASURES, merge_similar
from sequoia_stats.sets.ora.table import COLUMNS, hypergeometric

__all__ = ["COLUMNS", "MEASURES", "WELL", "WORST", "hypergeometric", "merge_similar", "negative_control"]
