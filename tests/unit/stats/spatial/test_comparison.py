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


def test_without_a_shift_there_is_no_p_and_a_note():
    a, truth = make_judged()
    found = compare_maps(a, noisier(a, 1.0), truth, min_overlap=1.0, **OPTIONS | {"rotations": False})
    assert found.n_shifts == 0 and "no p without a shift of the truth" in str(found)
    assert "no shift leaves 100% of the tiles: there is no shift null" in found.notes
    assert "nan under" not in str(found)


def test_a_gene_that_was_asked_for_and_the_second_map_lacks_is_refused():
    a, truth = make_judged()
    b = a.with_values(["G0", "G2"], a.genes(["G0", "G2"]), source="ridge")
    with pytest.raises(InputError, match="1 of 2 genes is not predicted by the second map: G1") as error:
        compare_maps(a, b, truth, genes=["G0", "G1"], **OPTIONS)
    assert error.value.where == "map B"


def test_genes_of_the_second_map_only_are_counted():
    a, truth = make_judged()
    b = a.with_values(["G0", "G2"], a.genes(["G0", "G2"]), source="ridge")
    (line,) = [
        line for line in compare_maps(b, a, truth, **OPTIONS).flow if line.step == "genes: of both maps"
    ]
    assert line.reason == "0 in the first map only, 4 in the second only"


def test_positions_are_checked_for_both_maps():
    a, truth = make_judged()
    b = replace(a, about={**a.about, "slide_mpp": 0.8}, centres_px=a.centres_um / 0.8)
    with pytest.raises(InputError, match=r"0.8 µm per pixel in the map"):
        compare_maps(a, b, replace(truth, image_size=(2400, 2400)), **OPTIONS)


def test_only_the_most_variable_genes_have_an_emd_where_asked():
    a, truth = make_judged()
    found = compare_maps(a, a, truth, emd_genes=2, **OPTIONS)
    assert (found.genes[["emd_a", "emd_b", "emd_flat"]].notna().sum() == 2).all()
    assert [note for note in found.notes if "2 most variable genes of 6" in note]
