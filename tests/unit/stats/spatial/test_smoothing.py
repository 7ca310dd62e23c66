"""The median filter and percentiles, against loops over places, scipy, and moves that must not matter."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import median_filter as of_images
from scipy.stats import percentileofscore

from sequoia_stats.spatial import smoothing
from sequoia_stats.spatial.percentiles import percentiles
from sequoia_stats.spatial.smoothing import median_filter, neighbourhoods

seeds = st.integers(0, 10_000)


def tissue(seed, share=0.6, side=9):
    """Maps of three genes on a tissue of random shape."""
    rng = np.random.default_rng(seed)
    places = np.argwhere(rng.random((side, side)) < share) + rng.integers(-5, 5, 2)
    return rng.integers(0, 20, (3, len(places))).astype(float), places


def place_by_place(values, places):
    """The same by a look at every place: more than half of the nine must be there."""
    result = values.copy()
    for i, (row, column) in enumerate(places):
        near = [j for j, (a, b) in enumerate(places) if abs(a - row) <= 1 and abs(b - column) <= 1]
        if len(near) > 4.5:
            result[:, i] = np.median(values[:, near], axis=1)
    return result


@given(seeds, st.sampled_from([0.2, 0.5, 0.8, 1.0]))
def test_the_filter_is_that_of_a_loop_over_places(seed, share):
    values, places = tissue(seed, share)
    np.testing.assert_array_equal(median_filter(values, places), place_by_place(values, places))


def test_inside_a_full_rectangle_the_filter_is_that_of_images():
    values = np.random.default_rng(0).normal(size=(7, 8))
    places = np.argwhere(np.ones((7, 8)))
    filtered = median_filter(values.reshape(1, -1), places).reshape(7, 8)
    np.testing.assert_array_equal(filtered[1:-1, 1:-1], of_images(values, size=3)[1:-1, 1:-1])


@given(seeds)
def test_the_order_of_tiles_does_not_matter(seed):
    values, places = tissue(seed)
    order = np.random.default_rng(seed).permutation(len(places))
    np.testing.assert_array_equal(
        median_filter(values[:, order], places[order]), median_filter(values, places)[:, order]
    )


def test_four_of_nine_places_are_too_few_and_five_are_enough():
    corner = np.array([(0, 0), (0, 1), (1, 0), (1, 1)])
    cross = np.array([(0, 1), (1, 0), (1, 1), (1, 2), (2, 1)])
    assert median_filter(np.array([[9.0, 1, 1, 1]]), corner)[0, 0] == 9
    assert median_filter(np.array([[1.0, 1, 9, 1, 1]]), cross)[0, 2] == 1


def test_blocks_of_genes_give_what_all_genes_give(monkeypatch):
    values, places = tissue(1)
    whole = median_filter(values, places)
    monkeypatch.setattr(smoothing, "_VALUES", 1)
    np.testing.assert_array_equal(median_filter(values, places), whole)


def test_no_tiles_are_no_values():
    assert median_filter(np.zeros((2, 0)), np.zeros((0, 2), int)).shape == (2, 0)
    assert neighbourhoods(np.zeros((0, 2), int)).shape == (0, 9)


@given(seeds)
def test_percentiles_are_those_of_scipy(seed):
    values, _ = tissue(seed)
    expected = [[percentileofscore(row, value) for value in row] for row in values]
    np.testing.assert_allclose(percentiles(values), expected, rtol=1e-12)


@given(seeds)
def test_a_tile_without_a_value_has_no_percentile_and_does_not_count(seed):
    values, _ = tissue(seed)
    with_hole = np.insert(values, 4, np.nan, axis=1)
    found = percentiles(with_hole)
    np.testing.assert_allclose(np.delete(found, 4, axis=1), percentiles(values), rtol=1e-12)
    assert np.isnan(found[:, 4]).all()


@given(seeds)
def test_percentiles_are_above_0_at_most_100_and_kept_by_increasing_functions(seed):
    values, _ = tissue(seed)
    found = percentiles(values)
    assert (found > 0).all() and (found <= 100).all()
    np.testing.assert_array_equal(percentiles(np.exp(values / 7) + 3), found)
