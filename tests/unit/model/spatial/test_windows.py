"""The windows of a slide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequoia_model.errors import InputError
from sequoia_model.spatial.windows import ORIGINS, window_size, windows_of
from tests.build.windows import make_tissue, make_transformer, tissues, windows_by_hand

sizes, strides = st.integers(1, 10), st.integers(1, 10)


def as_dictionary(windows):
    """As of `windows_by_hand`."""
    return {
        tuple(origin): {divmod(k, windows.size): tile for k, tile in enumerate(tiles) if tile >= 0}
        for origin, tiles in zip(windows.origins.tolist(), windows.tiles.tolist(), strict=True)
    }


@given(tissues(), sizes, strides, st.sampled_from(ORIGINS))
def test_windows_are_those_of_trying_every_origin(places, size, stride, origins):
    got = windows_of(places, size=size, stride=stride, origins=origins)

    assert as_dictionary(got) == windows_by_hand(places, size, stride, origins)


@given(tissues(), sizes, strides, st.sampled_from(ORIGINS))
def test_windows_come_in_reading_order(places, size, stride, origins):
    got = windows_of(places, size=size, stride=stride, origins=origins)

    assert got.origins.tolist() == sorted(got.origins.tolist())
    assert got.tiles.shape == (len(got), size * size)


@given(tissues(), sizes, strides, st.integers(-30, 30), st.integers(0, 30))
def test_windows_move_with_the_tissue(places, size, stride, down, right):
    here = windows_of(places, size=size, stride=stride)
    there = windows_of(places + [down, right], size=size, stride=stride)

    np.testing.assert_array_equal(there.tiles, here.tiles)
    np.testing.assert_array_equal(there.origins, here.origins + [down, right])


@given(tissues(), sizes, strides)
def test_windows_of_a_stride_are_among_those_of_1_and_the_published_among_the_overhanging(
    places, size, stride
):
    every = {tuple(origin) for origin in windows_of(places, size=size).origins.tolist()}
    some = windows_of(places, size=size, stride=stride).origins.tolist()
    published = windows_of(places, size=size, stride=stride, origins="published").origins.tolist()

    assert {tuple(origin) for origin in some} <= every
    assert {tuple(origin) for origin in published} <= {tuple(origin) for origin in some}


def test_a_full_square_has_a_window_in_reading_order():
    got = windows_of(np.argwhere(np.ones((10, 10))), origins="published")

    np.testing.assert_array_equal(got.tiles[0], np.arange(100))


def test_exactly_half_of_the_tiles_is_no_window():
    assert len(windows_of(np.array([[0, 0], [0, 1]]), size=2)) == 0


def test_one_tile_has_a_window_of_one():
    got = windows_of(np.array([[4, 7]]), size=1)

    assert got.origins.tolist() == [[4, 7]]
    assert got.tiles.tolist() == [[0]]


def test_one_tile_has_no_window_of_ten():
    assert windows_of(np.array([[4, 7]])).tiles.shape == (0, 100)


def test_no_tiles_have_no_windows():
    assert windows_of(np.empty((0, 2), dtype=np.int64)).tiles.shape == (0, 100)


def test_windows_do_not_depend_on_the_order_of_the_tiles():
    places = make_tissue()
    order = np.random.default_rng(1).permutation(len(places))

    np.testing.assert_array_equal(
        np.append(order, -1)[windows_of(places[order], size=3).tiles], windows_of(places, size=3).tiles
    )


@pytest.mark.parametrize("wrong", [{"size": 0}, {"stride": 0}, {"stride": 1.5}, {"origins": "centre"}])
def test_arguments_that_are_not_valid_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        windows_of(make_tissue(), **wrong)


@pytest.mark.parametrize("size", [3, 10])
def test_a_window_has_the_square_root_of_the_clusters(size):
    assert window_size(make_transformer(size=size)) == size


def test_a_number_of_clusters_that_is_no_square_is_refused():
    network = make_transformer()
    network.num_clusters = 50

    with pytest.raises(InputError, match="50 clusters, which is no square"):
        window_size(network)
