"""The measured score as a line of the predicted one, and how far each patient is from the line of the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sequoia_base.conformal import conformal_radius
from sequoia_stats.types.arrays import Floats

#: A line without one patient needs two others.
FEWEST_RESIDUALS = 3
#: The expected size of a residual is at least this part of the mean one.
_LEAST_SIZE = 0.25


@dataclass(frozen=True)
class _Line:
    """A line through the point (x, y)."""

    x: float
    y: float
    slope: float

    def at(self, x: Floats) -> Floats:
        return self.y + self.slope * (x - self.x)


@dataclass(frozen=True)
class ScoreLine:
    """The line of some patients, their residuals, and the sizes that residuals are expected to have.

    Parameters
    ----------
    expected : _Line
        The measured score by the predicted one. It never falls.
    size : _Line
        The absolute residual by the predicted score.
    floor : float
        The least size.
    residuals, sizes : array of shape (n,)
        The absolute residual of each patient and its expected size, from lines without this patient.
    """

    expected: _Line
    size: _Line
    floor: float
    residuals: Floats
    sizes: Floats

    @classmethod
    def fit(cls, predicted: Floats, measured: Floats) -> ScoreLine:
        """Least squares, with each patient left out in turn.

        Parameters
        ----------
        predicted, measured : array of shape (n,)
            Scores of the same patients. Fewer than 3 patients give no residuals.
        """
        if len(predicted) < FEWEST_RESIDUALS:
            flat, none = _Line(0.0, 0.0, 0.0), np.empty(0)
            return cls(flat, flat, 1.0, none, none)
        expected, without = _least_squares(predicted, measured, least_slope=0.0)
        residuals = np.abs(measured - without)
        size, sizes = _least_squares(predicted, residuals, least_slope=-np.inf)
        floor = _LEAST_SIZE * float(residuals.mean()) or 1.0  # if all residuals are 0, any size will do
        return cls(expected, size, floor, residuals, np.maximum(sizes, floor))

    def half_widths(self, predicted: Floats, level: float, width: str, chosen: NDArray[np.bool_]) -> Floats:
        """Half-widths of the intervals at predicted scores.

        Parameters
        ----------
        predicted : array of shape (m,)
            Predicted scores of other patients.
        level : float
            The coverage.
        width : {"constant", "predicted"}
            Equally wide, or as wide as the expected residual.
        chosen : array of shape (n,)
            Which patients of the line give their residuals.

        Returns
        -------
        array of shape (m,)
            Infinite if there are too few residuals for the level.
        """
        residuals = self.residuals[chosen]
        if width == "constant":
            return np.full(len(predicted), conformal_radius(residuals, level))
        ratio = float(conformal_radius(residuals / self.sizes[chosen], level))
        return ratio * np.maximum(self.size.at(predicted), self.floor)


def _least_squares(x: Floats, y: Floats, least_slope: float) -> tuple[_Line, Floats]:
    """The line of y on x with a slope of at least `least_slope`, and what the line of the others gives at each patient.

    With centred values, the n − 1 others of patient j have the means −x_j / (n − 1) and −y_j / (n − 1), and the sums
    Σx² − x_j² n / (n − 1) and Σxy − x_j y_j n / (n − 1) around them.
    """
    n, mean_x, mean_y = len(x), float(x.mean()), float(y.mean())
    x, y = x - mean_x, y - mean_y
    squares, products, share = x @ x, x @ y, n / (n - 1)
    slopes = _slopes(products - share * x * y, squares - share * x**2, least_slope)
    without = mean_y - y / (n - 1) + slopes * share * x
    slope = float(_slopes(np.atleast_1d(products), np.atleast_1d(squares), least_slope)[0])
    return _Line(mean_x, mean_y, slope), without


def _slopes(products: Floats, squares: Floats, least: float) -> Floats:
    """Σxy / Σx², at least `least`; 0 where x does not vary."""
    varies = squares > 1e-12 * max(float(squares.max()), np.finfo(float).tiny)
    return np.maximum(np.divide(products, squares, out=np.zeros_like(products), where=varies), least)
