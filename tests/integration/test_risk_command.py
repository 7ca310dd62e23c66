"""`sequoia-model risk`: what a run folder holds, who goes on with it, and what a fold never sees."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from sequoia_base.outcomes import read_fold_scales, read_outcome_table, read_risk_table
from sequoia_model.risk.concordance import concordance
from sequoia_model.splits import draw, read_splits
from sequoia_model.weights.loading import load_weights
from tests.build.commands import finished, sequoia, sequoia_model
from tests.build.processes import start
from tests.build.risk import write_risk_set
from tests.build.training import write_bag, write_measured

pytestmark = pytest.mark.slow

FILES = [
    "baselines.csv", "genes.csv", "log.csv", "risk.csv", "risk.folds.csv", "run.json", "runs.csv", "sequoia.json",
    "slides.csv", "splits.csv", "stamp", "summary.md",
]  # fmt: skip
FAST = ["--architecture", "tile_mlp", "--epochs", 3, "--repeats", 2]
DRAWN = ["--folds", 3, "--val", 0.2]


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
    return write_risk_set(tmp_path)


def arguments(made, output, *more, drawn=DRAWN):
    """The command on a made set."""
    words = ["risk", made.features, "--outcome", made.outcome, "--patients", made.patients, "-o", output]
    return [*words, *FAST, *drawn, *more]


def contents(output) -> dict[str, bytes]:
    """Every byte of the networks, and of all that is told about patients."""
    files = [*output.glob("fold_*/*"), *output.glob("*risk*.csv"), output / "baselines.csv"]
    return {str(f.relative_to(output)): f.read_bytes() for f in sorted(files)}


def test_a_run_folder_holds_risks_their_scale_networks_log_and_summary(capsys, tmp_path, made):
    answer = sequoia_model(capsys, *arguments(made, tmp_path / "run", "--untrained", 2, "--json"))
    assert answer.code == 0, answer.err
    run = tmp_path / "run"
    names = sorted(item.name for item in run.iterdir() if not item.name.startswith("."))
    assert names == sorted([*FILES, "fold_0", "fold_1", "fold_2"])
    assert (run / "risk.csv").read_text().startswith("patient_id,risk_score,fold,time,event\n")
    risks, outcome = read_risk_table(run / "risk.csv"), read_outcome_table(made.outcome)
    assert sorted(risks.index) == sorted(outcome.index)
    pd.testing.assert_frame_equal(risks[["time", "event"]], outcome.loc[risks.index], check_names=False)
    splits = read_splits(run / "splits.csv")
    assert all(splits.test_fold(patient) == fold for patient, fold in risks["fold"].items())
    log = pd.read_csv(run / "log.csv")
    assert list(log.columns)[:3] == ["fold", "repeat", "epoch"] and len(log) == 3 * 2 * 3
    assert {"val_c", "test_c", "val_loss", "saved"} <= set(log.columns)
    assert list(pd.read_csv(run / "baselines.csv")) == [
        "patient_id", "fold", "untrained", "untrained_1", "ridge_cox"
    ]  # fmt: skip
    record = json.loads((run / "run.json").read_text())
    assert record["finished"] and record["schema"] == "sequoia-risk-1" and len(record["folds"]) == 3
    assert answer.json["missing"] == [] and answer.json["n_patients"] == 30
    assert "## Audit of the splits" in (run / "summary.md").read_text()


def test_the_scale_of_a_fold_is_that_of_its_training_patients_by_its_network(capsys, tmp_path, made):
    from sequoia_model.risk.data import load_risk_data
    from sequoia_model.risk.fit import RiskPart, predict_risk

    assert sequoia_model(capsys, *arguments(made, tmp_path / "run")).code == 0
    data = load_risk_data(made.features, made.outcome, patients=made.patients)
    network = load_weights(tmp_path / "run").networks[1]
    risk = predict_risk(network, RiskPart(data.means, data.slides_of, data.time, data.event))
    by_name = pd.Series(risk, data.names)
    trained = by_name[read_splits(tmp_path / "run" / "splits.csv").patients(1, "train")]
    scale = read_fold_scales(tmp_path / "run" / "risk.folds.csv").loc[1]
    assert scale["n_train"] == len(trained)
    np.testing.assert_allclose(scale["mean"], trained.mean(), rtol=1e-6)
    np.testing.assert_allclose(scale["sd"], trained.std(), rtol=1e-5)
    np.testing.assert_allclose(scale["cutoff"], trained.median(), rtol=1e-5)
    tested = read_risk_table(tmp_path / "run" / "risk.csv").query("fold == 1")["risk_score"]
    np.testing.assert_allclose(tested, by_name[tested.index], rtol=1e-5)


def test_the_log_ends_with_the_c_of_the_risks_that_are_written(capsys, tmp_path, made):
    assert sequoia_model(capsys, *arguments(made, tmp_path / "run", "--recipe", "paper")).code == 0
    log = pd.read_csv(tmp_path / "run" / "log.csv").query("repeat == 0 and epoch == 2").set_index("fold")
    risks = read_risk_table(tmp_path / "run" / "risk.csv")
    for fold, some in risks.groupby("fold"):
        c = concordance(some["time"], some["event"], some["risk_score"])
        assert log["test_c"][fold] == pytest.approx(c)


def test_a_planted_risk_is_found_and_an_untrained_network_does_not_know_it(capsys, tmp_path):
    made = write_risk_set(tmp_path, n=90, beta=2.0, events=0.8)
    words = arguments(made, tmp_path / "run", "--json", "--epochs", 15, "--batch-size", 16)
    answer = sequoia_model(capsys, *words)
    assert answer.code == 0, answer.err
    c = {row["method"]: row["c_index"] for row in answer.json["summary"]["methods"]}
    assert c["network"] > 0.75 and c["ridge_cox"] > 0.75 and abs(c["untrained"] - 0.5) < 0.35


def test_stamp_reads_a_file_per_fold_with_time_status_and_both_names_of_the_risk(capsys, tmp_path, made):
    assert sequoia_model(capsys, *arguments(made, tmp_path / "run")).code == 0
    files = sorted((tmp_path / "run" / "stamp").rglob("*.csv"))
    assert [file.parent.name for file in files] == ["split-0", "split-1", "split-2"]
    tables = [pd.read_csv(file, float_precision="round_trip") for file in files]
    assert all(list(table) == ["PATIENT", "time", "event", "pred_score", "pred_risk"] for table in tables)
    whole = pd.concat(tables).set_index("PATIENT")
    risks = read_risk_table(tmp_path / "run" / "risk.csv")
    assert whole["event"].isin([0, 1]).all()
    np.testing.assert_array_equal(whole["pred_score"], risks.loc[whole.index, "risk_score"])
    np.testing.assert_array_equal(whole["pred_risk"], whole["pred_score"])


def test_the_statistics_count_the_same_c_within_folds(capsys, tmp_path, made):
    done = sequoia_model(capsys, *arguments(made, tmp_path / "run", "--json"))
    answer = sequoia(
        capsys, "risk", "compare", tmp_path / "run" / "risk.csv", "--outcome", made.outcome, "-o",
        tmp_path / "compared", "--bootstrap", 20,
    )  # fmt: skip
    assert answer.code == 0, answer.err
    compared = pd.read_csv(tmp_path / "compared" / "comparison.csv")
    assert compared.loc[0, "c_index"] == pytest.approx(done.json["summary"]["methods"][0]["c_index"])


def test_the_same_command_again_trains_nothing(capsys, tmp_path, made):
    sequoia_model(capsys, *arguments(made, tmp_path / "run"))
    before = contents(tmp_path / "run")
    answer = sequoia_model(capsys, *arguments(made, tmp_path / "run", "--json"))
    assert answer.code == 0 and [fold["computed"] for fold in answer.json["folds"]] == [False] * 3
    assert contents(tmp_path / "run") == before


def test_folds_one_by_one_and_several_jobs_give_the_same_bytes(capsys, tmp_path, made):
    whole, parts, jobs = (tmp_path / name for name in ("whole", "parts", "jobs"))
    sequoia_model(capsys, *arguments(made, whole))
    answers = [sequoia_model(capsys, *arguments(made, parts, "--fold", k, "--json")) for k in (2, 0, 1)]
    assert [answer.json["missing"] for answer in answers] == [[0, 1], [1], []]
    assert sequoia_model(capsys, *arguments(made, jobs, "--jobs", 2)).code == 0
    assert contents(whole) == contents(parts) == contents(jobs)


def test_more_repeats_do_not_change_the_network_that_counts(capsys, tmp_path, made):
    sequoia_model(capsys, *arguments(made, tmp_path / "two"))
    sequoia_model(capsys, *arguments(made, tmp_path / "one", "--repeats", 1))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    log = pd.read_csv(tmp_path / "two" / "log.csv").set_index(["fold", "epoch", "repeat"])["train_loss"]
    assert (log.unstack()[0] != log.unstack()[1]).all()


@pytest.mark.parametrize("changed", ["outcome", "features"])
def test_a_fold_does_not_depend_on_its_test_part(capsys, tmp_path, changed):
    made = write_risk_set(tmp_path / "a", dim=140, several=0, beta=2.0, events=0.8)
    splits = draw([f"P{i:02}" for i in range(30)], n_folds=3, val=0.2, seed=2)
    splits.save(tmp_path / "splits.csv")
    more = ["--splits", tmp_path / "splits.csv", "--architecture", "summary_transformer", "--size", "small"]
    more += ["--repeats", 1, "--batch-size", 10, "--epochs", 4]
    runs = []
    for name in ("before", "after"):
        answer = sequoia_model(capsys, *arguments(made, tmp_path / name, *more, drawn=()))
        assert answer.code == 0, answer.err
        runs.append(contents(tmp_path / name))
        change_patients(made, splits.patients(1, "test"), changed)
    names = [f"fold_{fold}/model.safetensors" for fold in range(3)]
    assert [runs[0][name] == runs[1][name] for name in names] == [False, True, False]


def change_patients(made, patients, what) -> None:
    """Turn the order of some patients' times round, or give them other features."""
    if what == "outcome":
        table = pd.read_csv(made.outcome, index_col="patient_id")
        table.loc[patients, "time"] = table["time"].max() + 1 - table.loc[patients, "time"]
        table.to_csv(made.outcome)
        return
    drawn = np.random.default_rng(5)
    for patient in patients:
        write_bag(made.features, f"S{patient[1:]}", 4 * drawn.normal(size=(100, 140)).astype(np.float32))


