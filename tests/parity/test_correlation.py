"""Correlations, tests between them and errors of prediction equal R's."""

from __future__ import annotations

import pandas as pd
import pytest

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
from sequoia_stats.association.prediction_errors import interquartile_range, minmax, normalised_rmse
from tests.parity.reference import assert_matches, inputs, reference


def columns() -> pd.DataFrame:
    """Every statistic of the triples of columns, each triple by itself."""
    rows = []
    for table, *names in inputs("correlation/triples").itertuples(index=False):
        x, y, z = (inputs(f"correlation/{table}")[[name]] for name in names)
        found, iqr = moments(x, y, z), interquartile_range(x)
        rows.append(
            found.to_frame().assign(
                p=correlation_p(found.r12, found.n), iqr=iqr, nrmse=normalised_rmse(found.rmse, iqr)
            )
        )
    return pd.concat(rows).set_axis(inputs("correlation/triples").index)


def dependent(table: pd.DataFrame) -> pd.DataFrame:
    """All tests of all rows of r12, r13, r23 and n."""
    found = {}
    arguments = [table[name] for name in ("r12", "r13", "r23", "n")]
    for method in METHODS:
        found[f"{method} statistic"] = dependent_correlation_test(*arguments, method=method).statistic
        for alternative in ALTERNATIVES:
            test = dependent_correlation_test(*arguments, method=method, alternative=alternative)
            found[f"{method} {alternative}"] = test.p
    for level in (0.9, 0.95):
        found[f"low {level}"], found[f"high {level}"] = dependent_correlation_ci(*arguments, level=level)
    return pd.DataFrame(found, table.index)


def test_correlations_and_errors_of_columns_equal_those_of_r():
    assert_matches(columns(), reference("correlation/columns"), rtol=1e-10)


def test_pearson_equals_cor_test_where_values_are_missing():
    table, want = inputs("correlation/simulated"), reference("correlation/columns").loc["c8"]
    got = pearson(table[["x1"]], table[["y1"]])
    assert_matches(
        got.to_frame().set_axis(["c8"]),
        want[["r12", "p", "n"]].rename({"r12": "r"}).to_frame().T,
        rtol=1e-12,
    )


@pytest.mark.parametrize("table", ["columns", "grid"])
def test_dependent_tests_and_intervals_equal_those_of_r(table):
    given = reference("correlation/columns") if table == "columns" else inputs("correlation/grid")
    assert_matches(dependent(given), reference(f"correlation/dependent_{table}"), rtol=1e-9, atol=1e-300)


def test_fishers_mean_equals_that_of_psych():
    grid, want = inputs("correlation/grid"), reference("correlation/fisher_means")
    got = [fisher_mean(grid["r12"]), fisher_mean(grid["r13"], grid["n"] - 3)]
    assert_matches(pd.DataFrame({"mean": got}, want.index), want, rtol=1e-12)


def test_adjusted_p_values_equal_those_of_p_adjust():
    want = reference("correlation/adjusted")
    got = benjamini_hochberg(inputs("correlation/p_values")["p"])
    assert_matches(pd.DataFrame({"adjusted": got}, want.index), want, rtol=1e-14)


def test_minmax_scaling_equals_the_written_formula():
    want = reference("correlation/minmax")
    got = minmax(reference("correlation/columns")["nrmse"])
    assert_matches(pd.DataFrame({"minmax": got}, want.index), want, rtol=1e-12, atol=1e-15)
