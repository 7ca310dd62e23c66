"""Correlations of all columns against one column at a time; tests between correlations; what holds for any data."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from statsmodels.stats.multitest import multipletests

from sequoia_stats.association import (
    ALTERNATIVES,
    METHODS,
    benjamini_hochberg,
    correlation_p,
    dependent_correlation_ci,
    dependent_correlation_test,
    fisher_mean,
    moments,
    pearson,
)
from sequoia_stats.errors import InputError
from tests.build.cohorts import make_matrices
from tests.build.strategies import correlations_of_three

SIZES = st.integers(5, 2000)
EXTREMES = [-1.0, np.nextafter(-1, 0), -0.5, 0.0, 1e-300, 0.5, np.nextafter(1, 0), 1.0]


def one_column(x, y, z):
    """The fields of `Moments` for one column, by scipy and plain formulas."""
    there = ~np.isnan(x + y + z)
    x, y, z = x[there], y[there], z[there]
    pairs = [stats.pearsonr(a, b)[0] for a, b in ((x, y), (x, z), (y, z))]
    errors = [np.sqrt(np.mean((x - y) ** 2)), np.sqrt(np.mean((x - z) ** 2)), np.mean(np.abs(x - y))]
    return [len(x), *pairs, *errors, 1 - np.var(x - y) / np.var(x)]


def exact_r(x, y):
    """Pearson's r from whole fractions, rounded once at the end."""
    x, y = ([Fraction(value) for value in values.tolist()] for values in (x, y))
    u, v = ([value - sum(values) / len(values) for value in values] for values in (x, y))
    products, squares, others = (
        sum(a * b for a, b in zip(p, q, strict=True)) for p, q in ((u, v), (u, u), (v, v))
    )
    return float(products) / np.sqrt(float(squares)) / np.sqrt(float(others))


# --- all columns at once ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_moments_equal_those_of_one_column_at_a_time(missing):
    matrices = make_matrices(n=60, genes=150, missing=missing)
    got = moments(*matrices).to_frame().to_numpy()
    want = [one_column(*(m[:, j] for m in matrices)) for j in range(150)]
    np.testing.assert_allclose(got, want, rtol=1e-11)


def test_pearson_equals_scipy():
    x, y, _ = make_matrices(genes=30)
    got = pearson(x, y)
    want = [stats.pearsonr(x[:, j], y[:, j]) for j in range(30)]
    np.testing.assert_allclose(np.column_stack([got.r, got.p]), want, rtol=1e-10)


def test_a_gap_in_either_matrix_leaves_the_row_out_of_that_column():
    x, y, _ = make_matrices(n=20, genes=2)
    x[3, 0], y[5, 0], x[0, 1] = np.nan, np.nan, np.nan
    got = pearson(x, y)
    kept = np.delete(np.arange(20), [3, 5])
    assert list(got.n) == [18, 19]
    np.testing.assert_allclose(got.r[0], stats.pearsonr(x[kept, 0], y[kept, 0])[0], rtol=1e-12)


def test_a_gap_in_the_untrained_values_leaves_the_row_out_of_everything():
    x, y, z = make_matrices(n=20, genes=2)
    z[0, 0], z[7, 1] = np.nan, np.nan
    want = [one_column(*(m[:, j] for m in (x, y, z))) for j in range(2)]
    np.testing.assert_allclose(moments(x, y, z).to_frame(), want, rtol=1e-12)


def test_without_untrained_values_what_refers_to_them_is_missing():
    found = moments(*make_matrices()[:2])
    assert np.isnan([found.r13, found.r23, found.rmse_untrained]).all()
    assert not np.isnan([found.r12, found.rmse, found.mae, found.explained_variance]).any()


@pytest.mark.parametrize("value", [0.0, 0.1, 1e8 / 3, -1e-300])
def test_a_constant_column_has_r_0_and_p_1(value):
    x, y, _ = make_matrices(n=1000, genes=3)
    x[:, 1] = value
    x[7, 1] = np.nan
    got = pearson(x, y)
    assert (got.r[1], got.p[1], got.n[1]) == (0, 1, 999)
    assert (pearson(y, x).r[1], pearson(y, x).p[1]) == (0, 1)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_than_three_rows_have_r_0_and_p_1(n):
    x, y, _ = make_matrices(n=10, genes=1)
    x[n:] = np.nan
    got = pearson(x, y)
    assert (got.r[0], got.p[0], got.n[0]) == (0, 1, n)


def test_a_column_without_values_has_no_error():
    x, y, z = make_matrices(n=10, genes=1)
    found = moments(np.full_like(x, np.nan), y, z)
    assert np.isnan([found.rmse, found.rmse_untrained, found.mae, found.explained_variance]).all()


