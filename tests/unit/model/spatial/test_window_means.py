"""Means over the windows of a tile."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sequoia_model.spatial.window_means import tile_means
from sequoia_model.spatial.windows import windows_of
from tests.build.windows import make_tissue, tile_values, tissues


@given(tissues(), st.integers(1, 6), st.integers(1, 6))
def test_each_tile_has_the_mean_of_its_windows(places, size, stride):
    windows = windows_of(places, size=size, stride=stride)
    values, n = tile_values(len(windows), 3), len(places)
    held = (windows.tiles[:, :, None] == np.arange(n)).any(axis=1)

    means, n_windows = tile_means(values, windows, n)

    np.testing.assert_array_equal(n_windows, held.sum(axis=0))
    covered = n_windows > 0
    np.testing.assert_allclose(means[covered], (held.T @ values)[covered] / n_windows[covered, None])
    assert np.isnan(means[~covered]).all()


def test_a_constant_remains_and_columns_beyond_a_block_are_those_alone():
    places = make_tissue()
    windows = windows_of(places, size=3)
    values = np.random.default_rng(0).normal(size=(len(windows), 600)).astype(np.float32)
    values[:, 599] = 0.1

    means, _ = tile_means(values, windows, len(places))

    assert means.dtype == np.float32
    alone, n_windows = tile_means(values[:, 300:301], windows, len(places))
    np.testing.assert_array_equal(means[:, 300:301], alone)
    np.testing.assert_allclose(means[n_windows > 0, 599], 0.1, rtol=1e-7)
