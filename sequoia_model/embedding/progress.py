"""How far a run has got and how fast it is, as numbers for any display."""

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
        Number of slides.
    n_ended : int
        Number of slides that are done or failed.
    n_failed : int
        Number of slides that failed.
    slide : str
        The slide in progress.
    state : str
        Its current step.
    tiles : int
        Number of tiles so far.
    tiles_per_second : float
        Tiles per second of the time that the run worked on slides.
    waiting_share : float
        Share of this time spent waiting for pixels.
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
OnProgress = Callable[[Progress], None]


class Meter:
    """Counts tiles and time.

    Parameters
    ----------
    n_slides : int
        Number of slides.
    show : callable, optional
        Called with a `Progress` whenever something has changed.
    """

    def __init__(self, n_slides: int, show: OnProgress | None = None) -> None:
        self.n_slides, self._show = n_slides, show
        self.n_ended = self.n_failed = self.tiles = 0
        self.worked = self.waited = 0.0
        self._slide, self._state = "", ""
        self._begun: float | None = None

    @contextmanager
    def work(self, slide: str) -> Iterator[None]:
        """Count the time of the block as time spent on a slide."""
        self._slide, self._begun = slide, time.monotonic()
        try:
            yield
        finally:
            self.worked, self._begun = self._so_far(), None

    def step(self, state: str) -> None:
        """Say which step a slide is in."""
        self._state = state
        self._tell()

    def count(self, tiles: int, waited: float = 0.0) -> None:
        """Add tiles, and the seconds spent waiting for them."""
        self.tiles += tiles
        self.waited += waited
        self._tell()

    def end(self, *, failed: bool) -> None:
        """Count a slide that is done or has failed."""
        self.n_ended += 1
        self.n_failed += failed
        self._tell()

    @property
    def tiles_per_second(self) -> float | None:
        """Tiles per second of the time spent on slides; None before the first tile."""
        worked = self._so_far()
        return self.tiles / worked if self.tiles and worked > 0 else None

    @property
    def waiting_share(self) -> float | None:
        """Share of the time on slides that was spent waiting for pixels; None before the first tile."""
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
