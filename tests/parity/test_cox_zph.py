"""The test of proportional hazards equals survival::cox.zph, for numbers and factors, tied and nearly tied times."""

from __future__ import annotations

import pytest

from sequoia_stats.survival import cox_regression, proportional_hazards_test
from tests.parity.reference import assert_matches, inputs, outcome_of, reference

TESTS = reference("cox_zph/tests")
COLUMNS = {"unadjusted": ["score"], "subtype": ["pam50"], "adjusted": ["score", "pam50", "er", "pr"]}


@pytest.mark.parametrize("case", TESTS["case"].unique())
def test_every_term_and_all_together_equal_cox_zph(case):
    cohort, model, ties = case.rsplit("_", 2)
    table = inputs(f"cohorts/{cohort}")
    fit = cox_regression(outcome_of(table), table[COLUMNS[model]], ties=ties)
    want = TESTS[TESTS["case"] == case].set_index("term").drop(columns="case")
    assert_matches(proportional_hazards_test(fit).frame.set_index("term"), want, rtol=1e-6)