def test_only_patients_of_the_splits_are_counted(capsys, tmp_path, made):
    some = [f"P{i:02}" for i in range(2, 26)]  # P00 and P01 have two slides each, P02 as well
    draw(some, n_folds=3, val=0.2).save(tmp_path / "splits.csv")
    words = arguments(made, tmp_path / "run", "--splits", tmp_path / "splits.csv", "--json", drawn=())
    answer = sequoia_model(capsys, *words)
    assert answer.code == 0, answer.err
    events = int(read_outcome_table(made.outcome).loc[some, "event"].sum())
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    for told in (answer.json, record):
        assert (told["n_slides"], told["n_patients"], told["n_events"]) == (25, 24, events)


def test_the_recipe_of_the_paper_needs_no_events_in_a_validation_part(capsys, tmp_path, made):
    splits = draw([f"P{i:02}" for i in range(30)], n_folds=3, val=0.2)
    splits.save(tmp_path / "splits.csv")
    table = pd.read_csv(made.outcome, index_col="patient_id").assign(event=1)
    table.loc[splits.patients(1, "val"), "event"] = 0
    table.to_csv(made.outcome)
    words = arguments(made, tmp_path / "run", "--splits", tmp_path / "splits.csv", "--repeats", 1, drawn=())
    answer = sequoia_model(capsys, *words, "--recipe", "paper")
    assert answer.code == 0, answer.err
    assert sequoia_model(capsys, *words, "--recipe", "strict", "--force").code == 2


