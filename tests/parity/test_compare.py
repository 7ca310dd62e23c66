"""Overlaps of gene lists equal phyper and dhyper; genes against samples equal cor.test."""

from __future__ import annotations

import pandas as pd

from sequoia_stats.compare import against_sample_size
from sequoia_stats.compare.list_overlaps import overlap_p
from tests.build.cohorts import make_selection
from tests.parity.reference import assert_matches, inputs, reference


def test_overlaps_of_two_and_three_lists_equal_r():
    lists = inputs("compare/overlaps")
    p = [
        overlap_p(
            int(row["shared"]), int(row["universe"]), row[["a", "b", "c"]].dropna().astype(int).tolist()
        )
        for _, row in lists.iterrows()
    ]
    assert_matches(pd.DataFrame({"p": p}, lists.index), reference("compare/overlaps"), rtol=1e-8)


def test_correlations_over_levels_equal_cor_test():
    sizes = inputs("compare/sizes")
    result = against_sample_size(make_selection(sizes["n"], sizes["n_well_predicted"]), "cancer")
    got = [[result.pearson, result.pearson_p], [result.spearman, result.spearman_p]]
    want = reference("compare/correlations")
    assert_matches(pd.DataFrame(got, ["pearson", "spearman"], ["r", "p"]), want, rtol=1e-8)
