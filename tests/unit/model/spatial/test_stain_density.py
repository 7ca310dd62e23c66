"""Haematoxylin and tissue of tiles: equal to scikit-image's, and refused where the slide is another."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.color import rgb2hed

from sequoia_model.errors import InputError
from sequoia_model.slide import open_slide
from sequoia_model.spatial.stain_density import densities_of_image, haematoxylin, tile_densities
from tests.build.slides import make_picture, write_image

#: Level-0 pixels of 0.5 µm: two tiles of tissue, and one of glass.
CORNERS = np.array([[512, 256], [768, 256], [0, 0]], dtype=np.float64)


@pytest.fixture
def image(tmp_path):
    return write_image(tmp_path / "S1.png", make_picture())


def test_the_density_is_that_of_scikit_image_in_powers_of_ten():
    pixels = np.random.default_rng(0).integers(0, 256, size=(20, 30, 3), dtype=np.uint8)
    pixels[0, 0] = 0  # black, where both take the same least light
    unit = -np.log10(1e-6)  # scikit-image measures in powers of the least light
    np.testing.assert_allclose(haematoxylin(pixels), rgb2hed(pixels)[..., 0] * unit, rtol=1e-9, atol=1e-9)


def test_a_stain_twice_as_dense_has_twice_the_density():
    once = np.array([[10**-0.65 * 255, 10**-0.70 * 255, 10**-0.29 * 255]])
    twice = once**2 / 255
    one, two = (haematoxylin(np.rint(light).astype(np.uint8))[0] for light in (once, twice))
    assert one == pytest.approx(1, abs=0.02) and two == pytest.approx(2, abs=0.05)


def test_tiles_of_tissue_are_stained_and_tiles_of_glass_are_not(image):
    with open_slide(image, mpp=0.5) as slide:
        found = tile_densities(slide, CORNERS, 256)
    np.testing.assert_allclose(found.tissue, [1, 1, 0], atol=0.05)
    assert found.haematoxylin[:2].min() > 5 * found.haematoxylin[2] > 0


def test_a_tile_has_the_mean_over_its_pixels(image):
    with open_slide(image, mpp=0.5) as slide:
        found = tile_densities(slide, CORNERS[:1], 256)
        pixels = slide.read(512, 256, 256, 128)
    assert found.haematoxylin[0] == pytest.approx((rgb2hed(pixels)[..., 0] * 6).mean(), rel=1e-9)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"size": (999, 999)}, "it has 2048 × 1536 pixels, and the features are of 999 × 999"),
        ({"corners": CORNERS + 1800}, "3 of 3 tiles lie outside its 2048 × 1536 pixels"),
        ({"corners": np.zeros((1, 2))}, "only 0% of the area of the tiles is tissue"),
    ],
)
def test_another_slide_than_that_of_the_features_is_refused(image, change, why):
    given = {"corners": CORNERS, "side": 256, "mpp": 0.5} | change
    with pytest.raises(InputError, match=why) as error:
        densities_of_image(image, **given)
    assert str(image) in error.value.where
