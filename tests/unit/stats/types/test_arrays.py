"""Numbers are read from whatever holds them, and tables meet row by row only if their labels agree."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sequoia_stats.association import benjamini_hochberg, correlation_p, fisher_mean, pearson
from sequoia_stats.association.prediction_errors import rmse
from sequoia_stats.compare import mann_whitney, signed_rank
from sequoia_stats.errors import InputError
from sequoia_stats.types.arrays import as_numbers, as_series, float_array, unmasked

GENERATOR = np.random.default_rng(0)
X = pd.DataFrame(GENERATOR.normal(size=(20, 3)), [f"S{i}" for i in range(20)], ["A", "B", "C"])
Y = pd.DataFrame(GENERATOR.normal(size=(20, 3)), X.index, X.columns)


@pytest.mark.parametrize(
    "form",
    [
        lambda table: table.to_numpy().tolist(),
        lambda table: table.astype("Float64"),
        lambda table: table.astype("float64[pyarrow]"),
        lambda table: sparse.csr_matrix(table.to_numpy()),
        lambda table: table.to_numpy(),
    ],
    ids=["lists", "Float64", "pyarrow", "sparse", "array"],
)
def test_correlations_and_errors_read_any_table(form):
    np.testing.assert_allclose(pearson(form(X), form(Y)).r, pearson(X, Y).r, rtol=1e-12)
    np.testing.assert_allclose(rmse(form(X), form(Y)), rmse(X, Y), rtol=1e-12)


def test_a_missing_value_of_a_nullable_type_is_left_out():
    gap = X.astype("Float64").mask(X > 1)
    assert pearson(gap, Y).n.tolist() == (X <= 1).sum().tolist()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.ma.masked_equal([1, 2, 3], 2), [1, None, 3]),
        (np.ma.masked_equal([1.0, 2.0, 3.0], 2), [1, np.nan, 3]),
        (np.ma.masked_array(["a", "b", "c"], [0, 1, 0]), ["a", None, "c"]),
        (np.ma.masked_array([True, False, True], [0, 1, 0]), [True, None, True]),
        (np.ma.masked_equal(np.array([[1], [2], [3]]), 2), [1, None, 3]),
        (list(np.ma.masked_equal([1, 2, 3], 2)), [1, None, 3]),
    ],
)
def test_what_is_masked_is_missing(values, expected):
    series = as_series(values, "groups")
    assert series.isna().tolist() == [False, True, False]
    assert series.dropna().tolist() == [expected[0], expected[2]]


def test_bytes_become_texts():
    assert as_series(np.array(["a", "ä".encode()], dtype="S"), "groups").tolist() == ["a", "ä"]


@pytest.mark.parametrize("call", [as_series, as_numbers])
def test_complex_numbers_describe_no_patient(call):
    with pytest.raises(InputError, match="the groups are complex numbers"):
        call(np.array([1j, 2]), "groups")


@pytest.mark.parametrize("dtype", [float, int])
def test_masked_numbers_are_nan(dtype):
    masked = np.ma.masked_greater((X.to_numpy() * 10).astype(dtype), 10)
    plain = masked.astype(float).filled(np.nan)
    np.testing.assert_array_equal(float_array(masked, "values"), plain)
    np.testing.assert_array_equal(pearson(masked, Y.to_numpy()).r, pearson(plain, Y.to_numpy()).r)
    assert unmasked(np.ma.masked_array([1, 2])).tolist() == [1, 2]


@pytest.mark.parametrize("other", [Y.iloc[::-1], Y[["C", "B", "A"]], Y.rename(index={"S3": "T3"})])
def test_tables_with_other_labels_are_refused(other):
    for method in (pearson, rmse):
        with pytest.raises(InputError, match="have different labels, or the same in another order"):
            method(X, other)


def test_pairs_with_other_labels_are_refused_and_samples_are_not():
    with pytest.raises(InputError, match="different labels"):
        signed_rank(X["A"], Y["A"].iloc[::-1])
    assert mann_whitney(X["A"], Y["A"].iloc[::-1]).p == mann_whitney(X["A"], Y["A"]).p


@pytest.mark.parametrize(
    "call",
    [
        lambda: pearson([["a"]], [[1.0]]),
        lambda: pearson(None, [[1.0]]),
        lambda: pearson([[1, 2], [3]], [[1.0]]),
        lambda: pearson(X.assign(A=pd.Timestamp("2020")), Y),
        lambda: benjamini_hochberg(["a"]),
        lambda: correlation_p([0.1], ["x"]),
        lambda: fisher_mean([0.1, 0.2], ["a", "b"]),
        lambda: signed_rank(["a"], [1.0]),
        lambda: float_array(pd.to_timedelta([1], "D"), "times"),
        lambda: float_array(np.array([1j]), "numbers"),
        lambda: float_array(pd.Series([1j]), "numbers"),
    ],
)
def test_what_is_not_numbers_is_refused(call):
    with pytest.raises(InputError, match=r"not numbers|matrix of numbers"):
        call()
