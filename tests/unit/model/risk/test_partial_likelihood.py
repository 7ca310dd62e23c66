"""The Cox loss: against a count over all risk sets, by its invariances, and where exponentials overflow."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sequoia_model.errors import InputError
from sequoia_model.risk.partial_likelihood import cox_loss
from tests.build.strategies import outcomes_with_risk

both = pytest.mark.parametrize("ties", ["efron", "breslow"])


def make_patients(n: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-hazards, few distinct times and events, so that all kinds of ties occur."""
    drawn = np.random.default_rng(seed)
    return drawn.normal(size=n), drawn.integers(1, 9, n).astype(float), drawn.random(n) < 0.6


def log_sum(values: list[float], weights: list[float]) -> float:
    """log Σ w·exp(v), with the largest v subtracted and the terms added exactly."""
    top = max(values)
    return top + math.log(math.fsum(w * math.exp(v - top) for v, w in zip(values, weights, strict=True)))


def counted(eta: np.ndarray, time: np.ndarray, event: np.ndarray, ties: str) -> float:
    """The loss, patient by patient and term by term."""
    total = 0.0
    for t in set(time[event]):
        at_risk = [i for i in range(len(eta)) if time[i] >= t]
        failing = [i for i in at_risk if event[i] and time[i] == t]
        for k in range(len(failing)):
            share = Fraction(k, len(failing)) if ties == "efron" else 0
            weights = [float(1 - share) if i in failing else 1.0 for i in at_risk]
            total += eta[failing[k]] - log_sum([eta[i] for i in at_risk], weights)
    return -total / event.sum()


def gradient(eta: np.ndarray, time: np.ndarray, event: np.ndarray, ties: str = "efron") -> np.ndarray:
    """The gradient by the log-hazards."""
    x = torch.tensor(eta, requires_grad=True)
    cox_loss(x, time, event, ties=ties).backward()
    assert x.grad is not None
    return x.grad.numpy()


@both
@given(outcomes_with_risk())
def test_it_is_the_count_over_all_risk_sets(ties, made):
    outcome, eta = made
    got = float(cox_loss(torch.tensor(eta), outcome.time, outcome.event, ties=ties))
    assert got == pytest.approx(counted(eta, outcome.time, outcome.event, ties), rel=1e-12, abs=1e-12)


@both
@pytest.mark.parametrize("size", [1.0, 100.0, 1e4])
def test_large_log_hazards_lose_no_digit(ties, size):
    eta, time, event = make_patients()
    got = float(cox_loss(torch.tensor(size * eta), time, event, ties=ties))
    assert got == pytest.approx(counted(size * eta, time, event, ties), rel=1e-12)


@both
@pytest.mark.parametrize("size", [1.0, 10.0])
def test_the_gradient_is_that_of_finite_differences(ties, size):
    eta, time, event = make_patients(25)
    x = torch.tensor(size * eta, requires_grad=True)
    assert torch.autograd.gradcheck(lambda values: cox_loss(values, time, event, ties=ties), x)


@both
@pytest.mark.parametrize("size", [100.0, 1e4])
def test_the_gradient_at_large_log_hazards_is_that_of_central_differences(ties, size):
    eta, time, event = make_patients(25)
    step = 1e-4
    moved = size * eta + step * np.vstack([np.eye(25), -np.eye(25)])
    losses = [counted(row, time, event, ties) for row in moved]
    slopes = (np.array(losses[:25]) - losses[25:]) / (2 * step)
    np.testing.assert_allclose(gradient(size * eta, time, event, ties), slopes, atol=1e-6)


@both
@pytest.mark.parametrize("size", [100.0, 1e4, 1e300])
def test_no_log_hazard_gives_nan(ties, size):
    eta = size * np.array([1.0, -1.0, 1.0, -1.0, 0.0])
    time, event = np.array([1.0, 1.0, 2.0, 2.0, 2.0]), np.array([True, True, True, True, False])
    assert np.isfinite(float(cox_loss(torch.tensor(eta), time, event, ties=ties)))
    assert np.isfinite(gradient(eta, time, event, ties)).all()


