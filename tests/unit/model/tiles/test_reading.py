"""Threads that read ahead: how far, in what order, and how they end."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from sequoia_model.errors import InputError
from sequoia_model.tiles import TileOptions, choose
from sequoia_model.tiles.reading import Reader, count_jobs
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


def make_choice(slide: SlideOfNoise, max_tiles: int | None = 300):
    mask = TissueMask(np.ones((10, 10), dtype=bool), (2560, 2560), slide.size, slide.mpp, "otsu")
    return choose(slide, TileOptions(max_tiles=max_tiles), mask=mask)


def running() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("tiles")]


def test_batches_come_in_one_order_whatever_the_time_of_a_read():
    quick = [b.coords.tolist() for b in make_choice(SlideOfNoise()).batches(jobs=1, batch=32)]
    slow = [b.coords.tolist() for b in make_choice(SlideOfNoise(seconds=0.002)).batches(jobs=8, batch=32)]
    assert quick == slow


def test_no_more_is_read_ahead_than_some_batches():
    slide = SlideOfNoise()
    batches = make_choice(slide, None).batches(jobs=2, batch=16)
    next(batches)
    time.sleep(0.2)
    assert slide.reads <= 16 + 2 * 16 + 4 * 8
    batches.close()


def test_threads_end_with_the_batches():
    assert sum(len(batch) for batch in make_choice(SlideOfNoise()).batches(jobs=3)) == 300
    assert running() == []


def test_threads_end_after_the_tile_that_they_are_at_when_the_batches_are_closed():
    slide = SlideOfNoise(seconds=0.05)
    batches = make_choice(slide, None).batches(jobs=4, batch=8)
    next(batches)
    before = slide.reads
    batches.close()
    assert running() == [] and slide.reads <= before + 2 * 4


def test_an_interrupt_while_waiting_ends_the_threads(monkeypatch):
    slide = SlideOfNoise()
    monkeypatch.setattr(slide, "read", _interrupt)
    with pytest.raises(KeyboardInterrupt):
        next(make_choice(slide).batches(jobs=2))
    assert running() == []


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_damaged_place_stops_the_slide_with_its_name():
    slide = SlideOfNoise(damaged=(5120, 256))
    with pytest.raises(InputError, match="the slide is damaged") as error:
        list(make_choice(slide, None).batches(jobs=4))
    assert error.value.where == "noise.svs at 5120, 256"
    assert running() == [] and slide.reads < 2000


def test_an_error_of_the_transform_reaches_the_consumer():
    with pytest.raises(ZeroDivisionError):
        list(make_choice(SlideOfNoise()).batches(transform=lambda tile: tile[: 1 // 0]))
    assert running() == []


def test_the_wait_for_slow_reads_is_counted():
    choice = make_choice(SlideOfNoise(seconds=0.01), 32)
    list(choice.batches(jobs=1, batch=16))
    assert 0.05 < choice.waited < 5


def test_a_slow_consumer_does_not_wait():
    choice = make_choice(SlideOfNoise(), 64)
    batches = choice.batches(jobs=2, batch=16)
    next(batches)
    before = choice.waited
    time.sleep(0.3)
    next(batches)
    assert choice.waited - before < 0.1
    batches.close()


def test_tiles_are_tested_without_keeping_pixels():
    coords = np.array([[0, 0], [256, 0], [512, 0]])
    with Reader(
        SlideOfNoise(), 256, check=lambda tile: "dull" * bool(tile[0, 0, 0] % 2), keep_pixels=False
    ) as reader:
        read = list(reader.tiles(coords))
    assert all(pixels is None for _, pixels in read) and len(read) == 3


def test_as_many_threads_as_cores_read_by_default():
    assert count_jobs(None) >= 1 and count_jobs(5) == 5
