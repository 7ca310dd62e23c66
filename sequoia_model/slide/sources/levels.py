"""What every source of pixels has: levels, facts about the file, and regions to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

#: A level may be this much coarser than requested, because the sizes of levels are rounded.
_TOLERANCE = 0.01


@dataclass(frozen=True)
class PyramidLevel:
    """One level of a pyramid.

    Parameters
    ----------
    size : tuple of int
        Width and height in pixels.
    downsample : float
        Level-0 pixels per pixel of this level.
    """

    size: tuple[int, int]
    downsample: float


@dataclass(frozen=True)
class Facts:
    """What a file says about itself.

    Parameters
    ----------
    format : str
        The vendor, or the kind of image.
    levels : tuple of PyramidLevel
        From fine to coarse.
    claims : mapping of str to float
        What it says about its scale: "objective power", and in µm per pixel of level 0 "mpp x", "mpp y" and so on with
        "OME pixel size", "ImageJ scale", "TIFF resolution" and "TIFF resolution of level N".
    unused : tuple of str
        What it says about its scale that is no µm per pixel, and why: "ImageJ unit is pixel, not a length".
    notes : tuple of str
        Notes for the user.
    scanned : tuple of int
        Left, top, width and height of the scanned area in level-0 pixels, if the file says that it is only a part of
        level 0. QuPath shows this area alone, and counts from its corner.
    """

    format: str
    levels: tuple[PyramidLevel, ...]
    claims: Mapping[str, float] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    scanned: tuple[int, int, int, int] | None = None


class Source(Protocol):
    """A file and its decoder, which any number of threads can read from."""

    path: Path
    facts: Facts

    def region(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        """Pixels of a region that lies within a level, in the level's own coordinates."""

    def start(self, level: int, x: int, y: int) -> tuple[float, float]:
        """The exact position of the first pixel of a region at `x`, `y`."""

    def reader_of(self, level: int) -> str:
        """Name of the reader of a level: openslide, direct or image."""

    def reopened(self) -> Self:
        """The same source for a forked process."""

    def close(self) -> None:
        """Close the file."""


def cheapest(levels: Sequence[PyramidLevel], downsample: float) -> int:
    """Index of the coarsest level that is not coarser than requested.

    Examples
    --------
    >>> levels = (PyramidLevel((100, 100), 1.0), PyramidLevel((50, 50), 2.0), PyramidLevel((25, 25), 4.0))
    >>> cheapest(levels, 3.9), cheapest(levels, 3.98), cheapest(levels, 0.5)
    (1, 2, 0)
    """
    fine = [i for i, level in enumerate(levels) if level.downsample <= downsample * (1 + _TOLERANCE)]
    return max(fine, key=lambda i: levels[i].downsample, default=0)


def mosaic(
    tile: tuple[int, int],
    columns: int,
    box: tuple[int, int, int, int],
    read: Callable[[int, bool], NDArray[np.uint8]],
) -> NDArray[np.uint8]:
    """Put a region together from tiles.

    Parameters
    ----------
    tile : tuple of int
        Width and height of a tile.
    columns : int
        Number of tiles in a row.
    box : tuple of int
        Left, top, width and height of the region, which lies within the image.
    read : callable
        Takes the number of a tile and whether only a part of it lies in the region; returns its pixels.

    Returns
    -------
    array of shape (height, width, 3), uint8
    """
    (wide, high), (x, y, width, height) = tile, box
    pixels = np.empty((height, width, 3), dtype=np.uint8)
    for row in range(y // high, -(-(y + height) // high)):
        for column in range(x // wide, -(-(x + width) // wide)):
            left, top = column * wide, row * high
            x0, y0 = max(left, x), max(top, y)
            x1, y1 = min(left + wide, x + width), min(top + high, y + height)
            part = read(row * columns + column, (x1 - x0) * (y1 - y0) < wide * high)
            pixels[y0 - y : y1 - y, x0 - x : x1 - x] = part[y0 - top : y1 - top, x0 - left : x1 - left]
    return pixels
