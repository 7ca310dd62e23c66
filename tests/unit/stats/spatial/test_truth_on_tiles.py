"""The truth on the tiles of a map by both rules, step by step, and the pairs that are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.stats import percentileofscore

from sequoia_stats.errors import InputError
from sequoia_stats.spatial import evaluate_map, map_pairs
from sequoia_stats.spatial._gene_statistics import rule_emds
from sequoia_stats.spatial.truth_on_tiles import tile_truth
from tests.build.judged import TILE_UM, make_judged

few = settings(max_examples=8, deadline=None)


def step_by_step(map_, truth, gene, *, corner, cap):
    """The published steps for one gene, with a loop over tiles: spots, their mean, median of 3 × 3."""
    counts, totals = truth.gene(gene), truth.totals
    spots = np.log1p(counts * np.median(totals) / totals)
    points = map_.centres_um - (map_.tile_um / 2 if corner else 0)
    means = []
    for point in points:
        distances = np.linalg.norm(truth.centres_um - point, axis=1)
        nearest = sorted(range(len(spots)), key=lambda i: distances[i])[:4]
        means.append(np.mean([spots[i] for i in nearest if distances[i] <= cap]))
    means = np.array(means)
    filtered = []
    for place, own in zip(map_.places, means, strict=True):
        near = np.abs(map_.places - place).max(axis=1) <= 1
        filtered.append(np.median(means[near]) if near.sum() > 4.5 else own)
    return np.array(filtered)


@few
@given(st.integers(0, 100))
def test_the_strict_rule_is_the_published_steps_from_the_centre_with_a_cap(seed):
    map_, truth = make_judged(side=6, genes=2, seed=seed, absent=[(0, 0), (2, 3), (5, 5)])
    tiles = tile_truth(truth, map_)
    found = tiles.smoothed(tiles.unsmoothed(truth.counts_of(["G1"])))[0]
    np.testing.assert_allclose(found, step_by_step(map_, truth, "G1", corner=False, cap=150), rtol=1e-10)


@few
@given(st.integers(0, 100))
def test_the_rule_of_the_paper_is_the_published_steps_from_the_corner_as_percentiles(seed):
    map_, truth = make_judged(side=6, genes=2, seed=seed, absent=[(0, 0), (2, 3), (5, 5)])
    tiles = tile_truth(truth, map_, rule="paper")
    found = tiles.smoothed(tiles.unsmoothed(truth.counts_of(["G1"])))[0]
    values = step_by_step(map_, truth, "G1", corner=True, cap=np.inf).round(9)  # ties but for rounding
    np.testing.assert_allclose(found, [percentileofscore(values, value) for value in values], rtol=1e-10)


def test_the_emd_of_the_paper_is_the_full_problem_on_the_padded_grid_by_its_first_side():
    map_, truth = make_judged(side=5, genes=1, absent=[(0, 0), (0, 1), (4, 4)], truth={"name": "S1"})
    tiles = tile_truth(truth, map_, rule="paper")
    rng = np.random.default_rng(0)
    a, b = rng.uniform(1, 100, (2, 1, tiles.n))
    padded = np.zeros((2, 5, 5))  # x before y, as the published code fills its arrays
    padded[:, tiles.places[:, 1], tiles.places[:, 0]] = a[0] / a.sum(), b[0] / b.sum()
    at = np.argwhere(np.ones((5, 5)))
    cost = np.linalg.norm(at[:, None] - at[None], axis=2).ravel()
    leave, arrive = np.kron(np.eye(25), np.ones(25)), np.kron(np.ones(25), np.eye(25))
    best = linprog(cost, A_eq=np.vstack([leave, arrive]), b_eq=padded.reshape(-1))
    assert rule_emds(a, b, tiles)[0] == pytest.approx(best.fun / np.sqrt(5 * 5), abs=1e-7)


def test_the_emd_of_a_section_that_is_not_square_is_in_its_columns_by_the_paper_and_diagonals_by_us():
    map_, truth = make_judged(side=6, genes=1, absent=[(i, j) for i in (4, 5) for j in range(6)])
    a, b = (np.eye(24)[[i]] for i in (0, 18))  # three rows apart
    paper, strict = (rule_emds(a, b, tile_truth(truth, map_, rule=rule))[0] for rule in ("paper", "strict"))
    assert paper == pytest.approx(3 / 6) and strict == pytest.approx(3 / np.hypot(3, 5))


def test_without_smoothing_the_truth_stays_as_it_is():
    map_, truth = make_judged()
    rough = tile_truth(truth, map_, smooth=False)
    values = rough.unsmoothed(truth.counts_of(truth.genes))
    np.testing.assert_array_equal(rough.smoothed(values), values)
    assert (tile_truth(truth, map_).smoothed(values) != values).any()


def test_fewer_than_ten_tiles_cannot_be_judged():
    map_, truth = make_judged(side=3)
    with pytest.raises(InputError, match="9 of 9 tiles of the map have both"):
        tile_truth(truth, map_)


def pair(gene="G1", **options):
    map_, truth = make_judged(absent=[(0, 0)], uncovered=(4,))
    found = evaluate_map(map_, truth, spectral=0, min_counts=3)
    return found, map_pairs(found, [gene], **options)[0]


def test_a_pair_holds_percentiles_of_the_judged_tiles_in_their_places():
    found, drawn = pair()
    map_ = found.map
    assert np.isnan(drawn.predicted[0, 0]) and np.isnan(drawn.predicted[tuple(map_.places[4])])
    values = map_.gene("G1")[found.tiles.tiles]
    row, column = map_.places[30]
    assert drawn.predicted[row, column] == pytest.approx(percentileofscore(values, map_.gene("G1")[30]))
    assert np.nanmax(drawn.predicted) == 100 and np.nanmax(drawn.measured) <= 100
    assert drawn.r == found.genes.set_index("gene")["r"]["G1"]


def test_the_image_is_cut_to_the_box_of_the_tiles():
    image = np.arange(240 * 240 * 3, dtype=np.uint32).reshape(240, 240, 3).astype(np.uint8)
    _, whole = pair(image=image)
    np.testing.assert_array_equal(whole.image, image)
    map_, truth = make_judged(absent=[(i, j) for i in range(12) for j in range(12) if j < 3 or i > 9])
    found = evaluate_map(map_, truth, spectral=0, min_counts=3)
    (drawn,) = map_pairs(found, ["G1"], image=image)
    np.testing.assert_array_equal(drawn.image, image[: 10 * 20, 3 * 20 :])
    assert TILE_UM == 100


def test_genes_that_were_not_judged_cannot_be_drawn():
    with pytest.raises(InputError, match="ESR1 was not judged"):
        pair("ESR1")
