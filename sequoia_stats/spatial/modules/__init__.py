"""Modules of genes on maps: module scores, subtypes of tiles, co-expression, and coherence against random sets."""

from sequoia_stats.spatial.modules._found_modules import PAPER_STATES
from sequoia_stats.spatial.modules.agreement import ProgrammeAgreement, programme_agreement
from sequoia_stats.spatial.modules.coherence import (
    draw_sets,
    mean_pairwise,
    module_coherence,
    random_coherence,
)
from sequoia_stats.spatial.modules.correlations import (
    clusters_of,
    gene_correlations,
    gene_tree,
    leaf_order,
    mean_over_slides,
)
from sequoia_stats.spatial.modules.module_maps import MODULE_RULES, ModuleMaps, gene_modules
from sequoia_stats.spatial.modules.subtypes import (
    SubtypeMap,
    highest,
    subtype_map,
    subtypes_of_programmes,
)

__all__ = [
    "MODULE_RULES",
    "PAPER_STATES",
    "ModuleMaps",
    "ProgrammeAgreement",
    "SubtypeMap",
    "clusters_of",
    "draw_sets",
    "gene_correlations",
    "gene_modules",
    "gene_tree",
    "highest",
    "leaf_order",
    "mean_over_slides",
    "mean_pairwise",
    "module_coherence",
    "programme_agreement",
    "random_coherence",
    "subtype_map",
    "subtypes_of_programmes",
]
