"""Splits: which patients train, validate and test in each fold; drawn, published, or read from files."""

from sequoia_base.splits import ROLES, Splits
from sequoia_model.splits.drawing import draw
from sequoia_model.splits.published_folds import published, published_cancer_of, published_cancers
from sequoia_model.splits.tables import Lists, read_lists, read_splits

__all__ = [
    "ROLES",
    "Lists",
    "Splits",
    "draw",
    "published",
    "published_cancer_of",
    "published_cancers",
    "read_lists",
    "read_splits",
]
