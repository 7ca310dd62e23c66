"""The linear baseline of risk: a Cox model of mean features with a ridge penalty, chosen by leaving out patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg

from sequoia_model.errors import InputError, counted
from sequoia_model.training.baselines.pooled import ColumnScale
from sequoia_model.training.scores import Doubles

#: Penalties that are tried, as shares of the information along the first principal component: the first leaves nearly
#: nothing, and the last nearly no penalty there.
_SHARES = np.logspace(2, -4, 19)
#: Parts of the patients that are left out in turn.
_PARTS = 5
#: Newton's steps end where the next one would raise the log-likelihood by less; it is a sum over events.
_GAIN, _STEPS = 1e-10, 100
#: Penalties in a row that are worse than the best after which weaker ones are not tried.
_WORSE = 3


@dataclass(frozen=True, eq=False)
class RidgeCox:
    """A Cox model with a ridge penalty.

    Parameters
    ----------
    coefficients : array of shape (d,)
        Log hazard ratios per unit of the features as they were given.
    centre : array of shape (d,)
        Mean features of the training patients, whose log-hazard is 0.
    penalty : float
        The chosen penalty.
    penalties : array of shape (m,)
        Those that were tried, from the strongest on.
    left_out : array of shape (m,)
        The log partial likelihood of left-out patients with each of them; NaN if there was nothing to choose, and for
        penalties that are weaker than some that were already too weak.
    """

    coefficients: Doubles
    centre: Doubles
    penalty: float
    penalties: Doubles
    left_out: Doubles

    def predict(self, x: ArrayLike) -> Doubles:
        """Log-hazards from features.

        Parameters
        ----------
        x : array of shape (n, d)
            Features.

        Returns
        -------
        array of shape (n,)
            Higher means an earlier event.

        Raises
        ------
        InputError
            If the number of columns is not that of the training features.
        """
        features = np.asarray(x, dtype=np.float64)
        if features.ndim != 2 or features.shape[1] != len(self.coefficients):
            raise InputError(
                f"features have the shape {features.shape}, but the Cox model was fitted to "
                f"{counted(len(self.coefficients), 'column')}"
            )
        return (features - self.centre) @ self.coefficients


def fit_ridge_cox(
    x: ArrayLike,
    time: ArrayLike,
    event: ArrayLike,
    *,
    penalties: Sequence[float] | None = None,
    seed: int = 0,
) -> RidgeCox:
    r"""Fit a Cox model with a ridge penalty.

    Maximises :math:`\ell(\beta) / n - \frac{\lambda}{2} |\beta|^2` with Efron's :math:`\ell` and features that are
    centred and divided by their standard deviation. The penalty is the one with the largest cross-validated log partial
    likelihood :math:`\sum_k \ell(\hat\beta_{-k}) - \ell_{-k}(\hat\beta_{-k})` (Verweij and van Houwelingen 1993), in
    five parts with equal shares of events. Reference: ``survival::coxph(~ ridge(z, theta = n · λ, scale = FALSE))`` on
    standardised features z, and without ties ``glmnet(x, family = "cox", alpha = 0, lambda = λ)``.

    Parameters
    ----------
    x : array of shape (n, d)
        Features of the training patients, such as the mean over clusters and slides; d may be larger than n.
    time : array of shape (n,)
        Times are tied where they are equal: see `sequoia_base.tied_times`.
    event : array of shape (n,), bool
        Whether the event was seen.
    penalties : sequence of float, optional
        Penalties to try, above 0; by default 19 that suit the features. One: nothing is chosen.
    seed : int
        Random seed of the parts.

    Returns
    -------
    RidgeCox

    Raises
    ------
    InputError
        If shapes do not fit, a feature is not finite, a penalty is not above 0, or fewer than 2 patients have an
        event.

    Notes
    -----
    One decomposition Z = U S V' serves all parts and penalties: with β = V a, the penalty is that of a, and a has at
    most n - 1 values. Newton's steps start from the solution of the next stronger penalty.

    Examples
    --------
    >>> fit = fit_ridge_cox([[2.0], [0.0], [1.0], [-1.0]], [1.0, 3.0, 2.0, 4.0], [True] * 4, penalties=[0.1])
    >>> fit.predict([[2.0], [-1.0]]).round(3)
    array([ 2.206, -2.206])
    """
    features, t, d = _checked(x, time, event)
    scale = ColumnScale.of(features)
    u, s, vt = linalg.svd(scale.apply(features), full_matrices=False, check_finite=False)
    kept = s > s.max(initial=0.0) * max(features.shape) * np.finfo(float).eps
    scores, vt = u[:, kept] * s[kept], vt[kept]
    n = len(features)
    if penalties is None:
        largest = s.max(initial=0.0) ** 2 / n * d.mean() or 1.0
        tried = largest * _SHARES
    else:
        tried = np.unique(np.asarray(penalties, dtype=np.float64))[::-1]
        if not len(tried) or not (np.isfinite(tried) & (tried > 0)).all():
            raise InputError(f"penalties must be numbers above 0, but are {list(penalties)}")
    cox = _Likelihood(scores, t, d)
    left_out = np.full(len(tried), np.nan)
    if len(tried) > 1:
        left_out = _left_out(cox, _parts(d, seed), tried)
    best = int(np.nanargmax(left_out)) if len(tried) > 1 else 0
    coef = np.zeros(scores.shape[1])
    for penalty in tried[: best + 1]:
        coef = _maximum(cox, n * penalty, coef)
    return RidgeCox(vt.T @ coef / scale.spread, scale.centre, float(tried[best]), tried, left_out)


def _checked(x: ArrayLike, time: ArrayLike, event: ArrayLike) -> tuple[Doubles, Doubles, NDArray[np.bool_]]:
    """Features, times and events as arrays that fit together."""
    features, t = np.asarray(x, dtype=np.float64), np.asarray(time, dtype=np.float64)
    d = np.asarray(event, dtype=bool)
    if features.ndim != 2 or not (len(features),) == t.shape == d.shape:
        raise InputError(
            f"features of the shape {features.shape}, times of {t.shape} and events of {d.shape} do not fit together",
            fix="give a row per patient to all three",
        )
    bad = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if len(bad):
        raise InputError(
            f"features of {counted(len(bad), 'training patient')} are missing or infinite",
            where=f"row {bad[0]}",
        )
    if d.sum() < 2:
        raise InputError(
            f"a Cox model needs 2 training patients or more with an event, and there is {int(d.sum())}"
        )
    return features, t, d


class _Likelihood:
    """Efron's log partial likelihood of linear models, with a term for each event.

    Parameters
    ----------
    x : array of shape (n, p)
        Covariates.
    time, event : arrays of shape (n,)
        The outcome.
    """

    def __init__(self, x: Doubles, time: Doubles, event: NDArray[np.bool_]) -> None:
        self.x, self.time, self.event = x, time, event
        failing = time[event]
        order = np.argsort(failing, kind="stable")
        _, start, count = np.unique(failing[order], return_index=True, return_counts=True)
        times, tied = np.repeat(failing[order][start], count), np.repeat(count, count)
        share = 1 - (np.arange(len(failing)) - np.repeat(start, count)) / tied
        # how much of each patient's hazard is in the risk set of each term
        part = np.where(event & (time == times[:, None]), share[:, None], time >= times[:, None])
        with np.errstate(divide="ignore"):
            self._log_part = np.log(part)

    def chances(self, coef: Doubles) -> tuple[float, Doubles]:
        """The log-likelihood, and the chance (terms, n) of each patient at risk to be the one who fails."""
        eta = self.x @ coef
        logs = eta + self._log_part
        top = logs.max(axis=1, keepdims=True)
        chance = np.exp(logs - top)
        total = chance.sum(axis=1, keepdims=True)
        return float(eta[self.event].sum() - (top + np.log(total)).sum()), chance / total

    def derivatives(self, chance: Doubles) -> tuple[Doubles, Doubles]:
        """Score (p,) and information (p, p)."""
        expected, means = chance.sum(axis=0), chance @ self.x
        weighted = self.x * np.sqrt(expected)[:, None]  # a product with its own transpose takes half the time
        return self.x.T @ (self.event - expected), weighted.T @ weighted - means.T @ means


def _maximum(cox: _Likelihood, weight: float, coef: Doubles) -> Doubles:
    """The maximum of ℓ - weight/2 · |coef|² by Newton's method; a step that does not climb is halved."""
    value, chance = cox.chances(coef)
    for _ in range(_STEPS):
        score, information = cox.derivatives(chance)
        slope = score - weight * coef
        information[np.diag_indices_from(information)] += weight
        step = linalg.solve(information, slope, assume_a="pos", check_finite=False)
        if slope @ step <= _GAIN:
            return coef + step
        here, start = value - weight / 2 * coef @ coef, coef
        while True:
            coef = start + step
            value, chance = cox.chances(coef)
            if value - weight / 2 * coef @ coef >= here:
                break
            step /= 2
    return coef


