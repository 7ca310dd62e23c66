"""``signature score`` with measured expression: intervals of the score, who is uncertain, and the curves of groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_base.outcomes import read_risk_table, write_outcome_table
from sequoia_stats.conformal import interval_groups, score_intervals
from sequoia_stats.io import read_predictions
from sequoia_stats.signature import FoldSignatures, Signature, compare_with_measured
from tests.build.cohorts import make_cohort, make_outcome, make_predictions, make_signature
from tests.build.commands import left_in, sequoia
from tests.build.folds import make_fold_signatures, make_splits

GENES = {"G1": 0.8, "G2": -0.4, "G3": 0.3}
OF_FOLDS = [{"G1": 0.8, "G2": -0.4}, {"G1": 1.0, "G3": 0.2}, {"G2": -1.0}]


@pytest.fixture
def files(tmp_path):
    """Predictions of 120 patients in three folds, of which genes were measured; other patients; signatures."""
    known, new = make_predictions(n=120, accuracy=0.8, folds=3), make_predictions(n=40, accuracy=0.8, seed=1)
    known.adata.write_h5ad(tmp_path / "known.h5ad")
    other = new.adata
    other.obs = other.obs.set_axis([f"N{i}" for i in range(40)]).assign(patient_id=lambda obs: obs.index)
    del other.layers["measured"], other.obs["fold"]
    other.write_h5ad(tmp_path / "new.h5ad")
    cohort = make_cohort(n=60, events=20)
    make_signature(cohort, GENES, "zscore").save(tmp_path / "s.json")
    patients = list(known.obs["patient_id"])
    make_fold_signatures(cohort, OF_FOLDS, make_splits(patients), "zscore").save(tmp_path / "folds")
    outcome = make_outcome(n=120, events=60)
    table = pd.DataFrame(
        {"time": outcome.time, "event": outcome.event}, pd.Index(patients, name="patient_id")
    )
    write_outcome_table(table, tmp_path / "outcome.csv")
    return tmp_path


def score(files, *options, cohort="known.h5ad", signature=("s.json",)):
    place = (
        ["--signatures", files / "folds"] if signature == "folds" else [files / name for name in signature]
    )
    return [
        "signature",
        "score",
        *place,
        files / cohort,
        *options,
        "--allow-overlap",
        "-o",
        files / "scores.csv",
    ]


def by_folds(files, *options, cohort="known.h5ad"):
    run = score(files, *options, cohort=cohort, signature="folds")
    return [part for part in run if part != "--allow-overlap"]


def test_limits_and_groups_are_written_behind_the_scores(capsys, files):
    assert sequoia(capsys, *score(files)).code == 0
    written = read_risk_table(files / "scores.csv")
    assert list(written) == ["risk_score", "group", "fold", "lower", "upper"]
    signature, predictions = Signature.load(files / "s.json"), read_predictions(files / "known.h5ad")
    pairs = compare_with_measured(
        signature, predictions, signature.risk_score(predictions.adata, allow_overlap=True)
    ).pairs
    want = score_intervals(pairs, pairs).frame
    np.testing.assert_allclose(written[["lower", "upper"]], want[["lower", "upper"]], rtol=1e-12)
    assert (
        written["group"].tolist() == interval_groups(want["lower"], want["upper"], signature.cutoff).tolist()
    )


def test_the_share_decided_is_printed_for_several_levels(capsys, files):
    answer = sequoia(capsys, *score(files))
    shown = [line.split()[0] for line in answer.out.splitlines() if " of 120 (" in line]
    assert shown == ["99%", "95%", "90%", "80%", "70%", "50%"]
    assert "which is no guarantee" in answer.out


def test_the_json_holds_the_intervals_and_counts_the_uncertain(capsys, files):
    content = sequoia(capsys, *score(files, "--level", "0.8", "--json")).json
    written = read_risk_table(files / "scores.csv")["group"].value_counts()
    assert content["n_uncertain"] == written["uncertain"] == content["intervals"]["n_uncertain"]
    assert content["intervals"]["level"] == 0.8
    assert [row["level"] for row in content["intervals"]["decided"]] == [0.99, 0.95, 0.9, 0.8, 0.7, 0.5]


def test_new_patients_get_the_residuals_of_the_calibration(capsys, files):
    content = sequoia(
        capsys, *score(files, "--calibration", files / "known.h5ad", "--json", cohort="new.h5ad")
    ).json
    written = read_risk_table(files / "scores.csv")
    assert content["intervals"]["n"] == 120 and content["intervals"]["notes"] == []
    assert list(written) == ["risk_score", "group", "lower", "upper"]
    assert (written["upper"] - written["lower"]).nunique() <= 3  # equally wide but for rounding


def test_new_patients_with_measured_genes_tell_the_coverage(capsys, files):
    make_predictions(n=30, accuracy=0.8, seed=2, folds=1).adata.write_h5ad(files / "new.h5ad")
    adata = read_predictions(files / "new.h5ad").adata
    adata.obs = adata.obs.set_axis([f"N{i}" for i in range(30)]).assign(patient_id=lambda obs: obs.index)
    adata.write_h5ad(files / "new.h5ad")
    run = score(files, "--calibration", files / "known.h5ad", "--json", cohort="new.h5ad")
    content = sequoia(capsys, *run).json["intervals"]
    assert content["n"] == 120 and content["n_measured"] == 30
    assert content["coverage"] == content["n_held"] / 30 > 0.7


def test_signatures_of_folds_have_limits_on_the_scale_of_their_fold(capsys, files):
    assert sequoia(capsys, *by_folds(files)).code == 0
    written = read_risk_table(files / "scores.csv")
    signatures, predictions = FoldSignatures.load(files / "folds"), read_predictions(files / "known.h5ad")
    compared = compare_with_measured(signatures, predictions, signatures.risk_score(predictions.adata))
    want = score_intervals(compared.pairs, compared.pairs).frame
    scale = compared.measured_folds.set_index("fold").loc[written["fold"]].set_axis(written.index)
    np.testing.assert_allclose(written["upper"], scale["mean"] + scale["sd"] * want["upper"], rtol=1e-9)
    assert (
        written["group"].tolist()
        == interval_groups(*written[["lower", "upper"]].T.values, scale["cutoff"]).tolist()
    )


def test_new_patients_are_decided_by_the_signatures_of_all_folds(capsys, files):
    run = by_folds(files, "--calibration", files / "known.h5ad", "--level", "0.5", cohort="new.h5ad")
    assert sequoia(capsys, *run).code == 0
    written = read_risk_table(files / "scores.csv")
    assert "fold" not in written and set(written["group"]) == {"low", "high", "uncertain"}


def test_without_measured_expression_nothing_changes(capsys, files):
    assert sequoia(capsys, *score(files, cohort="new.h5ad")).code == 0
    assert list(read_risk_table(files / "scores.csv")) == ["risk_score", "group"]


def test_intervals_can_be_left_out(capsys, files):
    assert sequoia(capsys, *score(files, "--no-intervals")).code == 0
    written = read_risk_table(files / "scores.csv")
    assert list(written) == ["risk_score", "group", "fold"] and set(written["group"]) == {"low", "high"}


def test_residuals_can_be_taken_within_the_levels_of_a_column(capsys, files):
    predictions = make_predictions(n=120, accuracy=0.8, folds=3, cohorts=2)
    predictions.adata.write_h5ad(files / "known.h5ad")
    sequoia(capsys, *score(files, "--intervals-within", "cohort"))
    widths = read_risk_table(files / "scores.csv").eval("upper - lower").round(9)
    own = predictions.obs["cohort"] + predictions.obs["fold"].astype(str)
    assert widths.groupby(own.to_numpy()).nunique().eq(1).all() and widths.nunique() == 6


def test_the_outcome_draws_the_curves_of_the_groups(capsys, files):
    answer = sequoia(capsys, *score(files, "--level", "0.5", "--outcome", files / "outcome.csv", "--json"))
    assert {"scores.km.png", "scores.km.svg"} <= set(left_in(files))
    groups = answer.json["groups"]["groups"]
    assert set(groups) == {"low", "high", "uncertain"}
    assert sum(group["n"] for group in groups.values()) == 120
    sequoia(capsys, *score(files, "--force"))
    assert "scores.km.png" not in left_in(files)


def test_training_patients_may_calibrate_the_intervals_of_new_ones(capsys, files):
    signature = make_signature(
        make_cohort(n=60), GENES, "zscore", trained_on=[f"P{i + 1}" for i in range(30)]
    )
    signature.save(files / "s.json")
    run = score(files, "--calibration", files / "known.h5ad", cohort="new.h5ad")
    answer = sequoia(capsys, *[part for part in run if part != "--allow-overlap"])
    assert (
        answer.code == 0 and "30 of 120 calibration patients were used to train the signature" in answer.out
    )


def test_a_run_folder_calibrates_by_its_predictions(capsys, files):
    (files / "run").mkdir()
    (files / "known.h5ad").rename(files / "run" / "predictions.h5ad")
    run = score(files, "--calibration", files / "run", "--json", cohort="new.h5ad")
    assert sequoia(capsys, *run).json["intervals"]["n"] == 120


def test_the_counts_of_signatures_of_folds_are_those_of_the_file(capsys, files):
    answer = sequoia(capsys, *by_folds(files))
    n = read_risk_table(files / "scores.csv")["group"].value_counts()
    counts = ", ".join(f"{n[group]} {group}" for group in ("high", "low", "uncertain") if group in n)
    assert f"Scores of 120 patients ({counts})" in answer.out and "uncertain" in counts


def test_files_of_the_signatures_are_never_replaced(capsys, files):
    run = by_folds(files)
    answer = sequoia(capsys, *run[:-1], files / "folds" / "splits.csv", "--force")
    assert answer.code == 2 and "splits.csv" in answer.err
    assert FoldSignatures.load(files / "folds")


def test_an_error_of_the_predictions_names_them_and_not_the_outcome(capsys, files):
    predictions = read_predictions(files / "known.h5ad")
    adata = predictions.adata
    for name in [name for name in adata.layers if name.startswith("untrained")]:
        del adata.layers[name]
    adata.write_h5ad(files / "known.h5ad")
    answer = sequoia(capsys, *score(files, "--rule", "paper", "--outcome", files / "outcome.csv"))
    assert answer.code == 2 and "known" in answer.err and "outcome.csv" not in answer.err


def test_measured_scores_are_scaled_by_the_reference(capsys, files):
    adata = read_predictions(files / "known.h5ad").adata[:9]
    adata.write_h5ad(files / "few.h5ad")
    options = ("--reference", files / "known.h5ad", "--calibration", files / "known.h5ad", "--json")
    content = sequoia(capsys, *score(files, *options, cohort="few.h5ad")).json["intervals"]
    assert content["n"] == 120 and content["n_measured"] == 9


def test_a_reference_without_measured_expression_leaves_intervals_out(capsys, files):
    answer = sequoia(capsys, *score(files, "--reference", files / "new.h5ad"))
    assert answer.code == 0 and "no intervals: the reference made" in answer.err + answer.out
    assert "lower" not in read_risk_table(files / "scores.csv")


def test_without_measured_scores_the_outcome_gives_the_hazard_ratio_of_the_predicted_one(capsys, files):
    options = ("--reference", files / "new.h5ad", "--outcome", files / "outcome.csv", "--json")
    (row,) = sequoia(capsys, *score(files, *options)).json["predicted"]["hazard_ratios"]
    assert row["n"] == 120 and row["hr_per_sd"] > 0


REFUSED = {
    "a level beyond n": (
        ["--level", "0.999"],
        ["whole line for everybody", "80 residuals", "98.77%", "known.h5ad"],
    ),
    "a level that is none": (["--level", "90"], ["level must be", "90"]),
    "a column that is not there": (
        ["--intervals-within", "site"],
        ["no column 'site'", "cohort", "known.h5ad"],
    ),
    "intervals that are not wanted": (["--no-intervals", "--level", "0.9"], ["--no-intervals and --level"]),
    "a calibration without measured genes": (
        ["--calibration", "{new}"],
        ["no measured expression", "new.h5ad"],
    ),
    "a calibration that is not there": (["--calibration", "{none}"], ["none.h5ad"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_ends_with_its_place_and_leaves_nothing(capsys, files, case):
    options, words = REFUSED[case]
    before = left_in(files)
    named = [option.format(new=files / "new.h5ad", none=files / "none.h5ad") for option in options]
    answer = sequoia(capsys, *score(files, *named))
    assert answer.code == 2 and "Traceback" not in answer.err
    assert all(word in answer.err for word in words), answer.err
    assert left_in(files) == before


def test_a_level_without_measured_expression_is_refused(capsys, files):
    answer = sequoia(capsys, *score(files, "--level", "0.8", cohort="new.h5ad"))
    assert answer.code == 2 and "--calibration" in answer.err
