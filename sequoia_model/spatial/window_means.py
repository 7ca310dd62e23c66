"""The value of each tile: the mean over the windows that hold it."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from sequoia_model.spatial.windows import Windows

_Real = TypeVar("_Real", np.float32, np.float64)
#: Columns at once, which bounds the memory of the sums.
_COLUMNS = 256


def tile_means(
    values: NDArray[_Real], windows: Windows, n_tiles: int
) -> tuple[NDArray[_Real], NDArray[np.int64]]:
    """Average values of windows over the windows of each tile, summed in float64.

    Parameters
    ----------
    values : array of shape (w, d)
        Of each window: its latent vector, or its genes.
    windows : Windows
        Which tiles each window holds.
    n_tiles : int
        Number of tiles.

    Returns
    -------
    tuple of array of shape (n_tiles, d) and array of shape (n_tiles,), int64
        The means, NaN for a tile in no window, and the number of windows that hold each tile.
    """
    holds = _membership(windows, n_tiles)
    n_windows = np.diff(holds.indptr).astype(np.int64)
    means = np.full((n_tiles, values.shape[1]), np.nan, dtype=values.dtype)
    covered = n_windows > 0
    for start in range(0, values.shape[1], _COLUMNS):
        block = slice(start, start + _COLUMNS)
        sums = holds @ np.asarray(values[:, block], dtype=np.float64)
        means[covered, block] = sums[covered] / n_windows[covered, None]
    return means, n_windows


def _membership(windows: Windows, n_tiles: int) -> csr_array:
    """Which tile (row) is in which window (column): ones."""
    which, place = np.nonzero(windows.tiles >= 0)
    entries = (np.ones(len(which)), (windows.tiles[which, place], which))
    return csr_array(entries, shape=(n_tiles, len(windows)))
