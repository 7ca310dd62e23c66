"""From the pixels of a mask to the polygons around them, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

#: Corners of a closed outline, x before y.
Ring = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Polygon:
    """The outline of a piece of tissue, and its holes.

    Parameters
    ----------
    outer : array of shape (points, 2)
        Outline, x before y. The first point is not repeated at the end.
    holes : tuple of array
        Outlines of its holes.
    """

    outer: Ring
    holes: tuple[Ring, ...] = ()

    def rings(self) -> tuple[Ring, ...]:
        """The outline of the piece, then those of its holes."""
        return (self.outer, *self.holes)


def trace(mask: NDArray[np.bool_], scale: tuple[float, float] = (1.0, 1.0)) -> list[Polygon]:
    """Trace polygons along the edges of a mask's pixels; they contain exactly these pixels.

    Parameters
    ----------
    mask : array of shape (height, width), bool
        The pixels to trace.
    scale : tuple of float
        Width and height of a pixel in the result.

    Returns
    -------
    list of Polygon
        One for each piece; pixels of a piece share edges.

    Examples
    --------
    >>> [piece] = trace(np.array([[True, True]]))
    >>> piece.outer.tolist()
    [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0]]
    """
    pieces, _ = ndimage.label(mask)
    outer: dict[int, Ring] = {}
    holes: dict[int, list[Ring]] = {}
    for corners in _rings(mask):
        x, y = corners[0]
        ring = corners.astype(np.float64) * np.array(scale)
        piece = int(pieces[y, x])  # a ring begins at the top-left corner of one of its pixels
        if piece in outer:
            holes[piece].append(ring)
        else:
            outer[piece], holes[piece] = ring, []
    return [Polygon(ring, tuple(holes[piece])) for piece, ring in outer.items()]


def _rings(mask: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Corners of every ring, pixels to its right; the outline of a piece comes before its holes."""
    padded = np.pad(mask, 1)
    above, below = padded[:-1, 1:-1], padded[1:, 1:-1]
    left, right = padded[1:-1, :-1], padded[1:-1, 1:]
    steps: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for (rows, columns), start, step in (
        (np.nonzero(below & ~above), (0, 0), (1, 0)),
        (np.nonzero(above & ~below), (1, 0), (-1, 0)),
        (np.nonzero(left & ~right), (0, 0), (0, 1)),
        (np.nonzero(right & ~left), (0, 1), (0, -1)),
    ):
        for x, y in zip((columns + start[0]).tolist(), (rows + start[1]).tolist(), strict=True):
            steps.setdefault((x, y), []).append(step)
    rows, columns = np.nonzero(below & ~above)
    firsts = zip(columns.tolist(), rows.tolist(), strict=True)
    rings = []
    for corner in firsts:
        if (1, 0) in steps.get(corner, ()):
            rings.append(np.array(_walk(steps, corner), dtype=np.int64))
    return rings


def _walk(
    steps: dict[tuple[int, int], list[tuple[int, int]]], start: tuple[int, int]
) -> list[tuple[int, int]]:
    """One ring from its first corner to the right; its steps are removed."""
    corners, at, heading = [start], start, (1, 0)
    steps[start].remove(heading)
    while True:
        at = (at[0] + heading[0], at[1] + heading[1])
        if at == start and not _goes_on(steps.get(at, []), heading):
            return corners
        choices = steps[at]
        turn = (-heading[1], heading[0])  # right first, so that pixels that touch at a corner stay apart
        new = turn if turn in choices else heading if heading in choices else (heading[1], -heading[0])
        choices.remove(new)
        if new != heading:
            corners.append(at)
        heading = new


def _goes_on(choices: list[tuple[int, int]], heading: tuple[int, int]) -> bool:
    return bool(choices) and (-heading[1], heading[0]) in choices


def fill(mask: NDArray[np.bool_], rings: Sequence[Ring]) -> bool:
    """Set the pixels whose centres lie inside a polygon, by the even-odd rule.

    Parameters
    ----------
    mask : array of shape (height, width), bool
        Changed in place; pixels that are already set stay set.
    rings : sequence of array of shape (points, 2)
        The outline and the holes, x before y, in pixels of the mask. A ring may cross itself.

    Returns
    -------
    bool
        Whether the polygon holds the centre of a pixel.

    Examples
    --------
    >>> mask = np.zeros((2, 3), dtype=bool)
    >>> fill(mask, [np.array([[1.0, 0], [3, 0], [3, 1], [1, 1]])])
    True
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
        return False
    crossings = np.zeros((last - first, right - left + 1), dtype=np.uint8)
    for ring in rings:
        row, x = _crossings(ring, first, last)
        column = np.clip(np.ceil(x - 0.5), left, right).astype(np.int64) - left
        np.bitwise_xor.at(crossings, (row - first, column), 1)
    inside = np.bitwise_xor.accumulate(crossings[:, :-1], axis=1)
    mask[first:last, left:right] |= inside.astype(bool)
    return bool(inside.any())


def _crossings(ring: Ring, first: int, last: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Row and x of each point where a ring crosses the middle of one of the rows from first to last."""
    start, end = ring, np.roll(ring, -1, axis=0)
    upper, lower = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
    top = np.clip(np.ceil(upper - 0.5), first, last).astype(np.int64)
    count = np.clip(np.ceil(lower - 0.5), first, last).astype(np.int64) - top
    edge = np.repeat(np.arange(len(ring)), count)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + top[edge]
    (x0, y0), (x1, y1) = start[edge].T, end[edge].T
    return row, x0 + (row + 0.5 - y0) * (x1 - x0) / (y1 - y0)