def test_equal_columns_have_r_of_exactly_1_and_no_error():
    x = make_matrices(n=333, genes=40)[0]
    found = moments(x, x, -x)
    assert (found.r12 == 1).all() and (found.r13 == -1).all() and (found.r23 == -1).all()
    assert (found.rmse == 0).all() and (found.mae == 0).all() and (found.explained_variance == 1).all()


def test_a_large_offset_costs_no_digits():
    x, y, z = (1e8 + 1e-3 * m for m in make_matrices(n=300, genes=4))
    want = [exact_r(x[:, j], y[:, j]) for j in range(4)]
    found = moments(x, y, z)
    np.testing.assert_allclose(found.r12, want, rtol=1e-12)
    np.testing.assert_allclose(found.rmse, np.sqrt(np.mean((x - y) ** 2, axis=0)), rtol=1e-12)


@pytest.mark.parametrize("outlier", [1e4, 1e9])
def test_an_outlier_in_the_first_row_costs_no_digits(outlier):
    x, y, _ = make_matrices(n=300, genes=4)
    x[0] += outlier
    want = [exact_r(x[:, j], y[:, j]) for j in range(4)]
    np.testing.assert_allclose(pearson(x, y).r, want, rtol=1e-9)


@pytest.mark.parametrize("scale", [1e-120, 1e-30, 1e30, 1e120])
def test_units_do_not_matter(scale):
    x, y, _ = make_matrices()
    np.testing.assert_allclose(pearson(scale * x, scale * y).r, pearson(x, y).r, rtol=1e-12)


def test_float32_is_summed_in_float64():
    matrices = [m.astype(np.float32) for m in make_matrices(n=500, genes=300, missing=0.1)]
    wide = [m.astype(np.float64) for m in matrices]
    np.testing.assert_array_equal(moments(*matrices).to_frame(), moments(*wide).to_frame())


@pytest.mark.parametrize(
    "arranged",
    [
        np.asfortranarray,
        lambda m: np.repeat(m, 2, axis=1)[:, ::2],
        lambda m: m[::-1][::-1],
        lambda m: m.astype(">f8"),
        lambda m: np.asfortranarray(m.astype(">f8")),
    ],
    ids=["columns", "every-second", "backwards", "big-endian", "big-endian-columns"],
)
def test_the_arrangement_in_memory_does_not_matter(arranged):
    matrices = make_matrices(n=700, genes=300, missing=0.1)
    want = moments(*matrices).to_frame()
    np.testing.assert_array_equal(moments(*map(arranged, matrices)).to_frame(), want)


def test_matrices_that_cannot_be_written_to_are_read():
    matrices = make_matrices()
    want = moments(*matrices).to_frame()
    _ = [m.setflags(write=False) for m in matrices]
    np.testing.assert_array_equal(moments(*matrices).to_frame(), want)


@pytest.mark.parametrize("arranged", [np.ascontiguousarray, np.asfortranarray])
def test_some_of_the_rows_may_be_used_without_a_copy(arranged):
    matrices = [arranged(m) for m in make_matrices(n=900, genes=300, missing=0.1)]
    chosen = np.arange(900) % 3 != 1
    want = moments(*(m[chosen] for m in matrices)).to_frame()
    np.testing.assert_array_equal(moments(*matrices, rows=chosen).to_frame(), want)
    np.testing.assert_array_equal(moments(*matrices, rows=np.flatnonzero(chosen)).to_frame(), want)


def test_types_may_differ():
    x, y, z = (np.round(m) for m in make_matrices())
    got = moments(x.astype(np.float32), y.astype(int), z)
    np.testing.assert_array_equal(got.to_frame(), moments(x, y, z).to_frame())


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_the_number_of_threads_does_not_change_a_bit(threads):
    matrices = make_matrices(n=30, genes=2000, missing=0.1)
    one = moments(*matrices, jobs=1).to_frame().to_numpy()
    assert moments(*matrices, jobs=threads).to_frame().to_numpy().tobytes() == one.tobytes()


def test_no_columns_have_no_statistics():
    assert moments(np.empty((5, 0)), np.empty((5, 0))).to_frame().shape == (0, 8)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_memory_stays_under_half_the_input_beyond_it(dtype, order):
    matrices = [np.asarray(m, dtype, order=order) for m in make_matrices(n=500, genes=4000)]
    pearson(*make_matrices()[:2])  # compiles
    tracemalloc.start()
    moments(*matrices, jobs=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * sum(m.nbytes for m in matrices)


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e200])
def test_infinite_and_enormous_values_are_refused_by_column(value):
    x, y, _ = make_matrices(genes=5)
    x[[0, 3], 2] = value
    x[4, 4], x[5, 4] = value, np.nan
    with pytest.raises(InputError, match="2 of 5 columns") as error:
        pearson(x, y)
    assert error.value.where == "columns 3, 5"


