"""Threads that read ahead: how far, in what order, and how they end."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from sequoia_model.errors import InputError
from sequoia_model.tiles import TileBatch, TileOptions, find_candidates, read_tiles
from sequoia_model.tiles.batches import TileReader
from sequoia_model.tissue import TissueMask


class SlideOfNoise:
    """A slide of 100 × 100 tiles that counts its reads, sleeps, and is damaged at a place."""

    path, name, mpp, size = Path("noise.svs"), "noise", 0.5, (25_600, 25_600)

    def __init__(self, *, seconds: float = 0.0, damaged: tuple[int, int] | None = None) -> None:
        self.seconds, self.damaged = seconds, damaged
        self.reads = 0
        self._lock = threading.Lock()

    def read(self, x: int, y: int, side: int, size: int = 256) -> np.ndarray:
        with self._lock:
            self.reads += 1
        if (x, y) == self.damaged:
            raise InputError("the slide is damaged", where=f"{self.path} at {x}, {y}")
        rng = np.random.default_rng((x, y))
        time.sleep(self.seconds * rng.random())
        return rng.integers(0, 256, size=(size // 16, size // 16, 3), dtype=np.uint8)


def make_candidates(slide: SlideOfNoise, max_tiles: int | None = 300, jobs: int | None = None):
    mask = TissueMask(np.ones((10, 10), dtype=bool), (2560, 2560), slide.size, slide.mpp, "otsu")
    return find_candidates(slide, TileOptions(max_tiles=max_tiles, jobs=jobs), mask=mask)


def running() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("tiles")]


class StoppedError(Exception):
    """Ends the use of batches."""


def stop_after_a_while(_: TileBatch) -> None:
    time.sleep(0.2)
    raise StoppedError


def corners(slide: SlideOfNoise, jobs: int) -> list[list[list[int]]]:
    read: list[TileBatch] = []
    make_candidates(slide, jobs=jobs).read(read.append, batch=32)
    return [batch.coords.tolist() for batch in read]


def test_batches_come_in_one_order_whatever_the_time_of_a_read():
    assert corners(SlideOfNoise(), 1) == corners(SlideOfNoise(seconds=0.002), 8)


def test_no_more_is_read_ahead_than_some_batches():
    slide = SlideOfNoise()
    with pytest.raises(StoppedError):
        make_candidates(slide, None, jobs=2).read(stop_after_a_while, batch=16)
    assert slide.reads <= 16 + 2 * 16 + 4 * 8


def test_threads_end_with_the_batches():
    read: list[TileBatch] = []
    make_candidates(SlideOfNoise(), jobs=3).read(read.append)
    assert sum(len(batch) for batch in read) == 300 and running() == []


def test_threads_end_after_the_tile_that_they_are_at_when_a_batch_cannot_be_used():
    slide = SlideOfNoise(seconds=0.05)
    before: list[int] = []

    def stop(_: TileBatch) -> None:
        before.append(slide.reads)
        raise StoppedError

    with pytest.raises(StoppedError):
        make_candidates(slide, None, jobs=4).read(stop, batch=8)
    assert running() == [] and slide.reads <= before[0] + 2 * 4


def test_threads_end_when_the_tiles_of_a_grid_are_no_longer_wanted():
    slide = SlideOfNoise()
    batches = read_tiles(slide, make_candidates(slide).examine().grid, batch=8)
    next(batches)
    batches.close()
    assert running() == []


def test_an_interrupt_while_waiting_ends_the_threads(monkeypatch):
    slide = SlideOfNoise()
    monkeypatch.setattr(slide, "read", _interrupt)
    with pytest.raises(KeyboardInterrupt):
        make_candidates(slide, jobs=2).examine()
    assert running() == []


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_damaged_place_stops_the_slide_with_its_name():
    slide = SlideOfNoise(damaged=(5120, 256))
    with pytest.raises(InputError, match="the slide is damaged") as error:
        make_candidates(slide, None, jobs=4).examine()
    assert error.value.where == "noise.svs at 5120, 256"
    assert running() == [] and slide.reads < 2000


def test_an_error_of_the_transform_reaches_the_consumer():
    with pytest.raises(ZeroDivisionError):
        make_candidates(SlideOfNoise()).read(len, transform=lambda tile: tile[: 1 // 0])
    assert running() == []


def test_the_wait_for_slow_reads_is_counted():
    read: list[TileBatch] = []
    choice = make_candidates(SlideOfNoise(seconds=0.01), 32, jobs=1).read(read.append, batch=16)
    assert 0.05 < choice.waited < 5
    assert sum(batch.waited for batch in read) == pytest.approx(choice.waited)


def test_a_slow_consumer_does_not_wait():
    read: list[TileBatch] = []

    def use(batch: TileBatch) -> None:
        read.append(batch)
        time.sleep(0.3)

    make_candidates(SlideOfNoise(), 64, jobs=2).read(use, batch=16)
    assert read[1].waited < 0.1


def odd_is_dull(tile):
    return "dull" * bool(tile[0, 0, 0] % 2)


def test_tiles_are_tested_without_keeping_pixels():
    coords = np.array([[0, 0], [256, 0], [512, 0]])
    with TileReader(SlideOfNoise(), 256, check=odd_is_dull, keep_pixels=False) as reader:
        read = list(reader.tiles(coords))
    assert all(pixels.size == 0 for _, pixels in read) and len(read) == 3
