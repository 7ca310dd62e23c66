"""The stride that a time allows, and its error against stride 1, by hand."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest

from sequoia_model.errors import InputError
from sequoia_model.spatial._budget import (
    Budget,
    choose_by_time,
    choose_stride,
    seconds_of,
    stride_error,
)
from sequoia_model.spatial.windows import windows_of

COUNTS = {1: 100, 2: 25, 3: 11}
#: A square of 16 × 16 tiles.
PLACES = np.argwhere(np.ones((16, 16), dtype=bool))


class Means:
    """Networks whose two numbers of a window are the means of two fields over its tiles, and whose genes are these."""

    width = 2

    def __init__(self, fields):
        self.fields, self.asked = fields, []

    def of(self, fold, windows, rows):
        self.asked.append(len(windows.tiles[rows]))
        tiles = windows.tiles[rows]
        real = tiles >= 0
        sums = (self.fields[np.maximum(tiles, 0)] * real[..., None]).sum(axis=1)
        return (sums / real.sum(axis=1)[:, None]).astype(np.float32)

    def genes(self, fold, values, outputs):
        return np.asarray(values, dtype=np.float64)[:, outputs]


@pytest.fixture
def smooth():
    return Means(PLACES / 16.0)


@pytest.fixture
def noisy():
    return Means(np.random.default_rng(0).normal(size=(256, 2)))


def error_of(values, stride, most=10**6):
    every = windows_of(PLACES, size=4, stride=1)
    return stride_error(values, 0, PLACES, every, stride, most=most, outputs=[0, 1])


@pytest.mark.parametrize(
    ("words", "seconds"),
    [("10min", 600), ("45s", 45), ("1h", 3600), ("1.5 h", 5400), ("2m", 120), (30, 30), ("5SEC", 5)],
)
def test_times_in_words_are_seconds(words, seconds):
    assert seconds_of(words) == seconds


@pytest.mark.parametrize("words", ["10", "0s", "-1min", "ten minutes", "", 0, True, float("nan"), "1d"])
def test_what_is_no_time_is_refused(words):
    with pytest.raises(InputError, match="is not a valid time"):
        seconds_of(words)


@pytest.mark.parametrize(("seconds", "stride"), [(200, 1), (199, 2), (50, 2), (49, 3), (22, 3)])
def test_the_smallest_stride_whose_windows_fit_is_taken(seconds, stride):
    assert choose_stride(COUNTS, 2.0, seconds) == stride


def test_a_time_too_short_for_the_coarsest_stride_is_refused_with_the_time_it_takes():
    with pytest.raises(InputError, match="the map takes about 22 s even at stride 3, the coarsest") as error:
        choose_stride(COUNTS, 2.0, 21)
    assert error.value.fix == "a longer --budget, or --stride 3"


def test_the_time_is_that_of_all_networks(smooth):
    ticks = count()  # a second between two looks at the clock
    found = choose_by_time(
        smooth, [0, 1, 2], PLACES, 1000, size=4, origins="overhang", outputs=[0, 1], clock=lambda: next(ticks)
    )
    n = {stride: len(windows_of(PLACES, size=4, stride=stride)) for stride in (1, 2)}
    assert found.seconds_per_window == 3 / 8
    assert (found.stride, found.n_windows, found.predicted_seconds) == (1, n[1], n[1] * 3 / 8)
    assert found.error is None


def test_a_smooth_field_hardly_differs_between_strides_and_noise_does(smooth, noisy):
    assert error_of(smooth, 2).r > 0.98 and error_of(smooth, 2).relative_rms < 0.2
    assert error_of(noisy, 4).r < 0.9 and error_of(noisy, 4).relative_rms > 0.4


def test_the_error_is_that_of_whole_maps_on_the_part(noisy):
    maps = []
    for stride in (1, 3):
        windows = windows_of(PLACES, size=4, stride=stride)
        values = noisy.of(0, windows, slice(None))
        holds = [[w for w in range(len(windows)) if tile in windows.tiles[w]] for tile in range(256)]
        maps.append(np.array([values[w].mean(axis=0) if w else [np.nan] * 2 for w in holds]))
    part = ((PLACES >= 2) & (PLACES < 12)).all(axis=1)  # ten tiles a side around the middle, 7
    full, coarse = (each[part] for each in maps)
    r = [np.corrcoef(full[:, i], coarse[:, i])[0, 1] for i in range(2)]
    rms = [np.sqrt(np.mean((full - coarse)[:, i] ** 2)) / full[:, i].std() for i in range(2)]
    found = error_of(noisy, 3)
    assert found.n_tiles == part.sum() == 100 and found.n_genes == 2
    assert found.r == pytest.approx(np.median(r), abs=1e-5)
    assert found.relative_rms == pytest.approx(np.median(rms), abs=1e-5)


def test_the_error_is_measured_with_few_windows_or_not_at_all(smooth):
    found = error_of(smooth, 2, most=60)
    assert found.n_tiles < 100 and smooth.asked[0] <= 60
    assert error_of(smooth, 2, most=5) is None


def test_the_record_of_a_budget_is_read_back(smooth):
    made = Budget(60.0, 2, 100, 0.1, 10.0, error_of(smooth, 2))
    assert Budget.of(made.to_uns()) == made
    assert Budget.of(Budget(60.0, 1, 100, 0.1, 10.0).to_uns()) == Budget(60.0, 1, 100, 0.1, 10.0)
