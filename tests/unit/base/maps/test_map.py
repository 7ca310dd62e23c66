"""Maps: any gene from latent vectors and heads, or from stored values."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequoia_base.errors import InputError
from sequoia_base.maps import Map
from tests.build.maps import GENES, make_gene_map, make_heads, make_map, make_places


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    return make_heads(tmp_path_factory.mktemp("heads") / "heads.h5")


@pytest.fixture
def made(heads):
    return make_map(heads)


def brute_force(made: Map, name: str) -> np.ndarray:
    """A gene by each fold and tile, a number at a time, in float64; shape (folds, n)."""
    weight, bias = made.heads.gene(name)
    return np.array(
        [
            [
                sum(float(a) * float(b) for a, b in zip(vector, weight[i], strict=True)) + float(bias[i])
                for vector in latent
            ]
            for i, latent in enumerate(made.latents.values())
        ]
    )


def test_a_gene_is_the_mean_over_folds_of_the_head_on_the_latent_vectors(made):
    assert made.gene("MKI67").dtype == np.float32
    np.testing.assert_allclose(made.gene("MKI67"), brute_force(made, "MKI67").mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(made.by_fold("MKI67"), brute_force(made, "MKI67"), atol=1e-5)


def test_latent_vectors_in_double_precision_give_genes_in_it(heads):
    made = make_map(heads, dtype=np.float64)
    np.testing.assert_allclose(
        made.gene("ESR1"), brute_force(made, "ESR1").mean(axis=0), rtol=1e-13, atol=1e-13
    )


def test_the_spread_is_the_population_deviation_over_folds(made):
    np.testing.assert_allclose(made.std("ESR1"), brute_force(made, "ESR1").std(axis=0, ddof=0), atol=1e-5)


def test_tiles_in_no_window_are_nan_and_no_others(made):
    bare = np.arange(len(made.places)) == 3
    np.testing.assert_array_equal(np.isnan(made.gene("ESR1")), bare)
    np.testing.assert_array_equal(np.isnan(made.std("ESR1")), bare)
    np.testing.assert_array_equal(~made.covered, bare)


def test_tiles_in_no_window_are_nan_whatever_their_latent_vectors_are(made):
    zeros = {fold: np.nan_to_num(latent) for fold, latent in made.latents.items()}
    filled = dataclasses.replace(made, latents=zeros)
    assert np.isnan(filled.gene("ESR1")[3]) and np.isnan(filled.weighted(["ESR1"], np.ones(1))[:, 3]).all()


def test_a_map_of_some_folds_uses_their_heads_alone(heads):
    some = make_map(heads, folds=(2,))
    weight, bias = heads.gene("KRT5")
    np.testing.assert_allclose(some.gene("KRT5"), some.latents[2] @ weight[2] + bias[2], atol=1e-5)
    assert np.isnan(some.std("KRT5")).all()
    assert some.about["folds"] == [2] and some.about["heads_hash"] == [heads.hashes[2]]


def test_genes_come_in_the_order_in_which_they_are_named(made):
    both = made.genes(["KRT5", "ESR1"])
    np.testing.assert_allclose(both, np.stack([made.gene("KRT5"), made.gene("ESR1")], axis=1), atol=1e-6)


def test_blocks_hold_all_genes_once(made):
    blocks = list(made.blocks(size=3))
    assert [names for names, _ in blocks] == [GENES[:3], GENES[3:]]
    np.testing.assert_allclose(np.hstack([values for _, values in blocks]), made.genes(GENES), atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(coefficients=st.lists(st.floats(-3, 3), min_size=4, max_size=4))
def test_a_weighted_sum_is_that_of_the_genes(heads, coefficients):
    made = make_map(heads, dtype=np.float64)
    genes = np.stack([made.by_fold(name) for name in GENES], axis=-1)
    np.testing.assert_allclose(made.weighted(GENES, np.array(coefficients)), genes @ coefficients, atol=1e-9)


def test_stored_genes_are_given_as_they_are():
    values = np.random.default_rng(1).normal(size=(19, 4))
    made = make_gene_map(values)
    np.testing.assert_array_equal(made.gene("GATA3"), values[:, 1])
    np.testing.assert_array_equal(made.by_fold("GATA3"), values[:, 1][None])
    np.testing.assert_allclose(made.weighted(GENES, np.ones(4)), values.sum(axis=1)[None])
    assert made.gene_names == GENES and made.about["source"] == "ridge" and not made.latents


def test_a_grid_is_cut_to_the_tiles():
    made = make_map(places=make_places(2, 3, holes=[(0, 1)]) + (7, 2), uncovered=())
    np.testing.assert_array_equal(made.on_grid(np.arange(5.0)), [[0, np.nan, 1], [2, 3, 4]])


def test_a_map_cannot_be_changed(made):
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.heads = None
    with pytest.raises(ValueError, match="read-only"):
        made.places[0] = 0
    with pytest.raises(TypeError, match="does not support item assignment"):
        made.about["slide"] = "S2"


def test_rows_of_obs_are_named_by_their_places(made):
    assert list(made.obs.index[:2]) == ["0x0", "0x2"]
    assert list(made.obs.columns) == ["row", "column", "n_windows"] and made.obs.index.name == "tile"


def test_absent_genes_are_counted(made):
    with pytest.raises(InputError, match="the map has no gene TP53"):
        made.gene("TP53")
    with pytest.raises(InputError, match="2 of 3 genes are not in the map: TP53, CDX2") as error:
        made.genes(["ESR1", "TP53", "CDX2"])
    assert "S1" in error.value.where and "it has 4 genes" in error.value.fix
    with pytest.raises(InputError) as error:
        made.refuse_absent(["TP53"], where="list.txt")
    assert error.value.where == "list.txt; S1"


def test_a_map_without_heads_says_what_is_missing():
    with pytest.raises(InputError, match="the map has no genes: the heads are not there") as error:
        make_map(heads=None).gene("ESR1")
    assert "--heads FILE" in error.value.fix
    with pytest.raises(InputError, match="the map has no genes: the heads are not there"):
        make_map(heads=None).refuse_no_genes()


def test_heads_of_other_networks_are_refused(tmp_path, heads):
    others = make_heads(tmp_path / "others.h5", seed=1)
    with pytest.raises(InputError, match="those of other networks: fold 0 has the hash") as error:
        make_map(others, heads_hash=list(heads.hashes))
    assert others.hashes[0][:12] in error.value.what and heads.hashes[0][:12] in error.value.what
    with pytest.raises(InputError, match="have no fold 7"):
        make_map(heads, folds=(0, 7))
    longer = make_map(make_heads(tmp_path / "longer.h5", dim=7))
    with pytest.raises(InputError, match="have 7 numbers, but the heads are for 6"):
        dataclasses.replace(longer, heads=heads, about={"tile_um": 100.0})


@pytest.mark.parametrize("order", [[1, 0, *range(2, 19)], [0, 0, *range(2, 19)]])
def test_tiles_out_of_order_or_twice_are_refused(order):
    with pytest.raises(InputError, match="not in reading order, or one is there twice"):
        make_map(places=make_places()[order])


def test_parts_of_other_lengths_are_refused(made):
    with pytest.raises(InputError, match=r"n_windows has the shape \(3,\)"):
        dataclasses.replace(made, n_windows=made.n_windows[:3])
    with pytest.raises(InputError, match=r"latent_0 has the shape \(3, 6\), for 19 tiles"):
        dataclasses.replace(made, latents={0: made.latents[0][:3]})
    with pytest.raises(InputError, match="do not have a value for each of 19 tiles"):
        made.with_values(["ESR1"], np.zeros((3, 1)))
