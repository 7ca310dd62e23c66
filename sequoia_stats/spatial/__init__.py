"""Maps judged against spatial transcriptomics: similarity, optimal transport, nulls, and gene modules."""

from __future__ import annotations

from sequoia_base.maps import Map, read_map, write_map
from sequoia_stats.spatial.across_slides import SlideEvaluations, evaluate_maps
from sequoia_stats.spatial.comparison import MapComparison, compare_maps
from sequoia_stats.spatial.evaluation import Evaluation, evaluate_map
from sequoia_stats.spatial.judgement_options import JudgementOptions
from sequoia_stats.spatial.moran import morans_i, neighbours
from sequoia_stats.spatial.shifts import ShiftNull, shift_null
from sequoia_stats.spatial.side_by_side import MapPair, map_pairs
from sequoia_stats.spatial.similarity import jensen_shannon, local_ssim, ssim
from sequoia_stats.spatial.smoothing import median_filter
from sequoia_stats.spatial.spectral import SpectralNull, spectral_null
from sequoia_stats.spatial.spots_to_tiles import NearestSpots, nearest_spots
from sequoia_stats.spatial.transport import emd, emds

__all__ = [
    "Evaluation",
    "JudgementOptions",
    "Map",
    "MapComparison",
    "MapPair",
    "NearestSpots",
    "ShiftNull",
    "SlideEvaluations",
    "SpectralNull",
    "compare_maps",
    "emd",
    "emds",
    "evaluate_map",
    "evaluate_maps",
    "jensen_shannon",
    "local_ssim",
    "map_pairs",
    "median_filter",
    "morans_i",
    "nearest_spots",
    "neighbours",
    "read_map",
    "shift_null",
    "spectral_null",
    "ssim",
    "write_map",
]
