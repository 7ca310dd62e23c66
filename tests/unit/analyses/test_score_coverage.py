"""Intervals of a score hold the scores of new patients as often as they promise; a small version of the study."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.build.results import scripts_of_analyses

with scripts_of_analyses():
    from score_coverage import simulate_score_coverage


@pytest.mark.parametrize("level", [0.9, 0.8])
def test_new_patients_are_covered_as_promised(level):
    summary = simulate_score_coverage([100, 200], cohorts=15, n_new=200, level=level)
    np.testing.assert_allclose(summary["mean"], level, atol=0.03)  # three standard errors over cohorts


def test_cohorts_differ_less_in_coverage_with_more_patients():
    summary = simulate_score_coverage([60, 500], cohorts=10, n_new=500)
    assert summary["sd"][0] > 1.3 * summary["sd"][1]


def test_the_page_of_intervals_shows_the_stored_coverage():
    root = Path(__file__).parents[3]
    stored = pd.read_csv(root / "analyses" / "data" / "calibration" / "coverage_scores.csv")
    mean, sd = ([f"{value:.3f}"[1:] for value in stored[name]] for name in ("mean", "sd"))
    text = " ".join((root / "docs" / "intervals.md").read_text().split())
    assert (
        f"was {mean[0]} with 60 calibration patients, {mean[1]} with 100 and {mean[2]} with 500; between single "
        f"cohorts it differs by {sd[0]}, {sd[1]} and {sd[2]} (SD)"
    ) in text


def test_some_of_the_decided_are_on_the_wrong_side_but_fewer_than_by_chance():
    summary = simulate_score_coverage([200], cohorts=5, n_new=500, level=0.5)
    assert summary["decided"][0] > 0.03 and 0.02 < summary["error"][0] < 0.4
