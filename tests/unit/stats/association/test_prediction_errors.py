"""Errors of prediction against plain formulas, and quartiles against numpy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from sequoia_stats.association.prediction_errors import (
    explained_variance,
    interquartile_range,
    mae,
    minmax,
    normalised_rmse,
    rmse,
)
from sequoia_stats.errors import InputError
from tests.build.cohorts import make_matrices


def numpy_iqr(x):
    low, high = np.nanquantile(x.astype(np.float64), [0.25, 0.75], axis=0)
    return high - low


@pytest.mark.parametrize(
    ("function", "formula"),
    [
        (rmse, lambda x, y: np.sqrt(np.nanmean((x - y) ** 2, axis=0))),
        (mae, lambda x, y: np.nanmean(np.abs(x - y), axis=0)),
        (explained_variance, lambda x, y: 1 - np.nanvar(x - y, axis=0) / np.nanvar(x, axis=0)),
    ],
)
def test_errors_equal_their_formulas_over_the_rows_that_are_complete(function, formula):
    x, y, _ = make_matrices(n=50, genes=200, missing=0.2)
    np.testing.assert_allclose(function(x, y), formula(x, y), rtol=1e-12)


def test_a_constant_error_is_all_of_the_rmse_and_none_of_the_variance():
    x = 1e8 + make_matrices()[0]
    np.testing.assert_allclose(rmse(x, x - 2), 2, rtol=1e-14)
    np.testing.assert_allclose(mae(x, x - 2), 2, rtol=1e-14)
    np.testing.assert_allclose(explained_variance(x, x - 2), 1, rtol=1e-14)


def test_a_constant_gene_has_an_error_and_no_share_of_its_variance():
    x, y = np.full((4, 1), 0.1), np.array([[0.1], [0.1], [0.1], [2.1]])
    np.testing.assert_allclose(rmse(x, y), 1)
    assert np.isnan(explained_variance(x, y)).all()


# --- quartiles -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7, 8, 9, 301])
def test_the_interquartile_range_is_exact_for_every_number_of_rows(n, dtype, order):
    x = np.asarray(100 * make_matrices(n=n, genes=300)[0], dtype, order=order)
    np.testing.assert_allclose(interquartile_range(x), numpy_iqr(x), rtol=1e-12, atol=1e-12)


@given(arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(-3, 3)))
def test_ties_do_not_move_the_quartiles(x):
    np.testing.assert_allclose(interquartile_range(x), numpy_iqr(x), atol=1e-14)


def test_missing_values_have_no_part_in_the_interquartile_range():
    x = make_matrices(n=40, genes=300, missing=0.1)[0]
    x[:, 7] = make_matrices(n=40, genes=1, seed=1)[0][:, 0]  # a column that is complete
    np.testing.assert_allclose(interquartile_range(x), numpy_iqr(x), rtol=1e-12)


def test_a_column_without_values_has_no_interquartile_range():
    x = np.column_stack([np.full(5, np.nan), np.arange(5)])
    np.testing.assert_array_equal(interquartile_range(x), [np.nan, 2])


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_the_measured_values_stay_where_they_are(order, missing):
    x = np.asarray(make_matrices(n=100, genes=200, missing=missing)[0], order=order)
    before = x.copy()
    interquartile_range(x)
    np.testing.assert_array_equal(x, before)


def test_quartiles_do_not_depend_on_the_number_of_threads():
    x = make_matrices(n=30, genes=1000, missing=0.05)[0]
    assert interquartile_range(x, jobs=1).tobytes() == interquartile_range(x, jobs=3).tobytes()


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_values_have_no_interquartile_range(value):
    x = make_matrices()[0]
    x[0, 0], x[1, 0] = value, np.nan
    with pytest.raises(InputError, match="infinite values"):
        interquartile_range(x)


def test_no_columns_have_no_interquartile_range():
    assert interquartile_range(np.empty((4, 0))).shape == (0,)


# --- scales ----------------------------------------------------------------------------------------------------------


@given(st.floats(0.01, 100), st.floats(-100, 100))
def test_the_normalised_rmse_has_no_unit(scale, offset):
    x, y, _ = make_matrices(genes=3)
    want = normalised_rmse(rmse(x, y), interquartile_range(x))
    x, y = scale * x + offset, scale * y + offset
    np.testing.assert_allclose(normalised_rmse(rmse(x, y), interquartile_range(x)), want, rtol=1e-8)


def test_a_gene_without_spread_has_no_normalised_rmse():
    np.testing.assert_array_equal(normalised_rmse([1.0, 2.0], [0.0, 4.0]), [np.nan, 0.5])


@given(arrays(np.float64, st.integers(1, 20), elements=st.floats(0, 1e6) | st.just(np.nan)))
def test_minmax_fills_0_to_1_and_keeps_the_order(values):
    scaled = minmax(values)
    known = scaled[~np.isnan(values)]
    assert np.isnan(scaled[np.isnan(values)]).all()
    assert ((known >= 0) & (known <= 1)).all()
    assert (np.diff(known[np.argsort(values[~np.isnan(values)])]) >= 0).all()


def test_minmax_of_equal_values_is_0_and_of_none_is_nothing():
    np.testing.assert_array_equal(minmax([3.0, 3.0, np.nan]), [0, 0, np.nan])
    assert np.isnan(minmax([np.nan, np.nan])).all()
