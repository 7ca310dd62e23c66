"""Which times of a cohort are one time: those that differ by rounding alone, as R's survival package takes them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ROUNDING = np.sqrt(np.finfo(np.float64).eps)


def tied_times(time: NDArray[np.float64]) -> NDArray[np.float64]:
    """Times without differences that come from rounding.

    Sorted distinct times are one time if the gap between them is at most 1.5e-8, in their unit or as a share of the
    mean of the distinct times. A chain of such gaps takes its smallest time. Reference: ``survival::aeqSurv``.

    Parameters
    ----------
    time : array of shape (n,), float64
        Of the whole cohort, since the mean decides. They stay as they are.

    Returns
    -------
    array of shape (n,), float64
        Equal where times are tied.

    Examples
    --------
    >>> tied_times(np.array([0.3, 0.1 + 0.2, 12.0]))
    array([ 0.3,  0.3, 12. ])
    """
    known, index = np.unique(time, return_inverse=True)
    tied = np.diff(known) <= rounding_gap(known)
    if not tied.any():
        return time
    starts = np.append(True, ~tied)
    return known[starts][np.cumsum(starts) - 1][index]


def rounding_gap(times: NDArray[np.float64]) -> float:
    """Gap up to which two of these distinct times are one: 1.5e-8, or that share of their mean if it is above 1."""
    return float(_ROUNDING * max(1.0, times.mean())) if times.size else 0.0
