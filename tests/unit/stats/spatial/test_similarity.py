"""Structural similarity and the Jensen-Shannon divergence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from skimage.metrics import structural_similarity

from sequoia_stats.errors import InputError
from sequoia_stats.spatial import jensen_shannon, local_ssim, ssim
from tests.build.spatial import percentile_maps, rectangle, tissue

TILES = tissue(9, 8)


def one_window(a, b, places, tile, reach):
    """The formula of Wang et al. at one tile."""
    near = np.abs(places - places[tile]).max(axis=1) <= reach
    (var_a, cov), (_, var_b) = np.cov(a[near], b[near])
    mean_a, mean_b = a[near].mean(), b[near].mean()
    luminance = (2 * mean_a * mean_b + 1) / (mean_a**2 + mean_b**2 + 1)
    return luminance * (2 * cov + 9) / (var_a + var_b + 9)


@pytest.mark.parametrize("window", [3, 7, 11])
def test_inside_a_full_rectangle_it_is_that_of_skimage(window):
    a, b = percentile_maps(2, 20 * 16)
    _, want = structural_similarity(
        a.reshape(20, 16), b.reshape(20, 16), win_size=window, data_range=100, full=True
    )
    inner = slice(window // 2, -(window // 2))
    got = local_ssim(a, b, rectangle(20, 16), window=window).reshape(20, 16)
    assert got[inner, inner] == pytest.approx(want[inner, inner], abs=1e-9)


@pytest.mark.parametrize("window", [3, 7])
def test_on_any_tissue_it_is_the_formula_over_the_tiles_of_a_window(window):
    a, b = percentile_maps(2, len(TILES))
    want = [one_window(a, b, TILES, tile, window // 2) for tile in range(len(TILES))]
    assert local_ssim(a, b, TILES, window=window)[0] == pytest.approx(want, abs=1e-12)
    assert ssim(a, b, TILES, window=window) == pytest.approx([np.mean(want)])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99))
def test_it_is_symmetric_one_for_equal_maps_and_never_above(seed):
    a, b = percentile_maps(2, len(TILES), seed)
    assert ssim(a, a, TILES) == pytest.approx([1])
    assert ssim(a, b, TILES) == pytest.approx(ssim(b, a, TILES))
    assert ssim(a, b, TILES)[0] < 1


@settings(max_examples=20, deadline=None)
@given(st.integers(-9, 9), st.integers(0, 99))
def test_neither_moving_nor_turning_the_tissue_changes_it(shift, seed):
    a, b = percentile_maps(2, len(TILES), seed)
    assert ssim(a, b, TILES[:, ::-1] * [1, -1] + shift) == pytest.approx(ssim(a, b, TILES))


def test_tiles_that_are_alone_compare_their_values():
    assert ssim([100, 50], [100, 50], [[0, 0], [0, 9]]) == pytest.approx([1])
    assert ssim([100, 50], [50, 50], [[0, 0], [0, 9]]) == pytest.approx([(1 + 10_001 / 12_501) / 2])


def test_without_tiles_it_is_missing():
    assert np.isnan(ssim(np.zeros((1, 0)), np.zeros((1, 0)), np.zeros((0, 2)))).all()


def test_an_even_window_is_refused():
    with pytest.raises(InputError, match="an odd number"):
        ssim([1, 2], [1, 2], [[0, 0], [0, 1]], window=4)


def test_the_divergence_is_the_square_of_scipys_distance():
    a, b = np.random.default_rng(0).random((2, 30, 50)) ** 3
    assert jensen_shannon(a, b) == pytest.approx(jensenshannon(a, b, base=2, axis=1) ** 2, abs=1e-13)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99), st.floats(0.01, 100))
def test_the_divergence_is_symmetric_and_knows_no_scale(seed, factor):
    a, b = percentile_maps(2, 40, seed)
    assert jensen_shannon(a, b) == pytest.approx(jensen_shannon(b, factor * a), abs=1e-13)


@pytest.mark.parametrize(
    ("a", "b", "want"),
    [([0, 0], [0, 0], 0), ([0, 0], [1, 0], np.nan), ([2, 2], [5, 5], 0), ([1, 0], [0, 3], 1)],
)
def test_the_divergence_of_edge_cases_is_defined(a, b, want):
    assert jensen_shannon(a, b) == pytest.approx([want], nan_ok=True, abs=1e-15)


def test_the_divergence_of_negative_values_is_refused():
    with pytest.raises(InputError, match="negative values"):
        jensen_shannon([1, -1], [1, 1])
