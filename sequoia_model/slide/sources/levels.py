"""What every source of pixels has: levels, facts about the file, and regions to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
        What it says about its scale: "mpp x", "mpp y", "TIFF resolution x", "TIFF resolution y" (µm per pixel) and
        "objective power".
    plain : bool
        Whether it is a plain image, whose tags say nothing about its scale.
    notes : tuple of str
        Notes for the user.
    scanned : tuple of int
        Left, top, width and height of the scanned area in level-0 pixels, if the file says that it is only a part of
        level 0. QuPath shows this area alone, and counts from its corner.
    """

    format: str
    levels: tuple[PyramidLevel, ...]
    claims: Mapping[str, float] = field(default_factory=dict)
    plain: bool = False
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
