"""Tiles in batches, read by threads ahead of their use, in a fixed order and in bounded memory."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sequoia_base.arguments import count_jobs
from sequoia_model.errors import InputError
from sequoia_model.tiles.options import check_least
from sequoia_model.types.grid import TileGrid
from sequoia_model.types.units import TILE_SIZE

if TYPE_CHECKING:
    from sequoia_model.slide import Slide

Pixels = NDArray[np.uint8]
#: Says why a tile is left out, or "" to keep it.
TileCheck = Callable[[Pixels], str]
PixelTransform = Callable[[Pixels], Pixels]

#: Tiles in a batch by default.
BATCH = 256
#: Tiles that a thread reads at a time: neighbours, which share blocks of the file.
_AT_A_TIME = 8
_NO_PIXELS: Pixels = np.empty(0, dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class TileBatch:
    """Some tiles of a slide.

    Parameters
    ----------
    coords : array of shape (tiles, 2), int64
        Top-left corners in level-0 pixels, x before y.
    pixels : array of shape (tiles, side, side, 3), uint8
        Red, green, blue.
    waited : float
        Seconds spent waiting for the batch.
    """

    coords: NDArray[np.int64]
    pixels: Pixels
    waited: float = 0.0

    def __len__(self) -> int:
        return len(self.coords)


def read_tiles(
    slide: Slide,
    grid: TileGrid,
    *,
    batch: int = BATCH,
    jobs: int | None = None,
    transform: PixelTransform | None = None,
) -> Generator[TileBatch, None, None]:
    """Read the tiles of a grid, in its order.

    Parameters
    ----------
    slide : Slide
        The slide of the grid.
    grid : TileGrid
        The tiles.
    batch : int
        Number of tiles in each batch except the last.
    jobs : int, optional
        Number of threads that read; does not change the result. By default one per core.
    transform : callable, optional
        Called in these threads with each tile (size, size, 3); all arrays that it returns have the same shape.

    Yields
    ------
    TileBatch

    Raises
    ------
    InputError
        If the grid is that of another slide, or a tile cannot be read.
    """
    if grid.slide_size != slide.size:
        (width, height), (x, y) = grid.slide_size, slide.size
        raise InputError(
            f"the tiles are from a slide of {width} × {height} pixels, but this slide has {x} × {y}",
            where=str(slide.path),
        )
    check_least("batch_size", batch)
    with TileReader(slide, grid.side, grid.size, transform=transform, jobs=jobs, ahead=2 * batch) as reader:
        tiles = zip(grid.coords, reader.tiles(grid.coords), strict=True)
        yield from in_batches(((corner, pixels) for corner, (_, pixels) in tiles), reader, batch)


def in_batches(
    tiles: Iterable[tuple[NDArray[np.int64], Pixels]], reader: TileReader, size: int
) -> Iterator[TileBatch]:
    """Collect tiles into batches of one size; the last may be smaller.

    Parameters
    ----------
    tiles : iterable of tuple
        Corner and pixels of each tile.
    reader : TileReader
        Where they come from; it counts the time spent waiting for them.
    size : int
        Number of tiles in a batch.
    """
    remaining, before = iter(tiles), reader.waited
    while some := list(islice(remaining, size)):
        corners, pixels = zip(*some, strict=True)
        waited, before = reader.waited - before, reader.waited
        yield TileBatch(np.array(corners), np.stack(pixels), waited)


@dataclass(eq=False)
class TileReader:
    """Reads, tests and transforms the tiles of a slide in threads.

    Parameters
    ----------
    slide : Slide
        The slide.
    side : int
        Side of a tile in level-0 pixels.
    size : int
        Side of a tile in pixels as it is read.
    check : callable, optional
        Called with each tile; says why it is left out.
    transform : callable, optional
        Called with each tile that is kept.
    jobs : int, optional
        Number of threads; by default one per core that this process may use.
    ahead : int
        About how many tiles are read in advance.
    keep_pixels : bool, default True
        False to test tiles only.

    Attributes
    ----------
    waited : float
        Seconds spent waiting for tiles.
    """

    slide: Slide
    side: int
    size: int = TILE_SIZE
    check: TileCheck | None = None
    transform: PixelTransform | None = None
    jobs: int | None = None
    ahead: int = 512
    keep_pixels: bool = True
    waited: float = field(default=0.0, init=False)
    _stop: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        self._threads = count_jobs(self.jobs)
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="tiles")

    def tiles(self, coords: NDArray[np.int64]) -> Iterator[tuple[str, Pixels]]:
        """For each place in turn: why its tile is left out, or "" and its pixels; no pixels unless they are kept."""
        chunks = iter([coords[i : i + _AT_A_TIME] for i in range(0, len(coords), _AT_A_TIME)])
        pending: deque[Future] = deque()
        depth = -(-self.ahead // _AT_A_TIME) + self._threads
        while True:
            while len(pending) < depth and (chunk := next(chunks, None)) is not None:
                pending.append(self._pool.submit(self._read, chunk))
            if not pending:
                return
            begun = time.perf_counter()
            read = pending.popleft().result()
            self.waited += time.perf_counter() - begun
            yield from read

    def __enter__(self) -> TileReader:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the threads, each after the tile that it is reading."""
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _read(self, coords: NDArray[np.int64]) -> list[tuple[str, Pixels]]:
        read: list[tuple[str, Pixels]] = []
        for x, y in coords.tolist():
            if self._stop.is_set():
                break
            tile = self.slide.read(x, y, self.side, self.size)
            reason = self.check(tile) if self.check else ""
            if reason or not self.keep_pixels:
                read.append((reason, _NO_PIXELS))
            else:
                read.append(("", self.transform(tile) if self.transform else tile))
        return read
