"""Kaplan-Meier curves equal survival::survfit, medians its summary."""

from __future__ import annotations

import pandas as pd
import pytest

from sequoia_stats.survival import kaplan_meier_curve, median_follow_up
from tests.parity.reference import NEAR_TIES, assert_matches, inputs, outcome_of, reference


@pytest.mark.parametrize("cohort", ["tcga_pfi", "scanb_os", "metabric_rfs", "ties", "half", *NEAR_TIES])
def test_curve_band_and_counts_equal_survfit(cohort):
    curve = kaplan_meier_curve(outcome_of(inputs(f"cohorts/{cohort}")))
    # atol: at the end of a curve of all events, R has 0 and rounding leaves 1e-16
    assert_matches(curve.frame.set_index("time"), reference(f"kaplan_meier/{cohort}"), rtol=1e-8, atol=1e-14)


MEDIANS = reference("kaplan_meier/medians")


@pytest.mark.parametrize("case", MEDIANS.index)
def test_medians_and_follow_up_equal_survfit(case):
    cohort, group = case.split(" ")
    table = inputs(f"cohorts/{cohort}")
    outcome = outcome_of(table[(table["pam50"] == group) | (group == "all")])
    curve = kaplan_meier_curve(outcome)
    values = [
        curve.n,
        curve.n_events,
        curve.median,
        curve.median_low,
        curve.median_high,
        median_follow_up(outcome),
    ]
    assert_matches(pd.DataFrame([values], [case], MEDIANS.columns), MEDIANS.loc[[case]], rtol=1e-12)
