"""The 3 × 3 median filter of maps whose tissue has any shape."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sequoia_stats.types.arrays import Floats

#: Values sorted at once.
_VALUES = 2**24


def neighbourhoods(places: NDArray[np.int64]) -> NDArray[np.int64]:
    """The tiles in the 3 × 3 places around each tile, itself in the middle.

    Parameters
    ----------
    places : array of int64, shape (tiles, 2)
        Row and column of each tile in the grid.

    Returns
    -------
    array of int64, shape (tiles, 9)
        Numbers of the tiles, in reading order; -1 where there is none.
    """
    places = np.asarray(places, np.int64)
    if not len(places):
        return np.zeros((0, 9), np.int64)
    low = places.min(axis=0) - 1
    rows, columns = (places - low).T
    grid = np.full(tuple(places.max(axis=0) - low + 2), -1, np.int64)
    grid[rows, columns] = np.arange(len(places))
    around = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return np.stack([grid[rows + i, columns + j] for i, j in around], axis=1)


def median_filter(values: Floats, places: NDArray[np.int64]) -> Floats:
    """Replace each value by the median of its 3 × 3 places, where more than half of them have a tile.

    Elsewhere the value stays. The median of an even number is the mean of the middle two, as in R and numpy.

    Parameters
    ----------
    values : array of shape (genes, tiles)
        Maps without missing values.
    places : array of int64, shape (tiles, 2)
        Row and column of each tile in the grid.

    Returns
    -------
    array of shape (genes, tiles)

    Examples
    --------
    >>> places = np.array([(i, j) for i in range(3) for j in range(3)])
    >>> median_filter(np.array([[9.0, 1, 1, 1, 9, 1, 1, 1, 9]]), places)
    array([[9., 1., 1., 1., 1., 1., 1., 1., 9.]])
    """
    values = np.asarray(values, np.float64)
    around = neighbourhoods(places)
    n = (around >= 0).sum(axis=1)
    whole = np.flatnonzero(2 * n > around.shape[1])
    result = values.copy()
    around, low, high = around[whole], (n[whole] - 1) // 2, n[whole] // 2
    genes = max(1, _VALUES // max(around.size, 1))
    for start in range(0, len(values), genes):
        block = slice(start, start + genes)
        windows = np.where(around >= 0, values[block][:, around], np.inf)  # missing places sort to the end
        windows.sort(axis=2)
        at = np.arange(len(whole))
        result[block, whole] = (windows[:, at, low] + windows[:, at, high]) / 2
    return result
