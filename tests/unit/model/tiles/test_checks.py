"""Low contrast, as in scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.exposure import is_low_contrast

from sequoia_model.tiles import _checks
from sequoia_model.tiles._checks import is_flat


def make_tile(seed: int, height: int, width: int) -> np.ndarray:
    """A ramp or a few greys around the range at which contrast becomes low, with noise."""
    rng = np.random.default_rng(seed)
    spread = rng.choice([0, 10, 24, 25, 26, 27, 40, 255])
    values = (
        rng.uniform(0, spread, size=(height, width, 1)) if rng.random() < 0.5 else spread * rng.integers(2)
    )
    noise = rng.integers(0, 3, size=(height, width, 3))
    return np.clip(rng.integers(0, 255) + values + noise, 0, 255).astype(np.uint8)


@given(st.builds(make_tile, st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 40)))
def test_contrast_is_that_of_scikit_image(tile):
    assert is_flat(tile) == is_low_contrast(tile)


@given(st.integers(0, 2**32), st.integers(0, 60))
def test_two_greys_and_noise_are_told_as_by_scikit_image(seed, apart):
    rng = np.random.default_rng(seed)
    tile = 120 + apart * rng.integers(0, 2, size=(30, 30, 1)) + rng.integers(0, 3, size=(30, 30, 3))
    assert is_flat(tile.astype(np.uint8)) == is_low_contrast(tile.astype(np.uint8))


@pytest.mark.parametrize("value", [0, 128, 255])
def test_one_grey_is_of_low_contrast(value):
    assert is_flat(np.full((9, 9, 3), value, dtype=np.uint8))


@pytest.mark.parametrize(("value", "flat"), [(125, True), (126, False)])
def test_a_tenth_of_the_range_of_grey_is_needed(value, flat):
    tile = np.full((20, 20, 3), 100, dtype=np.uint8)
    tile[:10] = value
    assert is_flat(tile) == flat


@pytest.mark.parametrize(("bright", "flat"), [(99, True), (102, False)])
def test_more_than_a_hundredth_of_the_pixels_makes_contrast(bright, flat):
    tile = np.zeros((100, 100, 3), dtype=np.uint8)
    tile.reshape(-1, 3)[:bright] = 255
    assert is_flat(tile) == is_low_contrast(tile) == flat


def test_scikit_image_decides_where_bins_are_too_wide(monkeypatch):
    asked = []
    monkeypatch.setattr("skimage.exposure.is_low_contrast", lambda tile: asked.append(tile) or True)
    tile = np.full((20, 20, 3), (0, 0, 0), dtype=np.uint8)
    tile[:10] = (24, 26, 25)  # 25.57 of 255: above a tenth, by less than a bin
    assert is_flat(tile) and len(asked) == 1
    assert _checks._contrast(tile) == -1
