"""A signature on predicted expression: its genes, score and hazard ratio beside those of measured expression."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.selection import well_predicted
from sequoia_stats.signature import compare_with_measured
from sequoia_stats.signature.predicted import hazard_table
from sequoia_stats.survival import cox_regression
from sequoia_stats.types.outcome import Outcome
from tests.build.cohorts import make_cohort, make_predictions, make_signature
from tests.build.folds import make_fold_signatures

ACCURACY = [0.8, 0.6, 0.4, 0.2, 0.0, 0.0]
GENES = {"G1": 0.8, "G3": -0.2, "G5": 1.0}
OF_FOLDS = [{"G1": 0.8, "G2": -0.4}, {"G1": 1.0, "G5": 0.2}, {}]


@pytest.fixture(scope="module")
def cohort():
    return make_cohort(n=90, events=50, genes=6, seed=4, planted={"G1": 1.0})


@pytest.fixture(scope="module")
def predictions():
    return make_predictions(n=90, genes=6, folds=3, slides=2, accuracy=ACCURACY)


@pytest.fixture(scope="module")
def outcome(cohort):
    return pd.DataFrame({"time": cohort.outcome.time, "event": cohort.outcome.event}, cohort.patients)


@pytest.fixture(scope="module")
def one(cohort):
    return make_signature(cohort, GENES)


@pytest.fixture(scope="module")
def compared(one, predictions, outcome):
    return compare_with_measured(one, predictions, one.risk_score(predictions.adata), outcome=outcome)


@pytest.fixture(scope="module")
def of_folds(cohort):
    return make_fold_signatures(cohort, OF_FOLDS)


def test_a_gene_carries_its_share_of_the_coefficients_and_the_verdict_of_the_rule(compared, predictions):
    genes = compared.genes.set_index("gene")
    assert list(genes.index) == ["G5", "G1", "G3"]
    np.testing.assert_allclose(genes["share"], [0.5, 0.4, 0.1])
    judged = well_predicted(predictions, rule="strict").table.set_index("gene").loc[genes.index]
    np.testing.assert_array_equal(genes["r"], judged["r"])
    assert genes["well_predicted"].tolist() == judged["well_predicted"].tolist() == [False, True, True]
    assert (compared.n_well_predicted, compared.share_well_predicted) == (2, pytest.approx(0.5))


def test_the_explained_variance_is_the_squared_correlation_of_both_scores(compared, one, predictions):
    averaged = predictions.per_patient()
    frames = [
        pd.DataFrame(x, averaged.patients, averaged.genes) for x in (averaged.predicted, averaged.measured)
    ]
    predicted, measured = (one.risk_score(frame).scores for frame in frames)
    np.testing.assert_allclose(compared.pairs["measured"], measured, rtol=1e-12, atol=1e-12)
    assert compared.r2 == pytest.approx(np.corrcoef(predicted, measured)[0, 1] ** 2, rel=1e-12)
    assert compared.n == 90


def test_a_perfect_prediction_explains_all(one, predictions, outcome):
    perfect = replace(predictions, predicted=predictions.measured * 2 + 1, untrained=())
    found = compare_with_measured(one, perfect, one.risk_score(perfect.adata), outcome=outcome)
    assert found.r2 == pytest.approx(1) and found.share_well_predicted == pytest.approx(1)
    ratios = found.hazard_ratios["hr_per_sd"]
    assert ratios[0] == pytest.approx(ratios[1], rel=1e-9)


def test_hazard_ratios_of_both_scores_are_per_sd_of_the_same_patients_within_folds(compared, outcome):
    known = Outcome(outcome["time"].to_numpy(), outcome["event"].to_numpy(), "RFS")
    pairs = compared.pairs.loc[outcome.index]
    for row in compared.hazard_ratios.itertuples():
        score = pairs[row.score] / pairs[row.score].std()
        fit = cox_regression(known, score.to_frame("s").to_numpy(), strata=pairs["fold"].to_numpy(int))
        assert row.hr_per_sd == pytest.approx(fit.frame["hr"][0], rel=1e-9)
    assert list(compared.hazard_ratios["score"]) == ["predicted", "measured"]


def test_the_text_says_what_a_reader_needs(compared):
    text = str(compared)
    assert (
        "3 of the 3 genes of the signature can be judged, 2 well predicted (rule strict), with 50.0%" in text
    )
    assert f"explains {compared.r2:.1%} of the variance" in text and "Hazard ratio per SD" in text


def test_genes_of_signatures_of_folds_are_means_over_folds_that_chose_any(of_folds, predictions):
    found = compare_with_measured(of_folds, predictions, of_folds.risk_score(predictions.adata))
    genes = found.genes.set_index("gene")
    assert genes["coefficient"].to_dict() == pytest.approx({"G1": 0.9, "G2": -0.2, "G5": 0.1})
    np.testing.assert_allclose(genes["share"], [(2 / 3 + 5 / 6) / 2, 1 / 6, 1 / 12])
    assert genes["n_folds"].tolist() == [2, 1, 1]


def test_scores_of_folds_are_compared_in_sds_of_the_training_patients(of_folds, predictions):
    scored = of_folds.risk_score(predictions.adata)
    found = compare_with_measured(of_folds, predictions, scored)
    averaged = predictions.per_patient()
    measured = of_folds.risk_score(pd.DataFrame(averaged.measured, averaged.patients, averaged.genes))
    there = ~scored.empty  # the signature of a fold has no gene
    assert found.n == there.sum() < len(there)
    for name, scores in (("predicted", scored), ("measured", measured)):
        pd.testing.assert_series_equal(found.pairs[name], scores.standardised[there], check_names=False)
    pd.testing.assert_frame_equal(found.measured_folds, measured.folds)
    assert found.pairs["fold"].tolist() == scored.fold[there].tolist()


def without(predictions, patients, gene=slice(None)):
    measured = predictions.measured.copy()
    measured[predictions.patients.isin(patients), gene] = np.nan
    return replace(predictions, measured=measured)


def test_patients_without_a_measured_gene_of_the_signature_are_left_out_and_counted(
    one, predictions, compared
):
    holes = without(without(predictions, ["P1", "P2"], 0), ["P3"], 1)  # the signature has no G2
    found = compare_with_measured(one, holes, one.risk_score(holes.adata))
    assert list(found.pairs.index) == list(compared.pairs.index[2:])
    assert "2 of 90 patients have no measured score" in found.notes[0]


def test_few_measured_patients_leave_what_is_known_of_the_genes(one, predictions, outcome):
    holes = without(predictions, [f"P{i}" for i in range(20, 91)])
    found = compare_with_measured(one, holes, one.risk_score(holes.adata), outcome=outcome)
    assert found.n == 0 and np.isnan(found.r2) and len(found.genes) == 3
    assert "there is no measured score" in found.notes[0] and "at least 20 patients" in found.notes[0]
    assert list(found.hazard_ratios["score"]) == ["predicted"]


def test_a_null_signature_explains_nothing_and_has_no_hazard_ratio(cohort, predictions, outcome):
    null = make_signature(cohort, {})
    found = compare_with_measured(null, predictions, null.risk_score(predictions.adata), outcome=outcome)
    assert np.isnan(found.r) and found.hazard_ratios["hr_per_sd"].isna().all()
    assert "the same for all patients" in found.notes[0]


def test_a_gene_that_is_not_predicted_keeps_its_share(cohort, predictions):
    signature = make_signature(cohort, {"G1": 1.0, "G3": 0.5})
    kept = [gene != "G3" for gene in predictions.genes]
    less = replace(
        predictions,
        predicted=predictions.predicted[:, kept],
        measured=predictions.measured[:, kept],
        untrained=(),
        genes=predictions.genes[kept],
    )
    found = compare_with_measured(signature, less, signature.risk_score(less.adata))
    assert (found.n_genes, found.n_predicted) == (2, 1)
    [row] = found.genes[found.genes["gene"] == "G3"].itertuples()
    assert (row.share, row.well_predicted) == (pytest.approx(1 / 3), False) and np.isnan(row.r)


# --- hazard ratios ---------------------------------------------------------------------------------------------------


def test_a_sample_has_the_outcome_of_its_patient_and_others_are_left_out(outcome):
    scores = pd.DataFrame({"s": np.arange(90.0)}, [f"TCGA-A1-A{i:03d}-01A" for i in range(90)])
    known = outcome.set_axis([name[:12] for name in scores.index], axis=0).iloc[:80]
    [row] = hazard_table(scores, known).itertuples()
    assert (row.n, row.n_events) == (80, int(known["event"].sum()))


def test_an_outcome_in_another_spelling_is_named(outcome):
    scores = pd.DataFrame({"s": np.arange(90.0)}, outcome.index.str.lower())
    with pytest.raises(InputError, match="none of the 90 patients has an outcome") as caught:
        hazard_table(scores, outcome)
    assert "'p1' and 'P1'" in caught.value.fix


def test_patients_of_no_fold_are_a_stratum_of_their_own(outcome):
    scores = pd.DataFrame(
        {"s": np.sin(np.arange(90.0)), "fold": pd.array([0, None] * 45, "Int64")}, outcome.index
    )
    groups = scores.assign(fold=np.arange(90) % 2)
    assert hazard_table(scores, outcome).equals(hazard_table(groups, outcome))
    assert not hazard_table(scores, outcome).equals(hazard_table(scores[["s"]], outcome))
