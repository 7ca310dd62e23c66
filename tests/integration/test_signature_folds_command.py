"""``signature fit --splits`` and ``signature score --signatures``: who is scored by what, and what is written."""

from __future__ import annotations

from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest

from sequoia_base.outcomes import read_fold_scales, read_risk_table, write_outcome_table
from sequoia_stats.io import read_cohort, write_cohort
from sequoia_stats.signature import FoldSignatures
from sequoia_stats.types.cohort import Cohort
from tests.build.cohorts import make_cohort, make_outcome, make_predictions
from tests.build.commands import (
    left_in,
    sequoia,
    sequoia_model,
    write_adata,
    write_made_cohort,
    write_signature,
)
from tests.build.folds import make_fold_signatures, make_splits
from tests.build.training import write_training_set

GENES = [{"G1": 0.8, "G2": -0.4}, {"G1": 1.0}, {"G2": -1.0}]
QUICK = ["--lambda", "0.1"]


@pytest.fixture
def files(tmp_path):
    """A cohort, its splits, and signatures of their folds made without a fit."""
    cohort = write_made_cohort(tmp_path / "c.h5ad", n=90)
    make_splits(list(cohort.patients)).save(tmp_path / "splits.csv")
    make_fold_signatures(cohort, GENES).save(tmp_path / "folds")
    return tmp_path


def score(files, *options, cohort="c.h5ad", out="scores.csv"):
    return [
        "signature",
        "score",
        "--signatures",
        files / "folds",
        files / cohort,
        *options,
        "-o",
        files / out,
    ]


def write_predictions(files, folds):
    """The expression of the cohort as if it were predicted, with the fold of each patient."""
    expression = read_cohort(files / "c.h5ad").expression
    return write_adata(files / "p.h5ad", expression, patient_id=list(expression.index), fold=folds)


@pytest.mark.needs_r
def test_a_signature_is_fitted_for_each_fold_and_scores_whom_it_has_not_seen(capsys, files):
    fit = [
        "signature",
        "fit",
        files / "c.h5ad",
        "--splits",
        files / "splits.csv",
        *QUICK,
        "-o",
        files / "new",
    ]
    answer = sequoia(capsys, *fit, "--json")
    assert answer.code == 0 and [row["n"] for row in answer.json["folds"]] == [60, 60, 60]
    assert left_in(files / "new") == ["fold_0.json", "fold_1.json", "fold_2.json", "splits.csv"]
    assert answer.err.endswith(f"written to {files / 'new'}\n")
    run = ["signature", "score", "--signatures", files / "new", files / "c.h5ad", "-o", files / "scores.csv"]
    assert sequoia(capsys, *run).code == 0
    expected = FoldSignatures.load(files / "new").risk_score(read_cohort(files / "c.h5ad"))
    written = read_risk_table(files / "scores.csv")
    np.testing.assert_array_equal(written["risk_score"], expected.frame["risk_score"])


@pytest.mark.needs_r
def test_a_folder_of_signatures_is_replaced_only_if_that_is_said(capsys, files):
    fit = [
        "signature",
        "fit",
        files / "c.h5ad",
        "--splits",
        files / "splits.csv",
        *QUICK,
        "-o",
        files / "folds",
    ]
    assert "already exists" in sequoia(capsys, *fit).err
    assert sequoia(capsys, *fit, "--force").code == 0
    (files / "folds" / "notes.txt").write_text("mine")
    refused = sequoia(capsys, *fit, "--force")
    assert refused.code == 2 and "notes.txt" in refused.err


def test_scores_and_their_scale_have_the_columns_of_the_contract(capsys, files):
    assert sequoia(capsys, *score(files)).code == 0
    assert (files / "scores.csv").read_text().startswith("patient_id,risk_score,group,fold\nP1,")
    assert (files / "scores.folds.csv").read_text().startswith("fold,n_train,mean,sd,cutoff\n0,60,")
    table, folds = read_risk_table(files / "scores.csv"), read_fold_scales(files / "scores.folds.csv")
    cutoffs = folds["cutoff"].loc[table["fold"]].to_numpy()
    assert ((table["risk_score"] > cutoffs) == (table["group"] == "high")).all()


def test_the_json_tells_the_scale_of_each_fold(capsys, files):
    content = sequoia(capsys, *score(files, "--json")).json
    assert (content["n"], content["n_in_no_fold"], len(content["folds"])) == (90, 0, 3)
    assert content["n_high"] + content["n_low"] == 90


