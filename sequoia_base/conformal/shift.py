"""How much calibration patients resemble new ones: likelihood ratios on principal components of their predictions.

References
----------
Tibshirani et al. (2019), Conformal prediction under covariate shift, NeurIPS: ratios from a classifier.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sequoia_base.conformal.quantiles import RealArray
from sequoia_base.conformal.slides import SlideRows, slide_weights

#: Principal components, at most; calibration patients that each needs.
COMPONENTS, PATIENTS_EACH = 5, 20
_PENALTY, _STEPS, _SMALL = 1.0, 50, 1e-10


class PredictionShift:
    """Weights of calibration and new slides, from two passes over blocks of genes.

    Parameters
    ----------
    calibration, new : SlideRows
        The slides, of which the new ones are those of new patients.
    """

    def __init__(self, calibration: SlideRows, new: SlideRows) -> None:
        self._calibration, self._new = calibration, new
        self._gram = np.zeros((len(calibration), len(calibration)))
        self._scores: NDArray[np.float64] | None = None
        self._projected = np.zeros((len(new), 0))

    def add(self, calibration: RealArray) -> None:
        """First pass: predictions of the calibration slides (slides, genes)."""
        centred = calibration - calibration.mean(axis=0, dtype=float)
        self._gram += centred @ centred.T

    def project(self, calibration: RealArray, new: RealArray) -> None:
        """Second pass: the same, with predictions of the new slides."""
        scores = self._find_components()
        mean = calibration.mean(axis=0, dtype=float)
        loadings = (calibration - mean).T @ (scores / (scores**2).sum(axis=0))
        self._projected += (new - mean) @ loadings

    def weights(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The weight of each calibration slide and of each new one, all relative to each other.

        Returns
        -------
        tuple of array, shapes (calibration slides,) and (new slides,)
            Ratios of the densities of new and calibration patients, by a logistic regression with a ridge penalty.
        """
        scores = self._find_components()
        x = np.concatenate([scores, self._projected]) / scores.std(axis=0)
        is_new = np.repeat([0.0, 1.0], [len(self._calibration), len(self._new)])
        each = np.concatenate([slide_weights(rows.codes) for rows in (self._calibration, self._new)])
        log_odds = _logistic(x, is_new, each)
        ratios = np.exp(log_odds - log_odds.max())
        return ratios[: len(self._calibration)], ratios[len(self._calibration) :]

    def _find_components(self) -> NDArray[np.float64]:
        """The scores of the calibration slides (slides, components)."""
        if self._scores is None:
            most = max(1, min(COMPONENTS, self._calibration.n_patients // PATIENTS_EACH))
            values, vectors = np.linalg.eigh(self._gram)
            kept = np.flatnonzero(values > _SMALL * max(values[-1], _SMALL))[::-1][:most]
            self._scores = vectors[:, kept] * np.sqrt(values[kept])
            self._projected = np.zeros((len(self._new), len(kept)))
        return self._scores


def effective_patients(weights: NDArray[np.float64], patients: NDArray[np.intp]) -> float:
    """The effective number of patients, (Σ w)² / Σ w², of the weights of their slides."""
    sums = np.bincount(patients, weights * slide_weights(patients))
    return float(sums.sum() ** 2 / (sums**2).sum())


def _logistic(x: RealArray, y: RealArray, weights: RealArray) -> NDArray[np.float64]:
    """The log odds of each row by Newton's method; the intercept is not penalised."""
    design = np.column_stack([np.ones(len(x)), x])
    penalty = np.diag([0.0, *np.full(x.shape[1], _PENALTY)])
    beta = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(design @ beta, -500, 500)))
        gradient = design.T @ (weights * (y - p)) - penalty @ beta
        hessian = (design.T * (weights * p * (1 - p))) @ design + penalty + _SMALL * np.eye(len(beta))
        step = np.linalg.solve(hessian, gradient)
        beta += step
        if np.abs(step).max() < 1e-8:
            break
    return design @ beta
