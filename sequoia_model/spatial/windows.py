"""The windows of a slide: squares of the grid of tiles, each as the tiles that it holds in reading order.

The published code (Pizurica et al. 2024, Nature Communications 15) predicts a tile from the windows of 10 × 10 tiles
that hold it, and takes windows of which more than half is tissue.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from sequoia_base.arguments import check_limits, one_of, whole
from sequoia_model.errors import InputError
from sequoia_model.nets.slide_network import SlideNetwork

#: Where windows may begin. "overhang": over every edge of the tissue's box; "published": never over the left or top
#: edge, so that tiles there are in fewer windows.
ORIGINS = ("overhang", "published")
_LIMITS = {"size": whole(1), "stride": whole(1), "origins": one_of(ORIGINS)}


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of a slide, in reading order.

    Parameters
    ----------
    origins : array of shape (w, 2), int64
        The place (row, column) at which each begins; negative if it overhangs the grid.
    tiles : array of shape (w, size²), int64
        The tile at each place of a window, in reading order: by row, then column. −1 is a hole.
    size : int
        Places along the side of a window.
    stride : int
        Places between the origins of neighbours.
    """

    origins: NDArray[np.int64]
    tiles: NDArray[np.int64]
    size: int
    stride: int

    def __len__(self) -> int:
        return len(self.tiles)


def windows_of(
    places: NDArray[np.int64], *, size: int = 10, stride: int = 1, origins: str = "overhang"
) -> Windows:
    """All windows that hold tiles at more than half of their places.

    Parameters
    ----------
    places : array of shape (n, 2), int64
        Row and column of each tile, each place once.
    size : int
        Places along the side of a window.
    stride : int
        Places between the origins of neighbours, counted from the first row and column that hold a tile: the windows
        of stride 2 are among those of stride 1.
    origins : {"overhang", "published"}
        One of `ORIGINS`.

    Returns
    -------
    Windows
        There may be none.

    Raises
    ------
    InputError
        If an argument is not valid.
    """
    check_limits({"size": size, "stride": stride, "origins": origins}, _LIMITS)
    places = np.asarray(places, dtype=np.int64).reshape(-1, 2)
    if not len(places):
        return Windows(np.empty((0, 2), np.int64), np.empty((0, size * size), np.int64), size, stride)
    corner = places.min(axis=0)
    # a multiple of the stride before the box, so that the first row and column are origins themselves
    before = (size - 1) // stride * stride if origins == "overhang" else 0
    grid = np.full(np.ptp(places, axis=0) + (before + size), -1, dtype=np.int64)
    grid[tuple((places - corner + before).T)] = np.arange(len(places))
    begins = np.argwhere(2 * _occupied(grid >= 0, size)[::stride, ::stride] > size * size) * stride
    tiles = sliding_window_view(grid, (size, size))[tuple(begins.T)]
    return Windows(begins + corner - before, tiles.reshape(len(begins), size * size), size, stride)


def window_size(network: SlideNetwork) -> int:
    """Places along the side of the windows that a network takes, whose square is its number of clusters.

    Parameters
    ----------
    network : SlideNetwork
        Any of them.

    Raises
    ------
    InputError
        If its number of clusters is no square.
    """
    side = isqrt(network.num_clusters)
    if side * side != network.num_clusters:
        raise InputError(
            f"the network takes {network.num_clusters} clusters, which is no square: no window has so many tiles",
            fix="train networks with a square number of clusters, such as 100",
        )
    return side


def _occupied(there: NDArray[np.bool_], size: int) -> NDArray[np.int64]:
    """How many places are occupied in the window that begins at each place: differences of a summed-area table."""
    table = np.pad(there.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    rows = table[size:] - table[:-size]
    occupied: NDArray[np.int64] = rows[:, size:] - rows[:, :-size]
    return occupied
