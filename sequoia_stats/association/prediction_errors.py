"""Errors of predictions, gene by gene, and the scales to judge them by."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sequoia_stats.association._moments import as_matrix, moments
from sequoia_stats.errors import InputError
from sequoia_stats.types.arrays import Floats, float_array, refuse_other_labels

_COLUMNS_PER_TASK = 128


def rmse(measured: ArrayLike, predicted: ArrayLike, *, jobs: int | None = None) -> Floats:
    """Root mean squared error of every column.

    Parameters
    ----------
    measured, predicted : arrays of shape (n, g)
        A row with NaN in either column is left out.
    jobs : int, optional
        Number of threads, one per available core by default.

    Returns
    -------
    array of shape (g,)
        Errors in the units of the input; NaN if no row is complete.

    Examples
    --------
    >>> rmse([[1.0], [2.0]], [[1.0], [4.0]]).round(4)
    array([1.4142])
    """
    return moments(measured, predicted, jobs=jobs).rmse


def mae(measured: ArrayLike, predicted: ArrayLike, *, jobs: int | None = None) -> Floats:
    """Mean absolute error of every column.

    Parameters
    ----------
    measured, predicted : arrays of shape (n, g)
        A row with NaN in either column is left out.
    jobs : int, optional
        Number of threads, one per available core by default.

    Returns
    -------
    array of shape (g,)
        Errors in the units of the input; NaN if no row is complete.

    Examples
    --------
    >>> mae([[1.0], [2.0]], [[1.0], [4.0]])
    array([1.])
    """
    return moments(measured, predicted, jobs=jobs).mae


def explained_variance(measured: ArrayLike, predicted: ArrayLike, *, jobs: int | None = None) -> Floats:
    """Share of the variance of every column that the prediction explains: 1 − var(error) / var(measured).

    Unlike in the coefficient of determination, a constant error has no effect.

    Parameters
    ----------
    measured, predicted : arrays of shape (n, g)
        A row with NaN in either column is left out.
    jobs : int, optional
        Number of threads, one per available core by default.

    Returns
    -------
    array of shape (g,)
        1 at best, negative if the prediction adds variance; NaN if the measured values are constant.

    Examples
    --------
    >>> explained_variance([[1.0], [2.0], [3.0]], [[2.0], [3.0], [4.5]])
    array([0.91666667])
    """
    return moments(measured, predicted, jobs=jobs).explained_variance


def interquartile_range(measured: ArrayLike, *, jobs: int | None = None) -> Floats:
    """Interquartile range of every column, exact, by R's type 7.

    Reference: R's ``IQR(x, na.rm = TRUE)``; numpy's default quantile is the same.

    Parameters
    ----------
    measured : array of shape (n, g)
        Values; NaN is left out.
    jobs : int, optional
        Number of threads, one per available core by default; results do not depend on it.

    Returns
    -------
    array of shape (g,)
        Ranges in the units of the input; NaN if there are no values.

    Raises
    ------
    InputError
        If values are infinite.

    Examples
    --------
    >>> interquartile_range([[1.0], [2.0], [3.0], [10.0]])
    array([3.])
    """
    from sequoia_base.kernels import map_blocks

    matrix = as_matrix(measured)
    dtype = np.float32 if matrix.dtype == np.float32 else np.float64

    def task(start: int, stop: int) -> Floats:
        # partitioning needs a copy; it keeps the memory order, so that the transpose is cheap
        return _quartile_distances(np.ascontiguousarray(np.array(matrix[:, start:stop], dtype, order="K").T))

    blocks = map_blocks(task, matrix.shape[1], _COLUMNS_PER_TASK, jobs)
    return np.concatenate([np.empty(0), *blocks])


def normalised_rmse(rmse: ArrayLike, iqr: ArrayLike) -> Floats:
    """RMSE in units of the interquartile range of the measured values.

    Parameters
    ----------
    rmse : array of shape (g,)
        The result of `rmse`.
    iqr : array of shape (g,)
        The result of `interquartile_range`.

    Returns
    -------
    array of shape (g,)
        NaN if the interquartile range is 0, since such a gene has no scale.

    Examples
    --------
    >>> normalised_rmse([1.0, 1.0], [2.0, 0.0])
    array([0.5, nan])
    """
    refuse_other_labels(rmse, iqr)
    error, scale = float_array(rmse, "errors"), float_array(iqr, "ranges")
    return np.divide(error, scale, out=np.full(np.broadcast(error, scale).shape, np.nan), where=scale > 0)


def minmax(values: ArrayLike) -> Floats:
    """Scale values to [0, 1]: the smallest becomes 0, the largest 1.

    The paper scales the normalised RMSE over the genes of a cancer type, which makes it relative to the other
    genes.

    Parameters
    ----------
    values : array of shape (g,)
        Values; NaN stays NaN.

    Returns
    -------
    array of shape (g,)
        Scaled values, all 0 if the values are equal.

    Examples
    --------
    >>> minmax([2.0, 3.0, 6.0, float("nan")])
    array([0.  , 0.25, 1.  ,  nan])
    """
    x = float_array(values, "values")
    known = x[~np.isnan(x)]
    if not known.size:
        return np.full(x.shape, np.nan)
    low, high = known.min(), known.max()
    return (x - low) / (high - low if high > low else 1.0)


def _quartile_distances(rows: NDArray[np.floating]) -> Floats:
    """Interquartile range of every row of a contiguous array, which is partly sorted in place."""
    if np.isinf(rows).any():
        raise InputError("the interquartile range of infinite values is undefined", fix="leave them out")
    missing = np.isnan(rows).any(axis=1)
    if not missing.any():
        return _complete_distances(rows)
    distances = np.full(len(rows), np.nan)
    distances[~missing] = _complete_distances(rows[~missing])
    for i in np.flatnonzero(missing):
        distances[i] = _complete_distances(rows[i : i + 1, ~np.isnan(rows[i])])[0]
    return distances


def _complete_distances(rows: NDArray[np.floating]) -> Floats:
    size = rows.shape[1]
    if not size:
        return np.full(len(rows), np.nan)
    quartiles, start = [], 0
    for share in (0.25, 0.75):
        position = (size - 1) * share
        at, weight = int(position), position % 1
        rest = rows[:, start:]  # values left of the first quartile do not matter for the third
        rest.partition(at - start, axis=1)
        low = rows[:, at].astype(np.float64)
        high = rows[:, at + 1 :].min(axis=1).astype(np.float64) if weight else low
        quartiles.append((1 - weight) * low + weight * high)
        start = at
    return quartiles[1] - quartiles[0]
