"""Optimality (Karush-Kuhn-Tucker) conditions of a penalised Cox model, which a solution of any engine must meet."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sequoia_stats.survival.partial_likelihood import cox_score
from sequoia_stats.types.outcome import Outcome


def kkt_residual(
    x: NDArray[np.float64], outcome: Outcome, coefficients: ArrayLike, penalty: float, alpha: float = 1.0
) -> float:
    """Largest violation of the optimality conditions, as a share of the penalty λ.

    On columns scaled by their 1/n standard deviation, with g = score / n: g = λ (α sign b + (1 − α) b) for genes
    with b ≠ 0, and |g| ≤ λ α for the others (Simon et al. 2011).

    Parameters
    ----------
    x : array of shape (n, p)
        Transformed expression; no column is constant.
    outcome : Outcome
        The n patients.
    coefficients : array of shape (p,)
        Per unit of x.
    penalty : float
        The penalty λ at which the model was fitted.
    alpha : float
        1 for the LASSO, between 0 and 1 for the elastic net.

    Returns
    -------
    float
        0 at the exact optimum.
    """
    sd = x.std(axis=0)
    scaled = np.asarray(coefficients) * sd
    gradient = cox_score(x, x @ np.asarray(coefficients), outcome, as_glmnet=True) / sd / len(x)
    active = np.abs(gradient - penalty * (alpha * np.sign(scaled) + (1 - alpha) * scaled))
    inactive = np.maximum(np.abs(gradient) - penalty * alpha, 0)
    return float(np.where(scaled != 0, active, inactive).max() / penalty)


def largest_penalty(x: NDArray[np.float64], outcome: Outcome, alpha: float = 1.0) -> float:
    """Smallest penalty at which no gene enters: all coefficients are 0 there and above, by the same conditions.

    Parameters
    ----------
    x : array of shape (n, p)
        Transformed expression; no column is constant.
    outcome : Outcome
        The n patients.
    alpha : float
        1 for the LASSO, between 0 and 1 for the elastic net.

    Returns
    -------
    float
        The first penalty of a full path.
    """
    score = cox_score(x / x.std(axis=0), np.zeros(len(x)), outcome, as_glmnet=True)
    return float(np.abs(score).max()) / len(x) / alpha
