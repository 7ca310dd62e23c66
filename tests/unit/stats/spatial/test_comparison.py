"""Two maps of one slide: differences, their null, and what cannot be compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.spatial import compare_maps, evaluate_map
from tests.build.judged import make_judged

OPTIONS = {"min_counts": 3, "top": 3}


def noisier(map_, noise, seed=9):
    values = map_.genes(map_.gene_names)
    spread = noise * np.random.default_rng(seed).normal(size=values.shape)
    return map_.with_values(map_.gene_names, (values + spread).astype(np.float32), source="ridge")


def test_r_of_both_maps_is_that_of_their_evaluations():
    a, truth = make_judged()
    b = noisier(a, 1.0)
    found = compare_maps(a, b, truth, **OPTIONS).genes
    for letter, one in (("a", a), ("b", b)):
        alone = evaluate_map(one, truth, spectral=0, **OPTIONS).genes
        np.testing.assert_allclose(found[f"r_{letter}"], alone["r"], rtol=1e-10)
        np.testing.assert_allclose(found[f"emd_{letter}"], alone["emd"], rtol=1e-10)
        np.testing.assert_allclose(found[f"p_shift_{letter}"], alone["p_shift"], rtol=1e-10)
    np.testing.assert_allclose(found["difference"], found["r_a"] - found["r_b"], atol=1e-12)


def test_a_map_does_not_differ_from_itself():
    a, truth = make_judged()
    found = compare_maps(a, a, truth, **OPTIONS)
    assert (found.genes["difference"] == 0).all() and (found.genes["p_difference"] == 1).all()
    assert (found.medians["p_difference"] == 1).all()


def test_exchanged_maps_have_the_opposite_difference_and_the_same_p():
    a, truth = make_judged()
    b = noisier(a, 1.5)
    one, other = compare_maps(a, b, truth, **OPTIONS), compare_maps(b, a, truth, **OPTIONS)
    np.testing.assert_allclose(one.genes["difference"], -other.genes["difference"], atol=1e-12)
    np.testing.assert_allclose(one.genes["p_difference"], other.genes["p_difference"])


def test_a_map_of_noise_is_farther_from_the_truth_than_a_good_one():
    a, truth = make_judged(noise=0.2)
    found = compare_maps(a, noisier(a, 50), truth, **OPTIONS)
    assert found.medians["difference"].min() > 0.4 and found.medians["p_difference"].max() < 0.1


def test_only_tiles_of_both_maps_are_compared():
    a, truth = make_judged()
    b, _ = make_judged(absent=[(0, j) for j in range(12)], uncovered=(5,))
    found = compare_maps(a, b, truth, **OPTIONS)
    assert found.n_tiles == 144 - 12 - 1
    assert [line.n_after for line in found.flow if line.step == "tiles: of both maps"] == [131]


def test_what_cannot_be_compared_is_refused():
    a, truth = make_judged()
    other = replace(a, about={**a.about, "slide": "S2"})
    with pytest.raises(InputError, match="the maps are of different slides"):
        compare_maps(a, other, truth)
    moved = replace(a, centres_um=a.centres_um + 30)
    with pytest.raises(InputError, match="different grids of tiles"):
        compare_maps(a, moved, truth, trust_positions=True)
    renamed = a.with_values(["X"], a.genes(["G0"]), source="ridge")
    with pytest.raises(InputError, match="no gene in common"):
        compare_maps(a, renamed, truth)
