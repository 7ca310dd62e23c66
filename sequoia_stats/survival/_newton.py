"""The maximum of the partial likelihood, by the steps of R's ``coxph.fit``, also where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sequoia_stats.survival.risk_sets import RiskSets
from sequoia_stats.survival.strata import rows_of_strata
from sequoia_stats.types.arrays import AnyFloats
from sequoia_stats.types.outcome import Outcome

Ties = Literal["efron", "breslow"]
# The settings of survival::coxph.control().
_EPS = 1e-9
_MAX_ITERATIONS = 20
_TOLERANCE_INFINITE = np.sqrt(_EPS)
_TOLERANCE_SINGULAR = np.finfo(np.float64).eps ** 0.75
_SMALL = 1e-280  # sums of risks below it lose digits,
_LIFT = 600.0  # and those that this adds to the linear predictor do not


@dataclass(frozen=True)
class Maximum:
    """Where the iterations of `maximise` ended, and what did not converge.

    Parameters
    ----------
    coef, se : array of shape (k,)
        NaN for a column that is a combination of those before it in all risk sets.
    log_likelihood, log_likelihood_null : float
        There, and at zero.
    converged : bool
        Whether the log-likelihood no longer changed after 20 iterations.
    infinite : array of bool, shape (k,)
        Terms that still grew when the log-likelihood no longer did, or when the iterations ran out.
    """

    coef: AnyFloats
    se: AnyFloats
    log_likelihood: float
    log_likelihood_null: float
    converged: bool
    infinite: NDArray[np.bool_]


class Derivatives(NamedTuple):
    """Log partial likelihood, with the score (events, k) and the information (events, k, k) of every event."""

    value: float
    score: AnyFloats
    information: AnyFloats


def maximise(x: AnyFloats, outcome: Outcome, ties: Ties, strata: NDArray[np.intp]) -> Maximum:
    """Maximise the partial likelihood by Newton-Raphson, with the steps of ``survival::coxph.fit``.

    Full steps from zero; a step that lowers the log-likelihood, or after which it is not finite, is shortened towards
    the last point (1/2, then 2/3 of the rest, ...); the iterations end when the log-likelihood changes by a share of
    at most 1e-9. After 20 of them the last point that was better than all before is returned.

    lifelines is not used here: it has no Breslow ties, and if a level of a covariate has no event, its damped steps
    end at other estimates than R's.

    Parameters
    ----------
    x : array of shape (n, k)
        The model matrix.
    outcome : Outcome
        The n patients, of whom some have an event.
    ties : {"efron", "breslow"}
        Treatment of tied event times.
    strata : array of shape (n,)
        The number of each patient's stratum.

    Returns
    -------
    Maximum
    """
    centre, scale = centre_and_scale(x)
    likelihood = PartialLikelihood((x - centre) / scale, outcome, ties, strata)
    coef: AnyFloats = np.zeros(x.shape[1])
    at = likelihood(coef)
    null, candidate = at.value, coef + _step(at)
    shortened, converged = 0, False
    for _ in range(_MAX_ITERATIONS):
        there = likelihood(candidate)
        finite = all(np.isfinite(part).all() for part in there)
        if finite and abs(1 - at.value / there.value) <= _EPS and not shortened:
            at, coef, converged = there, candidate, True
            break
        if not finite or there.value < at.value:
            shortened += 1
            candidate = (candidate + shortened * coef) / (shortened + 1)
        else:
            shortened, at, coef = 0, there, candidate
            candidate = coef + _step(at)
    return _maximum(at, coef, scale, null, converged)


class PartialLikelihood:
    """Log partial likelihood of centred and scaled covariates, a row per event: the sum over strata.

    Parameters
    ----------
    x : array of shape (n, k)
        Covariates.
    outcome : Outcome
        The n patients.
    ties : {"efron", "breslow"}
        Treatment of tied event times.
    strata : array of shape (n,)
        The number of each patient's stratum. One without events adds nothing.

    Attributes
    ----------
    patients : array of shape (events,)
        Whose event each row of the derivatives is.
    """

    def __init__(self, x: AnyFloats, outcome: Outcome, ties: Ties, strata: NDArray[np.intp]) -> None:
        with_events = [rows for rows in rows_of_strata(strata) if outcome.event[rows].any()]
        self._parts = [_Stratum(x, outcome, ties, rows) for rows in with_events]
        self.patients = np.concatenate([part.patients for part in self._parts])

    def __call__(self, coef: AnyFloats) -> Derivatives:
        values, scores, informations = zip(*(part(coef) for part in self._parts), strict=True)
        return Derivatives(sum(values), np.concatenate(scores), np.concatenate(informations))


class _Stratum:
    """The part of a stratum, whose patients are `rows`.

    For the m-th of d events tied at a time, the risk set's sums lose the share m/d (m = 0, ..., d - 1) of the
    sums over the tied events under Efron (1977), nothing under Breslow (1974).
    """

    def __init__(self, x: AnyFloats, outcome: Outcome, ties: Ties, rows: NDArray[np.intp]) -> None:
        sets = RiskSets.of(outcome, at_events=True, rows=rows)
        ordered = rows[sets.order]
        self.x = x[ordered]
        self.events = np.flatnonzero(outcome.event[ordered])
        self.patients = ordered[self.events]
        self.tie = np.repeat(np.arange(sets.times.size), sets.events)  # index of the event time of each event
        self.first = sets.first[self.tie]
        self.starts = np.cumsum(sets.events) - sets.events
        rank = np.arange(self.events.size) - self.starts[self.tie]
        self.share = rank / sets.events[self.tie] if ties == "efron" else np.zeros(self.events.size)

    def __call__(self, coef: AnyFloats) -> Derivatives:
        eta = self.x @ coef
        with np.errstate(
            all="ignore"
        ):  # a wild step gives an infinite value where it does in R, and is shortened
            total, mean, information = self._moments(np.exp(eta))
            value = eta[self.events].sum() - np.log(total).sum()
            small = total < _SMALL
            if small.any():
                _, lifted_mean, lifted = self._moments(np.exp(eta + _LIFT))
                mean[small], information[small] = lifted_mean[small], lifted[small]
        return Derivatives(float(value), self.x[self.events] - mean, information)

    def _moments(self, risk: AnyFloats) -> tuple[AnyFloats, AnyFloats, AnyFloats]:
        """Per event: the sum of the risks of its risk set, and the mean and covariance of x weighted by them."""
        x = self.x
        total = self._sums(risk)
        first = self._sums(risk[:, None] * x)
        second = self._sums(risk[:, None, None] * x[:, :, None] * x[:, None, :])
        mean = first / total[:, None]
        return total, mean, (second - mean[:, :, None] * first[:, None, :]) / total[:, None, None]

    def _sums(self, values: AnyFloats) -> AnyFloats:
        """Per event: the sum over its risk set, less the share of its tied events."""
        at_risk = np.cumsum(values[::-1], axis=0)[::-1][self.first]
        tied = np.add.reduceat(values[self.events], self.starts, axis=0)[self.tie]
        return at_risk - self.share.reshape(-1, *[1] * (values.ndim - 1)) * tied


def independent(information: AnyFloats) -> NDArray[np.bool_]:
    """Columns that are not a combination of those before them: pivots of R's generalised Cholesky decomposition."""
    left = information.copy()
    smallest = np.diag(left).max(initial=0.0) * _TOLERANCE_SINGULAR
    found = np.zeros(len(left), dtype=np.bool_)
    for i, pivot in enumerate(left.diagonal()):  # a view: later pivots see the elimination
        if pivot > smallest:
            found[i] = True
            left[i + 1 :, i + 1 :] -= np.outer(left[i + 1 :, i], left[i, i + 1 :]) / pivot
    return found


