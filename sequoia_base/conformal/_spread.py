"""The size of a gene's residuals as a straight line of its predicted value, for each fold without its own patients."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sequoia_base.conformal.quantiles import RealArray

#: The spread stays within this factor of its mean: a straight line may end below zero.
_FACTOR = 3.0
#: The spread depends on the predicted value if the slope is so many standard errors from 0 (two-sided p about .01).
_SEEN = 2.6


class SpreadModel:
    """|residual| = a + b · predicted, by least squares, per gene; and the same without the patients of each fold.

    Parameters
    ----------
    residuals : array, shape (slides, genes)
        Absolute residuals; NaN if a gene was not measured.
    predicted : array, shape (slides, genes)
        Predicted values.
    folds : array of int, shape (slides,)
        The fold of each slide.
    """

    def __init__(
        self,
        residuals: RealArray,
        predicted: RealArray,
        folds: NDArray[np.int64],
    ) -> None:
        known = ~np.isnan(residuals)
        r, x = np.where(known, residuals, 0.0).astype(float), np.asarray(predicted, dtype=float)
        with np.errstate(invalid="ignore"):
            self._centre = (x * known).sum(axis=0) / known.sum(axis=0)
        x = np.where(known, x - self._centre, 0.0)
        self._folds, places = np.unique(folds, return_inverse=True)
        member = np.eye(len(self._folds))[places].T
        sums = [member @ values for values in (known.astype(float), x, r, x * x, x * r, r * r)]
        self._sums = [
            np.concatenate([s.sum(axis=0) - s, [s.sum(axis=0)]]) for s in sums
        ]  # the last: nobody left out
        self._row = places

    def at(self, predicted: RealArray, fold: int) -> NDArray[np.float64]:
        """The spread at predicted values (slides, genes), by the model without a fold, or that of all patients."""
        where = np.flatnonzero(self._folds == fold).tolist()
        return self._spread(predicted, where[0] if where else -1)

    def of_calibration(self, predicted: RealArray) -> NDArray[np.float64]:
        """The spread of each calibration slide, by the model without its own fold."""
        spread = np.empty(predicted.shape)
        for place in range(len(self._folds)):
            rows = self._row == place
            spread[rows] = self._spread(predicted[rows], place)
        return spread

    def is_seen(self) -> NDArray[np.bool_]:
        """Whether the residuals of a gene depend on its predicted value."""
        n, x, r, xx, xr, rr = (s[-1] for s in self._sums)
        with np.errstate(divide="ignore", invalid="ignore"):
            correlation = (xr - x * r / n) / np.sqrt((xx - x * x / n) * (rr - r * r / n))
            t = correlation * np.sqrt((n - 2) / (1 - correlation**2))
        return np.abs(t) > _SEEN

    def _spread(self, predicted: RealArray, place: int) -> NDArray[np.float64]:
        n, x, r, xx, xr, _ = (s[place] for s in self._sums)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean, slope = r / n, (xr - x * r / n) / (xx - x * x / n)
            slope = np.where(np.isfinite(slope), slope, 0.0)
            line = mean + slope * (predicted - self._centre - x / n)
        return np.clip(line, mean / _FACTOR, mean * _FACTOR)
