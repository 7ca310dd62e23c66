"""Cox models, their test of proportional hazards, the log-rank test and Harrell's C within strata equal R's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.survival import (
    CoxFit,
    compare_concordance,
    cox_regression,
    harrell_c,
    logrank_test,
    proportional_hazards_test,
)
from tests.parity.reference import assert_matches, inputs, outcome_of, reference

CASES = list(reference("strata/pairs").index)


def patients(case: str) -> tuple[pd.DataFrame, pd.Series]:
    """The cohort and the strata of a case such as "near_dates_drawn"."""
    cohort, by = case.rsplit("_", 1)
    table = inputs(f"cohorts/{cohort}")
    drawn = inputs(f"strata/{'ties' if cohort.startswith('near') else cohort}")["stratum"]
    return table, table.get(by, drawn)


def fitted(key: str) -> CoxFit:
    case, ties = key.rsplit("_", 1)
    table, strata = patients(case)
    return cox_regression(outcome_of(table), table[["score", "er"]], ties=ties, strata=strata)


def row_of(fit: CoxFit) -> list[float]:
    likelihoods = [fit.log_likelihood_null, fit.log_likelihood]
    return [fit.n, fit.n_events, fit.n_missing, *likelihoods, *fit.frame[["coef", "se"]].to_numpy().ravel()]


def test_models_equal_coxph_with_strata():
    want = reference("strata/models")
    got = pd.DataFrame([row_of(fitted(key)) for key in want.index], want.index, want.columns)
    assert_matches(got, want, rtol=1e-6, atol=1e-10)


def test_tests_of_proportional_hazards_equal_cox_zph():
    want = reference("strata/zph")
    found = [proportional_hazards_test(fitted(key)).frame["chi2"].to_numpy() for key in want.index]
    assert_matches(pd.DataFrame(found, want.index, want.columns), want, rtol=1e-6)


@pytest.mark.parametrize("key", reference("strata/tests").index)
def test_log_rank_tests_equal_survdiff_with_strata(key):
    case, by = key.rsplit("_", 1)
    table, strata = patients(case)
    half = pd.Series(np.where(table["score"] > table["score"].median(), "high", "low"), table.index)
    result = logrank_test(outcome_of(table), half if by == "half" else table[by], strata=strata)
    got = pd.DataFrame({"statistic": [result.statistic], "df": result.df, "p_value": result.p_value}, [key])
    assert_matches(got, reference("strata/tests").loc[[key]], rtol=1e-8)
    frame = result.frame.set_index("group")[["observed", "expected"]]
    assert_matches(frame, reference(f"strata/{key}"), rtol=1e-10)


def test_pairs_equal_concordance_with_strata():
    want = reference("strata/pairs")
    rows = []
    for case in want.index:
        table, strata = patients(case)
        known = strata.notna().to_numpy()
        c = harrell_c(outcome_of(table[known]), table["score"][known], strata=strata[known])
        rows.append([c.c_index, c.concordant, c.discordant, c.tied_risk])
    assert_matches(pd.DataFrame(rows, want.index, want.columns), want, rtol=1e-12)


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith(("tcga", "metabric", "scanb"))])
def test_differences_equal_those_of_concordance_and_their_spread_is_near_the_jackknife_of_r(case):
    table, strata = patients(case)
    known = (table["er"].notna() & strata.notna()).to_numpy()
    found = compare_concordance(
        outcome_of(table[known]), table.loc[known, ["score", "er"]], strata=strata[known], bootstrap=2000
    )
    want = reference("strata/differences").loc[case]
    assert found.pairs["c_difference"].tolist() == [pytest.approx(want["c_difference"], rel=1e-12)]
    spread = np.diff(found.replicates, axis=1).std(ddof=1)
    assert spread == pytest.approx(want["se"], rel=0.12)
