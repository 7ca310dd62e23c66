"""A Categorical enters a Cox model as R's factor() does, and groups that are missing leave the log-rank test."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.survival import CoxFit, cox_regression, logrank_test
from tests.parity.reference import assert_matches, inputs, outcome_of, reference

MODELS = reference("cox_factor/models")
TESTS = reference("cox_factor/tests")
SUBTYPES = ["LumA", "Basal", "LumB", "Her2", "Normal", "claudin-low"]
FACTORS = {
    "default": lambda code: pd.Categorical(code),
    "releveled": lambda code: pd.Categorical(code, [3, 1, 2, 4, 5, 6], ordered=True),
    "unused": lambda code: pd.Categorical(code, range(10)),
    "boolean": lambda code: pd.Categorical(code > 1),
}


@cache
def fitted(case: str) -> CoxFit:
    cohort, _, factor = case.rpartition("_")
    table = inputs(f"cohorts/{cohort}")
    code = table["pam50"].map({name: i + 1 for i, name in enumerate(SUBTYPES)})
    return cox_regression(outcome_of(table), table[["er"]].assign(g=FACTORS[factor](code))[["g", "er"]])


@pytest.mark.parametrize("case", MODELS.index)
def test_the_levels_of_integer_codes_equal_those_of_factor(case):
    want = reference(f"cox_factor/{case}")
    got = fitted(case).frame.set_index("term")[want.columns]
    assert_matches(got, want, rtol=1e-6)


def test_likelihoods_and_counts_equal_coxph():
    rows = [[fitted(case).n, fitted(case).n_missing, fitted(case).log_likelihood] for case in MODELS.index]
    assert_matches(pd.DataFrame(rows, MODELS.index, MODELS.columns), MODELS, rtol=1e-10)


@pytest.mark.parametrize(
    "written",
    [
        lambda er: er.to_numpy(),
        lambda er: [None if np.isnan(value) else bool(value) for value in er],
        lambda er: np.array([str(value) for value in er]),
        lambda er: er.astype("Int64"),
        lambda er: pd.Categorical(er),
    ],
    ids=["floats", "list with None", "texts with 'nan'", "Int64 with NA", "Categorical"],
)
def test_patients_without_a_group_are_left_out_as_by_survdiff(written):
    rows = []
    for cohort in TESTS.index:
        table = inputs(f"cohorts/{cohort}")
        test = logrank_test(outcome_of(table), written(table["er"]))
        assert test.n_missing == table["er"].isna().sum()
        first = test.frame.iloc[0]
        rows.append([test.frame["n"].sum(), test.statistic, first["observed"], first["expected"]])
    assert_matches(pd.DataFrame(rows, TESTS.index, TESTS.columns), TESTS, rtol=1e-8)