def test_folds_are_drawn_with_the_events_spread_evenly(capsys, tmp_path, made):
    answer = sequoia_model(capsys, *arguments(made, tmp_path / "run", "--json"))
    events = [fold["n_events"] for fold in answer.json["summary"]["folds"]]
    assert max(events) - min(events) <= 1


def test_the_splits_of_a_run_of_train_are_taken_over(capsys, tmp_path, made):
    drawn = np.random.default_rng(0).normal(size=(30, 4)) + 6
    measured = write_measured(tmp_path / "measured.h5ad", drawn, list(made.risk.index))
    trained = sequoia_model(
        capsys, "train", made.features, "--measured", measured, "--patients", made.patients, "-o",
        tmp_path / "genes", *DRAWN, "--architecture", "tile_mlp", "--epochs", 1,
    )  # fmt: skip
    assert trained.code == 0, trained.err
    answer = sequoia_model(
        capsys, *arguments(made, tmp_path / "run", "--splits", tmp_path / "genes", drawn=())
    )
    assert answer.code == 0, answer.err
    one, other = ((tmp_path / name / "splits.csv").read_text() for name in ("genes", "run"))
    assert one == other


@pytest.mark.parametrize("fusion", ["late", "early"])
def test_a_small_transformer_learns_risk_from_principal_components(capsys, tmp_path, fusion):
    made = write_risk_set(tmp_path, dim=140)
    more = ["--architecture", "summary_transformer", "--size", "small", "--fusion", fusion, "--repeats", 1]
    answer = sequoia_model(capsys, *arguments(made, tmp_path / "run", *more))
    assert answer.code == 0, answer.err
    weights = load_weights(tmp_path / "run")
    assert weights.input_dim == 140 and weights.n_genes == 1


