"""Half-widths of prediction intervals that keep their promise: the order statistic of conformal prediction.

References
----------
Vovk, Gammerman and Shafer (2005), Algorithmic Learning in a Random World; Lei et al. (2018), JASA 113:1094.
Weights: Tibshirani et al. (2019), Conformal prediction under covariate shift, NeurIPS.
Several values of a patient: Lee, Barber and Willett (2023), Distribution-free inference with hierarchical data.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sequoia_base.arguments import check_limits, number

#: An array of float32 or float64.
RealArray = NDArray[np.floating[Any]]
#: What a level may be.
PROMISE_LEVEL = number("a number between 0 and 1", lambda level: 0 < level < 1)
#: A level is a fraction with at most this denominator.
_DENOMINATOR = 10**6
#: Values that are copied at a time.
_BLOCK = 2**20
#: Sums of weights are compared up to this part of them: 1/3 + 1/3 + 1/3 is 1.
_ROUNDING = 1e-9


def check_level(level: float) -> None:
    """Refuse a level that is not between 0 and 1.

    Raises
    ------
    InputError
        If it is not.
    """
    check_limits({"level": level}, {"level": PROMISE_LEVEL})


def exact_level(level: float) -> Fraction:
    """The fraction that a level stands for: 0.55 is 11/20, which no floating-point number is.

    Examples
    --------
    >>> exact_level(0.55), exact_level(8 / 9)
    (Fraction(11, 20), Fraction(8, 9))
    """
    return Fraction(level).limit_denominator(_DENOMINATOR)


def conformal_rank(n: int, level: float) -> int:
    """The rank ⌈(n + 1) · level⌉ of the residual that is the half-width of an interval.

    Parameters
    ----------
    n : int
        Number of calibration residuals, one a patient.
    level : float
        The promised coverage, between 0 and 1, taken as an `exact_level`.

    Returns
    -------
    int
        A rank above n means that the interval is the whole line.

    Raises
    ------
    InputError
        If `level` is not between 0 and 1.

    Examples
    --------
    >>> conformal_rank(99, 0.9), conformal_rank(8, 0.9), conformal_rank(99, 0.55)
    (90, 9, 55)
    """
    check_level(level)
    return math.ceil((n + 1) * exact_level(level))


def largest_level(n: int) -> float:
    """The largest level at which `n` residuals give an interval that is not the whole line: n / (n + 1).

    Examples
    --------
    >>> largest_level(8) < 0.9 <= largest_level(9)
    True
    """
    return n / (n + 1)


def conformal_radius(
    residuals: RealArray,
    level: float,
    weights: ArrayLike | None = None,
    new_weight: ArrayLike = 1.0,
) -> RealArray:
    """The half-width of intervals around new predictions, from absolute residuals of calibration.

    Parameters
    ----------
    residuals : array, shape (n, ...)
        Absolute residuals, one row for each calibration patient. NaN: the patient is left out of this column.
        At most a block of columns is copied.
    level : float
        The promised coverage, between 0 and 1.
    weights : array, shape (n,) or (n, ...), optional
        Weights of the rows, or of each residual. A patient with m rows has 1/m in each; under covariate shift the
        weights are likelihood ratios.
    new_weight : float or array, shape (m,), default 1
        The weight of the new patient; an array gives a half-width for each of m patients. Used with `weights`.

    Returns
    -------
    array, shape (...) or (m, ...)
        The `conformal_rank`-th smallest of the n residuals that are not NaN; with weights, the smallest residual at
        which those up to it have `level` of the weight of all and of the new patient. Infinite where there is none.

    Raises
    ------
    InputError
        If `level` is not between 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> residuals = np.arange(1.0, 10.0)
    >>> float(conformal_radius(residuals, 0.9)), float(conformal_radius(residuals[:8], 0.9))
    (9.0, inf)
    >>> float(conformal_radius(np.repeat(residuals, 2), 0.8, weights=np.full(18, 0.5)))
    8.0
    """
    check_level(level)
    residuals = np.asarray(residuals)
    n, shape = len(residuals), residuals.shape[1:]
    columns = residuals.reshape(n, math.prod(shape))
    new = np.asarray(new_weight, dtype=float)
    dtype: np.dtype[Any] = residuals.dtype if residuals.dtype.kind == "f" else np.dtype(float)
    many = () if weights is None else new.shape
    found = np.full((*many, columns.shape[1]), np.inf, dtype)
    given = None if weights is None else np.asarray(weights, dtype=float).reshape(n, -1)
    step = max(1, _BLOCK // max(n, 1))
    for start in range(0, columns.shape[1] if n else 0, step):
        cut = slice(start, start + step)
        rows: RealArray = np.array(
            columns[:, cut].T, dtype=dtype, order="C"
        )  # a row per column: neighbours in memory
        if given is None:
            found[cut] = _ranked(rows, level)
        else:
            of_rows = np.broadcast_to(given if given.shape[1] == 1 else given[:, cut], (n, len(rows))).T
            found[..., cut] = _weighted(rows, level, of_rows, new)
    return found.reshape((*found.shape[:-1], *shape))


def _ranked(rows: RealArray, level: float) -> RealArray:
    """The ranked residual of each row, which is sorted in part."""
    counts = rows.shape[1] - np.isnan(rows).sum(axis=1)
    kinds, which = np.unique(counts, return_inverse=True)
    places = np.array([conformal_rank(int(n), level) - 1 for n in kinds])
    finite = places < kinds
    if finite.any():
        rows.partition(np.unique(places[finite]), axis=1)  # NaN comes last
    at = np.where(finite, places, 0)[which]
    values = np.take_along_axis(rows, at[:, None], axis=1)[:, 0]
    return np.where(finite[which], values, np.inf)


def _weighted(
    rows: RealArray, level: float, weights: NDArray[np.float64], new: NDArray[np.float64]
) -> RealArray:
    """The weighted quantile of each row for each new patient, shape (..., rows)."""
    order = np.argsort(rows, axis=1)
    rows = np.take_along_axis(rows, order, axis=1)
    sums = np.cumsum(np.where(np.isnan(rows), 0, np.take_along_axis(weights, order, axis=1)), axis=1)
    wanted = level * (sums[:, -1] + new[..., None]) * (1 - _ROUNDING)
    beyond = np.append(rows, np.full((len(rows), 1), np.inf, rows.dtype), axis=1)
    found = np.empty(wanted.shape, rows.dtype)
    for i, (values, reached) in enumerate(zip(beyond, sums, strict=True)):
        found[..., i] = values[np.searchsorted(reached, wanted[..., i])]
    return found
