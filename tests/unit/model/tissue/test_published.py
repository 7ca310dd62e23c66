"""The compiled mask of the published code against scikit-image and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from skimage.color import rgb2hsv
from skimage.filters import threshold_otsu

from sequoia_model.slide import open_slide
from sequoia_model.tissue.published import SATURATION, holds_tissue, published_mask, published_pixels
from tests.build.slides import make_picture, write_slide


def published(rgb: np.ndarray) -> tuple[np.ndarray, float]:
    """The mask as the published code makes it, before it is dilated, and the threshold of the saturation."""
    saturation = rgb2hsv(rgb)[..., 1]
    pale = np.all([rgb[..., i] > threshold_otsu(rgb[..., i]) for i in range(3)], axis=0)
    threshold = threshold_otsu(saturation)
    return ~pale & (saturation > threshold) & (rgb > 50).all(axis=2), threshold


def share(rgb: np.ndarray) -> float:
    return float(ndimage.binary_dilation(published(rgb)[0], iterations=3).mean())


def make_tile(seed: int, height: int, width: int) -> np.ndarray:
    """Blocks of a few colours from a narrow or wide range."""
    rng = np.random.default_rng(seed)
    low = rng.integers(0, 255)
    colours = rng.integers(low, rng.integers(low + 1, 257), size=(rng.integers(1, 60), 3))
    picked = rng.integers(len(colours), size=(-(-height // 3), -(-width // 3)))
    return colours[np.kron(picked, np.ones((3, 3), dtype=int))[:height, :width]].astype(np.uint8)


tiles = st.builds(make_tile, st.integers(0, 2**32), st.integers(1, 48), st.integers(1, 48))


@given(tiles)
def test_pixels_and_threshold_are_those_of_scikit_image(tile):
    mask, threshold = published_pixels(tile, SATURATION)
    want = published(tile)
    np.testing.assert_array_equal(mask.astype(bool), want[0])
    assert threshold == want[1]


@given(st.integers(0, 2**32))
def test_pixels_of_noise_are_those_of_scikit_image(seed):
    noise = np.random.default_rng(seed).integers(0, 256, size=(40, 50, 3), dtype=np.uint8)
    np.testing.assert_array_equal(published_pixels(noise, SATURATION)[0].astype(bool), published(noise)[0])


@given(st.integers(0, 40), st.integers(1, 100), st.integers(1, 100), st.integers(1, 100))
def test_thresholds_that_are_equally_good_are_rounded_as_by_scikit_image(low, step, outer, inner):
    greys = np.repeat([low, low + step, low + 2 * step], [211 * outer, 211 * inner, 211 * outer])
    tile = np.stack([greys, greys // 2 + 60, 255 - greys], axis=1).astype(np.uint8)[None]
    np.testing.assert_array_equal(published_pixels(tile, SATURATION)[0].astype(bool), published(tile)[0])


@pytest.mark.parametrize(
    "pairs", [[(218, 83), (218, 72), (218, 61)], [(175, 145), (196, 105), (119, 33)]], ids=["above", "below"]
)
def test_saturations_on_the_edge_of_a_bin_are_counted_as_by_scikit_image(pairs):
    tile = np.repeat([(largest, least, least) for largest, least in pairs], [1, 1, 9], axis=0)
    tile = tile.astype(np.uint8)[None]
    assert published_pixels(tile, SATURATION)[1] == published(tile)[1]


@given(tiles, st.sampled_from([0.0, 0.05, 0.2, 0.5, 0.95]))
def test_tissue_of_a_tile_is_counted_in_the_dilated_mask(tile, least):
    assert holds_tissue(tile, least) == (share(tile) > least)


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (128, 128, 128), (180, 90, 160)])
def test_a_tile_of_one_colour_holds_no_tissue(colour):
    assert not holds_tissue(np.full((16, 20, 3), colour, dtype=np.uint8), 0.0)


@pytest.mark.parametrize("below", [True, False])
def test_exactly_the_share_is_not_more_than_it(below):
    tile = make_picture((64, 64), [(0, 0, 20, 64)])
    exact = share(tile)
    assert holds_tissue(tile, exact - 1e-6 if below else exact) == below


def test_black_is_not_tissue():
    tile = make_picture((64, 64), [(0, 0, 40, 64)])
    tile[:, :80] = (50, 5, 45)
    assert not holds_tissue(tile, 0.0)


@pytest.mark.parametrize("levels", [(1,), (1, 4), (1, 4, 8)])
def test_the_mask_is_made_on_the_last_level(tmp_path, levels):
    with open_slide(write_slide(tmp_path / "a.tif", mpp=1.0, levels=levels)) as slide:
        mask = published_mask(slide)
        pixels, _ = slide.thumbnail(slide.mpp * slide.levels[-1].downsample)
    assert mask.mask.shape[::-1] == (1024 // levels[-1], 768 // levels[-1])
    np.testing.assert_array_equal(
        mask.mask,
        ndimage.binary_erosion(ndimage.binary_dilation(published(pixels)[0], iterations=3), iterations=3),
    )


def test_tissue_at_the_border_is_eroded(tmp_path):
    with open_slide(write_slide(tmp_path / "a.tif", mpp=1.0, tissue=[(0, 0, 400, 400)])) as slide:
        mask = published_mask(slide)
    assert not mask.mask[:3].any() and not mask.mask[:, :3].any()
    assert mask.mask[3:90, 3:90].mean() > 0.9


def test_a_last_level_that_is_too_large_is_shrunk(tmp_path, monkeypatch):
    monkeypatch.setattr("sequoia_model.tissue.published._LARGEST_LEVEL", 10_000)
    with open_slide(write_slide(tmp_path / "a.tif", mpp=1.0, levels=(1,))) as slide:
        mask = published_mask(slide)
    assert mask.mask.size <= 10_200
    assert mask.scale == pytest.approx((8.87, 8.87), rel=0.01)
