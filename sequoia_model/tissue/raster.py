"""From polygons to the pixels whose centres they hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def fill(mask: NDArray[np.bool_], rings: Sequence[NDArray[np.float64]]) -> None:
    """Set the pixels whose centres lie inside a polygon, by the even-odd rule; those set before stay so.

    Parameters
    ----------
    mask : array of shape (height, width), bool
        Is changed.
    rings : sequence of array of shape (points, 2)
        The outline and the holes, x before y, in pixels of the mask. A ring that crosses itself is no error.

    Examples
    --------
    >>> mask = np.zeros((2, 3), dtype=bool)
    >>> fill(mask, [np.array([[1.0, 0], [3, 0], [3, 1], [1, 1]])])
    >>> mask.astype(int).tolist()
    [[0, 1, 1], [0, 0, 0]]
    """
    height, width = mask.shape
    points = np.concatenate(rings)
    first = max(int(np.floor(points[:, 1].min())), 0)
    last = min(int(np.ceil(points[:, 1].max())), height)
    left = max(int(np.floor(points[:, 0].min())), 0)
    right = min(int(np.ceil(points[:, 0].max())), width)
    if first >= last or left >= right:
        return
    crossings = np.zeros((last - first, right - left + 1), dtype=np.uint8)
    for ring in rings:
        row, x = _crossings(ring, first, last)
        column = np.clip(np.ceil(x - 0.5), left, right).astype(np.int64) - left
        np.bitwise_xor.at(crossings, (row - first, column), 1)
    inside = np.bitwise_xor.accumulate(crossings[:, :-1], axis=1)
    mask[first:last, left:right] |= inside.astype(bool)


def _crossings(ring: NDArray, first: int, last: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Where the edges of a ring cross the middle lines of the rows first to last: row and x of each crossing."""
    start, end = ring, np.roll(ring, -1, axis=0)
    upper, lower = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
    top = np.clip(np.ceil(upper - 0.5), first, last).astype(np.int64)
    count = np.clip(np.ceil(lower - 0.5), first, last).astype(np.int64) - top
    edge = np.repeat(np.arange(len(ring)), count)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + top[edge]
    (x0, y0), (x1, y1) = start[edge].T, end[edge].T
    return row, x0 + (row + 0.5 - y0) * (x1 - x0) / (y1 - y0)
