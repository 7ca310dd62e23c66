"""`map`: which networks map which genes, what the file holds, and how an interrupted call goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import torch

import sequoia_model as sm
from sequoia_base.maps import read_map
from sequoia_model.spatial import _map_work
from sequoia_model.weights.loading import load_weights, untrained
from tests.build.commands import left_in, sequoia_model
from tests.build.networks import write_folds, write_genes
from tests.build.processes import start
from tests.build.sections import PATIENTS, write_mlps, write_run, write_section
from tests.build.slides import make_picture, write_image
from tests.build.windows import windows_by_hand


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run folder, networks of HE2RNA's kind, and the features of a section."""
    folder = tmp_path_factory.mktemp("made")
    write_run(folder / "run")
    write_mlps(folder / "mlp")
    write_section(folder / "S1.h5")
    return folder


@pytest.fixture
def mapped(made, tmp_path, capsys):
    """Maps the section, and returns the map; options come last."""

    def run(*options, weights="run", name="S1", code=0):
        output = tmp_path / f"{name}.map.h5ad"
        answer = sequoia_model(
            capsys, "map", made / "S1.h5", "--weights", made / weights, "-o", output, *options
        )
        assert answer.code == code, answer.err
        return read_map(output)

    return run


def of_patient(folder, patient):
    """An option that says whose slide it is."""
    path = folder / "patients.csv"
    path.write_text(f"slide,patient_id\nS1,{patient}\n")
    return "--patients", path


