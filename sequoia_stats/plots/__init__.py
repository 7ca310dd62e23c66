"""Figures: each function takes results and returns a matplotlib Figure without computing statistics.

matplotlib is imported when a figure is drawn, not when this package is imported.
"""

from __future__ import annotations

from sequoia_stats.plots._style import save_figure
from sequoia_stats.plots.abstention import abstention_curves
from sequoia_stats.plots.agreement import pathway_correlations
from sequoia_stats.plots.circos import chord_diagram
from sequoia_stats.plots.clustermap import module_clustermap
from sequoia_stats.plots.coefficient_plot import coefficients
from sequoia_stats.plots.concordance import concordance_by_epoch, concordance_by_route
from sequoia_stats.plots.counts import counts_against_size, criterion_counts, downsampled_counts
from sequoia_stats.plots.coverage import gene_coverage
from sequoia_stats.plots.cv import cv_curve
from sequoia_stats.plots.dot_plot import enrichment_dots
from sequoia_stats.plots.forest_plot import forest
from sequoia_stats.plots.heatmap import enrichment_heatmap
from sequoia_stats.plots.km import kaplan_meier, risk_groups
from sequoia_stats.plots.learning import learning_curves
from sequoia_stats.plots.map_nulls import genes_against_null, medians_against_null
from sequoia_stats.plots.module_tree import network_parts
from sequoia_stats.plots.overlaps import gene_overlaps
from sequoia_stats.plots.risk_forest import risk_comparison, survival_by_risk
from sequoia_stats.plots.slide_panels import TiledSlide, tiled_slide
from sequoia_stats.plots.spatial_maps import map_and_truth
from sequoia_stats.plots.subtypes import subtype_maps
from sequoia_stats.plots.two_maps import genes_of_two_maps
from sequoia_stats.plots.violins import correlation_violins
from sequoia_stats.plots.windowed_slides import SlideWindows, slide_windows

__all__ = [
    "SlideWindows",
    "TiledSlide",
    "abstention_curves",
    "chord_diagram",
    "coefficients",
    "concordance_by_epoch",
    "concordance_by_route",
    "correlation_violins",
    "counts_against_size",
    "criterion_counts",
    "cv_curve",
    "downsampled_counts",
    "enrichment_dots",
    "enrichment_heatmap",
    "forest",
    "gene_coverage",
    "gene_overlaps",
    "genes_against_null",
    "genes_of_two_maps",
    "kaplan_meier",
    "learning_curves",
    "map_and_truth",
    "medians_against_null",
    "module_clustermap",
    "network_parts",
    "pathway_correlations",
    "risk_comparison",
    "risk_groups",
    "save_figure",
    "slide_windows",
    "subtype_maps",
    "survival_by_risk",
    "tiled_slide",
]