def test_without_validation_the_last_of_exactly_these_epochs_counts(capsys, tmp_path, made):
    answer = sequoia_model(
        capsys, *arguments(made, tmp_path / "run", "--json", drawn=["--folds", 3, "--val", 0])
    )
    assert answer.code == 0, answer.err
    assert [(fold["n_val"], fold["epochs"], fold["kept_epoch"]) for fold in answer.json["folds"]] == [
        (0, 3, 2)
    ] * 3


def test_other_settings_are_refused_with_the_difference_and_force_replaces_them(capsys, tmp_path, made):
    assert sequoia_model(capsys, *arguments(made, tmp_path / "run")).code == 0
    before = contents(tmp_path / "run")
    answer = sequoia_model(capsys, *arguments(made, tmp_path / "run", "--ties", "breslow"))
    assert answer.code == 2 and "ties is efron, not breslow" in answer.err
    assert contents(tmp_path / "run") == before
    forced = sequoia_model(capsys, *arguments(made, tmp_path / "run", "--seed", 4, "--force", "--fold", 0))
    assert forced.code == 0, forced.err
    assert not (tmp_path / "run" / "risk.csv").exists() and not (tmp_path / "run" / "stamp").exists()


def test_a_folder_of_train_is_refused(capsys, tmp_path, made):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text('{"schema": "sequoia-run-1"}')
    answer = sequoia_model(capsys, *arguments(made, tmp_path / "run"))
    assert answer.code == 2, answer.err
    assert "no run of sequoia-model risk, but one of sequoia-model train" in answer.err
    assert "give another folder" in answer.err and "remove" not in answer.err
    answer = sequoia_model(
        capsys, "risk", made.features, "--weights", tmp_path / "run", "-o", tmp_path / "s.csv"
    )
    assert answer.code == 2 and "but one of sequoia-model train" in answer.err and "remove" not in answer.err


# --- other patients -------------------------------------------------------------------------------------------------


def test_predict_refuses_networks_of_risk(capsys, tmp_path, made):
    assert sequoia_model(capsys, *arguments(made, tmp_path / "run")).code == 0
    answer = sequoia_model(
        capsys, "predict", made.features, "--weights", tmp_path / "run", "-o", tmp_path / "genes.h5ad"
    )
    assert answer.code == 2 and "predict the risk of a patient, and no genes" in answer.err
    assert not (tmp_path / "genes.h5ad").exists()


def scored(capsys, made, run, output, *more):
    """Patients scored by a run, and the answer of the command."""
    words = ["risk", made.features, "--weights", run, "--patients", made.patients, "-o", output, *more]
    answer = sequoia_model(capsys, *words)
    assert answer.code == 0, answer.err
    return read_risk_table(output), answer


