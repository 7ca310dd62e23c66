"""From the pixels of a mask to polygons along their edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Ring = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Polygon:
    """A piece of tissue.

    Parameters
    ----------
    outer : array of shape (points, 2)
        Its outline, x before y; the first point is not repeated at the end.
    holes : tuple of array
        Outlines of what is left out of it.
    """

    outer: Ring
    holes: tuple[Ring, ...] = ()

    def rings(self) -> tuple[Ring, ...]:
        """The outline, then those of the holes."""
        return (self.outer, *self.holes)


def trace(mask: NDArray[np.bool_], scale: tuple[float, float] = (1.0, 1.0)) -> list[Polygon]:
    """Polygons along the edges of a mask's pixels, which hold just these pixels.

    Parameters
    ----------
    mask : array of shape (height, width), bool
    scale : tuple of float
        What a pixel is wide and high in the result.

    Returns
    -------
    list of Polygon
        A polygon for each piece whose pixels share edges.

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
    """Corners of every outline, pixels on the right; the outer ring of a piece comes before those of its holes."""
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
    """One outline from its first corner eastwards; its steps are taken out."""
    corners, at, heading = [start], start, (1, 0)
    steps[start].remove(heading)
    while True:
        at = (at[0] + heading[0], at[1] + heading[1])
        if at == start and not _goes_on(steps.get(at, []), heading):
            return corners
        choices = steps[at]
        turn = (-heading[1], heading[0])  # to the right first: pixels that touch at a corner stay apart
        new = turn if turn in choices else heading if heading in choices else (heading[1], -heading[0])
        choices.remove(new)
        if new != heading:
            corners.append(at)
        heading = new


def _goes_on(choices: list[tuple[int, int]], heading: tuple[int, int]) -> bool:
    return bool(choices) and (-heading[1], heading[0]) in choices