def by_hand(made, network, stride=1):
    """A gene's map from the network's genes of each window, by dictionaries: the mean over the windows of a tile."""
    bag = sm.read_features(made / "S1.h5")
    places = (np.asarray(bag.coords)[:, ::-1] // 256).astype(int)
    found = {tile: [] for tile in range(len(places))}
    for inside in windows_by_hand(places, 10, stride).values():
        tokens = np.tile(bag.features[list(inside.values())].mean(axis=0), (100, 1))
        for (row, column), tile in inside.items():
            tokens[row * 10 + column] = bag.features[tile]
        with torch.inference_mode():
            genes = network(torch.from_numpy(tokens[None].astype(np.float32)))[0].numpy()
        for tile in inside.values():
            found[tile].append(genes)
    return np.array([np.mean(each, axis=0) if each else np.full(40, np.nan) for each in found.values()])


def test_a_patient_of_the_splits_is_mapped_by_the_held_out_fold_alone(made, mapped, tmp_path):
    weights = load_weights(made / "run")
    fold = weights.splits.test_fold(PATIENTS[2])
    found = mapped(*of_patient(tmp_path, PATIENTS[2]), "--stride", 3)
    assert (found.about["held_out"], found.about["folds"], list(found.latents)) == (fold, [fold], [fold])
    assert found.about["patient_id"] == PATIENTS[2] and not found.about["seen"]
    expected = by_hand(made, weights.networks[fold], stride=3)
    np.testing.assert_allclose(found.genes(weights.genes), expected, atol=1e-5)


def test_a_new_patient_is_mapped_by_all_folds(made, mapped):
    found = mapped("--stride", 4)
    assert (found.about["held_out"], found.about["folds"]) == (-1, [0, 1, 2])
    expected = np.mean([by_hand(made, n, 4)[:, 6] for n in load_weights(made / "run").networks], axis=0)
    np.testing.assert_allclose(found.gene("G7"), expected, atol=1e-5)


def test_all_networks_on_request_are_said_to_have_seen_the_patient(made, tmp_path, capsys):
    answer = sequoia_model(
        capsys, "map", made / "S1.h5", "--weights", made / "run", "-o", tmp_path / "S1.map.h5ad", "--ensemble", "all",
        *of_patient(tmp_path, PATIENTS[0]), "--stride", 5, "--json",
    )  # fmt: skip
    assert answer.json["folds"] == [0, 1, 2] and answer.json["seen"]
    assert "used to train networks that predict here" in answer.err


def warned(answer):
    return [line for line in answer.err.splitlines() if line.startswith("warning:")]


@pytest.mark.parametrize("ensemble", ["all", "held-out"])
def test_a_slide_of_a_name_in_training_is_warned_of_once(made, tmp_path, capsys, ensemble):
    slides = {f"T{i}": patient for i, patient in enumerate(PATIENTS)}
    run = write_run(tmp_path / "run", slides=slides)
    answer = sequoia_model(
        capsys, "map", made / "S1.h5", "--weights", run, "-o", tmp_path / "S1.map.h5ad", "--ensemble", ensemble,
        *of_patient(tmp_path, PATIENTS[0]), "--stride", 5,
    )  # fmt: skip
    (line,) = [line for line in warned(answer) if "patient" in line]
    assert "the patient P0 has the name of a patient in training" in line
    assert ("were trained on it" in line) == (ensemble == "all")


def test_a_slide_without_patient_is_warned_of_once(made, tmp_path, capsys):
    answer = sequoia_model(
        capsys,
        "map",
        made / "S1.h5",
        "--weights",
        made / "run",
        "-o",
        tmp_path / "S1.map.h5ad",
        "--stride",
        5,
    )
    (line,) = [line for line in warned(answer) if "patient" in line]
    assert "the slide has no patient, and is taken as new" in line


def test_without_genes_the_map_holds_latent_vectors_alone(mapped, tmp_path):
    mapped("--stride", 4)
    file = anndata.read_h5ad(tmp_path / "S1.map.h5ad")
    assert file.X is None and file.n_vars == 0
    assert sorted(file.obsm) == ["latent_0", "latent_1", "latent_2", "spatial", "spatial_level0"]


@pytest.mark.parametrize("how", ["names", "file"])
def test_named_genes_are_written_as_the_map_gives_them(mapped, tmp_path, how):
    names = "G7, G1" if how == "names" else write_genes(tmp_path / "genes.txt", ["G7", "G1"])
    found = mapped("--genes", names, "--stride", 4)
    file = anndata.read_h5ad(tmp_path / "S1.map.h5ad")
    assert list(file.var_names) == ["G7", "G1"]
    np.testing.assert_allclose(file.X, found.genes(["G7", "G1"]), rtol=1e-6)
    np.testing.assert_allclose(file.layers["std"][:, 1], found.std("G1"), rtol=1e-5, atol=1e-7)


def test_the_heads_of_the_run_are_named_and_found(made, mapped):
    found = mapped("--stride", 5)
    assert found.heads.path.resolve() == (made / "run" / "heads.h5").resolve()
    assert not os.path.isabs(found.about["heads"])


def test_heads_that_are_missing_are_written_beside_the_map_once(made, tmp_path, capsys):
    run = shutil.copytree(made / "run", tmp_path / "run")
    (run / "heads.h5").unlink()
    words = ["map", made / "S1.h5", "--weights", run, "--stride", 5, "-o"]
    assert (
        sequoia_model(capsys, *words, tmp_path / "A.map.h5ad", *of_patient(tmp_path, PATIENTS[0])).code == 0
    )
    first = os.stat(tmp_path / "heads.h5").st_mtime_ns
    assert (
        sequoia_model(capsys, *words, tmp_path / "B.map.h5ad", *of_patient(tmp_path, PATIENTS[5])).code == 0
    )
    assert os.stat(tmp_path / "heads.h5").st_mtime_ns == first
    assert (tmp_path / "heads.h5").read_bytes() == (made / "run" / "heads.h5").read_bytes()
    assert read_map(tmp_path / "B.map.h5ad").about["heads"] == "heads.h5"


def test_published_weights_map_without_a_run_folder(made, tmp_path, capsys):
    write_folds(tmp_path / "weights")
    names = write_genes(tmp_path / "genes.txt")
    answer = sequoia_model(
        capsys, "map", made / "S1.h5", "--weights", tmp_path / "weights", "-o", tmp_path / "S1.map.h5ad",
        "--gene-names", names, "--stride", 5, "--heads", tmp_path / "own.h5",
    )  # fmt: skip
    assert answer.code == 0 and "do not say how wide" not in answer.err
    assert read_map(tmp_path / "S1.map.h5ad").about["heads"] == "own.h5"


def test_untrained_networks_take_the_place_of_the_trained_ones(made, mapped, tmp_path):
    found = mapped("--untrained", 3, "--stride", 5)
    network = untrained(load_weights(made / "run"), 3)[1]
    assert found.about["source"] == "untrained" and (tmp_path / "heads-untrained-3.h5").exists()
    np.testing.assert_allclose(found.by_fold("G2")[1], by_hand(made, network, 5)[:, 1], atol=1e-5)


def test_untrained_maps_do_not_name_the_trained_networks(mapped):
    found = mapped("--untrained", 3, "--stride", 5)
    assert (found.about["digests"], found.about["seed"]) == ([], 3)
    trained = mapped("--stride", 5, name="S2")
    assert (len(trained.about["digests"]), trained.about["seed"]) == (3, -1)


def test_untrained_scores_of_tiles_are_named_as_both(mapped):
    assert mapped("--genes", "G2", "--per-tile", "--untrained", 1, weights="mlp").about["source"] == (
        "untrained per-tile"
    )


def test_heads_of_the_run_with_other_numbers_are_not_used(made, tmp_path, capsys):
    run = shutil.copytree(made / "run", tmp_path / "run")
    with h5py.File(run / "heads.h5", "r+") as file:
        file["weight"][...] *= 2
    words = ["map", made / "S1.h5", "--weights", run, "-o", tmp_path / "S1.map.h5ad", "--stride", 5]
    assert sequoia_model(capsys, *words).code == 0
    assert read_map(tmp_path / "S1.map.h5ad").about["heads"] == "heads.h5"


def test_a_map_goes_on_after_the_device_ran_out_of_memory(made, tmp_path, capsys, monkeypatch):
    words = ["map", made / "S1.h5", "--weights", made / "run", "--stride", 5, "-o", tmp_path / "S1.map.h5ad"]
    of, asked = _map_work.LatentValues.of, []

    def failing(*given):
        asked.append(given[1])
        if given[1] == 1 and asked.count(1) == 1:
            raise RuntimeError("CUDA out of memory")
        return of(*given)

    monkeypatch.setattr(_map_work.LatentValues, "of", failing)
    assert sequoia_model(capsys, *words).code == 1
    assert sequoia_model(capsys, *words).code == 0
    assert asked == [0, 1, 1, 2] and left_in(tmp_path) == ["S1.map.h5ad"]


def test_a_budget_chooses_the_stride_and_says_its_error(made, mapped, monkeypatch):
    monkeypatch.setattr("sequoia_model.spatial._budget._seconds_per_window", lambda *_: 1.0)
    found = mapped("--budget", "300s")  # 127 windows by three networks take 381 s at stride 1
    budget = found.about["budget"]
    assert budget["stride"] == found.about["stride"] == 2
    assert budget["predicted_seconds"] == 3 * found.about["n_windows"] <= 300
    assert 0 < budget["error_r"] <= 1 and budget["error_n_tiles"] > 3


def test_a_tile_mlp_predicts_windows_of_real_tiles(made, mapped):
    found = mapped("--genes", "G2", "--stride", 5, weights="mlp")
    bag, networks = sm.read_features(made / "S1.h5"), load_weights(made / "mlp").networks
    places = (np.asarray(bag.coords)[:, ::-1] // 256).astype(int)
    inside = windows_by_hand(places, 10, 5)
    with torch.inference_mode():
        values = {
            origin: [float(n(torch.from_numpy(bag.features[list(w.values())][None]))[0, 1]) for n in networks]
            for origin, w in inside.items()
        }
    tile = [np.mean(values[o], axis=0) for o, w in inside.items() if 0 in w.values()]
    assert found.gene("G2")[0] == pytest.approx(np.mean(tile), abs=1e-5)
    assert found.heads is None and found.gene_names == ("G2",)


def test_tiles_alone_have_the_scores_of_the_mlp(made, mapped):
    found = mapped("--genes", "G2,G9", "--per-tile", weights="mlp")
    features = torch.from_numpy(sm.read_features(made / "S1.h5").features)
    with torch.inference_mode():
        scores = np.stack([n.scores(features[None])[0, :, 8] for n in load_weights(made / "mlp").networks])
    assert found.about["source"] == "per-tile" and found.about["window"] == 1
    np.testing.assert_allclose(found.gene("G9"), scores.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found.std("G9"), scores.std(axis=0), atol=1e-6)


def test_tiles_alone_need_no_square_of_clusters(made, tmp_path, capsys):
    mlps = shutil.copytree(made / "mlp", tmp_path / "mlp")
    for path in mlps.glob("*/config.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"num_clusters": 50}))
    words = ["map", made / "S1.h5", "--weights", mlps, "-o", tmp_path / "S1.map.h5ad", "--genes", "G2"]
    assert sequoia_model(capsys, *words, "--per-tile").code == 0


def test_the_slide_gives_haematoxylin_and_tissue(tmp_path, capsys):
    boxes = [(0, 0, 13 * 128, 14 * 128)]
    image = write_image(tmp_path / "S1.png", make_picture((16 * 128, 16 * 128), boxes))
    geometry = sm.TileGeometry(side=256.0, slide_mpp=0.5, slide_size=(4096, 4096))
    write_section(tmp_path / "S1.h5", geometry=geometry)
    write_run(tmp_path / "run")
    words = [
        "map",
        tmp_path / "S1.h5",
        "--weights",
        tmp_path / "run",
        "-o",
        tmp_path / "S1.map.h5ad",
        "--stride",
        5,
    ]
    assert sequoia_model(capsys, *words, "--slide", image).code == 0
    obs = read_map(tmp_path / "S1.map.h5ad").obs
    assert obs.tissue.mean() > 0.8 and obs.haematoxylin.between(0.05, 2).all()


def test_tiles_are_written_for_qupath_with_the_named_genes(mapped, tmp_path):
    found = mapped("--genes", "G2,G5", "--stride", 5, "--geojson", tmp_path / "tiles.geojson")
    tiles = json.loads((tmp_path / "tiles.geojson").read_text())["features"]
    assert len(tiles) == len(found.places)
    assert tiles[3]["properties"]["measurements"]["G5"] == pytest.approx(found.gene("G5")[3], rel=1e-4)


def test_tiles_in_no_window_have_no_value_and_are_counted(tmp_path, capsys):
    write_run(tmp_path / "run")
    write_section(tmp_path / "S1.h5", 10, 40, holes=195)
    words = ["map", tmp_path / "S1.h5", "--weights", tmp_path / "run", "-o", tmp_path / "S1.map.h5ad"]
    answer = sequoia_model(capsys, *words, "--stride", 10, "--json")
    found = read_map(tmp_path / "S1.map.h5ad")
    assert 0 < found.covered.sum() == answer.json["n_covered"] < len(found.places)
    np.testing.assert_array_equal(np.isnan(found.gene("G1")), ~found.covered)
    assert answer.json["flow"][0]["n_after"] == found.covered.sum()


def test_a_bag_in_memory_is_mapped_as_its_file(made, mapped, tmp_path):
    found = mapped("--stride", 5)
    sm.spatial_map(sm.read_features(made / "S1.h5"), made / "run", output=tmp_path / "bag.map.h5ad", stride=5)
    np.testing.assert_array_equal(read_map(tmp_path / "bag.map.h5ad").gene("G3"), found.gene("G3"))


def test_the_side_of_tiles_is_checked_where_the_weights_say_it(made, tmp_path, capsys):
    run = shutil.copytree(made / "run", tmp_path / "run")
    said = json.loads((run / "sequoia.json").read_text())
    (run / "sequoia.json").write_text(json.dumps(said | {"tile_um": 127.0}))
    answer = sequoia_model(
        capsys, "map", made / "S1.h5", "--weights", run, "-o", tmp_path / "S1.map.h5ad", "--stride", 5
    )
    assert answer.code == 0 and "how wide" not in answer.err


STOPS = """
import sys, time
from pathlib import Path
from sequoia_model.spatial import _map_work, _unfinished
_map_work.WINDOWS_IN_A_BLOCK = 16
append, seen = _unfinished.KeptRows.append, []
def stopping(rows, values):
    append(rows, values)
    seen.append(1)
    if len(seen) == 11:
        Path(sys.argv.pop()).write_text("")
        time.sleep(60)
_unfinished.KeptRows.append = stopping
from sequoia_model.cli.app import main
main(sys.argv[1:-1])
"""


def stopped(words, mark, number):
    """Map in a process until 11 blocks of windows are done, then send a signal; returns the exit code."""
    process = start(STOPS, *words, mark)
    end = time.monotonic() + 60
    while not mark.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(number)
    process.communicate(timeout=60)
    return process.returncode


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_a_map_that_was_interrupted_goes_on_to_the_same_bytes(
    made, tmp_path, capsys, monkeypatch, number, code
):
    words = ["map", made / "S1.h5", "--weights", made / "run", "--genes", "G1", "-o"]
    assert sequoia_model(capsys, *words, tmp_path / "whole.map.h5ad").code == 0
    assert stopped([*words, tmp_path / "S1.map.h5ad"], tmp_path / "mark", number) == code
    left = left_in(tmp_path / ".S1.map.h5ad.part")
    assert left == ["fold_0.f32", "fold_1.f32", "lock", "settings.json"]
    monkeypatch.setattr(_map_work, "WINDOWS_IN_A_BLOCK", 16)
    asked = []
    of = _map_work.LatentValues.of
    monkeypatch.setattr(_map_work.LatentValues, "of", lambda *given: asked.append(given[1]) or of(*given))
    assert sequoia_model(capsys, *words, tmp_path / "S1.map.h5ad").code == 0
    assert asked == [1] * 5 + [2] * 8  # 127 windows in 8 blocks a fold; 11 were done
    assert (tmp_path / "S1.map.h5ad").read_bytes() == (tmp_path / "whole.map.h5ad").read_bytes()
    assert left_in(tmp_path) == ["S1.map.h5ad", "mark", "whole.map.h5ad"]


def test_what_was_computed_with_other_settings_is_not_used(made, tmp_path, capsys, monkeypatch):
    output = tmp_path / "S1.map.h5ad"
    words = ["map", made / "S1.h5", "--weights", made / "run", "-o", output]
    kept = tmp_path / ".S1.map.h5ad.part"
    kept.mkdir()
    (kept / "settings.json").write_text('{"stride": 5}')
    (kept / "fold_0.f32").write_bytes(bytes(4 * 32 * 127))
    assert sequoia_model(capsys, *words, "--stride", 5).code == 0
    assert np.abs(read_map(output).latents[0]).max() > 0 and not kept.exists()


def test_obs_names_tiles_by_row_and_column_of_the_slide(mapped):
    found = mapped("--stride", 5)
    assert found.obs.index[0] == "0x0" and isinstance(found.obs, pd.DataFrame)
    np.testing.assert_allclose(found.centres_um, (found.places[:, ::-1] + 0.5) * 128)


def test_an_interrupted_call_keeps_the_stride_that_its_time_allowed(made, tmp_path, capsys, monkeypatch):
    words = [
        "map",
        made / "S1.h5",
        "--weights",
        made / "run",
        "-o",
        tmp_path / "S1.map.h5ad",
        "--budget",
        "300s",
    ]
    monkeypatch.setattr("sequoia_model.spatial._budget._seconds_per_window", lambda *_: 1.0)
    with monkeypatch.context() as stop:
        stop.setattr(_map_work, "tile_means", interrupt)
        assert sequoia_model(capsys, *words).code == 130
    monkeypatch.setattr("sequoia_model.spatial._budget._seconds_per_window", lambda *_: 0.001)
    assert sequoia_model(capsys, *words).code == 0  # the whole of stride 1 would fit now
    assert read_map(tmp_path / "S1.map.h5ad").about["stride"] == 2


def interrupt(*_):
    raise KeyboardInterrupt