def test_patients_of_the_run_are_scored_by_the_fold_that_held_them_out(capsys, tmp_path, made):
    assert sequoia_model(capsys, *arguments(made, tmp_path / "run")).code == 0
    scores, answer = scored(capsys, made, tmp_path / "run", tmp_path / "scores.csv", "--json")
    risks = read_risk_table(tmp_path / "run" / "risk.csv")
    scale = read_fold_scales(tmp_path / "run" / "risk.folds.csv").loc[risks["fold"].astype(int)]
    wanted = (risks["risk_score"] - scale["mean"].to_numpy()) / scale["sd"].to_numpy()
    np.testing.assert_allclose(scores.loc[risks.index, "risk_score"], wanted, atol=1e-4)
    assert (scores.loc[risks.index, "fold"] == risks["fold"]).all()
    assert answer.json["n_held_out"] == 30 and answer.json["n_slides"] == 33
    assert answer.json["warnings"] == []


def test_scores_in_folds_are_compared_as_the_risks_of_the_run(capsys, tmp_path, made):
    assert sequoia_model(capsys, *arguments(made, tmp_path / "run")).code == 0
    scored(capsys, made, tmp_path / "run", tmp_path / "scores.csv")
    answer = sequoia(
        capsys, "risk", "compare", tmp_path / "scores.csv", tmp_path / "run" / "risk.csv", "--outcome", made.outcome,
        "-o", tmp_path / "compared", "--bootstrap", 20,
    )  # fmt: skip
    assert answer.code == 0, answer.err
    again, first = (
        pd.read_csv(tmp_path / "compared" / "comparison.csv").set_index("score").iloc[:2].to_numpy()
    )
    np.testing.assert_allclose(again, first, rtol=1e-3)


def test_scores_without_folds_leave_no_scale_of_other_scores_beside_them(capsys, tmp_path, made):
    assert sequoia_model(capsys, *arguments(made, tmp_path / "run", "--repeats", 1)).code == 0
    scored(capsys, made, tmp_path / "run", tmp_path / "scores.csv")
    assert (tmp_path / "scores.folds.csv").exists()
    new = write_risk_set(tmp_path / "new", n=8, seed=4)
    table = pd.read_csv(new.patients)
    for file in new.features.glob("*.h5"):
        file.rename(file.with_name(f"N{file.name}"))
    table.assign(slide="N" + table["slide"], patient_id="N" + table["patient_id"]).to_csv(
        new.patients, index=False
    )
    scored(capsys, new, tmp_path / "run", tmp_path / "scores.csv", "--force")
    assert not (tmp_path / "scores.folds.csv").exists()


@pytest.mark.parametrize("name", ["risk.csv", "risk.folds.csv", "sequoia.json", "new.csv", "."])
def test_scores_never_go_into_the_run_folder_that_is_read(capsys, tmp_path, made, name):
    assert sequoia_model(capsys, *arguments(made, tmp_path / "run", "--repeats", 1, "--epochs", 1)).code == 0
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    words = ["risk", made.features, "--weights", tmp_path / "run", "--patients", made.patients, "--force"]
    answer = sequoia_model(capsys, *words, "-o", tmp_path / "run" / name)
    assert answer.code == 2 and "lies in the run folder" in answer.err
    assert before == {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}


def test_a_patient_whom_no_fold_holds_out_is_not_offered_an_option_that_does_not_exist(
    capsys, tmp_path, made
):
    made_splits = draw([f"P{i:02}" for i in range(30)], n_folds=3, val=0.2)
    table = made_splits.roles.copy()
    table.loc["P00"] = "train"
    table.rename_axis("patient_id").reset_index().to_csv(tmp_path / "splits.csv", index=False)
    words = arguments(made, tmp_path / "run", "--splits", tmp_path / "splits.csv", "--repeats", 1, drawn=())
    assert sequoia_model(capsys, *words).code == 0
    answer = sequoia_model(
        capsys, "risk", made.features, "--weights", tmp_path / "run", "--patients", made.patients, "-o",
        tmp_path / "scores.csv",
    )  # fmt: skip
    assert answer.code == 3 and "P00 is held out by no fold" in answer.err
    assert "leave out the slide" in answer.err and "--ensemble" not in answer.err


