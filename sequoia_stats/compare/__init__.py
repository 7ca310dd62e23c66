"""Comparison of models, cohorts and subgroups: how well the same genes are predicted."""

from __future__ import annotations

from sequoia_stats.compare._samples import refuse_one_table
from sequoia_stats.compare.cohorts import cohort_overlaps, validated_genes
from sequoia_stats.compare.criteria import judged_alike
from sequoia_stats.compare.distributions import Distribution, distribution
from sequoia_stats.compare.list_overlaps import overlap
from sequoia_stats.compare.models import Comparison, compare_models
from sequoia_stats.compare.rank_tests import MannWhitney, SignedRank, mann_whitney, signed_rank
from sequoia_stats.compare.sample_size import Downsampling, SampleSize, against_sample_size, downsample
from sequoia_stats.compare.subgroups import Subgroups, by_subgroup
from sequoia_stats.compare.summary import comparison_summary

__all__ = [
    "Comparison",
    "Distribution",
    "Downsampling",
    "MannWhitney",
    "SampleSize",
    "SignedRank",
    "Subgroups",
    "against_sample_size",
    "by_subgroup",
    "cohort_overlaps",
    "compare_models",
    "comparison_summary",
    "distribution",
    "downsample",
    "judged_alike",
    "mann_whitney",
    "overlap",
    "refuse_one_table",
    "signed_rank",
    "validated_genes",
]
