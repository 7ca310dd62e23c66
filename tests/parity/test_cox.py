"""Cox regression equals survival::coxph, even if a level has no event."""

from __future__ import annotations

from functools import cache

import pandas as pd
import pytest

from sequoia_stats.survival import CoxFit, cox_regression, likelihood_ratio
from tests.parity.reference import assert_matches, inputs, outcome_of, reference

MODELS = reference("cox/models")
COLUMNS = {"unadjusted": ["score"], "adjusted": ["score", "pam50", "er", "pr"]}


@cache
def fitted(case: str) -> CoxFit:
    cohort, model, ties = case.rsplit("_", 2)
    table = inputs(f"cohorts/{cohort}")
    return cox_regression(outcome_of(table), table[COLUMNS[model]], ties=ties)


@pytest.mark.parametrize("case", MODELS.index)
def test_every_term_equals_coxph(case):
    got = fitted(case).frame.set_index("term")
    assert_matches(got, reference(f"cox/{case}"), rtol=1e-6)


def test_likelihoods_and_counts_equal_coxph():
    want = MODELS[["n", "n_events", "n_missing", "log_likelihood_null", "log_likelihood"]]
    got = pd.DataFrame(
        [{c: getattr(fitted(case), c) for c in want.columns} for case in want.index], want.index
    )
    assert_matches(got, want, rtol=1e-10)


@pytest.mark.parametrize("case", [case for case in MODELS.index if "_adjusted_" in case])
def test_likelihood_ratio_of_the_score_equals_anova(case):
    cohort, _, ties = case.rsplit("_", 2)
    table, full = inputs(f"cohorts/{cohort}"), fitted(case)
    known = table[full.used]
    smaller = cox_regression(outcome_of(known), known[["pam50", "er", "pr"]], ties=ties)
    same_patients = cox_regression(outcome_of(known), known[COLUMNS["adjusted"]], ties=ties)
    test = likelihood_ratio(same_patients, smaller)
    got = pd.DataFrame([test], index=[case], columns=["lr_chi2", "lr_df", "lr_p"])
    assert_matches(got, MODELS.loc[[case], got.columns], rtol=1e-6)


@pytest.mark.parametrize("case", [case for case in MODELS.index if "_unadjusted_" in case])
def test_likelihood_ratio_against_no_covariate_equals_anova(case):
    got = pd.DataFrame([likelihood_ratio(fitted(case))], index=[case], columns=["lr_chi2", "lr_df", "lr_p"])
    assert_matches(got, MODELS.loc[[case], got.columns], rtol=1e-6)


@pytest.mark.parametrize("case", MODELS.index)
def test_a_note_is_written_exactly_where_coxph_warns_or_gives_na(case):
    fit = fitted(case)
    assert bool(fit.note) == bool(MODELS.loc[case, "infinite"] or MODELS.loc[case, "no_estimate"])
    assert fit.frame["coef"].isna().sum() == MODELS.loc[case, "no_estimate"]


@pytest.mark.parametrize("case", [case for case in MODELS.index if MODELS.loc[case, "infinite"]])
def test_the_note_says_what_the_warning_of_coxph_says(case):
    warning, note = MODELS.loc[case, "warning"], fitted(case).note
    assert ("did not converge" in note) == ("did not converge" in warning)
    assert "may be infinite" in note
