"""Partial correlations of all columns at once: what is left of r when covariates are held constant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sequoia_stats.association._moments import PerColumn, as_matrix
from sequoia_stats.association.correlation import correlation_p
from sequoia_stats.errors import InputError
from sequoia_stats.types.arrays import Floats, float_array, refuse_other_labels

#: Columns in a block; results do not depend on it.
COLUMNS = 1024
# A covariate that adds less than this to the others, on the scale of its standard deviation, is a combination of them.
_RANK = 1e-9
# If covariates leave less than this share of the variance, the rest is rounding: float32 has seven digits.
_EXPLAINED = 1e-12


@dataclass(frozen=True, eq=False)
class PartialCorrelation(PerColumn):
    """Correlations of all columns given the covariates.

    Attributes
    ----------
    r : array of shape (g,)
        Pearson's r of the residuals; 0 if a column is constant, is explained by the covariates, or has no degrees of
        freedom.
    p : array of shape (g,)
        Two-sided p-value of r = 0, by Student's t; 1 if r is set to 0.
    n : array of int64, shape (g,)
        Number of rows with both values.
    df : array of int64, shape (g,)
        Degrees of freedom: n − 2 − number of independent covariates, at least 0.
    """

    r: Floats
    p: Floats
    n: NDArray[np.int64]
    df: NDArray[np.int64]


def partial_correlation(
    x: ArrayLike, y: ArrayLike, given: ArrayLike, *, rows: ArrayLike | None = None
) -> PartialCorrelation:
    """Correlate every column of `x` with the same column of `y`, holding covariates constant.

    Both columns are regressed on the covariates and an intercept, and the residuals are correlated. r and p are those
    of the term y in R's ``lm(x ~ y + covariates)``.

    Parameters
    ----------
    x, y : arrays of shape (n, g)
        Numbers. A row with NaN in either column is left out of that column.
    given : array of shape (n, k)
        Covariates as numbers, without missing values in `rows`; levels of a category are indicators. Covariates that
        are combinations of others do not count.
    rows : array, optional
        Indices of the rows to use, or a boolean per row; all by default.

    Returns
    -------
    PartialCorrelation

    Raises
    ------
    InputError
        If shapes differ, a value is infinite, or a covariate is missing or infinite.

    Examples
    --------
    >>> group = np.repeat([0.0, 1.0], 4)[:, None]
    >>> x = np.array([[1.0, 2, 3, 4, 11, 12, 13, 14]]).T
    >>> y = np.array([[2.0, 1, 4, 3, 12, 11, 14, 13]]).T
    >>> found = partial_correlation(x, y, group)
    >>> found.r.round(4), found.p.round(4), found.df
    (array([0.6]), array([0.1544]), array([5]))
    """
    refuse_other_labels(x, y)
    a, b, z = as_matrix(x), as_matrix(y), float_array(given, "covariates")
    chosen = np.arange(len(a)) if rows is None else np.asarray(rows)
    chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
    if a.shape != b.shape or z.ndim != 2 or len(z) != len(a):
        raise InputError(f"the shapes differ: {a.shape}, {b.shape} and covariates of {z.shape}")
    z = z[chosen]
    if not np.isfinite(z).all():
        raise InputError("a covariate is missing or infinite", fix="leave these rows out")
    picked = (slice(None) if rows is None else chosen, slice(None))
    cuts = (slice(start, start + COLUMNS) for start in range(0, max(a.shape[1], 1), COLUMNS))
    return of_blocks(((a[:, cut][picked], b[:, cut][picked]) for cut in cuts), z)


def of_blocks(
    blocks: Iterable[tuple[NDArray[np.generic], NDArray[np.generic]]], given: Floats
) -> PartialCorrelation:
    """The same for matrices that come in blocks of columns, at least one, with covariates of the same rows."""
    basis = _basis(given)
    found = [_block(np.asarray(x, np.float64), np.asarray(y, np.float64), given, basis) for x, y in blocks]
    columns = zip(*((block.r, block.p, block.n, block.df) for block in found), strict=True)
    return PartialCorrelation(*(np.concatenate(column) for column in columns))


def _block(x: Floats, y: Floats, z: Floats, basis: Floats) -> PartialCorrelation:
    present = ~(np.isnan(x) | np.isnan(y))
    if present.all():
        return _complete(x, y, basis)
    # columns that miss the same rows have the same residual space
    patterns, which = np.unique(present, axis=1, return_inverse=True)
    r, p = np.zeros(x.shape[1]), np.ones(x.shape[1])
    n, df = np.zeros((2, x.shape[1]), np.int64)
    for i, rows in enumerate(patterns.T):
        columns = np.flatnonzero(np.ravel(which) == i)
        part = _complete(x[np.ix_(rows, columns)], y[np.ix_(rows, columns)], _basis(z[rows]))
        r[columns], p[columns], n[columns], df[columns] = part.r, part.p, part.n, part.df
    return PartialCorrelation(r, p, n, df)


def _complete(x: Floats, y: Floats, basis: Floats) -> PartialCorrelation:
    """The same for columns without missing values."""
    rows, columns = x.shape
    df = max(rows - 2 - basis.shape[1], 0)
    r = np.zeros(columns)
    if df and columns:
        (u, varies_u), (v, varies_v) = _residuals(x, basis), _residuals(y, basis)
        uu, vv, uv = (np.einsum("ij,ij->j", *pair) for pair in ((u, u), (v, v), (u, v)))
        size = np.sqrt(uu * vv)
        np.divide(uv, size, out=r, where=varies_u & varies_v & (size > 0))
        r = np.clip(r, -1.0, 1.0)
    p = correlation_p(r, np.full(columns, df + 2))
    return PartialCorrelation(r, p, np.full(columns, rows), np.full(columns, df))


def _basis(z: Floats) -> Floats:
    """An orthonormal basis of the centred covariates, without those that are combinations of others."""
    if not z.size:
        return np.zeros((len(z), 0))
    centred = z - z.mean(axis=0)
    scale = np.sqrt((centred * centred).sum(axis=0))
    varies = (z.min(axis=0) < z.max(axis=0)) & (scale > 0)
    if not varies.any():
        return np.zeros((len(z), 0))
    vectors, sizes, _ = np.linalg.svd(centred[:, varies] / scale[varies], full_matrices=False)
    return vectors[:, sizes > _RANK * sizes[0]]


def _residuals(values: Floats, basis: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Residuals of columns, scaled to a largest value of about 1, and whether they are more than rounding."""
    low, high = values.min(axis=0), values.max(axis=0)
    if not np.isfinite(high - low).all():
        raise InputError("values are infinite", fix="write NaN for missing values")
    centred = (values - low) / np.where(high > low, high - low, 1.0)
    centred -= centred.mean(axis=0)
    before = np.einsum("ij,ij->j", centred, centred)
    centred -= basis @ (basis.T @ centred)
    after = np.einsum("ij,ij->j", centred, centred)
    return centred, (high > low) & (after > _EXPLAINED * before)
