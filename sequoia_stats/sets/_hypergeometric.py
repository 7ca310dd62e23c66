"""The upper tail of the hypergeometric distribution, for many overlaps at once."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

_Floats = NDArray[np.float64]

#: log(n!) minus Stirling's formula, for n from 0 (a placeholder) to 15.
_SMALL = np.array(
    [0.0]
    + [math.lgamma(n + 1) - (n + 0.5) * math.log(n) + n - 0.5 * math.log(2 * math.pi) for n in range(1, 16)]
)


def overlap_p_value(
    overlap: ArrayLike, universe: ArrayLike, set_size: ArrayLike, list_size: ArrayLike
) -> _Floats:
    """Probability that a random list overlaps a set at least as much.

    Parameters
    ----------
    overlap, universe, set_size, list_size : array_like of int
        k of the n genes on a list are among the K genes of a set, in a universe of M; arrays are broadcast.

    Returns
    -------
    array
        P(X >= k), as R's ``phyper(k - 1, K, M - K, n, lower.tail = FALSE)``; 1 if k = 0.

    Notes
    -----
    The point probability follows Loader ("Fast and accurate computation of binomial probabilities", 2000): a product
    of three binomial probabilities, which avoids differences of large logarithms of factorials. The tail is the
    point probability times a sum of ratios of neighbouring terms, from k away from the mean, so that a tail of
    1e-250 is as precise as one of 0.1. Below the mean it is 1 minus the other tail.

    Examples
    --------
    >>> overlap_p_value([0, 3], 20, 5, 6).round(6)
    array([1.      , 0.131321])
    """
    arrays = np.broadcast_arrays(
        *(np.asarray(a, dtype=np.int64) for a in (overlap, universe, set_size, list_size))
    )
    shape = arrays[0].shape
    rows, where = _distinct([array.ravel() for array in arrays])
    k, M, K, n = rows
    p = np.where(k > np.minimum(K, n), 0.0, 1.0)
    above = (p > 0) & (k > 0) & ((k - 1) * M > n * K)
    below = (p > 0) & (k > np.maximum(0, n + K - M)) & ~above  # at the smallest possible overlap, p = 1
    p[above] = _upper(*(row[above] for row in rows))
    p[below] = 1 - _lower(k[below] - 1, M[below], K[below], n[below])
    return np.clip(p, 0, 1)[where].reshape(shape)


def _distinct(columns: list[NDArray[np.int64]]) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
    """The distinct rows of several columns, and the index of each row among them."""
    where, n_known = columns[0], 1 + int(columns[0].max(initial=0))
    for column in columns[1:]:
        where, known = pd.factorize(where + n_known * column)
        n_known = len(known)
    first = np.empty(n_known, dtype=np.int64)
    first[where[::-1]] = np.arange(len(where))[::-1]
    return [column[first] for column in columns], where


def _upper(k: NDArray, M: NDArray, K: NDArray, n: NDArray) -> _Floats:
    """P(X >= k) as a sum of the decreasing terms at k, k + 1, ..."""
    a, b, c, d = (x.astype(np.float64) for x in (K - k, n - k, k + 1, M - K - n + k + 1))
    return _point(k, M, K, n) * _sum_of_ratios(a, b, c, d)


def _lower(k: NDArray, M: NDArray, K: NDArray, n: NDArray) -> _Floats:
    """P(X <= k) as a sum of the decreasing terms at k, k - 1, ..."""
    a, b, c, d = (x.astype(np.float64) for x in (k, M - K - n + k, K - k + 1, n - k + 1))
    return _point(k, M, K, n) * _sum_of_ratios(a, b, c, d)


def _sum_of_ratios(a: _Floats, b: _Floats, c: _Floats, d: _Floats) -> _Floats:
    """1 + r0 + r0 r1 + ... with r_i = (a - i)(b - i) / ((c + i)(d + i)), until terms become negligible."""
    total, at = np.ones(len(a)), np.arange(len(a))
    term, step = np.ones(len(a)), 0
    while len(at):
        term = term * ((a - step) * (b - step)) / ((c + step) * (d + step))
        total[at] += term
        step += 1
        going = term > 1e-17 * total[at]  # ratios decrease, and are 0 at the end of the support
        if not going.all():
            at, term = at[going], term[going]
            a, b, c, d = a[going], b[going], c[going], d[going]
    return total


def _point(k: NDArray, M: NDArray, K: NDArray, n: NDArray) -> _Floats:
    """P(X = k), for possible k."""
    p, q = n / M, (M - n) / M
    with np.errstate(under="ignore"):
        return np.exp(
            _log_binomial(k, K, p, q) + _log_binomial(n - k, M - K, p, q) - _log_binomial(n, M, p, q)
        )


def _log_binomial(x: NDArray, n: NDArray, p: _Floats, q: _Floats) -> _Floats:
    """Logarithm of the binomial probability of x out of n."""
    with np.errstate(divide="ignore", invalid="ignore"):  # the ends are replaced below
        result = (
            _stirling_error(n) - _stirling_error(x) - _stirling_error(n - x)
            - _deviance(x, n * p) - _deviance(n - x, n * q)
            + 0.5 * np.log(n / (2 * np.pi * x * (n - x)))
        )  # fmt: skip
        result = np.where(x == 0, n * np.log1p(-p), result)
        return np.where(x == n, np.where(n == 0, 0.0, n * np.log1p(-q)), result)


def _stirling_error(n: NDArray) -> _Floats:
    """log(n!) minus Stirling's formula."""
    m = np.maximum(n, 1).astype(np.float64)
    s = 1 / (m * m)
    series = (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - s / 1188) * s) * s) * s) / m
    return np.where(n < len(_SMALL), _SMALL[np.minimum(n, len(_SMALL) - 1)], series)


def _deviance(x: NDArray, mean: _Floats) -> _Floats:
    """Loader's x log(x / mean) + mean - x, precise even if x is close to the mean."""
    v = (x - mean) / (x + mean)
    w = v * v
    # atanh(v) - v, without the leading terms, which cancel
    tail = v * w * np.polynomial.polynomial.polyval(w, 1 / np.arange(3, 21, 2))
    return np.where(np.abs(v) < 0.1, v * (x - mean) + 2 * x * tail, x * np.log(x / mean) + mean - x)
