"""Whether patients lie in the range of the cohort whose parameters transform them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sequoia_stats.errors import counted
from sequoia_stats.signature.transforms import Transform

#: Fewest patients whose own distribution can stand for a cohort.
MIN_PATIENTS = 20
#: How far the typical gene may be off, in SDs of the fitted cohort. In nine breast cancer data sets, with signatures of
#: 1 to 30 random genes, halves of the same one differ by at most 0.45, and RNA-seq, arrays, z-scores and counts by 0.8
#: or more; 1% of single patients of the same data set are taken as outside, and 85 to 100% of those of another scale.
_FAR = 0.75
#: The typical SD of the patients, in SDs of the fitted cohort; 0.8 to 1.6 between halves of one data set.
_NARROW, _WIDE = 1 / 3, 3.0
#: The largest share of values outside the fitted ones; at most 0.16 between halves of one data set.
_OUTSIDE = 0.2
#: A value this many SDs away counts as outside where the transform does not store values.
_TAIL = 4


class Range(NamedTuple):
    """Where patients lie in units of a fitted cohort.

    Parameters
    ----------
    n, genes : int
        Number of patients and genes.
    distance : float
        Median over genes of |mean of the transformed values|, in SDs of the fitted cohort.
    spread : float
        Median over genes of their SD; NaN for one patient.
    outside : float
        Share of the values below or above all values of the fitted cohort; for z-scores, 4 SDs or more away.
    """

    n: int
    genes: int
    distance: float
    spread: float
    outside: float

    @property
    def is_left(self) -> bool:
        """Whether the patients lie outside: too far off, too narrow or wide, or beyond the values of the cohort.

        The mean of few patients varies by chance, that of one patient by 1 SD in every gene; with few genes the median
        varies too. So much is added to the limit of the distance. The spread is judged from 20 patients and 3 genes on;
        of fewer patients, two genes or more must lie outside.
        """
        chance = max(1.0, 2 / np.sqrt(self.genes)) / np.sqrt(self.n)
        if self.distance > _FAR + chance:
            return True
        if self.n < MIN_PATIENTS:
            return self.outside > _OUTSIDE and self.outside * self.genes >= 2
        odd_spread = self.genes > 2 and not _NARROW <= self.spread <= _WIDE
        return odd_spread or self.outside > _OUTSIDE

    def __str__(self) -> str:
        words = f"the mean of the typical gene is {_said(self.distance)} SDs from that of this cohort"
        if self.n > 1:
            words += f", the SD {_said(self.spread)} times as large"
        return f"{words}, and {self.outside:.0%} of the values are beyond its own"


def _said(number: float) -> str:
    """A number as one says it, without an exponent: "0.31", "less than 0.01", "3,100"."""
    if 0 < number < 0.01:
        return "less than 0.01"
    return f"{number:,.0f}" if number >= 100 else f"{number:.2g}"


def measure(x: NDArray[np.float64], z: NDArray[np.float64], fitted: Transform) -> Range:
    """Where patients lie.

    Parameters
    ----------
    x, z : array of shape (n, genes)
        Expression, and the same after the transform.
    fitted : Transform
        The transform of these genes.
    """
    limits = [(p["values"][0], p["values"][-1]) for p in fitted.parameters if "values" in p]
    beyond = np.abs(z) > _TAIL
    if limits:
        low, high = np.array(limits).T
        beyond = (x < low) | (x > high)
    spread = float(np.median(z.std(axis=0, ddof=1))) if len(z) > 1 else np.nan
    return Range(len(z), z.shape[1], float(np.median(np.abs(z.mean(axis=0)))), spread, float(beyond.mean()))


def one_sided(scores: NDArray[np.float64], cutoff: float) -> str:
    """A sentence if ten patients or more are all on one side of the cut-off; else "".

    By chance that happens to ten patients once in 500 cohorts.
    """
    high = scores > cutoff
    if len(scores) < 10 or not (high.all() or not high.any()):
        return ""
    group = "high" if high.all() else "low"
    return f"all {counted(len(scores), 'patient')} are in one group by the frozen cut-off: {group} risk"
