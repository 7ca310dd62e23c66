"""The ridge Cox baseline: the maximum it finds, the penalty it chooses, its invariances, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from sequoia_model.errors import InputError
from sequoia_model.risk.concordance import concordance
from sequoia_model.risk.partial_likelihood import cox_loss
from sequoia_model.risk.ridge_cox import fit_ridge_cox


def make_patients(n: int = 60, d: int = 8, seed: int = 0, effect: float = 1.0) -> tuple[np.ndarray, ...]:
    """Features, tied times and events; the first feature moves the hazard."""
    drawn = np.random.default_rng(seed)
    x = drawn.normal(size=(n, d)) * drawn.uniform(0.5, 3, d) + 5
    time = np.ceil(4 * drawn.exponential(np.exp(-effect * (x[:, 0] - 5))))
    return x, time, drawn.random(n) < 0.7


def log_likelihood(eta: np.ndarray, time: np.ndarray, event: np.ndarray) -> float:
    """By the loss of the networks, which R's values check."""
    return -event.sum() * float(cox_loss(torch.tensor(eta), time, event))


def plain_maximum(x: np.ndarray, time: np.ndarray, event: np.ndarray, penalty: float) -> np.ndarray:
    """Log-hazards at the maximum, by a general method."""
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    found = minimize(
        lambda beta: -log_likelihood(z @ beta, time, event) / len(x) + penalty / 2 * beta @ beta,
        np.zeros(z.shape[1]),
        method="BFGS",
        options={"gtol": 1e-7},
    )
    return z @ found.x


@pytest.mark.parametrize("penalty", [0.01, 0.1, 1.0])
@pytest.mark.parametrize(("n", "d"), [(60, 4), (12, 14)])
def test_it_is_the_maximum_that_a_general_method_finds(n, d, penalty):
    x, time, event = make_patients(n, d)
    fit = fit_ridge_cox(x, time, event, penalties=[penalty])
    np.testing.assert_allclose(fit.predict(x), plain_maximum(x, time, event, penalty), atol=1e-4)


def test_the_penalty_has_the_largest_likelihood_of_left_out_patients():
    x, time, event = make_patients(effect=0.6)
    fit = fit_ridge_cox(x, time, event)
    tried = fit.left_out[~np.isnan(fit.left_out)]
    assert fit.penalty == fit.penalties[tried.argmax()]
    assert 0 < tried.argmax() < len(tried) - 1


def test_the_likelihood_of_left_out_patients_is_what_they_add():
    x, time, event = make_patients(20, 3)
    event[:] = np.arange(20) % 2 == 0
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    fit = fit_ridge_cox(z, time, event, penalties=[0.1, 0.5])
    order = np.random.default_rng(0).permutation(20)
    order = np.append(order[event[order]], order[~event[order]])
    want = 0.0
    for part in range(5):
        others = np.setdiff1d(np.arange(20), order[part::5])
        found = minimize(
            lambda beta, rows=others: (
                -log_likelihood(z[rows] @ beta, time[rows], event[rows]) + len(rows) * 0.25 * beta @ beta
            ),
            np.zeros(3),
            method="BFGS",
        ).x
        want += log_likelihood(z @ found, time, event)
        want -= log_likelihood(z[others] @ found, time[others], event[others])
    assert fit.penalties.tolist() == [0.5, 0.1]
    assert fit.left_out[0] == pytest.approx(want, rel=1e-5)


def test_features_that_say_nothing_get_a_strong_penalty():
    x, time, event = make_patients(120, effect=0.0)
    told, silent = make_patients(120, effect=1.0), fit_ridge_cox(x, time, event)
    assert silent.penalty > 10 * fit_ridge_cox(*told).penalty
    assert silent.predict(x).std() < 0.2


def test_it_orders_new_patients_of_more_features_than_patients():
    x, time, event = make_patients(200, 150, effect=1.0)
    fit = fit_ridge_cox(x[:100], time[:100], event[:100])
    assert concordance(time[100:], event[100:], fit.predict(x[100:])) > 0.6


def test_unit_and_origin_of_features_change_nothing():
    x, time, event = make_patients()
    one, other = fit_ridge_cox(x, time, event), fit_ridge_cox(1000 * x - 3, time, event)
    assert other.penalty == pytest.approx(one.penalty)
    np.testing.assert_allclose(other.predict(1000 * x - 3), one.predict(x), atol=1e-8)


def test_times_count_by_their_order_alone():
    x, time, event = make_patients()
    one, other = fit_ridge_cox(x, time, event), fit_ridge_cox(x, time**2, event)
    np.testing.assert_array_equal(one.predict(x), other.predict(x))


def test_the_order_of_patients_changes_nothing_at_a_given_penalty():
    x, time, event = make_patients()
    order = np.random.default_rng(1).permutation(len(x))
    one = fit_ridge_cox(x, time, event, penalties=[0.1])
    other = fit_ridge_cox(x[order], time[order], event[order], penalties=[0.1])
    np.testing.assert_allclose(one.coefficients, other.coefficients, atol=1e-10)


def test_the_same_seed_gives_the_same_bytes():
    x, time, event = make_patients()
    one, other = (fit_ridge_cox(x, time, event, seed=3).coefficients for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_a_constant_feature_counts_for_nothing():
    x, time, event = make_patients()
    with_constant = fit_ridge_cox(np.column_stack([x, np.full(len(x), 7.0)]), time, event, penalties=[0.1])
    alone = fit_ridge_cox(x, time, event, penalties=[0.1])
    np.testing.assert_allclose(with_constant.coefficients, np.append(alone.coefficients, 0.0), atol=1e-10)


def test_constant_features_give_no_risk():
    _, time, event = make_patients()
    assert fit_ridge_cox(np.ones((60, 3)), time, event).predict(np.ones((2, 3))).tolist() == [0, 0]


def test_features_that_order_the_events_do_not_run_away():
    time = np.arange(1.0, 31)
    fit = fit_ridge_cox(-time[:, None], time, np.ones(30, dtype=bool), penalties=[1e-6])
    assert np.isfinite(fit.coefficients).all()
    assert concordance(time, np.ones(30, dtype=bool), fit.predict(-time[:, None])) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"time": np.ones(59)}, "do not fit together"),
        ({"event": np.arange(60) == 3}, "needs 2 training patients or more with an event, and there is 1"),
        ({"penalties": [0.0]}, "penalties must be numbers above 0"),
        ({"penalties": []}, "penalties must be numbers above 0"),
    ],
)
def test_what_does_not_fit_is_refused(change, words):
    x, time, event = make_patients()
    with pytest.raises(InputError, match=words):
        fit_ridge_cox(**{"x": x, "time": time, "event": event} | change)


def test_a_feature_that_is_missing_is_refused_with_its_row():
    x, time, event = make_patients()
    x[4, 2] = np.nan
    with pytest.raises(InputError, match="features of 1 training patient are missing") as refused:
        fit_ridge_cox(x, time, event)
    assert refused.value.where == "row 4"


def test_features_of_another_width_are_refused():
    fit = fit_ridge_cox(*make_patients())
    with pytest.raises(InputError, match=r"features have the shape \(2, 3\), .* fitted to 8 columns"):
        fit.predict(np.ones((2, 3)))
