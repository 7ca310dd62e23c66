"""Bags of the HER2ST sections (analyses/her2st*.py): windows, their tokens and bulk, the control, the bundle."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequoia_model import read_features, read_splits
from sequoia_model.patients import read_patients
from sequoia_model.types.bag import EncoderId
from tests.build.results import scripts_of_analyses

with scripts_of_analyses():
    import her2st
    import her2st_bags
    import her2st_bundle

SETTINGS = {"stride": 2, "controls": 2, "seed": 7}


def make_section(name="C5", size=14, share=0.8, genes=3, seed=0, features=4):
    """Tiles at random places of a square, and a spot in the middle of every second place of every second row."""
    rng = np.random.default_rng(seed)
    places = np.argwhere(rng.random((size, size)) < share)
    spots = np.argwhere(np.ones((size // 2, size // 2))) * 2 + 0.5
    counts = rng.poisson(5, (len(spots), genes))
    values = rng.random((len(places), features), dtype=np.float32)
    totals = counts.sum(axis=1) + rng.integers(1, 50, len(spots))
    names = tuple(f"G{i}" for i in range(genes))
    return her2st.Section(name, values, places, spots, counts, totals, names, EncoderId("lite0"))


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.floats(0.3, 0.9))
def test_windows_are_those_that_a_search_finds(seed, stride, share):
    places = make_section(seed=seed, share=share).places
    tiles = {tuple(place) for place in places.tolist()}
    found = [
        (row, column)
        for row in range(0, places[:, 0].max() + 1, stride)
        for column in range(0, places[:, 1].max() + 1, stride)
        if sum((row + i, column + j) in tiles for i in range(10) for j in range(10)) >= 50
    ]
    assert [tuple(each) for each in her2st.windows(places, stride).tolist()] == found


def test_tokens_are_the_tiles_in_reading_order_and_their_mean_in_holes():
    section = make_section()
    window = np.array([2, 3])
    found = her2st.tokens(section, window).reshape(10, 10, -1)
    at = {
        tuple(place): vector for place, vector in zip(section.places.tolist(), section.features, strict=True)
    }
    held = [vector for (row, column), vector in at.items() if 2 <= row < 12 and 3 <= column < 13]
    want = [[at.get((2 + i, 3 + j), np.mean(held, axis=0)) for j in range(10)] for i in range(10)]
    np.testing.assert_allclose(found, want, rtol=1e-6)


def test_bulk_is_the_sum_of_the_spots_within():
    section = make_section()
    inside = [i for i, (row, column) in enumerate(section.spots) if 2 <= row < 12 and 3 <= column < 13]
    cpm = 1e6 * section.counts[inside].sum(axis=0) / section.totals[inside].sum()
    found = her2st.bulk(section, np.array([[2, 3]]))
    np.testing.assert_allclose(found, np.log2(cpm + 1)[None], rtol=1e-6)


def test_a_window_without_counts_is_refused():
    with pytest.raises(ValueError, match="C5 has no counts"):
        her2st.bulk(make_section(), np.array([[40, 40]]))


def test_the_control_moves_expression_within_sections_alone():
    values = np.arange(40, dtype=np.float32).reshape(20, 2)
    table = pd.DataFrame({"slide": [f"w{i}" for i in range(20)], "section": ["C2"] * 12 + ["C3"] * 8})
    moved = np.asarray(her2st_bags.shuffled(her2st_bags.adata_of(table, values, ["A", "B"]), seed=1).X)
    assert sorted(moved[:12].tolist()) == values[:12].tolist()
    assert sorted(moved[12:].tolist()) == values[12:].tolist()
    assert (moved != values).any(axis=1).sum() > 10


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("her2st")
    sections = [make_section(name, seed=i) for i, name in enumerate(her2st.SECTIONS)]
    return folder, her2st_bags.save(sections, SETTINGS, folder)


def test_every_window_has_a_bag_a_patient_and_expression(saved):
    import anndata

    folder, table = saved
    bags = {path.stem for path in (folder / "bags").iterdir()}
    measured = anndata.read_h5ad(folder / "measured.h5ad")
    assert (
        bags == set(table["slide"]) == set(measured.obs_names) == set(read_patients(folder / "patients.csv"))
    )
    assert measured.uns["units"] == "log2(CPM+1)"


def test_a_bag_names_its_encoder_and_says_that_there_are_no_clusters(saved):
    import h5py

    folder, table = saved
    path = folder / "bags" / f"{table['slide'].iloc[0]}.h5"
    with h5py.File(path) as file:
        assert file.attrs["cluster_note"] == her2st_bags.NOTE
    bag = read_features(path)
    assert bag.encoder.name == "lite0" and bag.cluster_features.shape == (100, 4)


def test_sections_are_patients_of_one_fold(saved):
    splits = read_splits(saved[0] / "splits.csv")
    assert splits.roles["fold_0"].to_dict() == her2st.ROLES


def test_the_test_section_has_windows_at_every_place(saved):
    steps = saved[1].groupby("role")[["row", "column"]].agg(lambda places: sorted(set(places % 2)))
    assert steps.loc["test"].tolist() == [[0, 1], [0, 1]]
    assert steps.loc["train"].tolist() == steps.loc["val"].tolist() == [[0], [0]]


# --- the bundle ---------------------------------------------------------------------------------------------------


def make_tables(**sums):
    """Counts of two spots for each section, whose sums are given by gene."""
    genes = pd.DataFrame(sums, her2st.SECTIONS)
    return {name: pd.DataFrame([genes.loc[name], genes.loc[name] * 0]) for name in her2st.SECTIONS}


def test_genes_are_chosen_by_the_training_sections_alone():
    tables = make_tables(A=[1, 1, 99, 99], B=[2, 2, 0, 0], C=[3, 3, 0, 0])
    assert her2st_bundle.chosen_genes(tables, 2) == ["B", "C"]


def test_of_genes_with_equal_counts_the_first_names_are_chosen():
    assert her2st_bundle.chosen_genes(make_tables(B=[2] * 4, C=[2] * 4, A=[2] * 4), 2) == ["A", "B"]


def test_the_bundle_holds_what_its_page_says():
    sections = [her2st.read_section(name) for name in her2st.SECTIONS]
    assert [len(each.features) for each in sections] == [420, 438, 437, 419]
    assert sum(len(each.spots) for each in sections) == 732
    assert all(each.counts.shape[1] == 2000 for each in sections)
    assert all((each.counts.sum(axis=1) <= each.totals).all() for each in sections)


def test_the_bundle_is_small():
    assert sum(path.stat().st_size for path in her2st.BUNDLE.iterdir()) < 6e6


@pytest.mark.slow
def test_the_features_of_a_section_are_those_of_its_image(tmp_path):
    from sequoia_model import get_encoder

    image = Path(__file__).parents[2] / "data" / "slides" / "HER2ST_C2.jpg"
    bag = her2st_bundle.features_of(image, get_encoder("lite0", device="cpu"))
    her2st_bundle.write_small(bag, tmp_path / "C2.h5")
    made, stored = read_features(tmp_path / "C2.h5"), read_features(her2st.BUNDLE / "C2.h5")
    np.testing.assert_array_equal(made.coords, stored.coords)
    # half a unit in the last place of float16, and what other decoders and processors change
    np.testing.assert_allclose(made.features, stored.features, rtol=1e-3, atol=5e-3)
