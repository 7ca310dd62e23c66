"""Log-likelihood and gradient equal coxph's at fixed coefficients, the deviance glmnet's."""

from __future__ import annotations

import pandas as pd
import pytest

from sequoia_stats.survival import breslow_log_likelihood, cox_deviance, cox_score
from tests.parity.reference import assert_matches, inputs, outcome_of, reference

TERMS = ["score", "er", "pr"]
VALUES = reference("partial_likelihood/values")


@pytest.mark.parametrize("cohort", VALUES["cohort"].unique())
def test_log_likelihood_deviance_and_gradient_equal_r(cohort):
    want = VALUES[VALUES["cohort"] == cohort].set_index("beta").drop(columns="cohort")
    table = inputs(f"cohorts/{cohort}").dropna(subset=TERMS)
    x, outcome = table[TERMS].to_numpy(float), outcome_of(table)
    eta = x @ inputs("partial_likelihood/betas").to_numpy().T
    got = pd.DataFrame([cox_score(x, column, outcome) for column in eta.T], want.index, TERMS)
    got["log_likelihood"] = breslow_log_likelihood(eta, outcome)
    got["deviance"] = cox_deviance(eta, outcome)
    assert_matches(got, want, rtol=1e-8)
