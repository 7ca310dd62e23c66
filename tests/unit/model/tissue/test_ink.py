"""Ink is told from tissue: pens in several colours are found, and no stain is taken for one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sequoia_model.slide import open_slide
from sequoia_model.tissue import ink_mask, tissue_and_ink, tissue_mask
from sequoia_model.tissue.ink import _densities, _inked
from tests.build.slides import draw_pen, make_picture, write_slide

SLIDES = Path(__file__).parents[3] / "data" / "slides"
SIZE = (2048.0, 1536.0)  # µm
TISSUE = (256.0, 256.0, 1792.0, 1280.0)
#: A stroke of 0.4 mm across the tissue, and on the glass on both sides of it.
STROKE = (0.0, 512.0, 2048.0, 912.0)
PENS = {
    "green": (0, 150, 60),
    "dark green": (20, 90, 50),
    "turquoise": (0, 128, 128),
    "blue": (30, 50, 150),
    "light blue": (65, 105, 225),
    "pure blue": (0, 0, 255),
    "red": (200, 30, 40),
    "crimson": (220, 20, 60),
    "black": (15, 15, 18),
    "faded black": (50, 48, 50),
    "yellow": (250, 220, 0),
    "grey": (122, 121, 124),
}
#: Pens in colours that dense nuclei, blood or pigment may have too, told from them because their ink is even.
EVEN_PENS = {
    "navy": (20, 25, 80),
    "dark blue": (45, 50, 110),
    "indigo": (30, 20, 65),
    "slate blue": (90, 90, 140),
    "dark red": (150, 30, 45),
    "maroon": (110, 20, 30),
    "purple": (110, 30, 140),
    "blue-black": (30, 28, 40),
    "olive": (50, 60, 40),
    "thin black": (85, 83, 86),
}
#: Optical densities of red, green and blue: Ruifrok and Johnston's haematoxylin and eosin, those of two scanners,
#: blood, melanin, and DAB.
STAINS = np.array(
    [
        [0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.56, 0.72, 0.41], [0.22, 0.80, 0.56], [0.72, 0.66, 0.38],
        [0.28, 0.72, 0.64], [0.46, 0.62, 0.64], [0.27, 0.57, 0.78],
    ]
)  # fmt: skip


def slide_of(path, picture):
    return open_slide(write_slide(path / "a.tif", picture, mpp=2.0, levels=(1, 8)))


def inside(mask, box):
    """The pixels of a mask within a box in µm, without the two at its border."""
    step = mask.scale[0] * mask.slide_mpp
    left, top, right, bottom = (round(edge / step) for edge in box)
    return mask.mask[top + 2 : bottom - 2, left + 2 : right - 2]


@pytest.mark.parametrize("colour", PENS.values(), ids=PENS)
@pytest.mark.parametrize("opacity", [1.0, 0.9])
def test_a_stroke_of_a_pen_is_found_on_tissue_and_nowhere_else(tmp_path, colour, opacity):
    picture = draw_pen(make_picture(SIZE, [TISSUE], mpp=2.0), STROKE, colour, opacity=opacity, mpp=2.0)
    with slide_of(tmp_path, picture) as slide:
        ink = ink_mask(slide)
    assert inside(ink, (TISSUE[0], STROKE[1], TISSUE[2], STROKE[3])).mean() > 0.95
    assert not inside(ink, (0, 0, 2048, 448)).any() and not inside(ink, (0, 976, 2048, 1536)).any()


@pytest.mark.parametrize("colour", ["green", "blue", "red", "black"])
def test_a_stroke_of_a_pen_is_found_on_glass(tmp_path, colour):
    picture = draw_pen(make_picture(SIZE, [TISSUE], mpp=2.0), (0, 32, 2048, 232), PENS[colour], mpp=2.0)
    with slide_of(tmp_path, picture) as slide:
        assert inside(ink_mask(slide), (0, 32, 2048, 232)).all()


def on_tissue(picture, stroke, colour):
    """A picture with a streaky stroke of clear ink, in µm: the densities of ink and tissue add up."""
    left, top, right, bottom = (round(edge / 2) for edge in stroke)
    drawn = picture.astype(np.float64)
    streaks = 1 - 0.1 * np.random.default_rng(0).random((bottom - top, right - left, 1))
    drawn[top:bottom, left:right] *= (np.array(colour) / 244) ** streaks
    return drawn.round().astype(np.uint8)


@pytest.mark.parametrize("colour", EVEN_PENS.values(), ids=EVEN_PENS)
@pytest.mark.parametrize("clear", [True, False])
def test_even_ink_in_the_colour_of_a_stain_is_found_and_takes_no_tissue(tmp_path, colour, clear):
    clean = make_picture(SIZE, [TISSUE], mpp=2.0)
    inked = on_tissue(clean, STROKE, colour) if clear else draw_pen(clean, STROKE, colour, mpp=2.0)
    with slide_of(tmp_path / "a", clean) as one, slide_of(tmp_path / "b", inked) as two:
        alone, (beside, ink) = tissue_mask(one), tissue_and_ink(two)
    assert inside(ink, STROKE).mean() > 0.95
    assert not inside(ink, (0, 0, 2048, 448)).any() and not inside(ink, (0, 976, 2048, 1536)).any()
    assert abs(alone.threshold - beside.threshold) < 0.02
    assert np.mean((alone.mask ^ beside.mask)[~ink.mask]) < 0.01


@pytest.mark.parametrize("colour", EVEN_PENS.values(), ids=EVEN_PENS)
def test_the_colour_of_ink_that_changes_from_cell_to_cell_is_tissue(tmp_path, colour):
    rng = np.random.default_rng(0)
    picture = make_picture(SIZE, [], mpp=2.0)
    cells = np.kron(rng.uniform(0.7, 1.2, (64, 112)), np.ones((8, 8)))[..., None]  # of 16 µm
    picture[128:640, 64:960] = np.round(244 * (np.array(colour) / 244) ** cells)
    with slide_of(tmp_path, picture) as slide:
        assert not ink_mask(slide).mask.any()


@pytest.mark.parametrize("light", [1.0, 0.5, 0.35])
@pytest.mark.parametrize("fill", [None, 255])
def test_stained_tissue_holds_no_ink(tmp_path, light, fill):
    picture = make_picture(SIZE, [TISSUE], mpp=2.0) * light
    if fill is not None:  # at the left, and below half of the rest, as where it was not scanned
        picture[:, :64] = picture[680:, :512] = fill
    with slide_of(tmp_path, picture.round().astype(np.uint8)) as slide:
        assert not ink_mask(slide).mask.any()


@given(
    amounts=st.lists(st.floats(0, 1.5), min_size=len(STAINS), max_size=len(STAINS)),
    kept=st.lists(st.booleans(), min_size=len(STAINS), max_size=len(STAINS)),
)
@example(amounts=[0, 0, 0, 0, 0.375, 0, 0.75, 0], kept=[True] * 8)  # dark haematoxylin with melanin
def test_no_mixture_of_stains_is_ink_whatever_its_thickness(amounts, kept):
    density = (np.array(amounts) * kept) @ STAINS
    density *= min(1.0, 1.2 / max(density.max(), 1e-9))  # a pixel of 16 µm of thick tissue
    pixel = np.round(256 * 10.0**-density - 1).clip(0, 255).astype(np.uint8)
    assert not _inked(*_densities(pixel[None, None])).any()


def test_immunohistochemistry_is_not_ink():
    from skimage.data import immunohistochemistry

    picture = immunohistochemistry()
    coarse = picture.reshape(16, 32, 16, 32, 3).mean(axis=(1, 3)).round().astype(np.uint8)
    assert not _inked(*_densities(coarse)).any()


@pytest.mark.parametrize(("name", "mpp"), [("CMU-1-Small-Region.svs", None), ("HER2ST_C2.jpg", 0.69)])
def test_real_slides_without_pen_marks_hold_no_ink(name, mpp):
    with open_slide(SLIDES / name, mpp=mpp) as slide:
        assert not ink_mask(slide).mask.any()


def test_a_dot_too_small_for_a_pen_is_not_ink(tmp_path):
    picture = draw_pen(make_picture(SIZE, [TISSUE], mpp=2.0), (1000, 600, 1064, 664), PENS["green"], mpp=2.0)
    with slide_of(tmp_path, picture) as slide:
        assert not ink_mask(slide).mask.any()


def test_ink_does_not_move_the_threshold_of_tissue(tmp_path):
    clean = make_picture(SIZE, [TISSUE], mpp=2.0)
    clean = (244 - (244 - clean.astype(float)) * 0.3).astype(np.uint8)  # pale tissue
    inked = draw_pen(clean, (300, 300, 1700, 1000), PENS["blue"], mpp=2.0)
    with slide_of(tmp_path / "a", clean) as one, slide_of(tmp_path / "b", inked) as two:
        alone, (beside, _) = tissue_mask(one), tissue_and_ink(two)
    assert abs(alone.threshold - beside.threshold) < 0.02
    assert np.mean(alone.mask ^ beside.mask) < 0.02
