"""Earth mover's distance: the optimum of other solvers, and the properties of a distance."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import ot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linprog
from scipy.spatial.distance import cdist
from scipy.stats import wasserstein_distance

from sequoia_stats.errors import InputError
from sequoia_stats.spatial import emd, emds
from tests.build.spatial import percentile_maps, rectangle, tissue

TILES = tissue(5, 6)
DIAGONAL = np.hypot(*np.ptp(TILES, axis=0))
MAPS = arrays(np.int64, len(TILES), elements=st.integers(0, 9)).filter(np.any)
FEW = settings(max_examples=30, deadline=None)


def by_linear_programming(a, b, places):
    """The cost of the best of all plans, whose rows sum to a and columns to b."""
    n = len(a)
    rows, columns = np.kron(np.eye(n), np.ones(n)), np.kron(np.ones(n), np.eye(n))
    sums = np.concatenate([a / a.sum(), b / b.sum()])
    return linprog(cdist(places, places).ravel(), A_eq=np.vstack([rows, columns]), b_eq=sums).fun


def by_opencv(a, b, places):
    signatures = [np.column_stack([m / m.sum(), places]).astype(np.float32) for m in (a, b)]
    return cv2.EMD(*signatures, cv2.DIST_L2)[0]


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_optimum_of_the_full_problem(seed):
    places = tissue(12, 15, seed)
    a, b = percentile_maps(2, len(places), seed)
    full = ot.emd2(a / a.sum(), b / b.sum(), cdist(places, places), numItermax=10**7)
    assert emd(a, b, places) == pytest.approx(full / np.hypot(*np.ptp(places, axis=0)), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_optimum_of_linear_programming(seed):
    a, b = percentile_maps(2, len(TILES), seed)
    assert emd(a, b, TILES) == pytest.approx(by_linear_programming(a, b, TILES) / DIAGONAL, abs=1e-9)


@pytest.mark.parametrize("side", [2, 4, 6, 8])
def test_it_equals_opencv_on_small_grids(side):
    places = rectangle(side, side)
    a, b = percentile_maps(2, len(places), side)
    diagonal = np.sqrt(2) * (side - 1)
    assert emd(a, b, places) == pytest.approx(by_opencv(a, b, places) / diagonal, abs=1e-6)


@pytest.mark.slow
def test_opencv_is_above_the_optimum_on_a_large_grid():
    places = rectangle(30, 30)
    a, b = percentile_maps(2, len(places))
    assert emd(a, b, places) < by_opencv(a, b, places) / (np.sqrt(2) * 29)


def test_it_is_the_wasserstein_distance_of_a_line():
    places = np.column_stack([np.zeros(20), np.arange(20)])
    a, b = percentile_maps(2, 20)
    assert emd(a, b, places) == pytest.approx(wasserstein_distance(places[:, 1], places[:, 1], a, b) / 19)


def test_all_mass_along_the_diagonal_costs_one():
    assert emd([1, 0, 0, 0], [0, 0, 0, 1], rectangle(2, 2)) == pytest.approx(1)


@FEW
@given(MAPS, MAPS)
def test_it_is_symmetric(a, b):
    assert emd(a, b, TILES) == pytest.approx(emd(b, a, TILES), abs=1e-12)


@FEW
@given(MAPS, MAPS, MAPS)
def test_a_way_over_a_third_map_is_not_shorter(a, b, c):
    assert emd(a, c, TILES) <= emd(a, b, TILES) + emd(b, c, TILES) + 1e-12


@FEW
@given(MAPS, MAPS, st.floats(0.1, 100))
def test_the_scale_of_a_map_does_not_matter(a, b, factor):
    assert emd(factor * a, b, TILES) == pytest.approx(emd(a, b, TILES), abs=1e-12)


@FEW
@given(MAPS, MAPS, st.integers(-50, 50), st.floats(0.01, 1000))
def test_neither_the_place_nor_the_unit_of_the_grid_matters(a, b, shift, unit):
    assert emd(a, b, unit * (TILES + shift)) == pytest.approx(emd(a, b, TILES), abs=1e-12)


def test_a_turned_slide_has_the_same_distance():
    a, b = percentile_maps(2, len(TILES))
    assert emd(a, b, TILES[:, ::-1] * [1, -1]) == pytest.approx(emd(a, b, TILES), abs=1e-12)


def test_padding_the_grid_changes_nothing():
    a, b = percentile_maps(2, len(TILES))
    grids = np.zeros((2, 9, 9))
    grids[:, TILES[:, 0] + 2, TILES[:, 1] + 3] = a, b
    tissue_of_grid = np.argwhere(grids[0])
    padded = [grid[tuple(tissue_of_grid.T)] for grid in grids]
    assert emd(*padded, tissue_of_grid) == pytest.approx(emd(a, b, TILES), abs=1e-12)


def test_empty_places_between_tiles_change_nothing():
    a, b = percentile_maps(2, len(TILES))
    full = rectangle(5, 6)
    grids = np.zeros((2, 5, 6))
    grids[:, TILES[:, 0], TILES[:, 1]] = a, b
    assert emd(*grids.reshape(2, 30), full) == pytest.approx(emd(a, b, TILES), abs=1e-12)


def test_many_genes_are_compared_one_by_one():
    a, b = percentile_maps(4, len(TILES)), percentile_maps(4, len(TILES), seed=1)
    one_by_one = [emd(x, y, TILES) for x, y in zip(a, b, strict=True)]
    assert emds(a, b, TILES, jobs=2).tolist() == one_by_one


def test_a_flat_map_is_compared_with_each_gene():
    truth = percentile_maps(3, len(TILES))
    flat = np.ones(len(TILES))
    assert emds(truth, flat, TILES).tolist() == [emd(gene, flat, TILES) for gene in truth]


@pytest.mark.parametrize(
    ("a", "b", "places", "want"),
    [
        ([0, 0], [0, 0], [[0, 0], [0, 1]], 0),
        ([0, 0], [1, 0], [[0, 0], [0, 1]], np.nan),
        ([5], [7], [[3, 4]], 0),
        ([1, 3], [1, 3], [[0, 0], [0, 1]], 0),
        ([0.1, 0.7], [0.3, 2.1], [[0, 0], [0, 1]], 0),
        ([1e-300, 0], [0, 1e300], [[0, 0], [0, 1]], 1),
    ],
)
def test_edge_cases_are_defined(a, b, places, want):
    assert emd(a, b, places) == pytest.approx(want, abs=1e-15, nan_ok=True)


def test_a_negative_value_is_refused_with_its_place():
    with pytest.raises(InputError, match="negative values\n  where: the first is in map 0, tile 1"):
        emd([1, 2], [1, -2], [[0, 0], [0, 1]])


def test_a_missing_value_is_refused():
    with pytest.raises(InputError, match="1 missing or infinite value"):
        emd([1, np.nan], [1, 2], [[0, 0], [0, 1]])


@pytest.mark.slow
def test_no_torch_is_loaded_and_the_environment_stays():
    code = (
        "import os, sys; before = dict(os.environ); from sequoia_stats.spatial import emd;"
        "emd([1, 0], [0, 1], [[0, 0], [0, 1]]);"
        "print('ot' in sys.modules, 'torch' in sys.modules, before == os.environ)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["True", "False", "True"]
