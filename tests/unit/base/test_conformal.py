"""The order statistic of conformal prediction: its rank, its promise, and weights of rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequoia_base.conformal import conformal_radius, conformal_rank, largest_level
from sequoia_base.errors import InputError

LEVELS = st.sampled_from([0.5, 0.55, 0.8, 0.9, 0.95])


def brute_radius(residuals, level, weights, new_weight):
    """The smallest residual at which the weight of those up to it is `level` of all, by trying each."""
    kept = ~np.isnan(residuals)
    total = weights[kept].sum() + new_weight
    for value in np.sort(residuals[kept]):
        if weights[kept & (residuals <= value)].sum() >= level * total * (1 - 1e-9):
            return value
    return np.inf


@pytest.mark.parametrize(
    ("n", "level", "rank"), [(9, 0.9, 9), (99, 0.55, 55), (99, 0.9, 90), (8, 0.9, 9), (0, 0.5, 1)]
)
def test_the_rank_counts_the_new_patient(n, level, rank):
    assert conformal_rank(n, level) == rank


@given(st.integers(1, 500), LEVELS)
def test_intervals_are_finite_up_to_the_largest_level(n, level):
    assert (conformal_rank(n, level) <= n) == (level <= largest_level(n))


@given(st.integers(1, 500))
def test_the_largest_level_itself_gives_a_finite_interval(n):
    assert conformal_rank(n, largest_level(n)) == n


@pytest.mark.parametrize("level", [0, 1, 90, -0.1, np.nan])
def test_a_level_outside_0_and_1_is_refused(level):
    with pytest.raises(InputError, match="a number between 0 and 1"):
        conformal_rank(10, level)


def test_the_radius_is_the_ranked_residual_of_each_column():
    residuals = np.abs(np.random.default_rng(0).normal(size=(37, 5, 3)))
    expected = np.sort(residuals, axis=0)[conformal_rank(37, 0.9) - 1]
    np.testing.assert_array_equal(conformal_radius(residuals, 0.9), expected)


def test_the_whole_line_where_the_rank_exceeds_the_number_of_patients():
    residuals = np.ones((9, 2))
    residuals[0, 1] = np.nan
    np.testing.assert_array_equal(conformal_radius(residuals, 0.9), [1, np.inf])


def test_patients_without_a_measurement_are_left_out_of_the_column():
    residuals = np.abs(np.random.default_rng(1).normal(size=(40, 6)))
    residuals[np.random.default_rng(2).random(residuals.shape) < 0.4] = np.nan
    expected = [conformal_radius(column[~np.isnan(column)], 0.8) for column in residuals.T]
    np.testing.assert_array_equal(conformal_radius(residuals, 0.8), expected)


def test_blocks_of_columns_change_nothing(monkeypatch):
    residuals = np.abs(np.random.default_rng(3).normal(size=(30, 17)))
    whole = conformal_radius(residuals, 0.9), conformal_radius(residuals, 0.9, np.ones(30), [1, 2])
    monkeypatch.setattr("sequoia_base.conformal.quantiles._BLOCK", 60)
    blocks = conformal_radius(residuals, 0.9), conformal_radius(residuals, 0.9, np.ones(30), [1, 2])
    np.testing.assert_array_equal(blocks[0], whole[0])
    np.testing.assert_array_equal(blocks[1], whole[1])


def test_the_residuals_stay_as_they_are():
    residuals = np.abs(np.random.default_rng(4).normal(size=(30, 4)))
    before = residuals.copy()
    conformal_radius(residuals, 0.9)
    conformal_radius(residuals, 0.9, np.ones(30))
    np.testing.assert_array_equal(residuals, before)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=60), LEVELS)
def test_equal_weights_give_the_plain_rank(values, level):
    residuals = np.array(values)
    assert conformal_radius(residuals, level, np.ones(len(values))) == conformal_radius(residuals, level)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=30), st.integers(1, 7), LEVELS)
def test_a_patient_with_the_same_residual_on_every_slide_counts_once(values, slides, level):
    residuals = np.repeat(values, slides)
    weighted = conformal_radius(residuals, level, np.full(len(residuals), 1 / slides))
    assert weighted == conformal_radius(np.array(values), level)


@given(st.integers(0, 2**32 - 1), LEVELS)
def test_weights_give_the_smallest_residual_that_reaches_the_level(seed, level):
    rng = np.random.default_rng(seed)
    residuals, weights, new = rng.gamma(1, size=(25, 3)), rng.gamma(1, size=25), rng.gamma(1, size=4)
    residuals[rng.random(residuals.shape) < 0.2] = np.nan
    expected = [[brute_radius(column, level, weights, one) for column in residuals.T] for one in new]
    np.testing.assert_array_equal(conformal_radius(residuals, level, weights, new), expected)


def test_intervals_hold_a_new_value_as_often_as_promised():
    draws = np.abs(np.random.default_rng(5).normal(size=(21, 20_000)))
    covered = draws[0] <= conformal_radius(draws[1:], 0.9)  # (n + 1) · 0.9 = 18.9, so the rank 19 of 21
    assert covered.mean() == pytest.approx(19 / 21, abs=0.006)
