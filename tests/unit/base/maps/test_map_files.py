"""Map files: what is written is read, and files of other kinds are refused."""

from __future__ import annotations

from dataclasses import replace

import h5py
import numpy as np
import pandas as pd
import pytest

from sequoia_base.errors import InputError
from sequoia_base.flow import Flow
from sequoia_base.maps import read_map, write_map
from tests.build.maps import GENES, make_gene_map, make_heads, make_map


@pytest.fixture
def heads(tmp_path):
    return make_heads(tmp_path / "heads.h5")


@pytest.fixture
def written(tmp_path, heads):
    path = tmp_path / "S1.map.h5ad"
    write_map(make_map(heads), path)
    return path


def test_a_map_is_read_as_it_was_written(written, heads):
    made, found = make_map(heads), read_map(written)
    for name in ("places", "centres_um", "centres_px", "n_windows"):
        np.testing.assert_array_equal(getattr(found, name), getattr(made, name))
    pd.testing.assert_frame_equal(found.obs, made.obs)
    for fold in (0, 1, 2):
        np.testing.assert_array_equal(found.latents[fold], made.latents[fold])
    np.testing.assert_array_equal(found.gene("MKI67"), made.gene("MKI67"))
    assert found.about == {**made.about, "heads": "heads.h5"}


def test_the_ledger_and_columns_are_kept(tmp_path, heads):
    made = make_map(heads, notes=["a note"], versions={"numpy": "2"}, digests=["ab", "cd"])
    made = made.with_values(["ESR1"], np.ones((19, 1)), notes=["a note", "two"], versions={"numpy": "2"})
    flow = Flow([("tiles: in a window", 19, 18, "1 is in none")])
    columns = pd.DataFrame({"haematoxylin": np.linspace(0, 1, 19)})
    write_map(type(made)(made.places, made.centres_um, made.centres_px, made.n_windows, made.about, values=made.values,
                         columns=columns, flow=flow), tmp_path / "a.map.h5ad")  # fmt: skip
    found = read_map(tmp_path / "a.map.h5ad")
    assert found.flow == flow and found.about["notes"] == ["a note", "two"]
    assert found.about["versions"] == {"numpy": "2"} and found.heads is None
    np.testing.assert_array_equal(found.obs["haematoxylin"], columns["haematoxylin"])


def test_without_genes_var_is_empty_and_there_is_no_x(written):
    with h5py.File(written) as file:
        assert set(file["obsm"]) == {"spatial", "spatial_level0", "latent_0", "latent_1", "latent_2"}
        assert "X" not in file and len(file["var"]["gene"]) == 0
    assert read_map(written).stored_genes == ()


def test_genes_are_written_with_their_spread_in_chunks_of_all_tiles(tmp_path, heads):
    made = make_map(heads)
    write_map(made, tmp_path / "S1.map.h5ad", ["MKI67", "ESR1"])
    with h5py.File(tmp_path / "S1.map.h5ad") as file:
        assert file["X"].chunks == (19, 2) and file["X"].dtype == np.float32
        np.testing.assert_allclose(file["X"][()], made.genes(["MKI67", "ESR1"]), atol=1e-6)
        np.testing.assert_allclose(file["layers/std"][:, 1], made.std("ESR1"), atol=1e-6)


def test_stored_genes_do_not_need_the_heads(tmp_path, heads):
    made = make_map(heads)
    gene, std = made.gene("KRT5"), made.std("KRT5")
    write_map(made, tmp_path / "S1.map.h5ad", ["KRT5"])
    heads.path.unlink()
    found = read_map(tmp_path / "S1.map.h5ad")
    np.testing.assert_allclose(found.gene("KRT5"), gene, atol=1e-6)
    np.testing.assert_allclose(found.std("KRT5"), std, atol=1e-6)
    with pytest.raises(InputError, match="the map stores 1 gene, not ESR1: the heads are not there") as error:
        found.gene("ESR1")
    assert str(tmp_path / "heads.h5") in error.value.where


