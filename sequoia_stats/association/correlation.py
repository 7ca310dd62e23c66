"""Pearson correlations of all columns at once, and tests between correlations that share a variable."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtr

from sequoia_base.arguments import check_limits, number, one_of
from sequoia_stats.association import _dependent_tests
from sequoia_stats.association._moments import PerColumn, moments
from sequoia_stats.errors import InputError
from sequoia_stats.types.arrays import Floats, float_array

MethodName = Literal["steiger", "williams", "dunn-clark", "hotelling", "meng"]
AlternativeName = Literal["two-sided", "greater", "less", "absolute"]
METHODS = get_args(MethodName)
ALTERNATIVES = get_args(AlternativeName)
_LIMITS = {"method": one_of(METHODS), "alternative": one_of(ALTERNATIVES)}
_LIMITS_OF_INTERVALS = {"level": number("between 0 and 1", lambda value: 0 < value < 1)}

# A correlation computed elsewhere may exceed 1 by this much.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Pearson(PerColumn):
    """Correlations of all columns.

    Attributes
    ----------
    r : array of shape (g,)
        Pearson's r; 0 if a column is constant or fewer than 3 rows are complete.
    p : array of shape (g,)
        Two-sided p-value of r = 0; 1 if r is set to 0.
    n : array of int64, shape (g,)
        Number of rows with both values.
    """

    r: Floats
    p: Floats
    n: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class DependentTest(PerColumn):
    """Test of r12 = r13, both measured on the same samples.

    Attributes
    ----------
    statistic : array
        t or z, positive if r12 > r13; has the broadcast shape of the inputs.
    p : array
        p-value, never missing.
    df : array
        Degrees of freedom of Student's t (n − 3, at least 0); infinite for a normal z.
    """

    statistic: Floats
    p: Floats
    df: Floats


def pearson(x: ArrayLike, y: ArrayLike, *, rows: ArrayLike | None = None, jobs: int | None = None) -> Pearson:
    """Correlate every column of `x` with the same column of `y`.

    Reference: R's ``cor.test``. Sums are float64 for any type of input.

    Parameters
    ----------
    x, y : arrays of shape (n, g)
        Numbers; float32 and float64 are not copied. A row with NaN in either column is left out.
    rows : array, optional
        Indices of the rows to use, or a boolean per row; all by default. This avoids a copy.
    jobs : int, optional
        Number of threads, one per available core by default; results do not depend on it.

    Returns
    -------
    Pearson

    Raises
    ------
    InputError
        If the shapes differ, or values are infinite or too large to be squared.

    Examples
    --------
    >>> result = pearson([[1.0, 5.0], [2.0, 5.0], [4.0, 5.0]], [[2.0, 1.0], [3.0, 2.0], [1.0, 3.0]])
    >>> result.r.round(4), result.p.round(4), result.n
    (array([-0.6547,  0.    ]), array([0.5456, 1.    ]), array([3, 3]))
    """
    found = moments(x, y, rows=rows, jobs=jobs)
    return Pearson(found.r12, correlation_p(found.r12, found.n), found.n)


def correlation_p(r: ArrayLike, n: ArrayLike) -> Floats:
    """Two-sided p-value of Pearson's r, by the upper tail of Student's t on n − 2 degrees of freedom.

    Parameters
    ----------
    r : array
        Correlations.
    n : array
        Number of samples; below 3 the p-value is 1.

    Returns
    -------
    array
        p-values of the broadcast shape; small values are precise beyond 1e-16.

    Raises
    ------
    InputError
        If a correlation is not a number from -1 to 1.

    Examples
    --------
    >>> f"{correlation_p(0.99, 300):.4g}"
    '1.577e-255'
    """
    r, n = _correlations(r), float_array(n, "sample sizes")
    df = np.maximum(n - 2, 0)
    with np.errstate(divide="ignore"):
        t = np.abs(r) * np.sqrt(df / ((1 - r) * (1 + r)))
    return np.where((df > 0) & (r != 0), 2 * stdtr(np.maximum(df, 1), -t), 1.0)[()]


def dependent_correlation_test(
    r12: ArrayLike,
    r13: ArrayLike,
    r23: ArrayLike,
    n: ArrayLike,
    *,
    method: MethodName = "steiger",
    alternative: AlternativeName = "two-sided",
) -> DependentTest:
    """Test whether variable 1 is equally correlated with variables 2 and 3, all measured on the same samples.

    Formulas: Steiger (1980), with the pooled correlation in the covariance of Fisher's z; Williams (1959); Dunn and
    Clark (1969), like Steiger's but unpooled; Hotelling (1940); Meng, Rosenthal and Rubin (1992). Williams' and
    Hotelling's statistics follow t with n − 3 degrees of freedom, the others are normal.

    Parameters
    ----------
    r12, r13, r23 : arrays
        Correlations, such as (measured, predicted), (measured, untrained), (predicted, untrained). Shapes
        broadcast.
    n : array
        Number of samples; up to 3 the p-value is 1.
    method : {"steiger", "williams", "dunn-clark", "hotelling", "meng"}
        The test.
    alternative : {"two-sided", "greater", "less", "absolute"}
        "greater" is r12 > r13. "absolute" is the upper tail beyond the absolute statistic, that is, half of the
        two-sided p-value whichever correlation is larger; the published code of the paper computes this.

    Returns
    -------
    DependentTest
        If r23 = 1 or n ≤ 3, the statistic is 0 and p is 1 for every alternative. The statistic is infinite if r12 or
        r13 is exactly ±1 (Hotelling's also if the variables are linearly dependent).

    Raises
    ------
    InputError
        If a correlation is not a number from -1 to 1, or a word is not valid.

    Examples
    --------
    >>> test = dependent_correlation_test(0.3, 0.4, 0.5, 100)
    >>> round(float(test.statistic), 6), round(float(test.p), 6)
    (-1.071817, 0.283802)
    """
    check_limits({"method": method, "alternative": alternative}, _LIMITS)
    (formula, student), tail = _dependent_tests.TEST_FORMULAS[method], _dependent_tests.TAILS[alternative]
    a, b, r = (_correlations(value) for value in (r12, r13, r23))
    a, b, r, size = np.broadcast_arrays(a, b, r, float_array(n, "sample sizes"))
    untestable = (r == 1) | ~(size > 3)
    with np.errstate(all="ignore"):  # undefined values are replaced, infinite ones stay
        statistic = np.where(untestable | (a == b), 0.0, formula(a, b, r, np.maximum(size, 3)))
    df = np.maximum(size - 3, 0) if student else np.full(size.shape, np.inf)
    upper = (
        partial(_dependent_tests.t_upper, df=np.maximum(df, 1)) if student else _dependent_tests.normal_upper
    )
    p = np.where(untestable, 1.0, tail(statistic, upper))
    return DependentTest(statistic[()], p[()], df[()])


def dependent_correlation_ci(
    r12: ArrayLike, r13: ArrayLike, r23: ArrayLike, n: ArrayLike, *, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Confidence interval of r12 − r13 on the same samples (Zou 2007).

    Combines the Fisher intervals of both correlations, taking into account how these are correlated.

    Parameters
    ----------
    r12, r13, r23 : arrays
        Correlations; shapes broadcast.
    n : array
        Number of samples; up to 3 a Fisher interval is (−1, 1).
    level : float, optional
        Confidence level, between 0 and 1.

    Returns
    -------
    low, high : arrays
        Ends of the interval, never missing.

    Raises
    ------
    InputError
        If a correlation is not a number from -1 to 1, or the level is not between 0 and 1.

    Examples
    --------
    >>> low, high = dependent_correlation_ci(0.3, 0.4, 0.5, 100)
    >>> round(float(low), 6), round(float(high), 6)
    (-0.282341, 0.082404)
    """
    check_limits({"level": level}, _LIMITS_OF_INTERVALS)
    a, b, r = (_correlations(value) for value in (r12, r13, r23))
    with np.errstate(divide="ignore"):
        standard_error = 1 / np.sqrt(np.maximum(float_array(n, "sample sizes") - 3, 0))
        # tanh of 100 is 1; an infinite width would give inf − inf for r = 1
        width = np.minimum(ndtri((1 + level) / 2) * standard_error, 100)
        low_a, high_a = np.tanh(np.arctanh(a) - width), np.tanh(np.arctanh(a) + width)
        low_b, high_b = np.tanh(np.arctanh(b) - width), np.tanh(np.arctanh(b) + width)
    c = 1 - _dependent_tests.one_minus_covariance(a, b, r)
    below = (a - low_a) ** 2 + (high_b - b) ** 2 - 2 * c * (a - low_a) * (high_b - b)
    above = (high_a - a) ** 2 + (b - low_b) ** 2 - 2 * c * (high_a - a) * (b - low_b)
    difference = a - b
    return (difference - np.sqrt(np.maximum(below, 0)))[()], (difference + np.sqrt(np.maximum(above, 0)))[()]


def fisher_mean(r: ArrayLike, weights: ArrayLike | None = None, axis: int = 0) -> Floats:
    """Average correlations on Fisher's scale: tanh of the weighted mean of atanh r.

    Parameters
    ----------
    r : array
        Correlations; ±1, whose Fisher's z is infinite, counts as the nearest number inside.
    weights : array, optional
        Weights of the shape of `r`, or one per element of `axis` (such as n − 3, for folds of unequal size); equal
        by default. If all are zero, the mean is 0.
    axis : int, optional
        The axis to average over.

    Returns
    -------
    array
        Means, without `axis`.

    Raises
    ------
    InputError
        If a correlation is not a number from -1 to 1, or a weight is negative.

    Examples
    --------
    >>> round(float(fisher_mean([0.9, 0.1])), 4)
    0.6563
    """
    r = _correlations(r)
    inside = np.nextafter(1.0, 0.0)
    z = np.moveaxis(np.arctanh(np.clip(r, -inside, inside)), axis, -1)
    w = np.ones(z.shape[-1]) if weights is None else float_array(weights, "weights")
    if not (w >= 0).all():
        raise InputError("weights of correlations must not be negative")
    w = np.broadcast_to(np.moveaxis(w, axis, -1) if w.ndim > 1 else w, z.shape)
    total = w.sum(axis=-1)
    return np.tanh((w * z).sum(axis=-1) / np.where(total > 0, total, 1.0))


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """Adjust p-values for the false discovery rate (Benjamini and Hochberg 1995).

    Reference: R's ``p.adjust(p, "BH")``.

    Parameters
    ----------
    p : array of shape (m,)
        p-values of all tests.

    Returns
    -------
    array of shape (m,)
        Adjusted p-values, in the same order.

    Raises
    ------
    InputError
        If a p-value is missing or outside 0 to 1. The p-value of a test that could not be done is 1.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03, 1.0])
    array([0.04      , 0.05333333, 0.05333333, 1.        ])
    """
    p = float_array(p, "p-values")
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise InputError(
            "p-values must be a list of numbers from 0 to 1", fix="use 1 for tests that could not be done"
        )
    order = np.argsort(-p, kind="stable")
    ranks = np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.minimum.accumulate(len(p) / ranks * p[order]), 1)
    return adjusted


def _correlations(values: ArrayLike) -> Floats:
    r = float_array(values, "correlations")
    if not (np.abs(r) <= 1 + _ROUNDING).all():
        raise InputError("correlations must be numbers from -1 to 1")
    return np.clip(r, -1, 1)
