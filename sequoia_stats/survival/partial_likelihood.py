"""Breslow's partial likelihood of the Cox model: value, deviance and gradient, for many models at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sequoia_stats.errors import InputError
from sequoia_stats.types.outcome import Outcome

#: Beyond this spread of the linear predictor, exp() of the smallest would underflow.
_PLAIN_EXP_LIMIT = 600.0


def breslow_log_likelihood(eta: ArrayLike, outcome: Outcome) -> NDArray[np.float64]:
    r"""Log partial likelihood, with Breslow's approximation for tied event times.

    :math:`\ell = \sum_{i: d_i = 1} [\eta_i - \log \sum_{j: t_j \ge t_i} e^{\eta_j}]` (Breslow 1974).

    Parameters
    ----------
    eta : array of shape (n,) or (n, L)
        Linear predictor, a column per model.
    outcome : Outcome
        The n patients.

    Returns
    -------
    array of shape () or (L,)
        0 where there is no event. Adding a constant to a column of `eta` changes nothing.

    Raises
    ------
    InputError
        If `eta` has another number of rows than `outcome`.

    Examples
    --------
    >>> y = Outcome([1.0, 2.0, 3.0], [True, True, False], "OS")
    >>> round(float(breslow_log_likelihood([0.0, 0.0, 0.0], y)), 4)  # -log(3) - log(2)
    -1.7918
    """
    eta = _checked(eta, outcome)
    if not outcome.n_events:
        return np.zeros(eta.shape[1:])
    ties = _ties(outcome)
    columns = eta.reshape(len(eta), -1)
    log_risk = _log_reverse_cumulative_sum(columns[ties.order])[ties.first]
    value = columns[outcome.event].sum(axis=0) - ties.deaths @ log_risk
    return value.reshape(eta.shape[1:])


def cox_deviance(eta: ArrayLike, outcome: Outcome) -> NDArray[np.float64]:
    r"""Deviance :math:`2(\ell_{sat} - \ell)` with :math:`\ell_{sat} = -\sum_k d_k \log d_k`, as glmnet has it.

    Parameters
    ----------
    eta : array of shape (n,) or (n, L)
        Linear predictor, a column per model.
    outcome : Outcome
        The n patients; :math:`d_k` of them have the event at the k-th distinct event time.

    Returns
    -------
    array of shape () or (L,)
        Equal to ``glmnet::coxnet.deviance``.
    """
    likelihood = breslow_log_likelihood(eta, outcome)
    deaths = np.unique(outcome.time[outcome.event], return_counts=True)[1]
    return 2 * (-(deaths * np.log(deaths)).sum() - likelihood)


def cox_score(x: ArrayLike, eta: ArrayLike, outcome: Outcome) -> NDArray[np.float64]:
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

    Returns
    -------
    array of shape (p,)
        Zero at the unpenalised optimum. No event gives zeros.
    """
    x, eta = _checked(x, outcome), _checked(eta, outcome)
    if not outcome.n_events:
        return np.zeros(x.shape[1:])
    ties = _ties(outcome)
    log_risk = _log_reverse_cumulative_sum(eta[ties.order][:, None])[ties.first, 0]
    log_hazard = np.logaddexp.accumulate(np.log(ties.deaths) - log_risk)
    passed = np.searchsorted(ties.times, outcome.time, side="right")
    expected = np.exp(eta + np.concatenate([[-np.inf], log_hazard])[passed])
    return x.T @ (outcome.event - expected)


@dataclass(frozen=True)
class _Ties:
    order: NDArray[np.intp]  # patients by increasing time
    times: NDArray[np.float64]  # distinct event times
    deaths: NDArray[np.float64]  # events at each
    first: NDArray[np.intp]  # position in `order` where the risk set of each begins


def _ties(outcome: Outcome) -> _Ties:
    order = np.argsort(outcome.time, kind="stable")
    times, deaths = np.unique(outcome.time[outcome.event], return_counts=True)
    first = np.searchsorted(outcome.time[order], times, side="left")
    return _Ties(order, times, deaths.astype(np.float64), first)


def _log_reverse_cumulative_sum(eta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log of the sum of exp(eta) from each row to the last, down every column."""
    top = eta.max(axis=0)
    if (top - eta.min(axis=0)).max() > _PLAIN_EXP_LIMIT:  # slower, and safe at any spread
        return np.logaddexp.accumulate(eta[::-1], axis=0)[::-1]
    return np.log(np.cumsum(np.exp(eta - top)[::-1], axis=0)[::-1]) + top


def _checked(values: ArrayLike, outcome: Outcome) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if not array.ndim or len(array) != outcome.n:
        raise InputError(f"{len(array) if array.ndim else 0} rows do not match {outcome.n} patients")
    return array