def test_many_stored_genes_are_read_across_chunks(tmp_path):
    values = np.random.default_rng(0).normal(size=(19, 50)).astype(np.float32)
    names = [f"G{i}" for i in range(50)]
    write_map(make_gene_map(values, names), tmp_path / "a.map.h5ad")
    found = read_map(tmp_path / "a.map.h5ad")
    np.testing.assert_array_equal(found.genes(["G40", "G3", "G17", "G4"]), values[:, [40, 3, 17, 4]])


def test_the_same_map_gives_the_same_bytes(tmp_path, heads):
    for name in ("a", "b"):
        write_map(make_map(heads), tmp_path / f"{name}.map.h5ad", ["ESR1"])
    assert (tmp_path / "a.map.h5ad").read_bytes() == (tmp_path / "b.map.h5ad").read_bytes()


def test_anndata_opens_a_map(tmp_path, heads):
    import anndata

    write_map(make_map(heads), tmp_path / "S1.map.h5ad", GENES)
    adata = anndata.read_h5ad(tmp_path / "S1.map.h5ad")
    assert adata.shape == (19, 4) and adata.obsm["latent_1"].shape == (19, 6)
    assert list(adata.var_names) == list(GENES) and adata.uns["map"]["slide"] == "S1"


def test_heads_in_another_folder_are_named_relative_to_the_map(tmp_path, heads):
    (tmp_path / "maps").mkdir()
    write_map(make_map(heads), tmp_path / "maps" / "S1.map.h5ad")
    found = read_map(tmp_path / "maps" / "S1.map.h5ad")
    assert found.about["heads"] == "../heads.h5" and found.heads.path.samefile(heads.path)


def test_heads_can_be_named(tmp_path, written, heads):
    moved = tmp_path / "elsewhere.h5"
    heads.path.rename(moved)
    np.testing.assert_array_equal(
        read_map(written, moved).gene("ESR1"), make_map(read_map(written, moved).heads).gene("ESR1")
    )
    with pytest.raises(InputError, match="those of other networks"):
        read_map(written, make_heads(tmp_path / "others.h5", seed=5).path)


def test_an_existing_map_is_kept_without_force(written, heads):
    before = written.read_bytes()
    with pytest.raises(InputError, match="already exists"):
        write_map(make_map(heads, seed=1), written)
    assert written.read_bytes() == before
    write_map(make_map(heads, seed=1), written, force=True)
    assert written.read_bytes() != before


