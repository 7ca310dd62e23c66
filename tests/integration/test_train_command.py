"""`sequoia-model train`: what a run folder holds, who goes on with it, and what a fold never sees."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import anndata
import numpy as np
import pandas as pd
import pytest
import torch

from sequoia_model.splits import draw, read_splits
from sequoia_model.weights.heads import read_heads
from sequoia_model.weights.loading import load_weights
from tests.build.commands import finished, sequoia, sequoia_model
from tests.build.processes import start
from tests.build.training import make_slides, write_bag, write_measured, write_training_set

pytestmark = pytest.mark.slow

FILES = [
    "genes.csv", "log.csv", "predictions.h5ad", "run.json", "runs.csv", "sequoia.json", "slides.csv", "splits.csv",
    "summary.md",
]  # fmt: skip
FAST = ["--architecture", "tile_mlp", "--epochs", 3, "--folds", 3]


@pytest.fixture(autouse=True)
def own_cache_and_one_thread(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # in other processes
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # another number gives other last digits
    yield
    torch.set_num_threads(before)


@pytest.fixture
def made(tmp_path):
    return write_training_set(tmp_path)


def arguments(made, output, *more):
    """The command on a made training set."""
    words = ["train", made.features, "--measured", made.measured, "--patients", made.patients, "-o", output]
    return [*words, *FAST, *more]


def networks(output) -> dict[str, bytes]:
    """Every byte of the folders of the folds."""
    return {str(f.relative_to(output)): f.read_bytes() for f in sorted(output.glob("fold_*/*"))}


def folder(root: Path, name: str) -> Path:
    """A run folder that has the same name as the others, which predictions contain."""
    (root / name).mkdir()
    return root / name / "run"


def predictions(output: Path) -> bytes:
    """Every byte of the predictions."""
    return (output / "predictions.h5ad").read_bytes()


def test_a_run_folder_holds_networks_predictions_log_and_summary(capsys, tmp_path, made):
    answer = sequoia_model(capsys, *arguments(made, tmp_path / "run", "--untrained", 2, "--json"))
    assert answer.code == 0, answer.err
    names = sorted(item.name for item in (tmp_path / "run").iterdir() if not item.name.startswith("."))
    assert names == sorted([*FILES, "fold_0", "fold_1", "fold_2"])
    assert sorted(networks(tmp_path / "run")) == [
        f"fold_{fold}/{name}" for fold in range(3) for name in ("config.json", "model.safetensors")
    ]
    predicted = anndata.read_h5ad(tmp_path / "run" / "predictions.h5ad")
    assert predicted.shape == (20, 6)
    assert sorted(predicted.layers) == ["knn", "mean", "measured", "ridge", "untrained", "untrained_1"]
    assert list(predicted.obs) == ["patient_id", "fold", "cohort"] and set(predicted.obs["cohort"]) == {"run"}
    assert predicted.uns["units"] == "log2(FPKM-UQ+1)"
    assert json.loads((tmp_path / "run" / "sequoia.json").read_text())["tile_um"] == 128
    np.testing.assert_array_equal(
        predicted.layers["measured"], made.y.loc[predicted.obs["patient_id"]].to_numpy()
    )
    log = pd.read_csv(tmp_path / "run" / "log.csv")
    assert list(log.columns) == [
        "fold", "epoch", "phase", "train_mse", "val_mse", "val_r", "lr", "saved", "seconds"
    ]  # fmt: skip
    assert len(log) == 9
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["finished"] and run["settings"]["recipe"] == "paper" and len(run["folds"]) == 3
    chosen = [fold["baselines"] for fold in run["folds"]]
    assert all(one["alpha_smallest"] <= one["alpha_median"] <= one["alpha_largest"] for one in chosen)
    assert "Ridge regression chose a median penalty of" in (tmp_path / "run" / "summary.md").read_text()
    assert answer.json["missing"] == [] and answer.json["n_genes"] == 6


def test_predictions_are_those_of_the_fold_that_held_the_patient_out(capsys, tmp_path, made):
    sequoia_model(capsys, *arguments(made, tmp_path / "run"))
    answer = sequoia_model(
        capsys, "predict", made.features, "--weights", tmp_path / "run", "-o", tmp_path / "again.h5ad"
    )
    assert answer.code == 0, answer.err
    trained, again = (anndata.read_h5ad(tmp_path / name) for name in ("run/predictions.h5ad", "again.h5ad"))
    again = again[trained.obs_names]
    np.testing.assert_array_equal(again.obs["fold"].astype(int), trained.obs["fold"].astype(int))
    np.testing.assert_allclose(again.X, trained.X, atol=1e-6)


def test_the_statistics_read_the_predictions(capsys, tmp_path, made):
    sequoia_model(capsys, *arguments(made, tmp_path / "run"))
    made_there = tmp_path / "run" / "predictions.h5ad"
    answer = sequoia(capsys, "genes", made_there, "-o", tmp_path / "genes.csv", "--rule", "strict", "--json")
    assert answer.code == 0, answer.err
    assert answer.json["n_genes"] == 6 and answer.json["n_slides"] == 20


def test_slides_keep_the_cohort_that_the_measured_expression_names(capsys, tmp_path, made):
    adata = anndata.read_h5ad(made.measured)
    adata.obs["cohort"] = ["A", "B", ""] * 6 + ["A", "B"]
    adata.write_h5ad(made.measured)
    answer = sequoia_model(capsys, *arguments(made, tmp_path / "run"))
    assert answer.code == 0, answer.err
    obs = anndata.read_h5ad(tmp_path / "run" / "predictions.h5ad").obs.set_index("patient_id")
    found = obs["cohort"].astype(object).fillna("").reindex(adata.obs_names)
    assert found.tolist() == adata.obs["cohort"].astype(str).tolist()


@pytest.mark.parametrize("architecture", ["summary_transformer", "tile_transformer"])
def test_heads_of_transformers_are_written(capsys, tmp_path, made, architecture):
    answer = sequoia_model(
        capsys, *arguments(made, tmp_path / "run", "--architecture", architecture, "--epochs", 1)
    )
    assert answer.code == 0, answer.err
    heads = read_heads(tmp_path / "run" / "heads.h5")
    assert heads.genes == tuple(made.y.columns) and heads.folds == (0, 1, 2) and heads.dim == 16
    assert load_weights(tmp_path / "run").architecture == architecture


def test_a_small_network_ships_with_its_principal_components(capsys, tmp_path):
    made = write_training_set(tmp_path, dim=140)
    answer = sequoia_model(
        capsys, *arguments(made, tmp_path / "run", "--architecture", "summary_transformer", "--size", "small")
    )
    assert answer.code == 0, answer.err
    weights = load_weights(tmp_path / "run")
    assert weights.input_dim == 140 and weights.networks[0].token_dim == 128


def test_the_same_command_again_trains_nothing(capsys, tmp_path, made):
    sequoia_model(capsys, *arguments(made, tmp_path / "run"))
    before = networks(tmp_path / "run")
    answer = sequoia_model(capsys, *arguments(made, tmp_path / "run", "--json"))
    assert answer.code == 0
    assert [fold["computed"] for fold in answer.json["folds"]] == [False] * 3
    assert networks(tmp_path / "run") == before


def test_another_seed_gives_other_networks_and_the_same_seed_the_same(capsys, tmp_path, made):
    first, same, other = (folder(tmp_path, name) for name in "abc")
    for output, seed in ((first, 0), (same, 0), (other, 1)):
        sequoia_model(capsys, *arguments(made, output, "--seed", seed))
    assert networks(first) == networks(same) != networks(other)
    assert predictions(first) == predictions(same)


def test_folds_can_be_trained_one_by_one(capsys, tmp_path, made):
    whole, parts = folder(tmp_path, "whole"), folder(tmp_path, "parts")
    sequoia_model(capsys, *arguments(made, whole))
    answers = [sequoia_model(capsys, *arguments(made, parts, "--fold", k, "--json")) for k in (2, 0, 1)]
    assert [answer.json["missing"] for answer in answers] == [[0, 1], [1], []]
    assert networks(whole) == networks(parts)
    assert predictions(whole) == predictions(parts)


def test_jobs_train_several_folds_at_once_with_the_same_result(capsys, tmp_path, made):
    sequoia_model(capsys, *arguments(made, tmp_path / "one"))
    answer = sequoia_model(capsys, *arguments(made, tmp_path / "two", "--jobs", 2))
    assert answer.code == 0, answer.err
    assert networks(tmp_path / "one") == networks(tmp_path / "two")


# --- what a fold never sees -----------------------------------------------------------------------------------------


def trained_on(capsys, root, x, y, splits, *more):
    """Train on slides with given splits; returns the bytes of the folds."""
    for i, means in enumerate(x):
        write_bag(root / "features", f"S{i:02}", means)
    patients = [f"P{i:02}" for i in range(len(x))]
    measured = write_measured(root / "measured.h5ad", y, patients)
    table = pd.DataFrame({"slide": [f"S{i:02}" for i in range(len(x))], "patient_id": patients})
    table.to_csv(root / "patients.csv", index=False)
    splits.save(root / "splits.csv")
    answer = sequoia_model(
        capsys, "train", root / "features", "--measured", measured, "--patients", root / "patients.csv", "--splits",
        root / "splits.csv", "-o", root / "run", "--epochs", 3, *more,
    )  # fmt: skip
    assert answer.code == 0, answer.err
    return networks(root / "run")


@pytest.mark.parametrize("changed", ["genes", "features"])
def test_a_fold_does_not_depend_on_its_test_part(capsys, tmp_path, changed):
    x, y = make_slides(20, dim=140)
    splits = draw([f"P{i:02}" for i in range(20)], n_folds=3, val=0.2)
    tested = [int(patient[1:]) for patient in splits.patients(1, "test")]
    more = ["--architecture", "summary_transformer", "--size", "small", "--recipe", "strict"]
    before = trained_on(capsys, tmp_path / "before", x, y, splits, *more)
    drawn = np.random.default_rng(5)
    if changed == "genes":
        y[tested] = 3 + drawn.normal(size=y[tested].shape)
    else:
        x[tested] = drawn.normal(size=x[tested].shape) * 4
    after = trained_on(capsys, tmp_path / "after", x, y, splits, *more)
    same = {name: before[name] == after[name] for name in before if name.endswith("safetensors")}
    assert same == {
        "fold_0/model.safetensors": False,
        "fold_1/model.safetensors": True,
        "fold_2/model.safetensors": False,
    }


# --- ends from outside ----------------------------------------------------------------------------------------------

_CHILD = "from sequoia_model.cli.app import main; main()"


def started(*words):
    return start(_CHILD, *words, env=os.environ | {"OMP_NUM_THREADS": "1"}, cwd=Path(__file__).parents[2])


def wait_for(path: Path, process, seconds: float = 120) -> None:
    """Wait until a file is there."""
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end and process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.mark.parametrize("fold", [0, 2])
def test_a_run_that_was_killed_goes_on_to_the_same_bytes(tmp_path, made, fold):
    more = ["--epochs", 60, "--lr", 0.01, "--checkpoint-seconds", 0]
    whole, killed = folder(tmp_path, "whole"), folder(tmp_path, "killed")
    assert finished(started(*arguments(made, whole, *more))).code == 0
    process = started(*arguments(made, killed, *more))
    wait_for(killed / ".runs" / f"fold_{fold}.checkpoint" / "state.safetensors", process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (killed / "predictions.h5ad").exists()
    answer = finished(started(*arguments(made, killed, *more, "--json")))
    assert answer.code == 0, answer.err
    assert [run["computed"] for run in answer.json["folds"]] == [k >= fold for k in range(3)]
    assert networks(whole) == networks(killed)
    assert predictions(whole) == predictions(killed)


def test_ctrl_c_twice_leaves_a_run_that_goes_on(tmp_path, made):
    more = ["--epochs", 100, "--lr", 0.01, "--checkpoint-seconds", 0]
    process = started(*arguments(made, tmp_path / "run", *more))
    wait_for(tmp_path / "run" / ".runs" / "fold_1.checkpoint" / "state.safetensors", process)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    answer = finished(process)
    assert answer.code == 130 and "Traceback" not in answer.err
    answer = finished(started(*arguments(made, tmp_path / "run", *more, "--json")))
    assert answer.code == 0, answer.err
    assert answer.json["folds"][0]["computed"] is False


def test_two_processes_share_a_folder(tmp_path, made):
    both = [started(*arguments(made, tmp_path / "run", "--epochs", 20, "--json")) for _ in range(2)]
    answers = [finished(process) for process in both]
    assert [answer.code for answer in answers] == [0, 0], answers
    done = [[run["computed"] for run in answer.json["folds"]] for answer in answers]
    assert [sum(pair) for pair in zip(*done, strict=True)] == [1, 1, 1]
    alone = finished(started(*arguments(made, tmp_path / "alone", "--epochs", 20)))
    assert alone.code == 0
    assert networks(tmp_path / "run") == networks(tmp_path / "alone")


# --- splits ---------------------------------------------------------------------------------------------------------


def test_sites_of_a_column_stay_together(capsys, tmp_path, made):
    answer = sequoia_model(capsys, *arguments(made, tmp_path / "run", "--site", "site", "--val", 0.2))
    assert answer.code == 0, answer.err
    splits = read_splits(tmp_path / "run" / "splits.csv")
    site = pd.read_csv(made.patients).set_index("patient_id")["site"]
    assert splits.roles.groupby(site.reindex(splits.roles.index).to_numpy()).nunique().eq(1).all(axis=None)


def test_folds_counted_from_one_are_said_to_be_and_one_column_trains_without_validation(
    capsys, tmp_path, made
):
    rows = [f"P{i:02},{i % 2 + 1}" for i in range(20)]
    (tmp_path / "from1.csv").write_text("\n".join(["patient_id,Fold", *rows]) + "\n")
    words = [
        "train",
        made.features,
        "--measured",
        made.measured,
        "--patients",
        made.patients,
        "-o",
        tmp_path / "run",
    ]
    words += ["--splits", tmp_path / "from1.csv", "--architecture", "tile_mlp", "--epochs", 2]
    refused = sequoia_model(capsys, *words)
    assert refused.code == 2 and "--val 0 " in refused.err and "--val 0.2" not in refused.err
    refused = sequoia_model(capsys, *words, "--val", 0, "--fold", 2)
    assert refused.code == 2 and "there is no fold 2" in refused.err and "counts folds from 1" in refused.err
    answer = sequoia_model(capsys, *words, "--val", 0)
    assert answer.code == 0 and "the file counts folds from 1: its fold 1 is fold 0 here" in answer.err
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert [warning for warning in run["warnings"] if warning.startswith("from1: the file has one fold")]


def test_splits_of_slides_are_read_with_the_patients_of_the_training_set(capsys, tmp_path, made):
    names = [f"S{i:02}" for i in range(20)]
    table = pd.DataFrame({"train": names[:12], "val": names[12:16] + [""] * 8, "test": names[16:] + [""] * 8})
    (tmp_path / "clam").mkdir()
    table.to_csv(tmp_path / "clam" / "splits_0.csv")
    words = [
        "train",
        made.features,
        "--measured",
        made.measured,
        "--patients",
        made.patients,
        "-o",
        tmp_path / "run",
    ]
    answer = sequoia_model(
        capsys, *words, "--splits", tmp_path / "clam", "--architecture", "tile_mlp", "--epochs", 2, "--json"
    )
    assert answer.code == 0, answer.err
    assert [(run["n_train"], run["n_val"], run["n_test"]) for run in answer.json["folds"]] == [(12, 4, 4)]


def test_splits_of_a_run_folder_are_those_of_the_run(capsys, tmp_path, made):
    sequoia_model(capsys, *arguments(made, tmp_path / "first"))
    words = [*arguments(made, tmp_path / "run")[:8], *FAST[:4], "--splits", tmp_path / "first"]
    assert sequoia_model(capsys, *words).code == 0
    first, second = ((tmp_path / name / "splits.csv").read_text() for name in ("first", "run"))
    assert first == second


def test_a_sample_of_the_training_patients_is_used(capsys, tmp_path, made):
    answer = sequoia_model(capsys, *arguments(made, tmp_path / "run", "--sample-percent", 40, "--json"))
    assert answer.code == 0, answer.err
    sizes = [(run["n_train"], run["n_test"]) for run in answer.json["folds"]]
    assert sizes == [(4, 7), (4, 7), (5, 6)]


# --- training again -------------------------------------------------------------------------------------------------


def test_force_trains_one_fold_again_and_leaves_the_others(capsys, tmp_path, made):
    sequoia_model(capsys, *arguments(made, tmp_path / "run"))
    before = networks(tmp_path / "run")
    answer = sequoia_model(capsys, *arguments(made, tmp_path / "run", "--fold", 1, "--force", "--json"))
    assert answer.code == 0, answer.err
    assert [run["computed"] for run in answer.json["folds"]] == [True] and answer.json["missing"] == []
    assert networks(tmp_path / "run") == before


def test_force_with_other_settings_removes_what_the_run_made_and_nothing_else(capsys, tmp_path, made):
    sequoia_model(capsys, *arguments(made, tmp_path / "run"))
    for name in ("fold_change", "fold_2"):
        (tmp_path / "run" / name).mkdir(exist_ok=True)
        (tmp_path / "run" / name / "mine.txt").write_text("mine")
    answer = sequoia_model(capsys, *arguments(made, tmp_path / "run", "--force", "--seed", 4, "--fold", 0))
    assert answer.code == 0, answer.err
    assert sorted(networks(tmp_path / "run")) == [
        "fold_0/config.json", "fold_0/model.safetensors", "fold_2/mine.txt", "fold_change/mine.txt"
    ]  # fmt: skip
    assert not (tmp_path / "run" / "predictions.h5ad").exists()


def test_force_with_fewer_folds_leaves_no_trace_of_the_others(capsys, tmp_path, made):
    sequoia_model(capsys, *arguments(made, tmp_path / "run"))
    answer = sequoia_model(capsys, *arguments(made, tmp_path / "run", "--force", "--folds", 2, "--val", 0.2))
    assert answer.code == 0, answer.err
    assert list(pd.read_csv(tmp_path / "run" / "runs.csv")["fold"]) == ["fold_0", "fold_1"]
    assert not list((tmp_path / "run" / ".runs").glob("fold_2*results*"))


def test_damaged_predictions_of_a_fold_are_told_with_the_way_out(capsys, tmp_path, made):
    sequoia_model(capsys, *arguments(made, tmp_path / "run"))
    damaged = tmp_path / "run" / ".runs" / "fold_1.results.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:100])
    answer = sequoia_model(capsys, *arguments(made, tmp_path / "run"))
    assert answer.code == 2 and "--fold K --force" in answer.err and "fold_1" in answer.err
    assert sequoia_model(capsys, *arguments(made, tmp_path / "run", "--fold", 1, "--force")).code == 0


def test_force_does_not_take_a_folder_of_other_files(capsys, tmp_path, made):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("mine")
    answer = sequoia_model(capsys, *arguments(made, tmp_path / "run", "--force"))
    assert answer.code == 2 and "the folder holds mine.txt, but no run.json" in answer.err


def test_a_hidden_file_does_not_stop_a_run(capsys, tmp_path, made):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".DS_Store").write_text("")
    assert sequoia_model(capsys, *arguments(made, tmp_path / "run")).code == 0


def test_force_begins_anew_where_a_run_was_interrupted(tmp_path, made):
    more = ["--epochs", 100, "--lr", 0.01, "--checkpoint-seconds", 0]
    process = started(*arguments(made, tmp_path / "run", *more))
    wait_for(tmp_path / "run" / ".runs" / "fold_0.checkpoint" / "state.safetensors", process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    answer = finished(started(*arguments(made, tmp_path / "run", *more, "--force", "--json")))
    assert answer.code == 0, answer.err
    assert [run["resumed_at"] for run in answer.json["folds"]] == [None] * 3


def test_the_log_of_folds_that_are_done_is_there_before_the_others(capsys, tmp_path, made):
    sequoia_model(capsys, *arguments(made, tmp_path / "run", "--fold", 2))
    assert set(pd.read_csv(tmp_path / "run" / "log.csv")["fold"]) == {2}


# --- weights to start from ------------------------------------------------------------------------------------------


def test_networks_start_from_other_genes_and_learn_from_there(capsys, tmp_path, made):
    pretrained = write_training_set(tmp_path / "gtex", n=12, letter="G", seed=3, genes=4)
    first = sequoia_model(
        capsys, "train", pretrained.features, "--measured", pretrained.measured, "-o", tmp_path / "first", *FAST,
        "--patients", pretrained.patients, "--val", 0.25,
    )  # fmt: skip
    assert first.code == 0, first.err
    words = [word for word in arguments(made, tmp_path / "run") if word not in FAST[:2]]
    words += ["--init", tmp_path / "first" / "fold_1", "--freeze", "conv0", "--recipe", "strict"]
    answer = sequoia_model(capsys, *words)
    assert answer.code == 0, answer.err
    old, new = load_weights(tmp_path / "first").networks[1], load_weights(tmp_path / "run").networks
    for network in new:
        assert network.num_outputs == 6
        np.testing.assert_array_equal(network.conv0.weight.detach(), old.conv0.weight.detach())
        assert (network.conv1.weight.detach() != old.conv1.weight.detach()).any()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--splits", "HERE/other.csv"], "whom the network that it starts from has seen"),
        (["--encoder", "uni"], "take features of lite0, but"),
        (["--freeze", "transformer"], "the network has no transformer that could be frozen"),
        (["--folds", 5], "have the folds 0, 1, 2, but 5 are trained"),
        (
            ["--size", "small"],
            "have the architecture and sizes of the weights that they start from: tile_mlp",
        ),
        (["--architecture", "tile_transformer"], "leave out --architecture and --size"),
    ],
)
def test_weights_that_must_not_be_the_start_are_refused(capsys, tmp_path, made, options, words):
    assert sequoia_model(capsys, *arguments(made, tmp_path / "first")).code == 0
    draw(list(made.y.index), n_folds=3, seed=9).save(tmp_path / "other.csv")
    built = ["train", made.features, "--measured", made.measured, "--patients", made.patients]
    built += ["-o", tmp_path / "run", "--epochs", 2, "--init", tmp_path / "first"]
    if "--splits" not in options and "--folds" not in options:
        built += ["--splits", tmp_path / "first" / "splits.csv"]
    if "--encoder" in options:
        for i, means in enumerate(made.x):
            write_bag(made.features, f"S{i:02}", means, encoder="uni")
    answer = sequoia_model(capsys, *built, *[str(word).replace("HERE", str(tmp_path)) for word in options])
    assert answer.code == 2, answer
    assert words in answer.err and not (tmp_path / "run").exists()


def test_weights_that_do_not_say_whom_they_saw_are_taken_with_a_warning(capsys, tmp_path, made):
    assert sequoia_model(capsys, *arguments(made, tmp_path / "first")).code == 0
    shutil.copytree(tmp_path / "first" / "fold_0", tmp_path / "alone")
    answer = sequoia_model(capsys, *arguments(made, tmp_path / "run", "--init", tmp_path / "alone"))
    assert answer.code == 0, answer.err
    assert "do not say on whom they were trained" in answer.err
    assert "predict not stated, and the unit of the expression is log2(FPKM-UQ+1)" in answer.err


def test_networks_remember_whom_the_weights_they_started_from_had_seen(capsys, tmp_path, made):
    assert sequoia_model(capsys, *arguments(made, tmp_path / "first")).code == 0
    other = write_training_set(tmp_path / "other", n=20, letter="Q", seed=5)
    words = [
        *arguments(other, tmp_path / "second")[:8],
        "--epochs",
        2,
        "--folds",
        3,
        "--init",
        tmp_path / "first",
    ]
    answer = sequoia_model(capsys, *words)
    assert answer.code == 0, answer.err
    assert load_weights(tmp_path / "second").seen == set(made.y.index)
    answer = sequoia_model(
        capsys, "predict", made.features, "--weights", tmp_path / "second", "--patients", made.patients, "-o",
        tmp_path / "p.h5ad",
    )  # fmt: skip
    assert "20 of 20 patients were used to train networks that predict here" in answer.err
    words = [
        *arguments(made, tmp_path / "third")[:8],
        "--epochs",
        2,
        "--folds",
        3,
        "--init",
        tmp_path / "second",
    ]
    answer = sequoia_model(capsys, *words)
    assert answer.code == 2 and "whom the network that it starts from has seen" in answer.err


def test_others_with_the_names_of_patients_who_were_seen_are_taken_with_a_warning(capsys, tmp_path, made):
    assert sequoia_model(capsys, *arguments(made, tmp_path / "first")).code == 0
    root = tmp_path / "other"
    for i, means in enumerate(make_slides(20, seed=5)[0]):
        write_bag(root / "features", f"T{i:02}", means)
    table = pd.DataFrame({"slide": [f"T{i:02}" for i in range(20)], "patient_id": list(made.y.index)})
    table.to_csv(root / "patients.csv", index=False)
    answer = sequoia_model(
        capsys, "train", root / "features", "--measured", made.measured, "--patients", root / "patients.csv", "-o",
        tmp_path / "run", "--epochs", 2, "--folds", 3, "--seed", 3, "--init", tmp_path / "first",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    assert "patients have the names of patients on whom the weights to start from were trained" in answer.err


def test_weights_of_another_unit_are_refused_as_a_start(capsys, tmp_path, made):
    assert sequoia_model(capsys, *arguments(made, tmp_path / "first")).code == 0
    write_measured(made.measured, made.y.to_numpy(), list(made.y.index), units="log2(TPM+1)")
    answer = sequoia_model(capsys, *arguments(made, tmp_path / "run", "--init", tmp_path / "first"))
    assert answer.code == 2
    assert "predict log2(FPKM-UQ+1), but the expression is in log2(TPM+1)" in answer.err


class Writer:
    """Stands for TensorBoard's writer: keeps what it is told."""

    told: ClassVar[dict[str, list]] = {}

    def __init__(self, folder):
        self.rows = self.told.setdefault(Path(folder).name, [])

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def add_scalar(self, name, value, step):
        self.rows.append((name, step, value))


def test_tensorboard_is_told_every_epoch(capsys, monkeypatch, tmp_path, made):
    monkeypatch.setattr("sequoia_model.training.crossval.find_spec", lambda name: True)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", SimpleNamespace(SummaryWriter=Writer))
    assert sequoia_model(capsys, *arguments(made, tmp_path / "run", "--tensorboard")).code == 0
    log = pd.read_csv(tmp_path / "run" / "log.csv")
    told = [value for name, _, value in Writer.told["fold_1"] if name == "val_mse"]
    np.testing.assert_allclose(told, log.loc[log["fold"] == 1, "val_mse"])
