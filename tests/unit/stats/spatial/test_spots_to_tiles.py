"""Spots brought to tiles: against all distances in full, with ties, caps, and moves that must not matter."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from sequoia_stats.errors import InputError
from sequoia_stats.spatial.spots_to_tiles import default_cap, nearest_spots

seeds = st.integers(0, 10_000)


def scattered(seed, tiles=30, spots=25, side=1000):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, side, (tiles, 2)), rng.uniform(0, side, (spots, 2))


def by_all_distances(points, spots, nearest, cap):
    """The same by a full sort of all distances; python's sort keeps the order of what is tied."""
    distances = np.linalg.norm(points[:, None] - spots[None], axis=2)
    chosen = [sorted(range(len(spots)), key=lambda i: round(row[i], 6))[:nearest] for row in distances]
    return [[i for i in near if row[i] <= cap] for near, row in zip(chosen, distances, strict=True)]


def kept(found):
    return [[i for i in row if i >= 0] for row in found.index.tolist()]


@given(seeds, st.integers(1, 6), st.sampled_from([80.0, 200.0, np.inf]))
def test_nearest_spots_are_those_of_all_distances(seed, nearest, cap):
    points, spots = scattered(seed)
    assert kept(nearest_spots(points, spots, nearest=nearest, cap_um=cap)) == by_all_distances(
        points, spots, nearest, cap
    )


@given(st.integers(1, 9), st.permutations(range(25)))
def test_of_spots_at_one_distance_the_first_is_taken_first(nearest, order):
    lattice = np.array([(100.0 * i, 100.0 * j) for i in range(5) for j in range(5)])[order]
    centres = np.array([[200.0, 200.0], [150.0, 150.0], [250.0, 100.0]])
    found = nearest_spots(centres, lattice, nearest=nearest)
    assert kept(found) == by_all_distances(centres, lattice, nearest, np.inf)


def test_many_spots_on_one_point_are_taken_in_order():
    assert nearest_spots([[0.0, 0.0]], np.zeros((40, 2)), nearest=4).index.tolist() == [[0, 1, 2, 3]]


@given(seeds)
def test_means_are_those_of_the_values_of_the_spots(seed):
    points, spots = scattered(seed)
    values = np.random.default_rng(seed).normal(size=(len(spots), 3))
    found = nearest_spots(points, spots, cap_um=200)
    expected = [values[row].mean(axis=0) if row else np.full(3, np.nan) for row in kept(found)]
    np.testing.assert_allclose(found.mean(values), expected, rtol=1e-12)
    np.testing.assert_allclose(found.mean(sp.csr_array(values)), expected, rtol=1e-12)


@given(seeds, st.floats(-5000, 5000), st.floats(-5000, 5000))
def test_a_shift_of_tiles_and_spots_changes_nothing(seed, x, y):
    points, spots = scattered(seed)
    moved = nearest_spots(points + [x, y], spots + [x, y], cap_um=300)
    assert moved.index.tolist() == nearest_spots(points, spots, cap_um=300).index.tolist()


@given(seeds)
def test_the_order_of_spots_does_not_change_means(seed):
    points, spots = scattered(seed)
    values, order = np.arange(25.0)[:, None], np.random.default_rng(seed).permutation(25)
    one = nearest_spots(points, spots).mean(values)
    np.testing.assert_allclose(nearest_spots(points, spots[order]).mean(values[order]), one, rtol=1e-12)


@given(seeds, st.floats(0.1, 10))
def test_a_change_of_scale_of_tiles_spots_and_cap_changes_nothing(seed, scale):
    points, spots = scattered(seed)
    scaled = nearest_spots(scale * points, scale * spots, cap_um=scale * 250)
    assert scaled.index.tolist() == nearest_spots(points, spots, cap_um=250).index.tolist()


def test_fewer_spots_than_asked_are_all_taken():
    found = nearest_spots([[0.0, 0.0]], [[1.0, 0.0]], nearest=4)
    assert found.index.tolist() == [[0, -1, -1, -1]] and found.found.tolist() == [1]


def test_a_tile_without_a_spot_within_the_cap_has_no_mean():
    found = nearest_spots([[0.0, 0.0], [900.0, 0.0]], [[1.0, 0.0]], cap_um=10)
    assert np.isnan(found.mean([[7.0]])[:, 0]).tolist() == [False, True]


def test_the_cap_reaches_the_fourth_spot_everywhere_inside_a_square_array():
    array = np.array([(200.0 * i, 200.0 * j) for i in range(8) for j in range(8)])
    inside = np.random.default_rng(0).uniform(400, 1000, (500, 2))
    fourth = nearest_spots(inside, array).distance[:, 3]
    assert fourth.max() <= default_cap(array, 200.0) == 300.0


def test_an_unknown_pitch_is_that_of_the_spots():
    array = np.array([(200.0 * i, 200.0 * j) for i in range(4) for j in range(4)])
    assert default_cap(array) == pytest.approx(300.0) and default_cap(array[:1]) == np.inf


def test_a_truth_without_spots_is_refused():
    with pytest.raises(InputError, match="no spots"):
        nearest_spots([[0.0, 0.0]], np.zeros((0, 2)))


@pytest.mark.parametrize(
    ("option", "words"), [({"nearest": 0}, "nearest must be"), ({"cap_um": 0}, "cap_um must")]
)
def test_options_out_of_range_are_refused(option, words):
    with pytest.raises(InputError, match=words):
        nearest_spots([[0.0, 0.0]], [[1.0, 0.0]], **option)


def test_tiles_with_the_same_spots_in_another_order_have_the_same_mean_to_the_last_digit():
    spots = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    found = nearest_spots([[0.1, 0.2], [0.8, 0.9], [0.9, 0.2], [0.2, 0.9]], spots)
    values = np.random.default_rng(0).normal(size=(4, 50))
    assert (np.ptp(found.mean(values), axis=0) == 0).all() and len(
        {tuple(row) for row in found.index.tolist()}
    ) == 4