def test_a_gene_that_is_not_there_leaves_no_file(tmp_path, heads):
    with pytest.raises(InputError, match="1 of 2 genes is not in the map: TP53"):
        write_map(make_map(heads), tmp_path / "S1.map.h5ad", ["ESR1", "TP53"])
    assert list(tmp_path.iterdir()) == [heads.path]


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path, heads, monkeypatch):
    def full(sink, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sequoia_base.sink.Sink._put", full)
    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        write_map(make_map(heads), tmp_path / "S1.map.h5ad")
    assert list(tmp_path.iterdir()) == [heads.path]


@pytest.mark.parametrize(
    ("parts", "what", "fix"),
    [
        ({"layers/measured": np.zeros((2, 2))}, "it looks like predictions", "sequoia-model map"),
        ({"obsm/spatial": np.zeros((2, 2))}, "it looks like measured spots", "--truth"),
        ({"weight": np.zeros(2), "hash": np.zeros(2)}, "it holds heads", "--heads"),
        (
            {"features": np.zeros((2, 2)), "coords": np.zeros((2, 2))},
            "it holds features",
            "sequoia-model map",
        ),
        ({"X": np.zeros((2, 2))}, "it has no uns/map", "sequoia-model map"),
    ],
)
def test_files_of_another_kind_are_named(tmp_path, parts, what, fix):
    with h5py.File(tmp_path / "other.h5ad", "w") as file:
        for name, values in parts.items():
            file[name] = values
    with pytest.raises(InputError, match=f"the file is not a map: {what}") as error:
        read_map(tmp_path / "other.h5ad")
    assert fix in error.value.fix and error.value.where == str(tmp_path / "other.h5ad")


def test_a_map_of_another_schema_is_refused(written):
    with h5py.File(written, "r+") as file:
        del file["uns/map/schema"]
        file["uns/map/schema"] = "sequoia-map-9"
        file["uns/map/schema"].attrs.update({"encoding-type": "string", "encoding-version": "0.2.0"})
    with pytest.raises(
        InputError, match="has the schema 'sequoia-map-9', but this program reads 'sequoia-map-1'"
    ):
        read_map(written)


@pytest.mark.parametrize("length", [100, 5000, 20000])
def test_a_cut_file_is_refused(written, length):
    written.write_bytes(written.read_bytes()[:length])
    with pytest.raises(InputError) as error:
        read_map(written)
    assert str(written) in error.value.where


def test_a_map_that_is_gone_or_damaged_later_is_an_error(written):
    found = read_map(written)
    found.latents[0]
    written.write_bytes(b"no map")
    with pytest.raises(InputError, match="the map has changed or is damaged"):
        found.latents[1]
    written.unlink()
    with pytest.raises(InputError, match="the map does not exist any more"):
        found.latents[2]
    assert found.latents[0].shape == (19, 6)


@pytest.mark.parametrize("place", ["obs/row", "obsm/spatial"])
def test_a_map_without_places_is_refused(written, place):
    with h5py.File(written, "r+") as file:
        del file[place]
        if place == "obs/row":
            file["obs"].attrs["column-order"] = ["column", "n_windows"]
    with pytest.raises(InputError, match=f"the map is damaged: it has no {place}"):
        read_map(written)


@pytest.mark.parametrize("name", ["S1.map", "S1.csv"])
def test_a_map_is_only_written_as_h5ad(tmp_path, heads, name):
    with pytest.raises(InputError, match=r"a map is written as \.h5ad"):
        write_map(make_map(heads), tmp_path / name)


def change(path, name, value=None):
    """Another dataset in an HDF5 file; none without a value."""
    with h5py.File(path, "r+") as file:
        told = dict(file[name].attrs)
        del file[name]
        if value is not None:
            file[name] = value
            file[name].attrs.update(told)


@pytest.mark.parametrize("compressed", [False, True])
def test_heads_whose_numbers_changed_give_no_gene(written, heads, compressed):
    with h5py.File(heads.path, "r+") as file:
        weight = 2 * file["weight"][()]
        del file["weight"]
        file.create_dataset("weight", data=weight, compression="gzip" if compressed else None)
    found = read_map(written)
    for ask in (found.gene, lambda name: found.weighted([name], np.ones(1))):
        with pytest.raises(InputError, match="the head of fold 0 does not have its hash") as error:
            ask("ESR1")
    assert str(heads.path) in error.value.where


def test_only_the_folds_of_the_map_are_checked(tmp_path, heads):
    write_map(make_map(heads, folds=[2]), tmp_path / "S1.map.h5ad")
    with h5py.File(heads.path, "r+") as file:
        file["weight"][0] *= 2
    np.testing.assert_array_equal(read_map(tmp_path / "S1.map.h5ad").latents[2].shape, (19, 6))
    assert np.isfinite(read_map(tmp_path / "S1.map.h5ad").gene("ESR1")).sum() == 18


def test_heads_that_have_not_changed_are_hashed_once(written, monkeypatch):
    first = read_map(written).gene("ESR1")
    monkeypatch.setattr("sequoia_base.maps.heads.Heads._hash", None)
    np.testing.assert_array_equal(read_map(written).gene("ESR1"), first)


def test_heads_whose_genes_have_another_order_are_refused(written, heads):
    change(heads.path, "gene", list(GENES[::-1]))
    with pytest.raises(InputError, match="the genes of the heads have other names, or another order"):
        read_map(written)


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("fold", [0, 0, 0], "fold 0 is there 3 times"),
        ("gene", ["A", "B", "B", "C"], "gene B is there 2 times"),
    ],
)
def test_heads_that_name_a_thing_twice_are_damaged(written, heads, name, values, words):
    change(heads.path, name, values)
    with pytest.raises(InputError, match=f"the file is damaged: {words}"):
        read_map(written)


@pytest.mark.parametrize("fold", [1, 2])
def test_a_map_that_lacks_a_fold_is_damaged(written, fold):
    change(written, f"obsm/latent_{fold}")
    with pytest.raises(InputError, match=f"the map is damaged: it has no latent_{fold}"):
        read_map(written)


