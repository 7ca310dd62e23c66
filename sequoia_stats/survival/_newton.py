"""Newton-Raphson for the Cox model with Efron's or Breslow's treatment of tied event times.

lifelines is not used here because it has no Breslow ties, and because where a level of a covariate has no event
the estimates are wherever the iterations end: its damped steps end elsewhere than R's. With R's steps and rule
every digit is R's; the tests compare with lifelines where both converge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sequoia_stats.types.outcome import Outcome

# survival::coxph.control()
_EPS = 1e-9
_MAX_ITERATIONS = 20
_TOLERANCE_INFINITE = np.sqrt(_EPS)

Array = NDArray[np.floating]


@dataclass(frozen=True)
class NewtonFit:
    """Where the iterations ended: estimates, standard errors, log-likelihoods, and what did not converge."""

    coef: Array
    se: Array
    log_likelihood: float
    log_likelihood_null: float
    converged: bool
    infinite: NDArray[np.bool_]  # terms that still grow when the log-likelihood no longer does


def fit(x: Array, outcome: Outcome, ties: str) -> NewtonFit:
    """Maximise the partial likelihood as ``survival::coxph.fit`` does.

    Full Newton steps from zero; a step that lowers the log-likelihood is shortened towards the last point
    (1/2, then 2/3 of the rest, ...); the end is a relative change of the log-likelihood under 1e-9.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the information matrix is singular.
    """
    scale = x.std(axis=0)  # Newton's steps do not depend on it, their rounding does
    likelihood = _Likelihood((x - x.mean(axis=0)) / scale, outcome, ties)
    coef: Array = np.zeros(x.shape[1])
    best, score, information = likelihood(coef)
    null, candidate = best, np.linalg.solve(information, score)
    shortened, converged = 0, False
    for _ in range(_MAX_ITERATIONS):
        value, score, information = likelihood(candidate)
        finite = np.isfinite(value)
        if finite and not shortened and abs(1 - best / value) <= _EPS:
            converged = True
            break
        if not finite or value < best:
            shortened += 1
            candidate = (candidate + shortened * coef) / (shortened + 1)
        else:
            shortened, best, coef = 0, value, candidate
            candidate = coef + np.linalg.solve(information, score)
    covariance = np.linalg.inv(information)
    final, step = candidate / scale, np.abs(covariance @ score) / scale
    infinite = (step > _EPS) & (step > _TOLERANCE_INFINITE * np.abs(final))
    se = np.sqrt(np.diag(covariance)) / scale
    return NewtonFit(final, se, float(value), float(null), converged, infinite)


class _Likelihood:
    """Log partial likelihood with gradient and information, one row per event.

    For the m-th of d events tied at a time, the risk set's sums lose the share m/d (m = 0, ..., d - 1) of the
    sums over the tied events under Efron (1977), nothing under Breslow (1974).
    """

    def __init__(self, x: Array, outcome: Outcome, ties: str) -> None:
        order = np.lexsort((~outcome.event, outcome.time))  # at equal times events come first
        self.x, time, event = x[order], outcome.time[order], outcome.event[order]
        self.events = np.flatnonzero(event)
        times = time[self.events]
        self.first = np.searchsorted(time, times, side="left")  # where each event's risk set begins
        _, self.tie, size = np.unique(times, return_inverse=True, return_counts=True)
        self.starts = np.concatenate([[0], np.cumsum(size)[:-1]])
        rank = np.arange(times.size) - self.starts[self.tie]
        self.share = rank / size[self.tie] if ties == "efron" else np.zeros(times.size)

    def __call__(self, coef: Array) -> tuple[float, Array, Array]:
        x = self.x
        eta = x @ coef
        top = eta.max()
        with np.errstate(all="ignore"):  # a wild step gives an infinite value, and is shortened
            risk = np.exp(eta - top)
            total = self._sums(risk)
            first = self._sums(risk[:, None] * x) / total[:, None]
            second = self._sums(risk[:, None, None] * x[:, :, None] * x[:, None, :])
            value = eta[self.events].sum() - (np.log(total) + top).sum()
            score = (x[self.events] - first).sum(axis=0)
            information = (second / total[:, None, None]).sum(axis=0) - first.T @ first
        return value, score, information

    def _sums(self, values: Array) -> Array:
        """Per event: the sum over its risk set, less the share of its tied events."""
        at_risk = np.cumsum(values[::-1], axis=0)[::-1][self.first]
        tied = np.add.reduceat(values[self.events], self.starts, axis=0)[self.tie]
        return at_risk - self.share.reshape(-1, *[1] * (values.ndim - 1)) * tied
