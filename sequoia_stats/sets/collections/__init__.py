"""Gene sets: GMT files, bundled collections, published signatures, and their restriction to a universe.

>>> load("hallmark").intersect(["ESR1", "GREB1", "TP53"], min_size=2).flow.reason.iloc[-1]
'6 with fewer than 2 genes in the universe'
"""

from sequoia_stats.sets.collections.bundled import BUNDLED_SETS, load, missing_files, open_sets
from sequoia_stats.sets.collections.collection import GeneSets
from sequoia_stats.sets.collections.gmt import read_gmt, write_gmt
from sequoia_stats.sets.collections.matching import Membership, Restricted
from sequoia_stats.sets.collections.published import published_overlap, published_signatures

__all__ = [
    "BUNDLED_SETS",
    "GeneSets",
    "Membership",
    "Restricted",
    "load",
    "missing_files",
    "open_sets",
    "published_overlap",
    "published_signatures",
    "read_gmt",
    "write_gmt",
]
