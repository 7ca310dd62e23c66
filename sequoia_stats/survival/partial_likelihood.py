"""The partial likelihood of the Cox model: value, deviance and gradient for many models at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sequoia_stats.errors import InputError, counted
from sequoia_stats.survival.risk_sets import RiskSets
from sequoia_stats.types.arrays import float_array
from sequoia_stats.types.outcome import Outcome

#: Beyond this spread of the linear predictor, exp() of the smallest would underflow.
_PLAIN_EXP_LIMIT = 600.0


def breslow_log_likelihood(
    eta: ArrayLike, outcome: Outcome, *, as_glmnet: bool = False
) -> NDArray[np.float64]:
    r"""Log partial likelihood, with Breslow's approximation for tied event times.

    :math:`\ell = \sum_{i: d_i = 1} [\eta_i - \log \sum_{j: t_j \ge t_i} e^{\eta_j}]` (Breslow 1974).

    Parameters
    ----------
    eta : array of shape (n,) or (n, L)
        Linear predictor, a column per model.
    outcome : Outcome
        The n patients.
    as_glmnet : bool
        Whether times that differ by rounding are different, as for glmnet; for R's survival, and here by default,
        they are one time.

    Returns
    -------
    array of shape () or (L,)
        0 if there is no event. Adding a constant to a column of `eta` changes nothing.

    Raises
    ------
    InputError
        If `eta` and `outcome` differ in their number of rows.

    Examples
    --------
    >>> y = Outcome([1.0, 2.0, 3.0], [True, True, False], "OS")
    >>> round(float(breslow_log_likelihood([0.0, 0.0, 0.0], y)), 4)  # -log(3) - log(2)
    -1.7918
    """
    eta = _checked(eta, outcome)
    if not outcome.n_events:
        return np.zeros(eta.shape[1:])
    sets = RiskSets.of(outcome, at_events=True, as_glmnet=as_glmnet)
    columns = eta.reshape(len(eta), -1)
    log_risk = _log_reverse_cumulative_sum(columns[sets.order])[sets.first]
    value = columns[outcome.event].sum(axis=0) - sets.events.astype(np.float64) @ log_risk
    return value.reshape(eta.shape[1:])


def cox_deviance(eta: ArrayLike, outcome: Outcome) -> NDArray[np.float64]:
    r"""Deviance :math:`2(\ell_{sat} - \ell)` with :math:`\ell_{sat} = -\sum_k d_k \log d_k`, as in glmnet.

    Parameters
    ----------
    eta : array of shape (n,) or (n, L)
        Linear predictor, a column per model.
    outcome : Outcome
        The n patients; :math:`d_k` of them have the event at the k-th distinct event time.

    Returns
    -------
    array of shape () or (L,)
        Equal to ``glmnet::coxnet.deviance``, also in that times that differ by rounding are different.
    """
    return 2 * (_saturated(outcome) - breslow_log_likelihood(eta, outcome, as_glmnet=True))


def _saturated(outcome: Outcome) -> float:
    """Log-likelihood of the saturated model, as glmnet has it: it counts ties on the times as R writes them.

    R writes 15 digits, so that here times which differ in the last digit alone are tied, if any two times are equal.
    """
    time = outcome.time[outcome.event]
    if np.unique(time).size == time.size:
        return 0.0
    events = np.unique(np.char.mod("%.15g", time), return_counts=True)[1]
    return float(-(events * np.log(events)).sum())


def cox_score(
    x: ArrayLike, eta: ArrayLike, outcome: Outcome, *, as_glmnet: bool = False
) -> NDArray[np.float64]:
    r"""Gradient of `breslow_log_likelihood` by the coefficients, at the linear predictor `eta`.

    :math:`x^\top (d - e^{\eta} \hat\Lambda(t))` with Breslow's cumulative hazard :math:`\hat\Lambda`.

    Parameters
    ----------
    x : array of shape (n, p)
        Covariates.
    eta : array of shape (n,)
        Linear predictor.
    outcome : Outcome
        The n patients.
    as_glmnet : bool
        Whether times that differ by rounding are different, as for glmnet; for R's survival, and here by default,
        they are one time.

    Returns
    -------
    array of shape (p,)
        Zero at the unpenalised optimum. No event gives zeros.
    """
    x, eta = _checked(x, outcome), _checked(eta, outcome)
    if not outcome.n_events:
        return np.zeros(x.shape[1:])
    sets = RiskSets.of(outcome, at_events=True, as_glmnet=as_glmnet)
    log_risk = _log_reverse_cumulative_sum(eta[sets.order][:, None])[sets.first, 0]
    log_hazard = np.logaddexp.accumulate(np.log(sets.events) - log_risk)
    expected = np.exp(eta + sets.steps(log_hazard, before=-np.inf))
    return x.T @ (outcome.event - expected)


def _log_reverse_cumulative_sum(eta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log of the sum of exp(eta) from each row to the last, down every column."""
    top = eta.max(axis=0)
    if (top - eta.min(axis=0)).max() > _PLAIN_EXP_LIMIT:  # slower, and safe at any spread
        return np.logaddexp.accumulate(eta[::-1], axis=0)[::-1]
    return np.log(np.cumsum(np.exp(eta - top)[::-1], axis=0)[::-1]) + top


def _checked(values: ArrayLike, outcome: Outcome) -> NDArray[np.float64]:
    array = float_array(values, "covariates")
    if not array.ndim or len(array) != outcome.n:
        rows, patients = (
            counted(len(array) if array.ndim else 0, "row"),
            counted(outcome.n, "patient"),
        )
        raise InputError(f"{rows} cannot describe {patients}")
    return array
