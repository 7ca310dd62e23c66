"""Moran's I and the neighbours of tiles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequoia_stats.errors import InputError
from sequoia_stats.spatial import morans_i, neighbours
from tests.build.spatial import percentile_maps, rectangle, tissue


def by_pairs(x, places):
    """The sums of the definition, over pairs of tiles that touch, with weights that sum to 1 in a row."""
    n, z = len(x), x - np.mean(x)
    touch = (np.abs(places[:, None] - places).max(axis=2) == 1).astype(float)
    w = touch / np.maximum(touch.sum(axis=1, keepdims=True), 1)
    return n / w.sum() * (w * np.outer(z, z)).sum() / (z**2).sum()


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 8), st.integers(2, 8), st.integers(0, 99))
def test_it_is_the_sum_over_pairs_of_neighbours(rows, columns, seed):
    places = np.concatenate([tissue(rows, columns, seed), [[20, 20], [20, 21]]])
    maps = percentile_maps(2, len(places), seed)
    want = [by_pairs(x, places) for x in maps]
    assert morans_i(maps, neighbours(places)) == pytest.approx(want, abs=1e-12)


def test_a_chessboard_of_rooks_moves_is_seen_through_its_diagonals():
    places = rectangle(20, 20)
    board = places.sum(axis=1) % 2
    assert morans_i(board, neighbours(places)) == pytest.approx([0], abs=0.1)


def test_a_slope_is_near_one():
    places = rectangle(30, 30)
    assert morans_i(places.sum(axis=1), neighbours(places))[0] > 0.95


@settings(max_examples=20, deadline=None)
@given(st.floats(-100, 100).filter(lambda factor: abs(factor) > 0.01), st.floats(-100, 100))
def test_units_do_not_matter(factor, shift):
    places = tissue(6, 6)
    x = percentile_maps(1, len(places))
    weights = neighbours(places)
    assert morans_i(factor * x + shift, weights) == pytest.approx(morans_i(x, weights), abs=1e-9)


def test_a_constant_map_and_tiles_that_do_not_touch_have_none():
    assert np.isnan(morans_i([[3.3, 3.3, 3.3]], neighbours([[0, 0], [0, 1], [0, 2]]))).all()
    assert np.isnan(morans_i([[1, 2, 3]], neighbours([[0, 0], [0, 2], [0, 4]]))).all()


def test_a_tile_without_neighbours_has_no_weight_but_counts():
    places = [[0, 0], [0, 1], [0, 2], [9, 9]]
    assert neighbours(places).toarray()[3].tolist() == [0, 0, 0, 0]
    assert morans_i([1, 2, 4, 0], neighbours(places)) == pytest.approx(
        [by_pairs([1, 2, 4, 0], np.array(places))]
    )


def test_no_genes_and_no_tiles_give_no_numbers():
    assert morans_i(np.zeros((0, 3)), neighbours([[0, 0], [0, 1], [0, 2]])).shape == (0,)
    assert np.isnan(morans_i(np.zeros((2, 0)), neighbours(np.zeros((0, 2))))).tolist() == [True, True]


def test_two_tiles_at_one_place_are_refused():
    with pytest.raises(InputError, match="two tiles are at the same place"):
        neighbours([[0, 0], [0, 0]])


def test_places_between_rows_are_refused():
    with pytest.raises(InputError, match="whole numbers"):
        neighbours([[0, 0.5], [0, 1]])