def centre_and_scale(x: AnyFloats) -> tuple[AnyFloats, AnyFloats]:
    """As coxph does, since it decides where a diverging step overflows: indicators stay as they are."""
    indicator = np.isin(x, (-1, 0, 1)).all(axis=0)
    centre = np.where(indicator, 0.0, x.mean(axis=0))
    spread = np.abs(x - centre).mean(axis=0)
    return centre, np.where(indicator | (spread == 0), 1.0, spread)


def _step(at: Derivatives) -> AnyFloats:
    """Newton's step; 0 for a column that is a combination of others."""
    information = at.information.sum(axis=0)
    free = independent(information)
    step = np.zeros(len(free))
    step[free] = np.linalg.solve(information[np.ix_(free, free)], at.score.sum(axis=0)[free])
    return step


def _maximum(at: Derivatives, coef: AnyFloats, scale: AnyFloats, null: float, converged: bool) -> Maximum:
    information = at.information.sum(axis=0)
    free = independent(information)
    variance = np.full(len(free), np.nan)
    variance[free] = np.diag(np.linalg.inv(information[np.ix_(free, free)]))
    final, step = np.where(free, coef, np.nan) / scale, np.abs(_step(at)) / scale
    return Maximum(
        coef=final,
        se=np.sqrt(variance) / scale,
        log_likelihood=at.value,
        log_likelihood_null=null,
        converged=converged,
        infinite=(step > _EPS) & (step > _TOLERANCE_INFINITE * np.abs(final)),
    )