@both
@given(outcomes_with_risk(), st.randoms())
def test_the_order_of_patients_changes_nothing(ties, made, random):
    outcome, eta = made
    order = random.sample(range(outcome.n), outcome.n)
    one = gradient(eta, outcome.time, outcome.event, ties)
    other = gradient(eta[order], outcome.time[order], outcome.event[order], ties)
    np.testing.assert_allclose(other, one[order], atol=1e-13)


@both
@given(outcomes_with_risk(), st.integers(-1000, 1000))
def test_a_constant_added_to_all_log_hazards_changes_nothing(ties, made, constant):
    outcome, eta = made
    one, other = (
        float(cox_loss(torch.tensor(values), outcome.time, outcome.event, ties=ties))
        for values in (eta, eta + constant)
    )
    assert other == pytest.approx(one, abs=1e-11)


@both
@given(outcomes_with_risk())
def test_the_gradient_adds_up_to_zero(ties, made):
    outcome, eta = made
    assert gradient(eta, outcome.time, outcome.event, ties).sum() == pytest.approx(0, abs=1e-13)


@given(outcomes_with_risk())
def test_times_count_by_their_order_alone(made):
    outcome, eta = made
    one, other = (gradient(eta, time, outcome.event) for time in (outcome.time, outcome.time**3))
    np.testing.assert_array_equal(one, other)


def test_a_censoring_at_the_time_of_an_event_is_still_at_risk():
    eta = torch.zeros(2)
    assert float(cox_loss(eta, np.array([1.0, 1.0]), np.array([True, False]))) == pytest.approx(math.log(2))


def test_efron_and_breslow_differ_only_where_events_tie():
    eta, time, event = make_patients()
    apart = np.arange(40.0)
    one, other = (
        float(cox_loss(torch.tensor(eta), apart, event, ties=ties)) for ties in ("efron", "breslow")
    )
    assert one == other
    assert float(cox_loss(torch.tensor(eta), time, event)) < float(
        cox_loss(torch.tensor(eta), time, event, ties="breslow")
    )


@both
@pytest.mark.parametrize("value", [0.3, math.inf, math.nan])
def test_without_events_loss_and_gradient_are_zero(ties, value):
    eta, time = np.array([value, 1.0]), np.array([1.0, 2.0])
    none = np.array([False, False])
    assert float(cox_loss(torch.tensor(eta), time, none, ties=ties)) == 0
    assert gradient(eta, time, none, ties).tolist() == [0, 0]


@both
@pytest.mark.parametrize("event", [True, False])
def test_one_patient_says_nothing(ties, event):
    one = np.array([event])
    assert float(cox_loss(torch.tensor([5.0]), np.array([1.0]), one, ties=ties)) == 0
    assert gradient(np.array([5.0]), np.array([1.0]), one, ties).tolist() == [0]


def test_a_column_of_float32_gives_a_float64_loss_and_a_float32_gradient():
    eta, time, event = make_patients()
    x = torch.tensor(eta, dtype=torch.float32).reshape(-1, 1).requires_grad_()
    loss = cox_loss(x, torch.tensor(time), torch.tensor(event))
    loss.backward()
    assert loss.dtype == torch.float64
    assert x.grad is not None and x.grad.dtype == torch.float32 and x.grad.shape == (40, 1)


def test_shapes_that_differ_are_refused():
    with pytest.raises(InputError, match=r"differ in shape: \(2,\), \(3,\), \(2,\)"):
        cox_loss(torch.zeros(2), np.ones(3), np.ones(2, dtype=bool))


def test_other_names_of_ties_are_refused():
    with pytest.raises(InputError, match="'exact' is not a valid ties"):
        cox_loss(torch.zeros(2), np.ones(2), np.ones(2, dtype=bool), ties="exact")
