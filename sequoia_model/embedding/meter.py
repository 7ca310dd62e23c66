"""How fast a run goes, and what it is at: numbers for whoever shows them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """A moment of a run.

    Parameters
    ----------
    n_slides : int
    n_ended : int
        Slides that are done or failed.
    n_failed : int
    slide : str
        That is worked on.
    state : str
        What is done with it.
    tiles : int
        So far.
    tiles_per_second : float
        Of the time that the run worked on slides.
    waiting_share : float
        Share of this time in which the encoder waited for pixels.
    """

    n_slides: int
    n_ended: int
    n_failed: int
    slide: str
    state: str
    tiles: int
    tiles_per_second: float
    waiting_share: float


#: Called at each step of each slide and after each batch.
Show = Callable[[Progress], None]


class Meter:
    """Counts tiles and times.

    Parameters
    ----------
    n_slides : int
    show : callable, optional
        Given a `Progress` whenever something has changed.
    """

    def __init__(self, n_slides: int, show: Show | None = None) -> None:
        self.n_slides, self._show = n_slides, show
        self.n_ended = self.n_failed = self.tiles = 0
        self.worked = self.waited = 0.0
        self._slide, self._state = "", ""
        self._begun: float | None = None

    @contextmanager
    def work(self, slide: str) -> Iterator[None]:
        """The time that is spent on a slide."""
        self._slide, self._begun = slide, time.monotonic()
        try:
            yield
        finally:
            self.worked, self._begun = self._so_far(), None

    def step(self, state: str) -> None:
        """A slide has come to a step."""
        self._state = state
        self._tell()

    def count(self, tiles: int, waited: float = 0.0) -> None:
        """Tiles were done, and pixels waited for, since the last time."""
        self.tiles += tiles
        self.waited += waited
        self._tell()

    def end(self, *, failed: bool) -> None:
        """A slide is done or has failed."""
        self.n_ended += 1
        self.n_failed += failed
        self._tell()

    @property
    def tiles_per_second(self) -> float | None:
        """Of the time spent on slides; None before any tile."""
        worked = self._so_far()
        return self.tiles / worked if self.tiles and worked > 0 else None

    @property
    def waiting_share(self) -> float | None:
        """Share of the time spent on slides in which pixels were waited for; None before any tile."""
        worked = self._so_far()
        return min(self.waited / worked, 1.0) if self.tiles and worked > 0 else None

    def _so_far(self) -> float:
        return self.worked + (0.0 if self._begun is None else time.monotonic() - self._begun)

    def _tell(self) -> None:
        if self._show is None:
            return
        now = Progress(
            n_slides=self.n_slides,
            n_ended=self.n_ended,
            n_failed=self.n_failed,
            slide=self._slide,
            state=self._state,
            tiles=self.tiles,
            tiles_per_second=self.tiles_per_second or 0.0,
            waiting_share=self.waiting_share or 0.0,
        )
        self._show(now)