@pytest.mark.parametrize("values", [[1.0, 2.0], [["a"], ["b"]], [[None], [1.0]], [[1j], [2j]]])
def test_what_is_not_a_matrix_of_numbers_is_refused(values):
    with pytest.raises(InputError, match="a matrix of numbers is needed"):
        pearson(values, [[1.0], [2.0]])


def test_matrices_of_different_shapes_are_refused():
    with pytest.raises(InputError, match=r"\(2, 3\) and \(3, 2\)"):
        pearson(np.ones((2, 3)), np.ones((3, 2)))


@pytest.mark.parametrize(
    ("words", "choices"),
    [({"method": "steigers"}, ", ".join(METHODS)), ({"alternative": "two.sided"}, ", ".join(ALTERNATIVES))],
)
def test_an_unknown_word_is_refused_with_the_choices(words, choices):
    with pytest.raises(InputError, match=f"is not a valid .*\n.*use {choices}"):
        dependent_correlation_test(0.3, 0.4, 0.5, 100, **words)


@pytest.mark.parametrize("r", [1.01, -2.0, np.nan])
@pytest.mark.parametrize(
    "function",
    [
        lambda r: correlation_p(r, 10),
        lambda r: dependent_correlation_test(0.1, r, 0.1, 10),
        lambda r: dependent_correlation_ci(0.1, 0.1, r, 10),
        lambda r: fisher_mean([r, 0.1]),
    ],
)
def test_what_is_not_a_correlation_is_refused(function, r):
    with pytest.raises(InputError, match="numbers from -1 to 1"):
        function(r)


def test_a_correlation_beyond_1_by_rounding_is_1():
    assert correlation_p(1 + 2e-16, 10) == 0


@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_a_level_outside_0_to_1_is_refused(level):
    with pytest.raises(InputError, match="level must be between 0 and 1"):
        dependent_correlation_ci(0.3, 0.4, 0.5, 100, level=level)


# --- what holds for any data -----------------------------------------------------------------------------------------


