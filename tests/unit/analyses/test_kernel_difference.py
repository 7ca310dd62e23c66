"""The comparison of GSVA's kernels that the report cites."""

from __future__ import annotations

import numpy as np
import pytest

from sequoia_stats.sets.collections import load
from sequoia_stats.types.cohort import Cohort
from tests.build.cohorts import make_cohort
from tests.build.results import scripts_of_analyses


@pytest.fixture
def analysis():
    with scripts_of_analyses():
        import kernel_difference

        yield kernel_difference


def test_kernels_differ_in_some_ranks_and_little_in_scores(analysis):
    made = make_cohort(n=60, genes=400)
    genes = load("hallmark").genes[:400]
    cohort = Cohort(made.expression.set_axis(genes, axis=1), made.outcome, name="made")
    row = analysis.kernel_difference(cohort, load("hallmark"))
    assert (row["cohort"], row["samples"], row["genes"]) == ("made", 60, 400)
    assert 0 < row["ranks_that_differ"] < 0.1
    assert 0 < row["largest_score_difference"] < 0.02
    assert row["smallest_correlation"] > 0.999


def test_ranks_are_places_in_decreasing_order(analysis):
    got = analysis.ranks_within(np.array([[1.0, 3.0, 1.0], [5.0, 4.0, 9.0]]))
    np.testing.assert_array_equal(got, [[1, 0, 2], [1, 2, 0]])
