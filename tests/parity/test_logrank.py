"""The log-rank test equals survival::survdiff."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.survival import LogRank, logrank_test
from tests.parity.reference import NEAR_TIES, assert_matches, inputs, outcome_of, reference

COHORTS = ["tcga_pfi", "scanb_os", "metabric_rfs", "tcga_6_months", "ties", *NEAR_TIES]


def compared(cohort: str, by: str) -> LogRank:
    table = inputs(f"cohorts/{cohort}")
    table["half"] = np.where(table["score"] > table["score"].median(), "high", "low")
    return logrank_test(outcome_of(table), table[by])


@pytest.mark.parametrize("by", ["pam50", "half"])
@pytest.mark.parametrize("cohort", COHORTS)
def test_observed_and_expected_events_equal_survdiff(cohort, by):
    got = compared(cohort, by).frame.set_index("group")
    assert_matches(got, reference(f"logrank/{cohort}_{by}"), rtol=1e-10)


def test_statistic_and_p_value_equal_survdiff():
    want = reference("logrank/tests")
    results = [compared(*case.rsplit("_", 1)) for case in want.index]
    got = pd.DataFrame([[r.statistic, r.df, r.p_value] for r in results], want.index, want.columns)
    assert_matches(got, want, rtol=1e-8)
