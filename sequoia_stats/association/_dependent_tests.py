"""Formulas of the tests between two correlations that share a variable, measured on the same samples.

Throughout a = r12, b = r13, r = r23 and n is the number of samples, above 3.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtr, stdtr

from sequoia_stats.types.arrays import Floats

# If r is closer to -1 than this, a and b are opposite except for rounding.
_OPPOSITE = 1e-12


def _fisher_difference(a: Floats, b: Floats) -> Floats:
    return np.arctanh(a) - np.arctanh(b)


def _determinant(a: Floats, b: Floats, r: Floats) -> Floats:
    """1 − a² − b² − r² + 2abr, precise even if r is near 1 and a near b; 0 if rounding makes it negative."""
    return np.maximum((1 - r) * (1 + r - 2 * a * b) - (a - b) ** 2, 0)


def one_minus_covariance(a: Floats, b: Floats, r: Floats) -> Floats:
    """1 − s, where s is the correlation of both Fisher's z (Dunn and Clark 1969); precise even if s is near 1."""
    unexplained = (1 - a * a) * (1 - b * b)
    ratio = np.divide(
        a * b * _determinant(a, b, r),
        2 * unexplained,
        out=np.zeros(np.shape(unexplained)),
        where=unexplained > 0,
    )
    return np.maximum(1 - r + ratio, 0)


def _steiger(a: Floats, b: Floats, r: Floats, n: Floats) -> Floats:
    # 2 − 2s at a = b = mean, without its denominator (1 − mean²)², and with the factor 1 − r taken out
    spread = np.maximum((1 - r) * (2 - ((a + b) / 2) ** 2 * (3 - r)), 0)
    unexplained = ((1 - a) + (1 - b)) * ((1 + a) + (1 + b)) / 4  # 1 − mean², never rounded to 0
    return _fisher_difference(a, b) * np.sqrt(n - 3) * unexplained / np.sqrt(spread)


def _dunn_clark(a: Floats, b: Floats, r: Floats, n: Floats) -> Floats:
    return _fisher_difference(a, b) * np.sqrt(n - 3) / np.sqrt(2 * one_minus_covariance(a, b, r))


def _meng(a: Floats, b: Floats, r: Floats, n: Floats) -> Floats:
    mean = (a * a + b * b) / 2
    f = np.minimum(1, (1 - r) / (2 * (1 - mean)))
    h = np.where(f == 1, 1.0, (1 - f * mean) / (1 - mean))
    return _fisher_difference(a, b) * np.sqrt((n - 3) / (2 * (1 - r) * h))


def _williams(a: Floats, b: Floats, r: Floats, n: Floats) -> Floats:
    spread = 2 * _determinant(a, b, r) * (n - 1) / (n - 3) + ((a + b) / 2) ** 2 * (1 - r) ** 3
    return np.where(1 + r < _OPPOSITE, _opposite(a, b, n), (a - b) * np.sqrt((n - 1) * (1 + r) / spread))


def _hotelling(a: Floats, b: Floats, r: Floats, n: Floats) -> Floats:
    spread = 2 * _determinant(a, b, r)
    return np.where(1 + r < _OPPOSITE, _opposite(a, b, n), (a - b) * np.sqrt((n - 3) * (1 + r) / spread))


def _opposite(a: Floats, b: Floats, n: Floats) -> Floats:
    """Williams' and Hotelling's t along a = −b in the limit r = −1, where the formulas give 0/0."""
    half = (a - b) / 2
    return half * np.sqrt((n - 3) / (1 - half**2))


TEST_FORMULAS: dict[str, tuple[Callable[[Floats, Floats, Floats, Floats], Floats], bool]] = {
    "steiger": (_steiger, False),
    "williams": (_williams, True),
    "dunn-clark": (_dunn_clark, False),
    "hotelling": (_hotelling, True),
    "meng": (_meng, False),
}


def t_upper(t: Floats, df: Floats) -> Floats:
    return stdtr(df, -t)


def normal_upper(z: Floats) -> Floats:
    return ndtr(-z)


TAILS: dict[str, Callable[[Floats, Callable[[Floats], Floats]], Floats]] = {
    "two-sided": lambda statistic, upper: 2 * upper(np.abs(statistic)),
    "greater": lambda statistic, upper: upper(statistic),
    "less": lambda statistic, upper: upper(-statistic),
    "absolute": lambda statistic, upper: upper(np.abs(statistic)),
}
