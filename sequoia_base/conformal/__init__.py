"""Prediction intervals that keep their promise: conformal prediction, for a score and for all genes of slides."""

from sequoia_base.conformal.blocks import GeneBlock, make_intervals
from sequoia_base.conformal.coverage import Coverage, CoverageCount
from sequoia_base.conformal.genes import GeneBounds, IntervalPlan, plan_intervals
from sequoia_base.conformal.options import IntervalOptions
from sequoia_base.conformal.quantiles import check_level, conformal_radius, conformal_rank, largest_level
from sequoia_base.conformal.slides import SEEN_IN_TRAINING, SlideRows
from sequoia_base.conformal.summary import IntervalSummary

__all__ = [
    "SEEN_IN_TRAINING",
    "Coverage",
    "CoverageCount",
    "GeneBlock",
    "GeneBounds",
    "IntervalOptions",
    "IntervalPlan",
    "IntervalSummary",
    "SlideRows",
    "check_level",
    "conformal_radius",
    "conformal_rank",
    "largest_level",
    "make_intervals",
    "plan_intervals",
]
