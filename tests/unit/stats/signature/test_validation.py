"""Validation: each statistic is what its name says, both cuts are kept, and nothing undefined becomes a number."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.signature import validate
from sequoia_stats.signature.validation import risk_groups
from sequoia_stats.survival import (
    cox_regression,
    harrell_c,
    likelihood_ratio,
    logrank_test,
    proportional_hazards_test,
)
from sequoia_stats.types.outcome import Outcome
from tests.build.cohorts import make_cohort, make_signature

CONTRACT = {
    "n", "events", "endpoint", "scale", "hr_per_sd", "hr_low", "hr_high", "p", "p_lr", "c_index", "c_low", "c_high",
    "genes_missing", "n_genes_missing", "weight_lost", "null_model", "cuts", "adjusted",
}  # fmt: skip


@pytest.fixture(scope="module")
def cohort():
    return make_cohort(n=120, events=60, genes=6, seed=6, planted={"G1": 0.8, "G2": -0.4})


@pytest.fixture(scope="module")
def signature(cohort):
    return make_signature(cohort, {"G1": 0.8, "G2": -0.4})


@pytest.fixture(scope="module")
def result(signature, cohort):
    return validate(signature, cohort, adjust=["er", "pam50"], bootstrap=200)


@pytest.fixture(scope="module")
def score(result):
    return result.scores["risk_score"].to_numpy()


def test_the_json_has_every_key_of_the_contract(result):
    content = result.to_dict()
    assert set(content) >= CONTRACT
    assert set(content["cuts"]) == {"frozen", "median"}
    assert set(content["cuts"]["frozen"]) >= {"n_high", "n_low", "logrank_p"}
    assert set(content["adjusted"]) >= {
        "covariates", "n", "events", "n_missing", "hr_per_sd", "hr_low", "hr_high", "p", "p_lr"
    }  # fmt: skip


def test_the_hazard_ratio_is_per_standard_deviation_of_the_score_in_this_cohort(result, cohort, score):
    fit = cox_regression(cohort.outcome, pd.DataFrame({"s": score / score.std(ddof=1)}))
    assert result.unadjusted.hr == pytest.approx(fit.frame.hr[0], rel=1e-12)
    assert result.unadjusted.p_lr == pytest.approx(likelihood_ratio(fit).p, rel=1e-9)


def test_the_adjusted_model_tests_what_the_score_adds_to_the_covariates(result, cohort, score):
    covariates = cohort.covariates[["er", "pam50"]]
    full = cox_regression(cohort.outcome, covariates.assign(s=score / score.std(ddof=1)))
    assert result.adjusted.hr == pytest.approx(full.frame.set_index("term").hr["s"], rel=1e-12)
    assert result.adjusted.p_lr == pytest.approx(
        likelihood_ratio(full, cox_regression(cohort.outcome, covariates)).p
    )


def test_the_covariates_are_shown_with_the_patients_of_every_level(result, cohort, score):
    covariates = cohort.covariates[["er", "pam50"]]
    full = cox_regression(cohort.outcome, covariates.assign(s=score / score.std(ddof=1))).frame
    terms = result.adjusted.terms.set_index("term")
    reference = "pam50: Basal (reference)"
    assert list(terms.index) == ["er", reference, "pam50: LumA", "pam50: LumB", "risk score per SD"]
    np.testing.assert_allclose(
        terms.drop(reference)[["hr", "low", "high", "p"]], full[["hr", "low", "high", "p"]]
    )
    counts = cohort.covariates["pam50"].value_counts()
    assert terms["n"].tolist() == [120, counts["Basal"], counts["LumA"], counts["LumB"], 120]
    basal = cohort.covariates["pam50"] == "Basal"
    assert terms.loc[reference, ["n_events", "hr"]].tolist() == [cohort.outcome.event[basal].sum(), 1.0]


def test_both_models_come_with_the_test_of_proportional_hazards(result, cohort, score):
    covariates = cohort.covariates[["er", "pam50"]].assign(**{"risk score per SD": score / score.std(ddof=1)})
    want = proportional_hazards_test(cox_regression(cohort.outcome, covariates)).frame
    pd.testing.assert_frame_equal(result.adjusted.proportional_hazards, want)
    assert result.unadjusted.proportional_hazards["term"].tolist() == ["risk score per SD", "GLOBAL"]


@pytest.fixture(scope="module")
def in_order(signature, cohort, score):
    """A validation in which the three patients with the highest scores have the events, in order."""
    order = (-score).argsort().argsort() + 1.0
    return validate(
        signature, replace(cohort, outcome=Outcome(order, order <= 3, "RFS")), adjust=["er"], bootstrap=0
    )


@pytest.mark.parametrize("model", ["unadjusted", "adjusted"])
def test_an_infinite_hazard_ratio_is_noted_in_the_json_and_in_print(in_order, model):
    note = in_order.to_dict()[model]["note"]
    assert "no finite estimate for" in note and "risk score per SD" in note
    assert f"note: {note}" in str(in_order)


def test_the_note_of_the_unadjusted_model_stands_beside_its_numbers(in_order):
    content = in_order.to_dict()
    assert content["hr_note"] == content["unadjusted"]["note"] != ""


def test_print_and_json_hold_the_same_terms_and_tests(result):
    content, text = result.to_dict(), str(result)
    models = [content["unadjusted"], content["adjusted"]]
    rows = [row for model in models for row in [*model["terms"], *model["proportional_hazards"]]]
    assert len(rows) == 12
    assert all(row["term"] in text for row in rows)


def test_every_covariate_is_stated_in_the_model_or_not(signature, cohort):
    plain = validate(signature, cohort, bootstrap=0)
    assert list(plain.to_dict()["covariate_types"]) == list(cohort.covariates)
    coded = replace(cohort, covariates=cohort.covariates.assign(grade=np.arange(120) % 3))
    assert "grade  categorical: 0 (40), 1 (40), 2 (40); 0 missing" in str(
        validate(signature, coded, categorical=["grade"], bootstrap=0)
    )


def test_patients_without_a_covariate_are_counted(signature, cohort):
    holes = replace(
        cohort, covariates=cohort.covariates.assign(er=cohort.covariates["er"].where(np.arange(120) > 6))
    )
    adjusted = validate(signature, holes, adjust=["er"], bootstrap=0).adjusted
    assert (adjusted.n, adjusted.n_missing) == (113, 7)


def test_both_cuts_are_tested_whichever_is_shown(signature, cohort, score):
    results = [validate(signature, cohort, cut=cut, bootstrap=0) for cut in ("frozen", "median")]
    assert results[0].cuts == results[1].cuts
    groups = risk_groups(score, float(np.median(score)))
    assert results[0].cuts["median"].logrank_p == pytest.approx(logrank_test(cohort.outcome, groups).p_value)


def test_the_frozen_cut_is_the_signatures_and_not_the_cohorts(signature, cohort):
    moved = replace(signature, cutoff=signature.cutoff + 0.5)
    frozen = validate(moved, cohort, bootstrap=0).cuts["frozen"]
    assert (frozen.threshold, frozen.n_high < frozen.n_low) == (moved.cutoff, True)


def test_a_score_at_the_cut_is_low_risk():
    assert risk_groups(np.array([0.9, 1.0, 1.1]), 1.0).tolist() == ["low", "low", "high"]


def test_the_log_rank_test_of_the_shown_cut_comes_whole(result, cohort):
    groups = result.scores["group"].to_numpy()
    assert result.logrank.statistic == logrank_test(cohort.outcome, groups).statistic
    assert result.logrank.p_value == result.cuts["frozen"].logrank_p


def test_concordance_is_harrells_with_a_seeded_interval(signature, result, cohort, score):
    expected = harrell_c(cohort.outcome, score, bootstrap=200, seed=0)
    assert (result.c_index, result.c_low, result.c_high) == (expected.c_index, expected.low, expected.high)
    other = validate(signature, cohort, bootstrap=200, seed=1)
    assert other.c_index == result.c_index and other.c_low != result.c_low


def test_curves_hold_the_groups_of_the_cut_that_is_shown(result):
    sizes = {group: curve.n for group, curve in result.curves.items()}
    assert sizes == {"low": result.cuts["frozen"].n_low, "high": result.cuts["frozen"].n_high}


def test_a_null_model_validates_to_hr_1_and_c_a_half(cohort):
    content = validate(make_signature(cohort, {}), cohort, adjust=["er"]).to_dict()
    assert (content["hr_per_sd"], content["c_index"], content["null_model"]) == (1.0, 0.5, True)
    assert (content["adjusted"]["hr_per_sd"], content["adjusted"]["p"]) == (1.0, None)
    assert content["adjusted"]["note"] == "the terms are those of the covariates alone"
    er = cox_regression(cohort.outcome, cohort.covariates[["er"]])
    assert [(row["term"], row["hr"]) for row in content["adjusted"]["terms"]] == [("er", er.frame["hr"][0])]
    assert [row["term"] for row in content["adjusted"]["proportional_hazards"]] == ["er", "GLOBAL"]
    assert content["cuts"]["frozen"] == {"threshold": 0.0, "n_high": 0, "n_low": 120, "logrank_p": None}


def test_a_score_that_does_not_vary_has_no_hazard_ratio(cohort):
    flat = replace(cohort, expression=cohort.expression * 0)
    result = validate(make_signature(cohort, {"G1": 1.0}, "none"), flat, adjust="er", bootstrap=10)
    content = result.to_dict()
    assert (content["hr_per_sd"], content["p"], content["c_index"]) == (None, None, 0.5)
    assert content["hr_note"] == "all patients have the same risk score"
    assert result.adjusted.note == f"{content['hr_note']}; the terms are those of the covariates alone"
    assert result.adjusted.terms["term"].tolist() == ["er"]


def test_undefined_values_become_null_and_the_json_is_strict(cohort):
    content = validate(make_signature(cohort, {}), cohort).to_dict()
    assert "NaN" not in json.dumps(content, allow_nan=False)


def test_the_training_cohort_is_recognised_by_its_hash(signature, cohort):
    assert validate(signature, cohort, bootstrap=0).is_training_cohort
    other = replace(cohort, outcome=Outcome(cohort.outcome.time + 1, cohort.outcome.event, "RFS"))
    assert not validate(signature, other, bootstrap=0).is_training_cohort


def test_an_absent_covariate_is_refused_with_those_that_are_there(signature, cohort):
    with pytest.raises(InputError, match="has no covariate grade") as caught:
        validate(signature, cohort, adjust=["grade"])
    assert "pam50, er, pr" in caught.value.fix


def test_a_covariate_with_the_name_of_the_score_is_refused(signature, cohort):
    named = replace(cohort, covariates=cohort.covariates[["er"]].set_axis(["risk score per SD"], axis=1))
    with pytest.raises(InputError, match="'risk score per SD' has the name of the score itself"):
        validate(signature, named, adjust=["risk score per SD"])


@pytest.mark.parametrize("events", [0, 1])
def test_fewer_than_two_events_are_refused(signature, cohort, events):
    few = replace(cohort, outcome=Outcome(cohort.outcome.time, np.arange(120) < events, "RFS"))
    with pytest.raises(InputError, match=f"has {events} event"):
        validate(signature, few)


def test_a_covariate_is_found_by_any_of_its_spellings(signature, cohort):
    result = validate(signature, cohort, adjust=["ER Status", "CLAUDIN_SUBTYPE", "PR", "er"], bootstrap=0)
    assert result.adjusted.covariates == ("er", "pam50", "pr")


def test_an_unknown_cut_is_refused(signature, cohort):
    with pytest.raises(InputError, match="'mean' is not a valid cut"):
        validate(signature, cohort, cut="mean")


def test_the_frame_has_a_row_per_statistic(result):
    statistics = result.to_frame()["statistic"].tolist()
    assert statistics[:3] == ["HR per SD", "HR per SD, adjusted for er, pam50", "Harrell's C"]
    assert len(statistics) == 5


def test_reversing_every_coefficient_inverts_the_hazard_ratio_and_turns_c(signature, cohort, result):
    reverse = replace(signature, coefficients=tuple(-c for c in signature.coefficients))
    turned = validate(reverse, cohort, bootstrap=0)
    assert turned.unadjusted.hr == pytest.approx(1 / result.unadjusted.hr, rel=1e-6)
    assert turned.c_index == pytest.approx(1 - result.c_index)
