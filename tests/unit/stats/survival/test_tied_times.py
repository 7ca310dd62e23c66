"""No statistic sees a difference of rounding between times: jitter below the tolerance changes nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequoia_stats.survival import (
    breslow_log_likelihood,
    cox_deviance,
    cox_regression,
    cox_score,
    harrell_c,
    kaplan_meier_curve,
    logrank_test,
    median_follow_up,
)
from sequoia_stats.survival.risk_sets import RiskSets
from sequoia_stats.types.outcome import Outcome
from tests.build.cohorts import make_cohort
from tests.build.strategies import outcomes, outcomes_with_groups, outcomes_with_risk

SEEDS = st.integers(0, 99)


def jittered(outcome: Outcome, seed: int) -> Outcome:
    """The outcome with times up to 1.4e-8 later, which is a tie at any mean."""
    moved = outcome.time + np.random.default_rng(seed).choice([0, 3e-15, 7e-9, 1.4e-8], outcome.n)
    return Outcome(moved, outcome.event, outcome.endpoint)


@given(outcomes(), SEEDS)
def test_risk_sets_hold_the_same_patients(outcome, seed):
    got, want = RiskSets.of(jittered(outcome, seed)), RiskSets.of(outcome)
    np.testing.assert_array_equal(got.order, want.order)
    np.testing.assert_array_equal(
        [got.first, got.events, got.censored], [want.first, want.events, want.censored]
    )


@given(outcomes(), SEEDS)
@settings(max_examples=30)
def test_curves_and_follow_up_differ_by_the_jitter_alone(outcome, seed):
    got, want = kaplan_meier_curve(jittered(outcome, seed)), kaplan_meier_curve(outcome)
    pd.testing.assert_frame_equal(got.frame, want.frame, rtol=0, atol=1.5e-8)
    np.testing.assert_allclose(
        [got.median, median_follow_up(jittered(outcome, seed))],
        [want.median, median_follow_up(outcome)],
        rtol=0,
        atol=1.5e-8,
    )


@given(outcomes(), SEEDS)
@settings(max_examples=30)
def test_numbers_at_risk_and_survival_at_whole_months_are_the_same(outcome, seed):
    months = np.arange(10)
    got, want = kaplan_meier_curve(jittered(outcome, seed)), kaplan_meier_curve(outcome)
    np.testing.assert_array_equal(got.at_risk(months), want.at_risk(months))
    np.testing.assert_array_equal(got.at(months), want.at(months))


@given(outcomes_with_groups(), SEEDS)
@settings(max_examples=30)
def test_the_log_rank_test_is_the_same(case, seed):
    outcome, groups = case
    got, want = logrank_test(jittered(outcome, seed), groups), logrank_test(outcome, groups)
    assert (got.statistic, got.df, got.p_value) == (want.statistic, want.df, want.p_value)
    pd.testing.assert_frame_equal(got.frame, want.frame)


@given(outcomes_with_risk(), SEEDS)
def test_concordance_with_its_interval_is_the_same(case, seed):
    outcome, risk = case
    moved = harrell_c(jittered(outcome, seed), risk, bootstrap=5)
    assert repr(moved) == repr(harrell_c(outcome, risk, bootstrap=5))


@given(outcomes_with_risk(), SEEDS)
def test_log_likelihood_and_gradient_are_the_same(case, seed):
    outcome, risk = case
    moved, x = jittered(outcome, seed), np.column_stack([risk, risk**2])
    assert breslow_log_likelihood(risk, moved) == breslow_log_likelihood(risk, outcome)
    np.testing.assert_array_equal(cox_score(x, risk, moved), cox_score(x, risk, outcome))


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@given(seed=SEEDS)
@settings(max_examples=10)
def test_a_cox_model_is_the_same(ties, seed):
    made = make_cohort(n=120, events=60, ties=True, planted={"G1": 0.8}, genes=3)
    got = cox_regression(jittered(made.outcome, seed), made.expression, ties=ties)
    pd.testing.assert_frame_equal(
        got.frame, cox_regression(made.outcome, made.expression, ties=ties).frame, rtol=1e-12
    )


@given(seed=SEEDS)
@settings(max_examples=10)
def test_the_order_of_patients_does_not_decide_who_is_tied(seed):
    made = make_cohort(n=120, events=60, ties=True, planted={"G1": 0.8}, genes=3)
    outcome, order = jittered(made.outcome, seed), np.random.default_rng(seed).permutation(made.n)
    got = cox_regression(outcome[order], made.expression.iloc[order])
    pd.testing.assert_frame_equal(
        got.frame, cox_regression(outcome, made.expression).frame, rtol=1e-8, atol=1e-12
    )


def test_glmnet_takes_two_events_that_differ_by_rounding_as_two_times():
    near, apart = (
        Outcome([1.0, later, 3.0], [True, True, False], "OS") for later in (np.nextafter(1, 2), 2.0)
    )
    risk = np.array([0.3, -1.0, 0.5])
    assert cox_deviance(risk, near) == cox_deviance(risk, apart)


def test_glmnet_puts_a_censoring_behind_an_event_that_is_later_by_rounding():
    near = Outcome([np.nextafter(1, 2), 1.0, 3.0], [True, False, True], "OS")
    same = Outcome([1.0, 1.0, 3.0], [True, False, True], "OS")
    assert cox_deviance([0.3, -1.0, 0.5], near) == cox_deviance([0.3, -1.0, 0.5], same)
