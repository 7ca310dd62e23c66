"""The clinical-only model, and what a score adds to it."""

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.risk import RiskScores, compare_risks
from sequoia_stats.survival import cox_regression, likelihood_ratio
from sequoia_stats.types.outcome import Outcome
from tests.build.risks import make_risks
from tests.unit.stats.risk.test_compare import count_pairs, with_clinical

COVARIATES = ["age", "stage"]


def coded(clinical):
    """Age, and an indicator of each stage but the first."""
    return pd.DataFrame(
        {"age": clinical["age"], **{s: (clinical["stage"] == s) * 1.0 for s in ("II", "III")}}
    )


def predicted_outside(made, design):
    """Linear predictors of Cox models of the other folds, in SDs of their own patients."""
    fold, risk = made.good.frame["fold"], pd.Series(0.0, made.outcome.index)
    for k in fold.unique():
        trains = fold != k
        own = made.outcome[trains]
        outcome = Outcome(own["time"], own["event"].to_numpy(), "event")
        coef = cox_regression(outcome, design[trains], strata=fold[trains]).frame["coef"].to_numpy()
        linear = design.to_numpy() @ coef
        trained = linear[trains]
        risk[~trains] = (linear[~trains] - trained.mean()) / trained.std(ddof=1)
    return risk


def test_each_fold_is_scored_by_the_covariates_of_the_other_folds():
    made = make_risks()
    got = with_clinical(made).patients.set_index("patient_id")["clinical"]
    want = predicted_outside(made, coded(made.clinical))
    np.testing.assert_allclose(got[want.index], want, rtol=1e-6, atol=1e-9)


def test_the_gain_is_that_of_the_cross_validated_model_with_the_score():
    made = make_risks()
    result = with_clinical(made)
    z = result.patients.set_index("patient_id")["good"].reindex(made.outcome.index)
    both = predicted_outside(made, coded(made.clinical).assign(z=z))
    gain = result.gain.set_index("score").loc["good"]
    fold = made.good.frame["fold"].to_numpy()
    assert gain["c_both"] == pytest.approx(count_pairs(made.outcome, both.to_numpy(), fold))
    assert gain["c_difference"] == pytest.approx(gain["c_both"] - gain["c_clinical"])
    assert gain["c_difference"] > 0


def test_the_likelihood_ratio_test_is_that_of_models_stratified_by_fold():
    made = make_risks()
    result = with_clinical(made)
    z = result.patients.set_index("patient_id")["good"].reindex(made.outcome.index)
    outcome = Outcome(made.outcome["time"], made.outcome["event"].to_numpy(), "event")
    design, fold = coded(made.clinical), made.good.frame["fold"]
    full = cox_regression(outcome, design.assign(z=z), strata=fold)
    test = likelihood_ratio(full, cox_regression(outcome, design, strata=fold))
    row = result.gain.set_index("score").loc["good"]
    assert [row["chi2"], row["p_lr"]] == pytest.approx([test.chi2, test.p], rel=1e-6)
    own = result.adjusted[result.adjusted["score"] == "good"].iloc[0]
    assert own["term"] == "risk score per SD"
    assert own["hr"] == pytest.approx(full.frame.set_index("term").loc["z", "hr"])


def test_the_clinical_model_is_compared_on_the_patients_with_all_covariates():
    made = make_risks()
    clinical = made.clinical.assign(age=made.clinical["age"].mask(np.arange(120) < 15))
    result = with_clinical(made._replace(clinical=clinical))
    assert result.comparison["n"].tolist() == [120, 120, 105]
    assert any("105 of 120 patients with every covariate" in note for note in result.notes)
    pair = result.pairs.set_index(["a", "b"]).loc[("good", "clinical"), "c_difference"]
    known = clinical["age"].notna()
    fewer = compare_risks({"good": made.good}, made.outcome[known], bootstrap=1).comparison["c_index"][0]
    assert pair == pytest.approx(fewer - result.comparison.set_index("score").loc["clinical", "c_index"])


def test_without_folds_the_clinical_model_is_cross_validated_in_folds_drawn_by_seed():
    made = make_risks()
    model = RiskScores("good", made.truth.rename("risk_score").to_frame())
    one, again, other = (with_clinical(made, model, seed=seed) for seed in (1, 1, 2))
    assert any("5 folds drawn at random (seed 1)" in note for note in one.notes)
    np.testing.assert_array_equal(one.patients["clinical"], again.patients["clinical"])
    assert not np.array_equal(one.patients["clinical"], other.patients["clinical"])


def test_a_level_that_no_training_patient_has_is_left_out_and_said():
    made = make_risks()
    stage = made.clinical["stage"].where(made.good.frame["fold"] == 1, "I")
    result = with_clinical(made._replace(clinical=made.clinical.assign(stage=stage)))
    assert (
        "clinical model without fold 1: stage: II, stage: III does not vary, and is left out" in result.notes
    )


def test_patients_of_a_level_that_no_training_patient_has_count_as_the_reference():
    made = make_risks()
    first = made.good.frame.index[made.good.frame["fold"] == 1][:1]
    stage = made.clinical["stage"].replace("I", "II").where(~made.clinical.index.isin(first), "I")
    stage[stage == "II"] = np.where(np.arange((stage == "II").sum()) % 2, "II", "IV")
    result = with_clinical(made._replace(clinical=made.clinical.assign(stage=stage)))
    assert (
        "clinical model without fold 1: stage: IV is a combination of the other covariates, and is left out"
        in result.notes
    )
    got = result.patients.set_index("patient_id").loc[made.outcome.index, "clinical"]
    want = predicted_outside(
        made, made.clinical[["age"]].assign(**{s: (stage == s) * 1.0 for s in ("II", "III")})
    )
    tested = made.good.frame["fold"] == 1
    np.testing.assert_allclose(got[tested], want[tested], rtol=1e-6, atol=1e-9)


def test_training_patients_without_events_are_refused_by_fold():
    made = make_risks()
    lost = made.outcome["event"] & (made.good.frame["fold"] != 1)  # who has an event there lacks a covariate
    clinical = made.clinical.assign(age=made.clinical["age"].mask(lost))
    with pytest.raises(InputError) as caught:
        with_clinical(made._replace(clinical=clinical))
    assert "outside fold 1" in caught.value.where


def test_a_clinical_table_of_other_patients_is_refused():
    made = make_risks()
    with pytest.raises(InputError, match="no patient that is compared is in the clinical table"):
        with_clinical(made._replace(clinical=made.clinical.add_prefix("X-", axis=0)))


def test_a_score_cannot_be_called_as_the_clinical_model():
    made = make_risks()
    with pytest.raises(InputError, match="called 'clinical'"):
        compare_risks({"clinical": made.good}, made.outcome, clinical=made.clinical, adjust="age")


def test_a_clinical_model_that_knows_nothing_is_said_to_be_no_better_than_chance():
    made = make_risks()
    clinical = made.clinical.assign(age=np.random.default_rng(8).normal(size=120))
    result = compare_risks({"good": made.good}, made.outcome, clinical=clinical, adjust="age", bootstrap=2)
    c_index = result.gain["c_clinical"][0]
    assert (c_index < 0.5) == any("no better than chance" in note for note in result.notes)
    assert c_index < 0.5