def test_new_patients_are_scored_without_a_fold_or_a_scale_of_folds(capsys, files):
    make_cohort(n=40, genes=12, prefix="S").expression.rename_axis("id").to_csv(files / "new.csv")
    answer = sequoia(capsys, *score(files, cohort="new.csv"))
    assert answer.code == 0 and "nobody is in the splits" in answer.out
    assert (files / "scores.csv").read_text().startswith("patient_id,risk_score,group\n")
    assert not (files / "scores.folds.csv").exists()


def test_the_scale_of_earlier_scores_does_not_stay_beside_others(capsys, files):
    assert sequoia(capsys, *score(files)).code == 0
    write_signature(files / "s.json")
    one = ["signature", "score", files / "s.json", files / "c.h5ad", "-o", files / "scores.csv"]
    assert sequoia(capsys, *one).code == 2
    assert sequoia(capsys, *one, "--force").code == 0
    assert not (files / "scores.folds.csv").exists()


def test_scores_whose_names_differ_after_a_point_keep_a_scale_each(capsys, files):
    for name in ("scores.a.csv", "scores.b.csv"):
        assert sequoia(capsys, *score(files, out=name)).code == 0
    assert {"scores.a.folds.csv", "scores.b.folds.csv"} <= {path.name for path in files.iterdir()}
    assert not (files / "scores.folds.csv").exists()


def test_folds_of_predictions_that_agree_are_accepted(capsys, files):
    write_predictions(files, np.arange(90) % 3)
    assert sequoia(capsys, *score(files, cohort="p.h5ad")).code == 0


def test_one_signature_keeps_the_folds_of_predictions(capsys, files):
    folds = np.where(np.arange(90) < 80, np.arange(90) % 3, np.nan)
    write_signature(files / "s.json")
    run = ["signature", "score", files / "s.json", write_predictions(files, folds), "-o", files / "one.csv"]
    assert sequoia(capsys, *run).code == 0
    written = pd.read_csv(files / "one.csv")
    assert list(written) == ["patient_id", "risk_score", "group", "fold"]
    np.testing.assert_array_equal(written["fold"], folds)


def test_training_patients_are_scored_and_counted_if_that_is_asked_for(capsys, files):
    write_signature(files / "s.json", trained_on=["P1", "P2"])
    run = ["signature", "score", files / "s.json", files / "c.h5ad", "-o", files / "one.csv", "--json"]
    assert sequoia(capsys, *run).code == 2
    assert sequoia(capsys, *run, "--allow-overlap").json["n_overlap"] == 2


