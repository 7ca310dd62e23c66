"""The vectorised partial likelihood against loops over patients, and what must leave it unchanged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequoia_stats.errors import InputError
from sequoia_stats.survival import breslow_log_likelihood, cox_deviance, cox_score
from sequoia_stats.types.outcome import Outcome
from tests.build.cohorts import make_outcome
from tests.build.strategies import outcomes_with_risk


def by_loop(eta: np.ndarray, outcome: Outcome) -> float:
    """Breslow's formula, patient by patient."""
    time, event = outcome.time, outcome.event
    return sum(eta[i] - np.log(np.exp(eta[time >= time[i]]).sum()) for i in range(outcome.n) if event[i])


@given(outcomes_with_risk())
def test_log_likelihood_is_the_sum_over_events_of_their_risk_sets(case):
    outcome, eta = case
    np.testing.assert_allclose(
        breslow_log_likelihood(eta, outcome), by_loop(eta, outcome), rtol=1e-12, atol=1e-12
    )


@given(outcomes_with_risk())
def test_score_is_the_derivative_of_the_log_likelihood(case):
    outcome, eta = case
    x = np.column_stack([eta**2, np.arange(outcome.n) / outcome.n])
    steps = 1e-5 * np.eye(2)
    up = breslow_log_likelihood(eta[:, None] + x @ steps, outcome)
    down = breslow_log_likelihood(eta[:, None] - x @ steps, outcome)
    np.testing.assert_allclose(cox_score(x, eta, outcome), (up - down) / 2e-5, rtol=1e-6, atol=1e-6)


@given(outcomes_with_risk(), st.floats(-50, 50))
def test_adding_a_constant_to_the_predictor_changes_nothing(case, constant):
    outcome, eta = case
    np.testing.assert_allclose(
        breslow_log_likelihood(eta + constant, outcome),
        breslow_log_likelihood(eta, outcome),
        rtol=1e-9,
        atol=1e-9,
    )


@given(outcomes_with_risk(), st.randoms(use_true_random=False))
def test_the_order_of_patients_does_not_matter(case, random):
    outcome, eta = case
    order = np.array(random.sample(range(outcome.n), outcome.n))
    np.testing.assert_allclose(
        cox_deviance(eta[order], outcome[order]), cox_deviance(eta, outcome), rtol=1e-12
    )


@given(outcomes_with_risk())
def test_deviance_is_never_negative(case):
    outcome, eta = case
    assert cox_deviance(eta, outcome) >= -1e-10


def test_columns_are_models_of_their_own():
    outcome, eta = make_outcome(), np.random.default_rng(1).normal(size=(60, 4))
    single = [cox_deviance(column, outcome) for column in eta.T]
    np.testing.assert_allclose(cox_deviance(eta, outcome), single, rtol=1e-13)


@pytest.mark.parametrize("spread", [1e3, 1e5])
def test_a_predictor_that_overflows_exp_stays_finite_and_exact(spread):
    outcome = Outcome([1.0, 2.0, 3.0], [True, True, False], "OS")
    # every risk set is led by its last patient, so each event costs the difference to it
    np.testing.assert_allclose(breslow_log_likelihood([0, spread, 2 * spread], outcome), -3 * spread)
    # led by its first patient, an event costs nothing
    np.testing.assert_allclose(breslow_log_likelihood([2 * spread, spread, 0], outcome), 0, atol=1e-12)


def test_score_stays_finite_where_exp_overflows():
    outcome = Outcome([1.0, 2.0, 3.0], [True, True, False], "OS")
    x = np.array([[1.0], [2.0], [4.0]])
    np.testing.assert_allclose(cox_score(x, [0, 1e3, 2e3], outcome), [(1 - 4) + (2 - 4)])


def test_without_events_the_likelihood_and_its_gradient_are_zero():
    outcome, eta = make_outcome(events=0), np.linspace(-1, 1, 60)
    assert breslow_log_likelihood(eta, outcome) == 0
    assert cox_deviance(eta[:, None], outcome).tolist() == [0.0]
    assert cox_score(eta[:, None], eta, outcome).tolist() == [0.0]


def test_saturated_likelihood_counts_tied_events():
    outcome = Outcome([1.0, 1.0, 2.0], [True, True, True], "OS")
    # at best each of two tied events has half of its risk set: l_sat = -2 log 2
    np.testing.assert_allclose(cox_deviance([100.0, 100.0, 0.0], outcome), 0, atol=1e-12)


def test_rows_that_do_not_match_the_patients_are_refused():
    with pytest.raises(InputError, match="59 rows cannot describe 60 patients"):
        cox_deviance(np.zeros((59, 2)), make_outcome())


def test_complex_covariates_are_refused():
    outcome = make_outcome()
    for x in (np.ones(60) + 1j, pd.Series(np.ones(60) + 1j)):
        with pytest.raises(InputError, match="some of the covariates are not numbers"):
            breslow_log_likelihood(x, outcome)
