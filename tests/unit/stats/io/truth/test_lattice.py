"""The lattice of an array: its pitch in pixels, and swapped axes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import least_squares
from scipy.spatial import KDTree

from sequoia_stats.io.truth._lattice import HEXAGONAL_UM, fit_lattice
from tests.build.truth import hexagonal_places, lattice_places

PLACES = lattice_places(8, 7).astype(float)


def turned(degrees, scale=300.0):
    """Pixels of the places, turned on the image."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return scale * PLACES @ np.array([[cos, sin], [-sin, cos]]) + [5000, 7000]


def test_the_fit_is_that_of_a_general_optimiser():
    rng = np.random.default_rng(1)
    pixels = PLACES @ rng.normal(size=(2, 2)) * 100 + rng.normal(size=PLACES.shape)
    found = least_squares(
        lambda p: (pixels - PLACES @ p[:4].reshape(2, 2) - p[4:]).ravel(), np.ones(6), xtol=1e-14, ftol=1e-14
    )
    lattice = fit_lattice(PLACES, pixels)
    np.testing.assert_allclose(lattice.steps, found.x[:4].reshape(2, 2).T, rtol=1e-6)
    assert lattice.residual == pytest.approx(np.sqrt((found.fun**2).sum() / len(PLACES)))


@given(st.floats(-180, 180), st.floats(1, 1000))
def test_steps_do_not_depend_on_how_the_section_is_turned(degrees, scale):
    lattice = fit_lattice(PLACES, turned(degrees, scale))
    np.testing.assert_allclose(lattice.lengths, scale, rtol=1e-9)
    assert not lattice.is_transposed and lattice.holds


@given(st.floats(-44, 44))
def test_swapped_axes_are_told_from_turned_ones(degrees):
    swapped = fit_lattice(PLACES, turned(degrees)[:, ::-1])
    assert swapped.is_transposed


@given(st.floats(-44, 44))
def test_a_mirrored_image_is_not_swapped(degrees):
    assert not fit_lattice(PLACES, turned(degrees) * [-1, 1]).is_transposed


def test_jitter_does_not_change_the_pitch_as_it_does_nearest_neighbours():
    pixels = turned(0) + np.random.default_rng(0).uniform(-60, 60, PLACES.shape)
    nearest = np.median(KDTree(pixels).query(pixels, 2)[0][:, 1])
    assert nearest < 0.9 * 300 and fit_lattice(PLACES, pixels).lengths == pytest.approx(300, rel=0.03)


def test_a_hexagonal_lattice_has_the_same_scale_in_both_directions():
    places = hexagonal_places().astype(float)
    scales = fit_lattice(places, places * HEXAGONAL_UM / 0.25).scales(HEXAGONAL_UM)
    np.testing.assert_allclose(scales, 0.25)


def test_neighbours_of_a_hexagonal_lattice_are_100_um_apart_in_all_directions():
    centres = hexagonal_places(9, 9) * HEXAGONAL_UM
    distances = KDTree(centres).query(centres[40], 7)[0][1:]
    np.testing.assert_allclose(distances, 100)


def test_spots_that_are_anywhere_do_not_hold():
    assert not fit_lattice(PLACES, np.random.default_rng(0).uniform(0, 3000, PLACES.shape)).holds


@pytest.mark.parametrize("places", [PLACES[:3], PLACES[:8], np.full((9, 2), np.nan)])
def test_spots_on_one_line_or_too_few_have_no_lattice(places):
    assert fit_lattice(places, places) is None


@pytest.mark.parametrize(("jitter", "holds"), [(60, True), (270, False)])
def test_spots_hold_up_to_a_third_of_a_step_from_their_places(jitter, holds):
    pixels = turned(0) + np.random.default_rng(0).uniform(-jitter, jitter, PLACES.shape)
    assert fit_lattice(PLACES, pixels).holds == holds