# --- the folds of networks -------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.needs_r
def test_networks_and_signatures_of_the_same_folds_meet_in_the_files_of_a_run(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = write_training_set(tmp_path, n=45, genes=6)
    run = [
        "train",
        made.features,
        "--measured",
        made.measured,
        "--patients",
        made.patients,
        "-o",
        tmp_path / "run",
    ]
    assert sequoia_model(capsys, *run, "--architecture", "tile_mlp", "--epochs", 2, "--folds", 3).code == 0
    outcome = make_outcome(45, 25, log_hazard=made.y["G0"].to_numpy())
    write_cohort(Cohort(made.y, outcome), tmp_path / "c.h5ad")
    predictions = tmp_path / "run" / "predictions.h5ad"
    fit = [
        "signature",
        "fit",
        tmp_path / "c.h5ad",
        "--splits",
        tmp_path / "run",
        *QUICK,
        "-o",
        tmp_path / "folds",
    ]
    assert sequoia(capsys, *fit).code == 0
    score = [
        "signature",
        "score",
        "--signatures",
        tmp_path / "folds",
        predictions,
        "-o",
        tmp_path / "scores.csv",
    ]
    assert sequoia(capsys, *score).code == 0
    written = read_risk_table(tmp_path / "scores.csv")
    folds = anndata.read_h5ad(predictions).obs.set_index("patient_id")["fold"]
    assert written["fold"].to_dict() == folds.astype(int).to_dict()


# --- predicted beside measured genes, and the outcome ----------------------------------------------------------------


@pytest.fixture
def predicted(files):
    """Predictions of the cohort with measured genes, and the outcome of its patients."""
    make_predictions(n=90, genes=12, folds=3, slides=2).adata.write_h5ad(files / "m.h5ad")
    outcome = read_cohort(files / "c.h5ad").outcome
    table = pd.DataFrame({"time": outcome.time, "event": outcome.event}, outcome.patients)
    write_outcome_table(table, files / "outcome.csv")
    return files


def test_genes_score_and_hazard_are_compared_with_measured_ones(capsys, predicted):
    run = score(predicted, "--outcome", predicted / "outcome.csv", cohort="m.h5ad")
    answer = sequoia(capsys, *run, "--json")
    assert answer.code == 0 and f"written to {predicted / 'scores.genes.csv'}" in answer.err
    found = answer.json["predicted"]
    assert (found["n_genes"], found["n"]) == (2, 90) and 0 < found["r2"] < 1
    assert [row["score"] for row in found["hazard_ratios"]] == ["predicted", "measured"]
    genes = pd.read_csv(predicted / "scores.genes.csv")
    assert list(genes) == ["gene", "coefficient", "share", "n_folds", "r", "p", "well_predicted"]


def test_the_comparison_is_printed(capsys, predicted):
    answer = sequoia(capsys, *score(predicted, cohort="m.h5ad"))
    assert "Predicted score: it explains" in answer.out and "Hazard ratio" not in answer.out


def test_the_outcome_gives_the_hazard_ratio_of_any_score(capsys, predicted):
    run = score(predicted, "--outcome", predicted / "outcome.csv", "--json")
    [row] = sequoia(capsys, *run).json["hazard_ratios"]
    assert (row["score"], row["n"], row["n_events"]) == ("risk score", 90, 40) and row["hr_per_sd"] > 1


def other_outcome(files):
    (files / "other.csv").write_text("patient_id,time,event\nQ1,3,1\nQ2,4,0\n")
    return score(files, "--outcome", files / "other.csv")


def other_folds(files):
    write_predictions(files, np.arange(90) % 3 + (np.arange(90) == 3))
    return score(files, cohort="p.h5ad")


def overlap(command):
    def build(files):
        write_signature(files / "s.json", trained_on=["P1", "P2"])
        return ["signature", command, files / "s.json", files / "c.h5ad", "-o", files / "out"]

    return build


def one_event(files):
    """Two events, of P1 and P2, of which fold 0 tests the first."""
    cohort = read_cohort(files / "c.h5ad")
    outcome = replace(cohort.outcome, event=np.arange(90) < 2)
    write_cohort(replace(cohort, outcome=outcome), files / "one.h5ad")
    return ["signature", "fit", files / "one.h5ad", "--splits", files / "splits.csv", "-o", files / "out"]


def no_splits(files):
    (files / "splits.csv").unlink()
    return ["signature", "fit", files / "c.h5ad", "--splits", files, "-o", files / "out"]


def no_gene(files):
    write_adata(files / "x.h5ad", read_cohort(files / "c.h5ad").expression.add_prefix("X"))
    return score(files, cohort="x.h5ad")


TABLE = {
    "folds of two files that differ": (other_folds, ["folds of two files differ: 1 of 90 patients", "P4 (1 and 0)"]),
    "an outcome of other patients": (other_outcome, ["none of the 90 patients has an outcome", "Q1", "other.csv"]),
    "a patient of the training": (overlap("score"), ["trained on 2 of the 90 patients", "P1, P2", "--signatures"]),
    "validation on training patients": (overlap("validate"), ["trained on 2 of the 90 patients", "--allow-overlap"]),
    "one event in a fold": (one_event, ["fold 0", "has 1 event", "one.h5ad", "splits.csv"]),
    "a signature that shares no gene": (no_gene, ["none of the 2 genes", "fold 0", "x.h5ad"]),
    "a folder that is none": (
        lambda files: ["signature", "score", "--signatures", files / "no", files / "c.h5ad", "-o", files / "out"],
        ["there is no such folder", "signature fit --splits"],
    ),
    "folds and a signature": (
        lambda files: [*score(files), files / "s.json"],
        ["2 files are given", "needs the cohort alone"],
    ),
    "a cohort without a signature": (
        lambda files: ["signature", "score", files / "c.h5ad", "-o", files / "out"],
        ["1 file is given", "needs a signature and a cohort"],
    ),
    "a scale of one's own": (lambda files: score(files, "--scale", "training"), ["--signatures and --scale training"]),
    "an overlap of folds": (lambda files: score(files, "--allow-overlap"), ["--signatures and --allow-overlap"]),
    "a folder without splits": (no_splits, ["a folder was given"]),
    "splits that are no table": (
        lambda files: ["signature", "fit", files / "c.h5ad", "--splits", files / "no.csv", "-o", files / "out"],
        ["does not exist", "no.csv"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("build", "words"), TABLE.values(), ids=TABLE)
def test_bad_input_is_refused_with_its_place_and_leaves_nothing(capsys, files, build, words):
    command = build(files)
    before = left_in(files)
    answer = sequoia(capsys, *command)
    said = " ".join(answer.err.split())
    assert answer.code == 2, answer
    assert [word for word in words if word not in said] == []
    assert "Traceback" not in said and left_in(files) == before