def test_a_map_with_a_fold_that_it_does_not_name_is_damaged(written):
    with h5py.File(written, "r+") as file:
        file["obsm"].copy("latent_2", "latent_5")
    with pytest.raises(InputError, match="it has latent_5, but says that it is of fold 0, 1, 2"):
        read_map(written)


@pytest.mark.parametrize("name", ["folds", "tile_um", "slide", "source"])
def test_a_map_that_does_not_say_what_it_is_is_damaged(written, name):
    change(written, f"uns/map/{name}")
    with pytest.raises(InputError, match=f"the map is damaged: it has no uns/map/{name}"):
        read_map(written)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("uns/map/folds", 3, "uns/map/folds is 3, not a list"),
        ("uns/map/heads", 3, "uns/map/heads is 3, not text"),
        ("uns/map/tile_um", 0.0, r"its tiles are 0\.0 µm wide"),
        ("uns/map/tile_um", np.nan, "its tiles are nan µm wide"),
        ("obsm/spatial", np.full((19, 2), np.nan), "tiles have no finite centre"),
    ],
)
def test_a_map_with_a_value_of_another_kind_is_damaged(written, name, value, words):
    with h5py.File(written, "r+") as file:
        del file[name]
        file[name] = value
        kind = "array" if np.ndim(value) else "numeric-scalar"
        file[name].attrs.update({"encoding-type": kind, "encoding-version": "0.2.0"})
    with pytest.raises(InputError, match=f"the map is damaged: {words}") as error:
        read_map(written)
    assert str(written) in error.value.where


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("notes", "a note", ["a note"]),
        ("notes", ("a", "b"), ["a", "b"]),
        ("heads_hash", None, []),
        ("heads_hash", "", []),
        ("folds", [0.0, 2.0], [0, 2]),
        ("slide_width", 2000.0, 2000),
        ("stride", np.float32(1.0), 1),
        ("seed", None, -1),
        ("weights", None, ""),
        ("slide", None, ""),
        ("seen", 1, True),
        ("seen", np.bool_(False), False),
        ("tile_um", 100, 100.0),
        ("versions", None, {}),
    ],
)
def test_what_a_map_says_is_brought_to_its_kind_and_read_back(tmp_path, heads, name, given, kept):
    made = make_map(heads).with_values(["ESR1"], np.ones((19, 1)), **{name: given})
    write_map(made, tmp_path / "a.map.h5ad")
    found = read_map(tmp_path / "a.map.h5ad")
    assert made.about[name] == found.about[name] == kept
    assert type(made.about[name]) is type(found.about[name]) is type(kept)


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("patient_id", 7, "patient_id is 7, not text"),
        ("stride", 1.5, "stride is 1.5, not a whole number"),
        ("window", True, "window is True, not a whole number"),
        ("slide_width", np.inf, "slide_width is inf, not a whole number"),
        ("seen", 2, "seen is 2, not true or false"),
        ("slide_mpp", "0.5", "slide_mpp is '0.5', not a number"),
        ("folds", 3, "folds is 3, not a list of whole numbers"),
        ("folds", "a", "folds is 'a', not a list of whole numbers"),
        ("notes", ["a", 1], "notes is ['a', 1], not a list of texts"),
        ("versions", ["numpy"], "versions is ['numpy'], not a group"),
        ("tile_um", 0, "tile_um is 0.0, not a number above 0"),
        ("tile_um", None, "tile_um is 0.0, not a number above 0"),
    ],
)
def test_what_a_map_cannot_say_is_refused_when_it_is_made(name, given, words):
    made = make_map()
    with pytest.raises(InputError) as error:
        made.with_values(["ESR1"], np.ones((19, 1)), **{name: given})
    assert (error.value.what, error.value.where) == (words, "S1")


def test_a_map_with_none_for_its_folds_is_of_those_of_its_latents():
    made = make_map()
    assert replace(made, about={**made.about, "folds": None}).about["folds"] == [0]


def test_a_ledger_that_is_none_is_damage(written):
    with h5py.File(written, "r+") as file:
        del file["uns/map/flow"]
        file["uns/map/flow"] = "junk"
        file["uns/map/flow"].attrs.update({"encoding-type": "string", "encoding-version": "0.2.0"})
    with pytest.raises(InputError, match="the map is damaged: uns/map/flow is not a ledger"):
        read_map(written)