@given(
    arrays(np.float64, (12, 2), elements=st.integers(-50, 50)),
    st.floats(0.01, 100),
    st.floats(-1000, 1000),
    st.permutations(range(12)),
)
def test_r_changes_neither_with_unit_and_offset_nor_with_the_order_of_samples(table, scale, offset, order):
    x, y = table[:, :1], table[:, 1:]
    want, got = pearson(x, y), pearson((scale * x + offset)[order], y[order])
    np.testing.assert_allclose(got.r, want.r, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(pearson(-x, y).r, -want.r, rtol=1e-12, atol=1e-15)


@given(st.floats(-1, 1), st.integers(3, 10**6))
def test_the_p_value_lies_between_0_and_1_and_does_not_see_the_sign(r, n):
    assert 0 <= correlation_p(r, n) <= 1
    assert correlation_p(r, n) == correlation_p(-r, n)


def test_small_p_values_do_not_end_at_1e_16():
    assert 0 < correlation_p(0.95, 240) < 1e-115


# --- dependent correlations ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@given(correlations_of_three(), SIZES)
def test_exchanging_the_two_correlations_turns_the_test_round(method, r, n):
    a, b, c = r
    forth, back = (dependent_correlation_test(*pair, c, n, method=method) for pair in ((a, b), (b, a)))
    assert forth.statistic == -back.statistic
    assert forth.p == back.p
    greater = dependent_correlation_test(a, b, c, n, method=method, alternative="greater")
    assert greater.p == dependent_correlation_test(b, a, c, n, method=method, alternative="less").p


@pytest.mark.parametrize("method", METHODS)
@given(correlations_of_three(), SIZES)
def test_turning_the_shared_variable_round_turns_the_test_round(method, r, n):
    a, b, c = r
    forth, turned = (dependent_correlation_test(*pair, c, n, method=method) for pair in ((a, b), (-a, -b)))
    assert turned.statistic == pytest.approx(-forth.statistic, rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
@given(correlations_of_three(), SIZES)
def test_the_tails_belong_together(method, r, n):
    two, greater, less, absolute = (
        dependent_correlation_test(*r, n, method=method, alternative=word).p for word in ALTERNATIVES
    )
    assert two == 2 * min(greater, less) == 2 * absolute
    assert greater + less == pytest.approx(1)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("method", METHODS)
def test_no_combination_of_correlations_gives_a_missing_value(method, alternative):
    a, b, c, n = np.meshgrid(EXTREMES, EXTREMES, EXTREMES, [0, 3, 4, 1130])
    test = dependent_correlation_test(a, b, c, n, method=method, alternative=alternative)
    assert ((test.p >= 0) & (test.p <= 1)).all()
    assert not np.isnan(test.statistic).any()
    assert not np.isnan(dependent_correlation_ci(a, b, c, n)).any()


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("method", METHODS)
def test_what_cannot_be_tested_has_p_1(method, alternative):
    test = dependent_correlation_test(
        [0.3, 0.4], [0.3, 0.1], [1.0, 0.2], [100, 3], method=method, alternative=alternative
    )
    assert list(test.statistic) == [0, 0]
    assert list(test.p) == [1, 1]


@pytest.mark.parametrize("method", METHODS)
def test_opposite_predictions_are_told_apart(method):
    test = dependent_correlation_test([0.5, 0.5 - 1e-9], [-0.5, -0.5], [-1.0, -1 + 1e-9], 100, method=method)
    assert (test.p < 1e-6).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_perfect_prediction_beats_any_other(method):
    test = dependent_correlation_test(1.0, 0.5, 0.5, 100, method=method, alternative="greater")
    assert test.p < 1e-12


def test_degrees_of_freedom_are_those_of_student_or_infinite():
    sizes = [2, 4, 1130]
    assert list(dependent_correlation_test(0.3, 0.4, 0.5, sizes, method="williams").df) == [0, 1, 1127]
    assert np.isinf(dependent_correlation_test(0.3, 0.4, 0.5, sizes).df).all()


def test_tests_of_many_genes_equal_those_of_one():
    found = moments(*make_matrices(genes=20, missing=0.1))
    arguments = (found.r12, found.r13, found.r23, found.n)
    alone = [dependent_correlation_test(*one).p for one in zip(*arguments, strict=True)]
    np.testing.assert_array_equal(dependent_correlation_test(*arguments).p, alone)


@given(correlations_of_three(), st.integers(10, 2000))
def test_zous_interval_holds_the_difference_and_grows_with_the_level(r, n):
    a, b, _ = r
    (low, high), (lower, higher) = (dependent_correlation_ci(*r, n, level=level) for level in (0.9, 0.95))
    assert lower <= low <= a - b <= high <= higher
    back = dependent_correlation_ci(b, a, r[2], n)
    np.testing.assert_allclose(back, (-higher, -lower), rtol=1e-9, atol=1e-12)


# --- averages and false discovery rate -------------------------------------------------------------------------------


@given(arrays(np.float64, 6, elements=st.floats(-1, 1)))
def test_fishers_mean_lies_between_the_correlations(r):
    assert r.min() - 1e-12 <= fisher_mean(r) <= r.max() + 1e-12
    assert fisher_mean(-r) == pytest.approx(-fisher_mean(r), abs=1e-12)


def test_weights_of_folds_may_be_one_a_fold_or_one_a_gene():
    r, sizes = np.array([[0.1, 0.5], [0.3, -0.2], [0.9, 0.0]]), np.array([10.0, 0.0, 30.0])
    want = [np.tanh(np.average(np.arctanh(column), weights=sizes)) for column in r.T]
    np.testing.assert_allclose(fisher_mean(r, sizes), want)
    np.testing.assert_allclose(fisher_mean(r, np.column_stack([sizes, sizes])), want)
    np.testing.assert_allclose(fisher_mean(r.T, sizes, axis=1), want)


def test_no_weight_at_all_gives_0_and_a_negative_one_is_refused():
    assert fisher_mean([0.5, 0.6], [0, 0]) == 0
    with pytest.raises(InputError, match="must not be negative"):
        fisher_mean([0.5, 0.6], [1, -1])


@given(
    arrays(
        np.float64,
        st.integers(1, 40),
        elements=st.sampled_from([0, 1e-300, 0.001, 0.01, 0.03, 0.5, 0.999, 1]),
    )
)
def test_adjusted_p_values_equal_those_of_statsmodels(p):
    np.testing.assert_allclose(benjamini_hochberg(p), multipletests(p, method="fdr_bh")[1], rtol=1e-13)


@given(arrays(np.float64, 15, elements=st.floats(0, 1)), st.permutations(range(15)))
def test_adjustment_does_not_depend_on_the_order_and_never_lowers_p(p, order):
    adjusted = benjamini_hochberg(p)
    np.testing.assert_array_equal(benjamini_hochberg(p[order]), adjusted[order])
    assert (adjusted >= p * (1 - 1e-15)).all()
    assert (adjusted <= 1).all()


def test_no_p_values_need_no_adjustment():
    assert benjamini_hochberg([]).shape == (0,)


@pytest.mark.parametrize("p", [[0.5, np.nan], [-0.1], [1.1], [[0.1], [0.2]]])
def test_what_is_not_a_list_of_p_values_is_refused(p):
    with pytest.raises(InputError, match="from 0 to 1"):
        benjamini_hochberg(p)