@pytest.mark.parametrize("fusion", ["late", "early"])
def test_a_new_patient_gets_the_mean_over_folds_in_sds_of_their_training_patients(
    capsys, tmp_path, made, fusion
):
    from sequoia_model.risk.data import load_risk_data
    from sequoia_model.risk.fit import RiskPart, predict_risk

    assert sequoia_model(capsys, *arguments(made, tmp_path / "run", "--fusion", fusion)).code == 0
    other = write_risk_set(tmp_path / "other", n=8, seed=4)
    table = pd.read_csv(other.patients)
    for file in other.features.glob("*.h5"):
        file.rename(file.with_name(f"N{file.name}"))
    table.assign(slide="N" + table["slide"], patient_id="N" + table["patient_id"]).to_csv(
        other.patients, index=False
    )
    scores, _ = scored(capsys, other, tmp_path / "run", tmp_path / "scores.csv")
    outcome = pd.read_csv(other.outcome)
    outcome.assign(patient_id="N" + outcome["patient_id"], event=1).to_csv(other.outcome, index=False)
    data = load_risk_data(other.features, other.outcome, patients=other.patients)
    part = RiskPart(data.means, data.slides_of, data.time, data.event, fusion)
    scale = read_fold_scales(tmp_path / "run" / "risk.folds.csv")
    told = [predict_risk(network, part) for network in load_weights(tmp_path / "run").networks]
    in_sds = (np.stack(told, axis=1) - scale["mean"].to_numpy()) / scale["sd"].to_numpy()
    assert list(scores) == ["risk_score"] and scores.index.tolist() == data.names.tolist()
    np.testing.assert_allclose(scores["risk_score"], in_sds.mean(axis=1), rtol=1e-9)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--epochs", 3], "--epochs cannot be used with --weights"),
        (["--outcome", "HERE/outcome.csv"], "--outcome cannot be used with --weights"),
        (["--encoder", "uni"], "uni"),
    ],
)
def test_what_makes_no_sense_for_scoring_is_refused(capsys, tmp_path, made, more, words):
    assert sequoia_model(capsys, *arguments(made, tmp_path / "run", "--repeats", 1)).code == 0
    more = [str(word).replace("HERE", str(tmp_path)) for word in more]
    answer = sequoia_model(
        capsys, "risk", made.features, "--weights", tmp_path / "run", "-o", tmp_path / "scores.csv", *more
    )
    assert answer.code == 2 and words in answer.err and not (tmp_path / "scores.csv").exists()


def test_a_run_that_is_not_finished_scores_nobody(capsys, tmp_path, made):
    assert sequoia_model(capsys, *arguments(made, tmp_path / "run", "--fold", 0)).code == 0
    words = ["risk", made.features, "--weights", tmp_path / "run", "-o", tmp_path / "scores.csv"]
    answer = sequoia_model(capsys, *words)
    assert answer.code == 2 and "the run is not finished" in answer.err


# --- ends from outside ----------------------------------------------------------------------------------------------

_CHILD = "from sequoia_model.cli.app import main; main()"


def started(*words):
    return start(_CHILD, *words, env=os.environ | {"OMP_NUM_THREADS": "1"}, cwd=Path(__file__).parents[2])


def test_a_run_that_was_killed_in_a_later_repeat_goes_on_to_the_same_bytes(tmp_path, made):
    more = ["--epochs", 25, "--checkpoint-seconds", 0, "--recipe", "paper"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert finished(started(*arguments(made, whole, *more))).code == 0
    process = started(*arguments(made, killed, *more))
    there = killed / ".runs" / "fold_1.checkpoint" / "repeat_1" / "state.safetensors"
    end = time.monotonic() + 120
    while not there.exists():
        assert time.monotonic() < end and process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (killed / "risk.csv").exists()
    answer = finished(started(*arguments(made, killed, *more, "--json")))
    assert answer.code == 0, answer.err
    assert [run["computed"] for run in answer.json["folds"]] == [False, True, True]
    assert answer.json["folds"][1]["resumed_at"] is not None
    assert contents(whole) == contents(killed)
    assert not list((killed / ".runs").glob("*.checkpoint"))


def test_two_processes_share_a_folder(tmp_path, made):
    both = [started(*arguments(made, tmp_path / "run", "--epochs", 20, "--json")) for _ in range(2)]
    answers = [finished(process) for process in both]
    assert [answer.code for answer in answers] == [0, 0], answers
    done = [[run["computed"] for run in answer.json["folds"]] for answer in answers]
    assert [sum(pair) for pair in zip(*done, strict=True)] == [1, 1, 1]
