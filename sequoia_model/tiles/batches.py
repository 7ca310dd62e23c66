"""Batches of tiles, and those of a grid that is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sequoia_model.errors import InputError
from sequoia_model.tiles.reading import Pixels, Reader, Transform
from sequoia_model.types.grid import TileGrid

if TYPE_CHECKING:
    from sequoia_model.slide import Slide

#: Tiles of a batch, unless told otherwise.
BATCH = 256


@dataclass(frozen=True, eq=False)
class TileBatch:
    """Some tiles of a slide.

    Parameters
    ----------
    coords : array of shape (tiles, 2), int64
        Top-left corners in level-0 pixels, x before y.
    pixels : array of shape (tiles, side, side, 3), uint8
    """

    coords: NDArray[np.int64]
    pixels: Pixels

    def __len__(self) -> int:
        return len(self.coords)


@dataclass(eq=False)
class Batcher:
    """Collects tiles into batches of one size.

    Parameters
    ----------
    size : int
        Tiles of a batch.
    """

    size: int
    _coords: list[tuple[int, int]] = field(default_factory=list, init=False)
    _pixels: list[Pixels] = field(default_factory=list, init=False)

    def add(self, corner: tuple[int, int], pixels: Pixels) -> TileBatch | None:
        """Add a tile; the batch that it completes, if it does."""
        self._coords.append(corner)
        self._pixels.append(pixels)
        return self.rest() if len(self._coords) == self.size else None

    def rest(self) -> TileBatch | None:
        """What is there of a batch, if anything is."""
        if not self._coords:
            return None
        batch = TileBatch(np.array(self._coords, dtype=np.int64), np.stack(self._pixels))
        self._coords, self._pixels = [], []
        return batch


def read_tiles(
    slide: Slide,
    grid: TileGrid,
    *,
    batch: int = BATCH,
    jobs: int | None = None,
    transform: Transform | None = None,
) -> Iterator[TileBatch]:
    """Read the tiles of a grid, in its order.

    Parameters
    ----------
    slide : Slide
    grid : TileGrid
    batch : int
        Number of tiles of each batch but the last.
    jobs : int, optional
        Number of threads that read; does not change the result.
    transform : callable, optional
        Called in the reader threads with each tile (size, size, 3); makes an array of one shape.

    Yields
    ------
    TileBatch

    Raises
    ------
    InputError
        If the grid is of another slide, or a place cannot be read.
    """
    if grid.slide_size != slide.size:
        (width, height), (x, y) = grid.slide_size, slide.size
        raise InputError(
            f"the tiles are those of a slide of {width} × {height} pixels, and this one has {x} × {y}",
            where=str(slide.path),
        )
    if batch < 1:
        raise InputError(f"batches of {batch} tiles cannot be made", fix="give 1 or more")
    batcher = Batcher(batch)
    reader = Reader(slide, grid.side, grid.size, transform=transform, jobs=jobs, ahead=2 * batch)
    with reader:
        for corner, (_, pixels) in zip(grid.coords.tolist(), reader.tiles(grid.coords), strict=True):
            assert pixels is not None
            full = batcher.add(tuple(corner), pixels)
            if full is not None:
                yield full
    rest = batcher.rest()
    if rest is not None:
        yield rest
