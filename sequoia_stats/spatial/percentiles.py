"""Percentiles of maps: the scale on which maps of different units are drawn and compared."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from sequoia_stats.types.arrays import Floats


def percentiles(values: Floats) -> Floats:
    """The percentile of each value among those of its map, above 0 and at most 100.

    100 · rank / n, with the mean rank of ties: ``scipy.stats.percentileofscore`` of each value.

    Parameters
    ----------
    values : array of shape (genes, tiles)
        Maps; a tile without a value has no percentile and does not count.

    Returns
    -------
    array of shape (genes, tiles)

    Examples
    --------
    >>> percentiles(np.array([[3.0, 1.0, 1.0, 9.0]]))
    array([[ 75. ,  37.5,  37.5, 100. ]])
    """
    values = np.asarray(values, np.float64)
    n = np.isfinite(values).sum(axis=-1, keepdims=True)
    ranks = rankdata(values, axis=-1, nan_policy="omit")
    return 100.0 * ranks / np.maximum(n, 1)
