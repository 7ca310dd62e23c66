"""Maps of the HER2ST sections (analyses/spatial_*.py, fig5_spatial.py), on a small bundle of four sections."""

import json
import re
import sys

import numpy as np
import pandas as pd
import pytest

from sequoia_base.maps import read_map
from tests.build.her2st import bundle_genes, write_bundle
from tests.build.results import ROOT, scripts_of_analyses

with scripts_of_analyses():
    import captions_spatial
    import fig5_spatial
    import her2st
    import spatial_bags
    import spatial_baselines
    import spatial_judge
    import spatial_maps
    import spatial_modules
    import spatial_train

SETTINGS = {
    "stride": 2,
    "networks": [
        {"name": "Linearized transformer", "architecture": "summary_transformer", "epochs": 2},
        {"name": "Tile MLP", "architecture": "tile_mlp", "epochs": 1},
    ],
    "recipe": "strict",
    "strides": [3],
    "top": 8,
    "emd_genes": 5,
    "shown": bundle_genes()[1:3],
    "modules": {"random": 20, "side": 20, "noise": 1.0},
    "spectral": 19,
    "seed": 7,
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def sections(bundle):
    return [her2st.read_section(name, bundle) for name in her2st.SECTIONS]


def test_each_section_tests_once_and_the_next_one_stops_training():
    roles = spatial_bags.roles_of(["A", "B", "C", "D"])
    assert roles["fold_0"].to_dict() == {"A": "test", "B": "val", "C": "train", "D": "train"}
    assert roles["fold_3"].to_dict() == {"A": "val", "B": "train", "C": "train", "D": "test"}
    assert (roles == "test").sum().tolist() == [1] * 4 == (roles == "test").sum(axis=1).tolist()


def test_spots_are_trained_on_the_tile_that_holds_their_centre(sections):
    section = sections[0]
    tiles, spots = spatial_baselines.tiles_of_spots(section)
    inside = section.spots[spots] - section.places[tiles]
    assert (inside >= 0).all() and (inside < 1).all()
    assert len(spots) == sum((section.places == np.floor(spot)).all(axis=1).any() for spot in section.spots)


def test_a_neighbourhood_is_a_tile_and_those_that_touch_it(sections):
    section = sections[0]
    near = [i for i, place in enumerate(section.places) if abs(place - section.places[40]).max() <= 1]
    found = spatial_baselines.neighbourhoods(section)[40]
    np.testing.assert_allclose(found, section.features[near].mean(axis=0), rtol=1e-5)


def test_the_features_of_a_window_are_the_mean_of_its_tiles(sections):
    section = sections[0]
    windows = spatial_baselines.windows_of(section.places, stride=3)
    held = windows.tiles[0][windows.tiles[0] >= 0]
    found = spatial_baselines.window_features(section, windows)[0]
    np.testing.assert_allclose(found, section.features[held].mean(axis=0), rtol=1e-5)


@pytest.mark.parametrize("name", ["spot_ridge", "training_mean"])
def test_a_baseline_does_not_see_the_counts_of_the_section_that_it_predicts(sections, name):
    from dataclasses import replace

    blind = replace(sections[3], counts=np.zeros_like(sections[3].counts))
    predict = getattr(spatial_baselines, name)
    np.testing.assert_array_equal(predict(sections[:3], blind), predict(sections[:3], sections[3]))


def test_ridge_on_spots_finds_a_gradient_that_features_hold(sections):
    predicted = spatial_baselines.spot_ridge(sections[:3], sections[3])
    tiles, spots = spatial_baselines.tiles_of_spots(sections[3])
    measured = np.log1p(sections[3].counts / sections[3].totals[:, None])[spots]
    r = [np.corrcoef(predicted[tiles, gene], measured[:, gene])[0, 1] for gene in range(1, 24, 3)]
    assert np.median(r) > 0.3


# --- all steps on a small bundle ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results(bundle, sections, tmp_path_factory):
    """The folder of results after all steps."""
    folder = tmp_path_factory.mktemp("results")
    spatial_bags.save(sections, SETTINGS["stride"], folder / "spatial")
    for network in SETTINGS["networks"]:
        spatial_train.train_one(spatial_maps.name_of(network["name"]), SETTINGS, folder / "spatial")
    for name in her2st.SECTIONS:
        spatial_maps.make_maps(name, SETTINGS, folder / "spatial", bundle)
        spatial_judge.judge(name, SETTINGS, folder, bundle)
    fig5_spatial.show(folder, SETTINGS, bundle)
    spatial_modules.show(folder, SETTINGS)
    return folder


@pytest.mark.slow
def test_a_section_is_mapped_by_the_network_that_did_not_see_it(results):
    maps = [read_map(spatial_maps.path_of(results / "spatial", name, "network")) for name in her2st.SECTIONS]
    assert [int(one.about["held_out"]) for one in maps] == [0, 1, 2, 3]
    assert not any(one.about["seen"] for one in maps)
    assert all({"haematoxylin", "tissue"} <= set(one.obs) for one in maps)


@pytest.mark.slow
def test_all_methods_are_judged_on_the_same_genes_and_tiles(results):
    folder = results / "spatial" / "judged" / "C4"
    judged = [spatial_judge.read_judged(folder, method) for method in spatial_maps.METHODS]
    genes = [one.genes["gene"].tolist() for one in judged]
    assert all(names == genes[0] for names in genes)
    assert {one.null.r.shape for one in judged[:-1]} == {judged[0].null.r.shape}


@pytest.mark.slow
def test_a_map_judged_again_as_another_method_has_the_same_r_null_and_emd(results, bundle):
    network = read_map(spatial_maps.path_of(results / "spatial", "C3", "network"))
    one = spatial_judge.evaluate_map(network, spatial_judge.truth_of("C3", bundle), spectral=0)
    again = spatial_judge.judge_on(spatial_judge.Measured.of(one, len(one.genes)), network)
    for column in ("r", "p_shift", "emd"):
        np.testing.assert_allclose(again.genes[column], one.genes[column], rtol=1e-12)
    np.testing.assert_array_equal(again.null.r, one.null.r)


@pytest.mark.slow
def test_the_training_mean_correlates_with_nothing(results):
    methods = pd.read_csv(results / "spatial_methods.csv")
    mean = methods[methods["method"] == "Training mean"]
    assert (mean["r"] == 0).all() and mean["r_null_high"].isna().all()
    np.testing.assert_array_equal(mean["emd"], mean["emd_flat"])


@pytest.mark.slow
def test_the_page_names_the_sections_that_do_not_beat_their_null(results):
    about = json.loads((results / "spatial.json").read_text())
    methods = pd.read_csv(results / "spatial_methods.csv")
    network = methods[methods["method"] == "Linearized transformer"].set_index("section")
    beats = network["r"] > network["r_null_high"]
    assert about["beating"] == beats.index[beats].tolist()
    assert about["not_beating"] == beats.index[~beats].tolist()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "fig5a",
        "fig5b",
        "fig5c",
        "fig5d_her2st",
        "fig5e_simulated",
        "fig5e_ukf243",
        "spatial_null",
        "spatial_methods",
    ],
)
def test_every_figure_has_a_caption(results, name):
    assert (results / f"{name}.png").exists() and (results / f"{name}.svg").exists()
    assert (results / "captions" / f"{name}.txt").read_text().count(".") > 2


@pytest.mark.slow
def test_the_page_shows_these_results(results, monkeypatch):
    pytest.importorskip("IPython")
    monkeypatch.setenv("SEQUOIA_RESULTS", str(results))
    monkeypatch.syspath_prepend(ROOT / "reports")
    monkeypatch.delitem(sys.modules, "_results", raising=False)
    page = (ROOT / "reports" / "spatial.qmd").read_text(encoding="utf-8")
    first, *others = re.findall(r"```{python}\n(.*?)```", page, flags=re.DOTALL)
    names = {}
    exec(first, names)
    shown = [eval(block.strip(), names).data for block in others]  # a missing file or column is an error
    assert "Ridge on spots" in "".join(shown) and len(shown) > 15
    monkeypatch.delitem(sys.modules, "_results")


def test_the_verdict_names_who_beats_the_null_and_who_does_not():
    assert "C2 exceeds" in captions_spatial.verdict({"beating": ["C2"], "not_beating": ["C3", "C4"]})
    assert "C3, C4 do not" in captions_spatial.verdict({"beating": ["C2"], "not_beating": ["C3", "C4"]})
    assert captions_spatial.verdict({"beating": [], "not_beating": ["C2"]}).startswith("No section")
