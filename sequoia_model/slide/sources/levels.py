"""The levels of a slide, and what gives their pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

#: A level this much coarser than asked for is still taken: sizes of levels are rounded.
_TOLERANCE = 0.01


@dataclass(frozen=True)
class Level:
    """One level of a pyramid.

    Parameters
    ----------
    size : tuple of int
        Width and height.
    downsample : float
        Level-0 pixels a pixel.
    """

    size: tuple[int, int]
    downsample: float


@dataclass(frozen=True)
class Facts:
    """What a file says of itself.

    Parameters
    ----------
    format : str
        Whose format it is.
    levels : tuple of Level
        The finest first.
    claims : mapping of str to float
        What it says of its scale: "mpp x", "mpp y", "TIFF resolution x", "TIFF resolution y" (µm per pixel) and
        "objective power".
    plain : bool
        Whether it is an image that does not know its scale.
    notes : tuple of str
        What else should be known.
    """

    format: str
    levels: tuple[Level, ...]
    claims: Mapping[str, float] = field(default_factory=dict)
    plain: bool = False
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """What gives the pixels of a slide, to any number of threads."""

    path: Path
    facts: Facts

    def region(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        """Pixels of a level, all of them on it, in the level's own coordinates."""

    def start(self, level: int, x: int, y: int) -> tuple[float, float]:
        """Where a region that was asked for at `x`, `y` really begins."""

    def reader_of(self, level: int) -> str:
        """Which reader gives the pixels of a level."""

    def reopened(self) -> Self:
        """The same for a forked process."""

    def close(self) -> None:
        """Give the file back."""


def cheapest(levels: Sequence[Level], downsample: float) -> int:
    """The coarsest level that is not coarser than asked for.

    Examples
    --------
    >>> levels = (Level((100, 100), 1.0), Level((50, 50), 2.0), Level((25, 25), 4.0))
    >>> cheapest(levels, 3.9), cheapest(levels, 3.98), cheapest(levels, 0.5)
    (1, 2, 0)
    """
    fine = [i for i, level in enumerate(levels) if level.downsample <= downsample * (1 + _TOLERANCE)]
    return max(fine, key=lambda i: levels[i].downsample, default=0)
