"""Scores on the scale of a frozen reference, within studies, and of patients outside the range of a cohort."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.signature import ScaleReference, validate
from sequoia_stats.types.expression import Expression
from tests.build.cohorts import make_cohort, make_signature

COEFFICIENTS = {"G1": 0.5, "G2": -0.25, "G3": 0.25, "G4": 0.1, "G5": -0.3}


@pytest.fixture(scope="module")
def training():
    return make_cohort(n=80, genes=8, seed=4, name="training")


@pytest.fixture(scope="module")
def platform():
    """Another platform: every gene on a scale of its own; more distinct values than a signature stores."""
    made = make_cohort(n=300, genes=8, seed=5, name="platform")
    return replace(made, expression=100 + 7 * made.expression)


@pytest.fixture(params=["rank", "zscore"])
def signature(training, request):
    return make_signature(training, COEFFICIENTS, request.param)


def one(cohort, patient=3):
    return cohort.expression.iloc[[patient]]


def test_a_cohort_against_itself_gets_the_scores_of_the_cohort_scale(signature, platform):
    alone = signature.risk_score(platform)
    against = signature.risk_score(platform, reference=platform)
    pd.testing.assert_series_equal(against.scores, alone.scores, check_exact=True)
    assert (against.scale, against.reference.n, against.notes) == ("reference", 300, ())


def test_one_patient_gets_the_score_of_his_row(signature, platform):
    scores = signature.risk_score(platform).scores
    alone = signature.risk_score(one(platform), reference=signature.reference(platform)).scores
    assert alone.to_dict() == {platform.patients[3]: scores.iloc[3]}


def test_a_reference_survives_its_file_to_the_last_bit(signature, platform, tmp_path):
    kept = signature.reference(platform)
    kept.save(tmp_path / "r.json")
    assert ScaleReference.load(tmp_path / "r.json").to_dict() == kept.to_dict()
    expected = signature.risk_score(platform).scores.iloc[3]
    assert signature.risk_score(one(platform), reference=tmp_path / "r.json").scores.item() == expected


def test_genes_that_the_reference_lacks_are_missing_as_in_its_own_score(signature, platform):
    less = replace(platform, expression=platform.expression.drop(columns="G4"))
    alone = signature.risk_score(less)
    new = signature.risk_score(one(platform), reference=less)
    assert new.genes_missing == alone.genes_missing == ("G4",)
    assert (new.weight_lost, new.scores.item()) == (alone.weight_lost, alone.scores.iloc[3])


@pytest.mark.parametrize("value", [np.nan, 5.0])
def test_genes_without_values_or_with_a_single_one_are_not_in_a_reference(signature, platform, value):
    flat = replace(platform, expression=platform.expression.assign(G4=value))
    assert "G4" not in signature.reference(flat).genes


def test_genes_that_the_patient_lacks_are_missing(signature, platform):
    patient = one(platform).drop(columns="G1")
    risk = signature.risk_score(patient, reference=platform)
    assert risk.genes_missing == ("G1",)


def test_too_much_weight_lost_in_the_reference_is_refused(signature, platform):
    less = replace(platform, expression=platform.expression[["G4"]])
    with pytest.raises(InputError, match="lacks 4 of 5 genes"):
        signature.risk_score(one(platform), reference=less)


def test_former_names_in_the_reference_are_found(platform, training):
    cohort = replace(training, expression=training.expression.rename(columns={"G1": "NDC80"}))
    signature = make_signature(cohort, {"NDC80": 1.0, "G2": 1.0})
    other = platform.expression.rename(columns={"G1": "KNTC2"})
    assert (
        signature.risk_score(one(platform).rename(columns={"G1": "KNTC2"}), reference=other).genes_missing
        == ()
    )


def test_the_hash_is_that_of_the_patients_genes_and_values(signature, platform):
    shuffled = replace(platform, expression=platform.expression.sample(frac=1, random_state=1, axis=1))
    assert signature.reference(shuffled).sha256 == signature.reference(platform).sha256
    changed = platform.expression.copy()
    changed.iloc[0, 0] += 1
    assert signature.reference(changed).sha256 != signature.reference(platform).sha256


def test_a_reference_of_few_patients_is_refused(signature, platform):
    with pytest.raises(InputError, match="at least 20 patients, but DataFrame has 19"):
        signature.risk_score(one(platform), reference=platform.expression.iloc[:19])


def test_a_reference_of_another_transform_is_refused(training, platform):
    kept = make_signature(training, COEFFICIENTS, "zscore").reference(platform)
    with pytest.raises(
        InputError, match="holds the zscore transform, but the signature uses the rank transform"
    ):
        make_signature(training, COEFFICIENTS, "rank").risk_score(one(platform), reference=kept)


@pytest.mark.parametrize("options", [{"scale": "training"}, {"scale_within": "pam50"}])
def test_two_scales_cannot_be_combined(signature, platform, options):
    with pytest.raises(InputError, match="cannot be combined"):
        signature.risk_score(platform, reference=platform, **options)


def test_a_transform_that_needs_no_cohort_says_that_the_reference_has_no_effect(training, platform):
    signature = make_signature(training, COEFFICIENTS, "none")
    risk = signature.risk_score(one(training), reference=platform)
    assert "the reference had no effect" in risk.notes[0]
    with pytest.raises(InputError, match="nothing to keep as a reference"):
        signature.reference(platform)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "other"}, "another kind of JSON file"),
        ({"coefficients": [], "kind": None}, "this is a signature, not a reference"),
        ({"schema_version": 2}, "version 2"),
        ({"n": 3}, "at /n"),
        ({"genes": ["G1"]}, "1 gene with 5 sets of transform parameters"),
        ({"sha256": "x", "cohort": 5}, "in 2 places"),
    ],
)
def test_a_file_that_is_not_a_reference_is_refused(signature, platform, tmp_path, change, words):
    content = signature.reference(platform).to_dict() | change
    (tmp_path / "r.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=words):
        ScaleReference.load(tmp_path / "r.json")


# --- within studies --------------------------------------------------------------------------------------------------


@pytest.fixture
def pooled(training, platform):
    values = pd.concat([training.expression, platform.expression.set_axis([f"Q{i}" for i in range(300)])])
    study = ["A"] * 80 + ["B"] * 300
    return Expression(
        values,
        pd.Series(dtype=object),
        "pooled",
        pd.DataFrame(),
        pd.DataFrame({"study": study}, values.index),
    )


def test_within_studies_every_patient_gets_the_score_of_his_study_alone(
    signature, training, platform, pooled
):
    risk = signature.risk_score(pooled, scale_within="study")
    expected = np.concatenate([signature.risk_score(study).scores for study in (training, platform)])
    np.testing.assert_array_equal(risk.scores, expected)
    assert risk.scale_within == {"A": 80, "B": 300}
    assert abs(signature.risk_score(pooled).scores - expected).max() > 0.5


def test_studies_may_be_given_as_a_series_or_a_list(signature, pooled):
    by_name = signature.risk_score(pooled, scale_within="study").scores
    shuffled = pooled.covariates["study"].sample(frac=1, random_state=1)
    for given in (shuffled, list(pooled.covariates["study"])):
        pd.testing.assert_series_equal(signature.risk_score(pooled, scale_within=given).scores, by_name)


def test_a_gene_with_a_single_value_in_one_study_is_missing(signature, pooled):
    values = pooled.values.copy()
    values.loc[pooled.covariates["study"] == "A", "G4"] = 1.0
    assert signature.risk_score(replace(pooled, values=values), scale_within="study").genes_missing == ("G4",)


def test_studies_with_long_numbers_stay_apart(signature, pooled):
    by_name = signature.risk_score(pooled, scale_within="study").scores
    number = pooled.covariates["study"].map({"A": 2034567.0, "B": 2034568.0})
    pd.testing.assert_series_equal(signature.risk_score(pooled, scale_within=number).scores, by_name)


def test_studies_may_be_numbers_with_a_point_or_without(signature, pooled):
    number = pooled.covariates["study"].map({"A": 1.0, "B": 2.5})
    assert signature.risk_score(pooled, scale_within=number).scale_within == {"1": 80, "2.5": 300}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda study: study.mask(study.index.isin(study.index[:12]), "tiny"),
            "1 of 3 groups has fewer than 20 patients.* tiny",
        ),
        (lambda study: study.mask(study.index == "P7", np.nan), "1 of 380 patients has no group"),
        (lambda study: study.to_numpy()[:, None].repeat(2, axis=1), "the groups have the shape"),
        (lambda study: list(study)[:5], "5 groups are given for 380 patients"),
        (lambda _: "centre", "no column 'centre'"),
    ],
)
def test_groups_that_cannot_be_used_are_refused(signature, pooled, change, words):
    with pytest.raises(InputError, match=words):
        signature.risk_score(pooled, scale_within=change(pooled.covariates["study"].astype(object)))


def test_validation_takes_a_covariate_as_study(training):
    signature = make_signature(training, COEFFICIENTS)
    cohort = make_cohort(n=120, events=60, genes=8, seed=6)
    result = validate(signature, cohort, scale_within="pam50", bootstrap=0)
    assert sum(result.to_dict()["scale_within"].values()) == 120


# --- outside the range -----------------------------------------------------------------------------------------------


def test_a_cohort_of_the_same_platform_needs_no_note(signature):
    same = make_cohort(n=90, genes=8, seed=7)
    assert signature.risk_score(same, scale="training").notes == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda x: 2**x,  # counts where logarithms were trained
        lambda x: x + 7,  # another zero
        lambda x: x / 10,  # log-ratios
        lambda x: x * 10,
    ],
)
def test_a_cohort_of_another_platform_is_warned_of(signature, change):
    same = make_cohort(n=90, genes=8, seed=7, name="other")
    risk = signature.risk_score(change(same.expression * 1.0), scale="training")
    assert "lies outside the range of the training cohort training" in risk.notes[0]
    assert "--scale cohort" in risk.notes[0] and "--reference" in risk.notes[0]


def test_patients_who_are_all_on_one_side_of_the_cutoff_are_said(training):
    signature = make_signature(training, {"G1": 1.0}, "none")
    risk = signature.risk_score(training.expression + 50)
    assert risk.notes == ("all 80 patients are in one group by the frozen cut-off: high risk",)


@pytest.mark.parametrize("n", [1, 5, 19])
def test_few_patients_of_another_platform_are_refused(signature, platform, n):
    with pytest.raises(InputError, match="cannot be scored on this scale") as caught:
        signature.risk_score(platform.expression.iloc[:n], scale="training")
    assert "--reference COHORT" in caught.value.fix


def test_one_patient_of_another_platform_than_the_reference_is_refused(signature, training, platform):
    with pytest.raises(InputError, match="outside the range of the reference platform"):
        signature.risk_score(one(training), reference=platform)


def test_one_patient_in_the_range_is_scored_with_a_note(signature):
    patient = one(make_cohort(n=90, genes=8, seed=7))
    [note] = signature.risk_score(patient, scale="training").notes
    assert note.startswith("one patient is too few to tell")


def test_few_patients_out_of_range_are_not_sent_to_the_training_scale(signature, platform):
    with pytest.raises(InputError, match="at least 20 patients, but there are 5") as caught:
        signature.risk_score(platform.expression.iloc[:5])
    assert "--reference COHORT" in caught.value.fix
    assert "--scale training cannot help" in caught.value.fix


def test_few_patients_in_the_range_may_use_the_training_scale_as_the_message_says(signature):
    few = make_cohort(n=90, genes=8, seed=7).expression.iloc[:5]
    with pytest.raises(InputError) as caught:
        signature.risk_score(few)
    assert "or --scale training, but only if" in caught.value.fix
    assert len(signature.risk_score(few, scale="training").scores) == 5
