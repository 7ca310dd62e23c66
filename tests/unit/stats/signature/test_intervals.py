"""Intervals of the score of a signature: coverage on new patients, signatures of folds, and the survival of groups."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.conformal import score_intervals
from sequoia_stats.errors import InputError
from sequoia_stats.io import read_expression
from sequoia_stats.signature import compare_with_measured, decide_scores
from sequoia_stats.signature.patient_outcomes import matched_outcome, survival_of_groups
from sequoia_stats.signature.predicted import comparable, measured_reference, measured_scores
from sequoia_stats.survival import kaplan_meier_curve, logrank_test
from sequoia_stats.types.outcome import Outcome
from sequoia_stats.types.predictions import Predictions
from tests.build.cohorts import make_cohort, make_outcome, make_predictions, make_signature
from tests.build.folds import make_fold_signatures, make_splits

GENES = {"G1": 0.8, "G2": -0.4, "G3": 0.3}
OF_FOLDS = [{"G1": 0.8, "G2": -0.4}, {"G1": 1.0, "G3": 0.2}, {"G2": -1.0, "G3": 0.5}]


def one_signature(transform="zscore", genes=GENES):
    return make_signature(make_cohort(n=60, events=20), genes, transform)


def scored(signature, predictions):
    return signature.risk_score(read_expression(predictions.adata))


def renamed(predictions: Predictions) -> Predictions:
    """The same as other patients, whom no fold tests."""
    obs = predictions.obs.assign(patient_id="N" + predictions.obs["patient_id"]).drop(columns="fold")
    return Predictions(predictions.predicted, predictions.measured, obs, predictions.genes, name="new")


def held(frame: pd.DataFrame, measured: pd.Series) -> float:
    measured = measured.reindex(frame.index)
    return float(((measured >= frame["lower"]) & (measured <= frame["upper"])).mean())


@pytest.mark.parametrize("transform", ["zscore", "none"])
def test_new_patients_are_held_as_often_as_promised(transform):
    signature, found = one_signature(transform), []
    for seed in range(5):
        known, new = (
            make_predictions(100, accuracy=0.5, seed=seed),
            make_predictions(300, accuracy=0.5, seed=50 + seed),
        )
        new = renamed(new)
        decisions = decide_scores(signature, scored(signature, new), known, scored(signature, known))
        found.append(
            held(decisions.frame, comparable(measured_scores(signature, new, scored(signature, new))))
        )
    assert np.mean(found) == pytest.approx(0.9, abs=0.03)


def test_measured_scores_of_new_patients_tell_their_coverage():
    signature, known = one_signature(), make_predictions(100, accuracy=0.8)
    new = renamed(make_predictions(60, accuracy=0.8, seed=1))
    new.measured[:10, 0] = np.nan
    decisions = decide_scores(
        signature, scored(signature, new), known, scored(signature, known), truth=new, level=0.5
    )
    measured = comparable(measured_scores(signature, new, scored(signature, new)))
    inside = held(decisions.frame.loc[measured.index], measured)
    assert decisions.n_measured == 50 and decisions.coverage == pytest.approx(inside)
    assert f"coverage       {inside:.1%} of 50 measured scores" in str(decisions)
    row = decisions.decided.set_index("level").loc[0.5]
    sure = decisions.frame["group"].ne("uncertain").reindex(measured.index)
    assert row["n_measured"] == sure.sum() and row["n_right"] > 0.8 * row["n_measured"]


def test_the_fold_of_the_file_leaves_residuals_out():
    signature, known = one_signature(), make_predictions(90, folds=3)
    decisions = decide_scores(signature, scored(signature, known), known, scored(signature, known))
    assert decisions.intervals.frame["n"].eq(60).all()


def test_the_intervals_are_of_the_measured_score():
    signature, known = one_signature(), make_predictions(90, folds=3)
    own = scored(signature, known)
    decisions = decide_scores(signature, own, known, own)
    pairs = pd.DataFrame({"predicted": own.scores, "measured": measured_scores(signature, known, own).scores})
    pairs["fold"] = np.arange(90) % 3
    want = score_intervals(pairs, pairs).frame
    np.testing.assert_allclose(decisions.frame[["lower", "upper"]], want[["lower", "upper"]])


def test_patients_without_a_measured_gene_are_decided_and_give_no_residual():
    signature, known = one_signature(), make_predictions(90, folds=3)
    known.measured[:6, 0] = np.nan
    own = scored(signature, known)
    decisions = decide_scores(signature, own, known, own)
    assert len(decisions.frame) == 90 and decisions.intervals.n == 84


def test_signatures_of_folds_are_pooled_after_standardising_and_cut_by_the_measured_median():
    known = make_predictions(150, folds=3, accuracy=0.8)
    signatures = make_fold_signatures(
        make_cohort(n=60), OF_FOLDS, make_splits(list(known.patients)), "zscore"
    )
    own, measured = scored(signatures, known), measured_scores(signatures, known, scored(signatures, known))
    decisions = decide_scores(signatures, own, known, own, level=0.5)
    cut = measured.folds.set_index("fold")["cutoff"].loc[own.fold].to_numpy()
    high = decisions.frame["lower"].to_numpy() > cut
    assert decisions.frame["group"].eq("high").tolist() == high.tolist()
    assert held(decisions.frame, measured.frame.set_index("patient_id")["risk_score"]) == pytest.approx(
        0.5, abs=0.1
    )


def test_patients_of_no_fold_are_decided_by_the_signatures_of_all():
    known = make_predictions(150, folds=3, accuracy=0.8)
    new = renamed(make_predictions(200, accuracy=0.8, seed=1))
    signatures = make_fold_signatures(
        make_cohort(n=60), OF_FOLDS, make_splits(list(known.patients)), "zscore"
    )
    decisions = decide_scores(
        signatures, scored(signatures, new), known, scored(signatures, known), level=0.8
    )
    truth = measured_scores(signatures, new, scored(signatures, new)).standardised
    assert held(decisions.frame, truth) == pytest.approx(0.8, abs=0.08)
    sure = decisions.frame["group"] != "uncertain"
    right = (truth > 0)[sure] == (decisions.frame["group"] == "high")[sure]
    assert sure.mean() > 0.1 and right.mean() > 0.9


def test_a_signature_without_genes_has_no_intervals():
    signature, known = one_signature(genes={}), make_predictions(90)
    with pytest.raises(InputError, match="has no gene"):
        decide_scores(signature, scored(signature, known), known, scored(signature, known))


# --- survival of the groups ------------------------------------------------------------------------------------------


def outcome_table(outcome: Outcome, patients: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"time": outcome.time, "event": outcome.event}, patients)


def make_groups(n=90):
    patients = [f"P{i}" for i in range(n)]
    return pd.DataFrame(
        {"group": ["low", "high", "uncertain"] * (n // 3)}, pd.Index(patients, name="patient_id")
    )


def test_the_test_is_of_high_against_low_within_folds():
    outcome, table = make_outcome(n=90, events=50), make_groups().assign(fold=np.repeat([0, 1], 45))
    got = survival_of_groups(table, outcome_table(outcome, list(table.index)))
    sure = (table["group"] != "uncertain").to_numpy()
    want = logrank_test(outcome[sure], table["group"].to_numpy()[sure], strata=table["fold"].to_numpy()[sure])
    assert got.p == pytest.approx(want.p_value)
    low = (table["group"] == "low").to_numpy()
    pd.testing.assert_frame_equal(got.curves["low"].frame, kaplan_meier_curve(outcome[low]).frame)


def test_patients_without_an_outcome_are_in_no_curve():
    table = make_groups()
    got = survival_of_groups(table, outcome_table(make_outcome(n=60, events=30), list(table.index[:60])))
    assert sum(curve.n for curve in got.curves.values()) == 60


def test_one_group_alone_has_curves_and_says_why_there_is_no_test():
    table = make_groups().assign(group="uncertain")
    got = survival_of_groups(table, outcome_table(make_outcome(n=90, events=30), list(table.index)))
    assert list(got.curves) == ["uncertain"] and np.isnan(got.p)
    assert got.tested.startswith("no log-rank test: ")


def test_samples_of_tcga_have_the_outcome_of_their_patient():
    outcome = outcome_table(make_outcome(n=2, events=1), ["TCGA-A1-A0SB", "TCGA-A1-A0SD"])
    there, known = matched_outcome(pd.Index(["TCGA-A1-A0SD-01A", "P1"]), outcome)
    assert there.tolist() == [True, False] and known.time.tolist() == [outcome["time"].iloc[1]]


# --- the scale of the measured score ---------------------------------------------------------------------------------


def shifted(predictions: Predictions) -> Predictions:
    """The same, of two cohorts whose measured and predicted values differ in their mean."""
    away = 4.0 * (predictions.obs["cohort"] == "B").to_numpy()[:, None]
    return replace(
        predictions, predicted=predictions.predicted + away, measured=predictions.measured + 2 * away
    )


def test_measured_scores_are_computed_within_the_groups_of_the_predicted_ones():
    signature, known = one_signature(), shifted(make_predictions(120, accuracy=0.8, cohorts=2))
    own = signature.risk_score(read_expression(known.adata), scale_within="cohort")
    measured = measured_scores(signature, known, own).scores
    for cohort in ("A", "B"):
        rows = (known.obs["cohort"] == cohort).to_numpy()
        alone = replace(
            known,
            predicted=known.predicted[rows],
            measured=known.measured[rows],
            obs=known.obs[rows],
            untrained=(),
        )
        want = measured_scores(signature, alone, scored(signature, alone)).scores
        np.testing.assert_allclose(measured[want.index], want)


def test_a_reference_with_measured_expression_gives_the_scale_of_measured_scores():
    signature, known = one_signature(), make_predictions(100, accuracy=0.8)
    expression = read_expression(known.adata)
    fixed = measured_reference(signature, known)
    few = renamed(make_predictions(8, accuracy=0.8, seed=1))
    own = signature.risk_score(read_expression(few.adata), reference=expression)
    of_known = signature.risk_score(expression, reference=expression)
    np.testing.assert_allclose(
        measured_scores(signature, known, of_known, fixed).scores,
        measured_scores(signature, known, scored(signature, known)).scores,
    )
    decisions = decide_scores(signature, own, known, of_known, truth=few, reference=fixed)
    assert decisions.n_measured == 8 and len(decisions.frame) == 8


def test_a_reference_without_measured_expression_leaves_measured_scores_out():
    signature, known = one_signature(), make_predictions(100)
    expression = read_expression(known.adata)
    own = signature.risk_score(expression, reference=expression)
    with pytest.raises(InputError, match="the reference made puts predicted expression on its scale"):
        measured_scores(signature, known, own)
    compared = compare_with_measured(signature, known, own)
    assert compared.n == 0 and "there is no measured score: the reference" in str(compared)


def test_a_fold_without_genes_is_in_no_pair():
    known = make_predictions(150, folds=3, accuracy=0.8)
    splits = make_splits(list(known.patients))
    signatures = make_fold_signatures(make_cohort(n=60), [*OF_FOLDS[:2], {}], splits, "zscore")
    own = scored(signatures, known)
    compared, decisions = (
        compare_with_measured(signatures, known, own),
        decide_scores(signatures, own, known, own),
    )
    empty = own.fold == 2
    assert compared.n == decisions.intervals.n == decisions.n_measured == (~empty).sum() < 150
    assert "50 of 150 patients are left out of r and hazard ratios" in str(compared)


def test_training_patients_may_calibrate_and_are_counted():
    known, new = make_predictions(60), renamed(make_predictions(30, seed=1))
    signature = make_signature(make_cohort(n=60, events=20), GENES, "zscore", trained_on=known.patients[:20])
    of_known = signature.risk_score(read_expression(known.adata), allow_overlap=True)
    notes = decide_scores(signature, scored(signature, new), known, of_known).intervals.notes
    assert notes == ("20 of 60 calibration patients were used to train the signature",)
