"""The tissue mask of the paper on slides with known tissue."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from sequoia_model.slide import open_slide
from sequoia_model.tissue import TissueMask, tissue_mask
from tests.build.slides import Box, draw_pen, make_picture, write_slide

SIZE = (2048.0, 1536.0)  # µm


def mask_of(path, picture=None, mpp: float = 2.0, **made) -> TissueMask:
    made.setdefault("size", SIZE)
    with open_slide(
        write_slide(path / "a.tif", picture, mpp=mpp, **({} if picture is not None else made))
    ) as slide:
        return tissue_mask(slide)


def expected(mask: TissueMask, *boxes: Box) -> np.ndarray:
    """The pixels of a mask whose centres lie in one of the boxes (in µm)."""
    height, width = mask.mask.shape
    x = (np.arange(width) + 0.5) * mask.scale[0] * mask.slide_mpp
    y = (np.arange(height) + 0.5) * mask.scale[1] * mask.slide_mpp
    inside = np.zeros((height, width), dtype=bool)
    for left, top, right, bottom in boxes:
        inside |= ((x > left) & (x < right))[None, :] & ((y > top) & (y < bottom))[:, None]
    return inside


def differs(mask: TissueMask, *boxes: Box) -> float:
    """Area in mm² where a mask differs from the boxes."""
    pixels = np.count_nonzero(mask.mask ^ expected(mask, *boxes))
    return pixels * mask.scale[0] * mask.scale[1] * mask.slide_mpp**2 / 1e6


def compressed(picture: np.ndarray, quality: int = 60) -> np.ndarray:
    """A picture after a lossy JPEG."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def noisy(colour: tuple[int, int, int], sigma: float = 4.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.clip(rng.normal(colour, sigma, size=(768, 1024, 3)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("mpp", [1.0, 2.0, 4.0])
def test_the_mask_is_the_box_that_was_stained(tmp_path, mpp):
    box = (512, 256, 1536, 1024)
    mask = mask_of(tmp_path, mpp=mpp, tissue=[box])
    assert mask.source == "otsu" and mask.mask.shape == (96, 128)
    assert differs(mask, box) < 0.002 * mask.area_mm2 + 16 * 16 * 4 / 1e6


def test_tissue_is_kept_up_to_the_border(tmp_path):
    box = (0, 0, 1024, 1536)
    assert differs(mask_of(tmp_path, tissue=[box]), box) < 0.01


def test_two_sections_stay_two_pieces(tmp_path):
    mask = mask_of(tmp_path, tissue=[(128, 128, 768, 1280), (1024, 256, 1792, 1280)])
    assert len(mask.outlines()) == 2


@pytest.mark.parametrize(("side", "filled"), [(100, 1.0), (300, 1.0), (350, 0.0), (500, 0.0)])
def test_holes_are_filled_up_to_a_tenth_of_a_square_millimetre(tmp_path, side, filled):
    picture = make_picture(SIZE, [(256, 256, 1792, 1280)], 2.0)
    hole = (800, 500, 800 + side, 500 + side)
    left, top, right, bottom = (round(edge / 2) for edge in hole)
    picture[top:bottom, left:right] = (243, 242, 244)
    mask = mask_of(tmp_path, picture)
    assert mask.mask[expected(mask, hole)].mean() == pytest.approx(filled, abs=0.15)


def test_cracks_are_closed(tmp_path):
    mask = mask_of(tmp_path, tissue=[(256, 0, 990, 1536), (1034, 0, 1792, 1536)])
    assert len(mask.outlines()) == 1


@pytest.mark.parametrize(("side", "kept"), [(60, 0), (96, 0), (160, 1)])
def test_pieces_too_small_for_a_tile_are_left_out(tmp_path, side, kept):
    mask = mask_of(tmp_path, tissue=[(800, 800, 800 + side, 800 + side)])
    assert len(mask.outlines()) == kept


@pytest.mark.parametrize(
    "colour", [(255, 255, 255), (243, 242, 244), (240, 236, 230), (128, 128, 128), (4, 3, 5), (0, 0, 0)]
)
def test_a_slide_of_one_colour_holds_no_tissue(tmp_path, colour):
    assert not mask_of(tmp_path, np.full((768, 1024, 3), colour, dtype=np.uint8)).mask.any()


