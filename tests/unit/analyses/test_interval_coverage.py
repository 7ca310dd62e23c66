"""Intervals of genes hold the values of new patients as often as they promise; a small version of the study."""

from __future__ import annotations

import numpy as np
import pytest

from sequoia_stats.conformal import gene_intervals
from sequoia_stats.errors import InputError
from tests.build.results import scripts_of_analyses

with scripts_of_analyses():
    from interval_coverage import simulate_cohort, simulate_coverage


@pytest.mark.parametrize("level", [0.9, 0.8])
def test_new_patients_are_covered_as_promised(level):
    _, summary = simulate_coverage([60, 200], cohorts=5, n_new=400, n_genes=100, level=level)
    np.testing.assert_allclose(summary["mean"], level, atol=0.02)


def test_genes_differ_less_in_coverage_with_more_patients():
    genes, summary = simulate_coverage([60, 500], cohorts=3, n_new=400, n_genes=100)
    assert summary["sd"][0] > 1.5 * summary["sd"][1]
    assert summary["near"][0] < summary["near"][1]
    assert len(genes) == 2 * 3 * 100


def test_the_study_sees_intervals_that_are_too_short():
    known, new = simulate_cohort(np.random.default_rng(0), 100, 400, 100)
    new.layers["measured"] = new.X + 1.3 * (new.layers["measured"] - new.X)
    assert gene_intervals(known, new).summary.coverage.mean < 0.83


def test_eight_patients_are_not_enough():
    known, new = simulate_cohort(np.random.default_rng(0), 8, 5, 10)
    with pytest.raises(InputError, match=r"8 calibration patients .* whole line"):
        gene_intervals(known, new)
