"""Transforms of expression: definitions, invariances, and the way back from stored parameters."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

from sequoia_stats.errors import InputError
from sequoia_stats.signature.transforms import (
    MAX_QUANTILES,
    TRANSFORMS,
    check_units,
    fit_transform,
    rank_normal,
    standardise,
    within_cohort,
)

columns = arrays(
    np.float64, st.tuples(st.integers(2, 30), st.just(2)), elements=st.integers(-50, 50).map(float)
)


def test_rank_scores_are_normal_quantiles_of_blom_positions():
    expected = norm.ppf((np.array([2, 1, 3]) - 0.375) / 3.25)
    np.testing.assert_allclose(rank_normal(np.array([[5.0], [1.0], [9.0]]))[:, 0], expected, rtol=1e-14)


def test_ties_share_the_average_rank():
    scores = rank_normal(np.array([[1.0], [1.0], [7.0]]))[:, 0]
    np.testing.assert_allclose(scores[:2], norm.ppf((1.5 - 0.375) / 3.25), rtol=1e-14)


@given(columns)
def test_rank_scores_ignore_any_increasing_change_of_scale(x):
    np.testing.assert_array_equal(rank_normal(x), rank_normal(np.exp(x / 10) * 3 + 1))


@given(columns)
def test_rank_scores_change_sign_with_the_expression(x):
    np.testing.assert_allclose(rank_normal(-x), -rank_normal(x), atol=1e-12)


@given(columns, st.floats(0.5, 20), st.floats(-5, 5))
def test_zscores_ignore_location_and_scale(x, scale, shift):
    np.testing.assert_allclose(standardise(x * scale + shift), standardise(x), atol=1e-8)


@pytest.mark.parametrize("name", ["rank", "zscore"])
def test_a_constant_gene_scores_zero(name):
    np.testing.assert_array_equal(within_cohort(name, np.full((7, 1), 0.1)), np.zeros((7, 1)))


def test_zscore_uses_the_n_minus_1_standard_deviation():
    np.testing.assert_allclose(standardise(np.array([[1.0], [2.0], [3.0]]))[:, 0], [-1, 0, 1])


@pytest.mark.parametrize("name", TRANSFORMS)
@given(x=columns)
def test_stored_parameters_reproduce_the_training_cohort(name, x):
    x = np.abs(x)
    np.testing.assert_allclose(fit_transform(name, x).apply(x), within_cohort(name, x), atol=1e-12)


def test_a_large_cohort_keeps_at_most_201_quantiles_with_both_ends():
    x = np.random.default_rng(0).normal(size=(2000, 1))
    stored = fit_transform("rank", x).parameters[0]
    assert MAX_QUANTILES / 2 < len(stored["values"]) == len(stored["scores"]) <= MAX_QUANTILES
    assert (stored["values"][0], stored["values"][-1]) == (x.min(), x.max())


def test_interpolated_rank_scores_stay_close_to_the_exact_ones():
    x = np.random.default_rng(1).normal(size=(2000, 1))
    exact, stored = rank_normal(x), fit_transform("rank", x).apply(x)
    assert np.abs(exact - stored).max() < np.ptp(exact) / 200


def test_values_beyond_the_training_range_get_the_score_of_its_end():
    fitted = fit_transform("rank", np.array([[1.0], [2.0], [3.0]]))
    np.testing.assert_array_equal(
        fitted.apply(np.array([[-9.0], [99.0]]))[:, 0], np.array(fitted.parameters[0]["scores"])[[0, -1]]
    )


def test_log2_adds_one():
    np.testing.assert_array_equal(within_cohort("log2", np.array([[0.0], [3.0]])), [[0.0], [2.0]])


@pytest.mark.parametrize(
    ("values", "unit", "words"),
    [([1.0, 2.0], "z-score", "1 z-scores"), ([1.0, 2.0], "log2(FPKM+0.1)", "1 logarithms"),
     ([-1.0, 2.0], "not stated", "1 others with negative")],
)  # fmt: skip
def test_log2_refuses_and_names_genes_that_have_no_logarithm(values, unit, words):
    frame = pd.DataFrame({"ESR1": values, "GATA3": [1.0, 2.0]})
    with pytest.raises(InputError, match=words) as caught:
        check_units("log2", frame, pd.Series({"ESR1": unit, "GATA3": "RSEM"}))
    assert caught.value.where == "ESR1"


def test_an_unknown_transform_is_refused_with_the_choices():
    with pytest.raises(InputError, match="'rnak' is not a valid transform") as caught:
        within_cohort("rnak", np.ones((2, 1)))
    assert "rank, zscore, log2, none" in caught.value.fix
