"""Tiles read by threads ahead of the one who uses them, in a fixed order and in bounded memory."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sequoia_model.errors import InputError
from sequoia_model.types.units import TILE_SIZE

if TYPE_CHECKING:
    from sequoia_model.slide import Slide

Pixels = NDArray[np.uint8]
#: Says why a tile is left out, or "" to keep it.
Check = Callable[[Pixels], str]
Transform = Callable[[Pixels], Pixels]

#: Tiles that a thread reads at a time: neighbours, which share blocks of the file.
_AT_A_TIME = 8


@dataclass(eq=False)
class Reader:
    """Reads, tests and transforms the tiles of a slide in threads.

    Parameters
    ----------
    slide : Slide
    side : int
        Of a tile in level-0 pixels.
    size : int
        Of a tile in pixels as it is read.
    check : callable, optional
        Called with each tile; says why it is left out.
    transform : callable, optional
        Called with each tile that is kept.
    jobs : int, optional
        Number of threads; the cores that this process may use by default.
    ahead : int
        Number of tiles, about, that are read before they are asked for.
    keep_pixels : bool, default True
        False to test tiles only.

    Attributes
    ----------
    waited : float
        Seconds for which the consumer waited for pixels.
    """

    slide: Slide
    side: int
    size: int = TILE_SIZE
    check: Check | None = None
    transform: Transform | None = None
    jobs: int | None = None
    ahead: int = 512
    keep_pixels: bool = True
    waited: float = field(default=0.0, init=False)
    _stop: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        self.jobs = count_jobs(self.jobs)
        self._pool = ThreadPoolExecutor(self.jobs, thread_name_prefix="tiles")

    def tiles(self, coords: NDArray[np.int64]) -> Iterator[tuple[str, Pixels | None]]:
        """For each place in turn why its tile is left out, or "" and its pixels."""
        chunks = iter([coords[i : i + _AT_A_TIME] for i in range(0, len(coords), _AT_A_TIME)])
        pending: deque[Future] = deque()
        assert self.jobs is not None
        depth = -(-self.ahead // _AT_A_TIME) + self.jobs
        while True:
            while len(pending) < depth and (chunk := next(chunks, None)) is not None:
                pending.append(self._pool.submit(self._read, chunk))
            if not pending:
                return
            begun = time.perf_counter()
            read = pending.popleft().result()
            self.waited += time.perf_counter() - begun
            yield from read

    def close(self) -> None:
        """Stop the threads, each after the tile that it is at."""
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, coords: NDArray[np.int64]) -> list[tuple[str, Pixels | None]]:
        read: list[tuple[str, Pixels | None]] = []
        for x, y in coords.tolist():
            if self._stop.is_set():
                break
            tile = self.slide.read(x, y, self.side, self.size)
            reason = self.check(tile) if self.check else ""
            if reason or not self.keep_pixels:
                read.append((reason, None))
            else:
                read.append(("", self.transform(tile) if self.transform else tile))
        return read


def count_jobs(jobs: int | None) -> int:
    """Number of reader threads: as asked, or the cores that this process may use.

    Raises
    ------
    InputError
        If it is below 1.
    """
    if jobs is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if jobs < 1:
        raise InputError(f"jobs must be 1 or more, but is {jobs}")
    return jobs
