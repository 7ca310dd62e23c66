"""The slide's mask of the published code, step by step against scikit-image and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage.color import rgb2hsv
from skimage.filters import threshold_otsu

from sequoia_model.slide import open_slide
from sequoia_model.tissue import published, published_mask
from tests.build.slides import write_slide


def reference(rgb: np.ndarray) -> np.ndarray:
    saturation = rgb2hsv(rgb)[..., 1]
    pale = np.all([rgb[..., i] > threshold_otsu(rgb[..., i]) for i in range(3)], axis=0)
    mask = ~pale & (saturation > threshold_otsu(saturation)) & (rgb > 50).all(axis=2)
    return ndimage.binary_erosion(ndimage.binary_dilation(mask, iterations=3), iterations=3)


@pytest.mark.parametrize("levels", [(1,), (1, 4), (1, 4, 8)])
def test_the_mask_is_made_on_the_last_level(tmp_path, levels):
    with open_slide(write_slide(tmp_path / "a.tif", mpp=1.0, levels=levels)) as slide:
        mask = published_mask(slide)
        pixels, _ = slide.thumbnail(slide.mpp * slide.levels[-1].downsample)
    assert mask.mask.shape[::-1] == (1024 // levels[-1], 768 // levels[-1])
    np.testing.assert_array_equal(mask.mask, reference(pixels))


def test_tissue_at_the_border_is_eroded(tmp_path):
    with open_slide(write_slide(tmp_path / "a.tif", mpp=1.0, tissue=[(0, 0, 400, 400)])) as slide:
        mask = published_mask(slide)
    assert not mask.mask[:3].any() and not mask.mask[:, :3].any()
    assert mask.mask[3:90, 3:90].mean() > 0.9


def test_a_last_level_that_is_too_large_is_shrunk(tmp_path, monkeypatch):
    monkeypatch.setattr(published, "_LARGEST_LEVEL", 10_000)
    with open_slide(write_slide(tmp_path / "a.tif", mpp=1.0, levels=(1,))) as slide:
        mask = published_mask(slide)
    assert mask.mask.size <= 10_200
    assert mask.scale == pytest.approx((8.87, 8.87), rel=0.01)
