"""Rank tests equal stats::wilcox.test, exact where R is exact."""

from __future__ import annotations

import pandas as pd
import pytest

from sequoia_stats.compare import mann_whitney, signed_rank
from tests.parity.reference import assert_matches, inputs, reference

APART, PAIRED = ["w", "p_w", "exact_w"], ["v", "p_v", "exact_v", "hodges_lehmann", "rank_biserial"]
CASES = ["genes", "ties", "small", "zeros", "border", "beyond", "unequal"]
PAIRS = [case for case in CASES if case != "unequal"]


def two_samples(case: str) -> list[float]:
    table = inputs(f"wilcoxon/{case}")
    test = mann_whitney(table["x"], table["y"].dropna())
    return [test.statistic, test.p, float(test.exact)]


def pairs(case: str) -> list[float]:
    table = inputs(f"wilcoxon/{case}")
    test = signed_rank(table["x"], table["y"])
    return [test.statistic, test.p, float(test.exact), test.hodges_lehmann, test.rank_biserial]


def test_mann_whitney_equals_wilcox_test():
    want = reference("wilcoxon/tests")[APART]
    got = pd.DataFrame([two_samples(case) for case in want.index], want.index, APART)
    assert_matches(got, want, rtol=1e-10)


def test_the_signed_rank_test_equals_wilcox_test():
    want = reference("wilcoxon/tests").loc[PAIRS, PAIRED]
    got = pd.DataFrame([pairs(case) for case in want.index], want.index, PAIRED)
    assert_matches(got, want, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize(("case", "exact"), [("border", 1), ("beyond", 0), ("ties", 0), ("zeros", 0)])
def test_the_cases_lie_on_both_sides_of_where_r_is_exact(case, exact):
    assert reference("wilcoxon/tests").loc[case, "exact_v"] == exact
