"""Partial correlations: one column at a time by regression, and what holds for any data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sequoia_stats.association import partial_correlation, pearson
from sequoia_stats.errors import InputError
from tests.build.cohorts import make_matrices


def covariates(n=40, seed=0):
    """A number, an indicator, and a combination of both."""
    generator = np.random.default_rng([seed, 8])
    age, group = generator.normal(58, 12, n), generator.integers(0, 2, n).astype(float)
    return np.column_stack([age, group, 3 * age - group + 1])


def one_column(x, y, z):
    """r, p, n and degrees of freedom of one column, by least squares."""
    there = ~np.isnan(x + y)
    design = np.column_stack([np.ones(there.sum()), z[there]])
    u, v = (w[there] - design @ np.linalg.lstsq(design, w[there], rcond=None)[0] for w in (x, y))
    r, df = u @ v / np.sqrt((u @ u) * (v @ v)), there.sum() - 1 - np.linalg.matrix_rank(design)
    t = r * np.sqrt(df / (1 - r**2))
    return [r, 2 * stats.t.sf(abs(t), df), there.sum(), df]


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_all_columns_equal_one_column_at_a_time(missing):
    x, y, _ = make_matrices(genes=300, missing=missing)
    z = covariates()
    want = [one_column(x[:, j], y[:, j], z) for j in range(300)]
    np.testing.assert_allclose(partial_correlation(x, y, z).to_frame(), want, rtol=1e-10)


def test_without_covariates_it_is_pearsons_r():
    x, y, _ = make_matrices(missing=0.1)
    found, plain = partial_correlation(x, y, np.zeros((40, 0))), pearson(x, y)
    np.testing.assert_allclose(found.r, plain.r, rtol=1e-12)
    np.testing.assert_allclose(found.p, plain.p, rtol=1e-10)


def test_a_covariate_that_explains_both_leaves_nothing():
    z = covariates(n=2000)[:, :1]
    noise = np.random.default_rng(1).normal(size=(2000, 2))
    x, y = z + noise[:, :1], z + noise[:, 1:]
    assert pearson(x, y).r[0] > 0.9
    assert abs(partial_correlation(x, y, z).r[0]) < 0.06


@given(st.integers(0, 50), st.floats(-100, 100), st.floats(0.01, 100))
def test_adding_covariates_to_a_column_changes_nothing(seed, weight, scale):
    x, y, _ = make_matrices(genes=3, seed=seed)
    z = covariates(seed=seed)
    moved = partial_correlation(scale * x + weight * z[:, :1], y - weight * z[:, 1:2], z)
    np.testing.assert_allclose(moved.r, partial_correlation(x, y, z).r, rtol=1e-8, atol=1e-9)


def test_rows_choose_a_part_without_reading_the_rest():
    x, y, _ = make_matrices()
    z = covariates()
    z[30:] = np.nan
    chosen = partial_correlation(x, y, z, rows=np.arange(40) < 30)
    np.testing.assert_array_equal(chosen.r, partial_correlation(x[:30], y[:30], z[:30]).r)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_column_that_is_constant_or_explained_has_r_0_and_p_1(dtype):
    x, y, _ = make_matrices(genes=2)
    z = covariates()
    x[:, 0], x[:, 1] = 0.1, 3 * z[:, 0] - z[:, 1]
    found = partial_correlation(x.astype(dtype), y.astype(dtype), z)
    assert found.r.tolist() == [0, 0] and found.p.tolist() == [1, 1]


def test_without_degrees_of_freedom_r_is_0_and_p_is_1():
    x, y, _ = make_matrices(n=4, genes=2)
    found = partial_correlation(x, y, covariates(n=4))
    assert (found.r.tolist(), found.p.tolist(), found.df.tolist()) == ([0, 0], [1, 1], [0, 0])


def test_a_missing_covariate_and_other_shapes_are_refused():
    x, y, _ = make_matrices()
    z = covariates()
    with pytest.raises(InputError, match="shapes differ"):
        partial_correlation(x, y, z[1:])
    with pytest.raises(InputError, match="values are infinite"):
        partial_correlation(np.where(x > 6, np.inf, x), y, z)
    z[0, 0] = np.nan
    with pytest.raises(InputError, match="a covariate is missing"):
        partial_correlation(x, y, z)