@pytest.mark.parametrize("colour", [(250, 250, 250), (240, 236, 230), (128, 128, 128), (10, 10, 10)])
def test_noise_of_a_camera_and_of_a_jpeg_is_not_tissue(tmp_path, colour):
    assert not mask_of(tmp_path, compressed(noisy(colour))).mask.any()


def test_the_black_border_of_a_scan_is_not_tissue(tmp_path):
    box = (512, 256, 1536, 1024)
    picture = make_picture(SIZE, [box], 2.0)
    picture[:, :100] = noisy((6, 4, 8), 3.0)[:, :100]
    assert differs(mask_of(tmp_path, picture), box) < 0.01


def test_a_slide_that_is_tissue_all_over_is_kept_whole(tmp_path):
    picture = make_picture(SIZE, [(0, 0, *SIZE)], 2.0)
    picture[:, :600] = (picture[:, :600] * 0.5 + 118).astype(np.uint8)  # pale stroma beside dense cells
    mask = mask_of(tmp_path, picture)
    assert mask.threshold == pytest.approx(0.12)
    assert mask.mask.all()


def test_tinted_glass_is_not_tissue(tmp_path):
    box = (512, 256, 1536, 1024)
    mask = mask_of(tmp_path, make_picture(SIZE, [box], 2.0, background=(238, 227, 211)))
    assert differs(mask, box) < 0.02


def test_ink_does_not_hide_the_tissue(tmp_path):
    box = (512, 256, 1536, 1024)
    picture = make_picture(SIZE, [box], 2.0)
    picture[600:760, 100:900] = (20, 40, 230)
    mask = mask_of(tmp_path, picture)
    assert mask.mask[expected(mask, box)].mean() > 0.98


@pytest.mark.parametrize("side", [1, 5, 40])
def test_a_tiny_slide_has_a_mask(tmp_path, side):
    picture = make_picture((side / 2, side / 2), [(0, 0, side, side)])
    assert mask_of(tmp_path, picture, mpp=0.5).mask.size > 0


def test_the_same_slide_gives_the_same_mask(tmp_path):
    first, second = mask_of(tmp_path), mask_of(tmp_path)
    assert first.mask.tobytes() == second.mask.tobytes() and first.threshold == second.threshold


def test_something_colourful_that_makes_tissue_too_pale_is_noted(tmp_path):
    pale = make_picture(SIZE, [(256, 256, 1792, 768)], mpp=2.0)
    pale = (244 - (244 - pale.astype(float)) * 0.45).astype(np.uint8)
    inked = draw_pen(pale, (0, 900, 2048, 1400), (211, 60, 67), mpp=2.0)
    alone, beside = mask_of(tmp_path / "a", pale), mask_of(tmp_path / "b", inked)
    assert not alone.notes and alone.area_mm2 > 0.7
    assert beside.threshold == 0.25
    (note,) = beside.notes
    assert "far more colourful than the rest" in note and "--annotation FILE" in note


def test_no_note_on_tissue_that_is_colourful_itself(tmp_path):
    picture = make_picture(SIZE, [(256, 256, 1792, 768)], mpp=2.0).astype(float)
    mask = mask_of(tmp_path, (244 * (picture / 244) ** 3).clip(0, 255).round().astype(np.uint8))
    assert mask.threshold == 0.25 and not mask.notes


@pytest.mark.parametrize(
    ("pen", "said"), [((110, 70, 40), "are brown"), ((240, 80, 150), "are bright pink"), (None, "")]
)
def test_tissue_in_a_colour_that_no_stain_has_is_noted(tmp_path, pen, said):
    picture = make_picture(SIZE, [(256, 256, 1792, 1280)], mpp=2.0)
    if pen:
        shade = np.kron(np.random.default_rng(0).uniform(0.6, 1.2, (25, 128)), np.ones((8, 8)))[..., None]
        picture[300:500] = np.round(255 * (np.array(pen) / 255) ** shade)
    notes = mask_of(tmp_path, picture).notes
    assert len(notes) == bool(pen) and said in "".join(notes)
    assert not pen or "--exclude-class NAME" in notes[0]
