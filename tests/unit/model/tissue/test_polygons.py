"""Polygons around the pixels of masks, and back."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from sequoia_model.tissue.polygons import fill, trace

masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12))


@given(masks)
def test_outlines_hold_just_the_pixels_of_the_mask(mask):
    filled = np.zeros_like(mask)
    for polygon in trace(mask):
        fill(filled, polygon.rings())
    np.testing.assert_array_equal(filled, mask)


@given(masks)
def test_every_piece_has_one_polygon_and_every_hole_a_ring(mask):
    polygons = trace(mask)
    _, n_outside = ndimage.label(~np.pad(mask, 1), np.ones((3, 3)))
    assert len(polygons) == ndimage.label(mask)[1]
    assert sum(len(polygon.holes) for polygon in polygons) >= n_outside - 1


@given(masks)
def test_outlines_have_corners_only_where_they_turn(mask):
    rings = [ring for polygon in trace(mask) for ring in polygon.rings()]
    turns = [np.diff(ring, axis=0, append=ring[:1]) for ring in rings]
    assert all(((steps != 0).sum(axis=1) == 1).all() for steps in turns)
    assert all((steps[1:] * steps[:-1] == 0).all() for steps in turns)


def test_pixels_that_touch_at_a_corner_are_two_pieces():
    assert [polygon.outer.tolist() for polygon in trace(np.array([[True, False], [False, True]]))] == [
        [[0, 0], [1, 0], [1, 1], [0, 1]],
        [[1, 1], [2, 1], [2, 2], [1, 2]],
    ]