def _parts(event: NDArray[np.bool_], seed: int) -> list[NDArray[np.bool_]]:
    """Who is left out in turn: parts of like size with like numbers of events, each with one at least."""
    n_parts = min(_PARTS, int(event.sum()))
    draws = np.random.default_rng(seed)
    order = draws.permutation(len(event))
    order = order[np.argsort(~event[order], kind="stable")]  # events first
    part = np.empty(len(event), dtype=np.int64)
    part[order] = np.arange(len(event)) % n_parts
    return [part == number for number in range(n_parts)]


def _left_out(cox: _Likelihood, parts: list[NDArray[np.bool_]], penalties: Doubles) -> Doubles:
    """What left-out patients add to the log-likelihood by models of the others, penalty by penalty from the strongest.

    Once it has been below the best for some penalties, weaker ones are not tried: their value is NaN.
    """
    others = [_Likelihood(cox.x[~part], cox.time[~part], cox.event[~part]) for part in parts]
    coefs = [np.zeros(cox.x.shape[1]) for _ in parts]
    total = np.full(len(penalties), np.nan)
    for i, penalty in enumerate(penalties):
        coefs = [
            _maximum(other, len(other.x) * penalty, coef) for other, coef in zip(others, coefs, strict=True)
        ]
        total[i] = sum(
            cox.chances(coef)[0] - other.chances(coef)[0] for other, coef in zip(others, coefs, strict=True)
        )
        if i - np.nanargmax(total) >= _WORSE:
            break
    return total
