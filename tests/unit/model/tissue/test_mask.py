"""Tissue masks whose pixels are known: shares of tiles, areas, outlines and coarser masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from sequoia_model.tissue import TissueMask

masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12))


def make_mask(rows: list[str], scale: tuple[float, float] = (10.0, 10.0)) -> TissueMask:
    """A mask from rows of "#" and "."."""
    mask = np.array([[letter == "#" for letter in row] for row in rows])
    size = (round(mask.shape[1] * scale[0]), round(mask.shape[0] * scale[1]))
    return TissueMask(mask, scale, size, 0.5, "otsu")


def covered(mask: TissueMask, x: float, y: float, side: float) -> float:
    """The share of a tile, added up pixel by pixel."""
    height, width = mask.mask.shape
    edges_x, edges_y = np.arange(width + 1) * mask.scale[0], np.arange(height + 1) * mask.scale[1]
    wide = np.diff(np.clip(edges_x, x, x + side))
    high = np.diff(np.clip(edges_y, y, y + side))
    return float(high @ mask.mask @ wide) / side**2


@given(
    masks, st.floats(0.5, 40), st.floats(0.5, 40), st.integers(0, 99), st.integers(0, 99), st.integers(1, 90)
)
def test_a_share_is_the_area_of_tissue_over_that_of_the_tile(mask, sx, sy, x, y, side):
    whole = TissueMask(mask, (sx, sy), (100, 100), 0.5, "otsu")
    assert whole.shares([[x, y]], side)[0] == pytest.approx(covered(whole, x, y, side), abs=1e-9)


def test_a_tile_that_ends_within_a_pixel_has_a_part_of_it():
    assert make_mask(["#."]).shares([[0, 0], [5, 0], [8, 0]], 4).tolist() == pytest.approx([1, 1, 0.5])


def test_what_lies_beyond_the_slide_is_not_tissue():
    assert make_mask(["#"]).shares([[5, 5]], 10).tolist() == pytest.approx([0.25])


def test_holds_looks_at_the_pixel_under_the_corner():
    mask = make_mask([".#", "#."], scale=(10, 4))
    assert mask.holds([[9, 3], [10, 3], [9, 4], [10, 4], [20, 8]]).tolist() == [
        False,
        True,
        True,
        False,
        False,
    ]


def test_area_is_in_square_millimetres():
    assert make_mask(["##", ".#"], scale=(200, 100)).area_mm2 == pytest.approx(3 * 0.1 * 0.05)


def test_a_mask_of_larger_pixels_is_set_where_half_is_tissue():
    mask = make_mask(["##..", "##.#", "#...", "#..."])
    assert mask.coarse(10.0).mask.tolist() == [[True, False], [True, False]]
    assert mask.coarse(10.0).scale == (20, 20)


def test_a_mask_that_is_coarse_enough_stays():
    mask = make_mask(["#.", ".#"])
    assert mask.coarse(5.0) is mask


def test_a_mask_prints_its_size_source_and_area():
    assert repr(make_mask(["#."], scale=(2000, 2000))) == "<TissueMask 2 × 1 by otsu: 1 mm²>"


def test_outlines_are_in_pixels_of_the_slide_with_their_holes():
    [polygon] = make_mask(["###", "#.#", "###"], scale=(10, 20)).outlines()
    assert polygon.outer.tolist() == [[0, 0], [30, 0], [30, 60], [0, 60]]
    assert sorted(polygon.holes[0].tolist()) == [[10, 20], [10, 40], [20, 20], [20, 40]]


def test_an_empty_mask_has_no_outlines():
    assert make_mask(["..", ".."]).outlines() == []
