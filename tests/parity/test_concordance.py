"""Harrell's C equals survival::concordance, pair by pair."""

from __future__ import annotations

import pandas as pd

from sequoia_stats.survival import harrell_c
from tests.parity.reference import assert_matches, inputs, outcome_of, reference


def counted(cohort: str) -> list[float]:
    table = inputs(f"cohorts/{cohort}")
    c = harrell_c(outcome_of(table), table["score"])
    return [c.c_index, c.concordant, c.discordant, c.tied_risk]


def test_index_and_pair_counts_equal_survival_concordance():
    want = reference("concordance/counts")
    got = pd.DataFrame([counted(cohort) for cohort in want.index], want.index, want.columns)
    assert_matches(got, want, rtol=1e-12)
