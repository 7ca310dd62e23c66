from __future__ import annotations

import numpy as np
import pytest

from sequoia_model.errors import InputError
from sequoia_model.types.grid import TileGrid, grid_places, tile_side


def grid(coords, **changed) -> TileGrid:
    n = len(coords) + sum(changed.get("left_out", {}).values())
    wanted = {"side": 2, "slide_mpp": 0.5, "slide_size": (10, 8), "n_places": n} | changed
    return TileGrid("S1", np.array(coords).reshape(-1, 2), **wanted)


@pytest.mark.parametrize(
    ("mpp", "side"), [(0.5, 256), (0.25, 512), (0.499, 257), (0.688, 186), (1.0, 128), (100.0, 1), (300.0, 1)]
)
def test_side_of_a_tile_is_128_um_in_whole_pixels(mpp, side):
    assert tile_side(mpp) == side


def test_places_are_whole_tiles_by_row():
    assert grid_places((7, 5), 2).tolist() == [[0, 0], [2, 0], [4, 0], [0, 2], [2, 2], [4, 2]]
    assert grid_places((6, 2), 2).tolist() == [[0, 0], [2, 0], [4, 0]]


@pytest.mark.parametrize("size", [(1, 10), (10, 1), (1, 1)])
def test_a_slide_smaller_than_a_tile_has_no_place(size):
    assert grid_places(size, 2).shape == (0, 2)


def test_coords_are_sorted_by_y_and_then_x_and_cannot_be_changed():
    got = grid([[4, 2], [0, 2], [8, 0]])
    assert got.coords.tolist() == [[8, 0], [0, 2], [4, 2]] and got.coords.dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        got.coords[0] = 0


def test_the_arrays_of_the_caller_stay_as_they_are():
    coords, lost = np.array([[4, 2], [0, 2]]), {"background": 1}
    made = TileGrid("S1", coords, 2, 0.5, (10, 8), n_places=3, left_out=lost)
    coords[0], lost["background"] = 7, 5
    assert made.coords.tolist() == [[0, 2], [4, 2]] and made.left_out == {"background": 1}


@pytest.mark.parametrize("corner", [(9, 0), (0, 7), (-1, 0), (0, -2)])
def test_a_tile_that_leaves_the_slide_is_refused(corner):
    with pytest.raises(InputError, match="not wholly on the slide"):
        grid([corner])


def test_tiles_may_touch_the_border():
    assert len(grid([[8, 6]])) == 1


def test_a_duplicated_tile_is_refused():
    with pytest.raises(InputError, match="duplicated"):
        grid([[2, 2], [0, 0], [2, 2]])


def test_numbers_that_do_not_add_up_are_refused():
    with pytest.raises(InputError, match="20 places, but 4 are"):
        grid([[0, 0]], left_out={"background": 3}, n_places=20)


@pytest.mark.parametrize("coords", [np.zeros((2, 3), int), np.zeros(4, int), np.zeros((1, 2))])
def test_coords_of_another_shape_or_type_are_refused(coords):
    with pytest.raises(InputError, match="whole numbers"):
        TileGrid("S1", coords, 2, 0.5, (10, 8), n_places=len(coords))


def test_a_grid_prints_what_was_left_out():
    text = repr(grid([[0, 0]], left_out={"background": 3, "low contrast": 1}))
    assert text == "<TileGrid S1: 1 of 5 tiles by 'paper', 3 background, 1 low contrast>"
