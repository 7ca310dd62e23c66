"""Patients that a signature was trained on are found, refused, or counted."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.signature import Signature, validate
from sequoia_stats.signature.overlap import hash_training, seen_in_training
from tests.build.cohorts import make_cohort, make_signature

GENES = {"G1": 0.5, "G2": -0.25}


@pytest.fixture(scope="module")
def cohort():
    return make_cohort(n=60, events=40, genes=6, seed=5)


@pytest.fixture(scope="module")
def own(cohort):
    """A signature trained on this cohort."""
    return make_signature(cohort, GENES, trained_on=list(cohort.patients))


def test_training_patients_are_kept_as_sorted_hashes_of_their_ids():
    kept = hash_training(["P2", "P1", "P2"])
    assert kept == sorted(sha256(name.encode()).hexdigest() for name in ("P1", "P2"))


def test_the_score_of_a_training_patient_is_refused_with_the_patient(cohort):
    signature = make_signature(cohort, GENES, trained_on=["P3", "P9"])
    with pytest.raises(InputError, match="trained on 2 of the 60 patients to be scored") as caught:
        signature.risk_score(cohort)
    assert caught.value.where == "made: P3, P9"
    assert "--signatures" in caught.value.fix and "--allow-overlap" in caught.value.fix


def test_an_overlap_that_is_allowed_is_counted_and_changes_no_score(cohort):
    scores = make_signature(cohort, GENES, trained_on=["P3", "P9"]).risk_score(cohort, allow_overlap=True)
    plain = make_signature(cohort, GENES).risk_score(cohort)
    assert (scores.n_overlap, plain.n_overlap) == (2, 0)
    assert "was trained on 2 of the 60 patients" in scores.notes[0] and plain.notes == ()
    np.testing.assert_array_equal(scores.scores, plain.scores)


@pytest.mark.parametrize("trained", ["TCGA-A1-A0SB", "TCGA-A1-A0SB-01A-11R", "TCGA.A1.A0SB.01"])
@pytest.mark.parametrize("scored", ["TCGA-A1-A0SB", "TCGA-A1-A0SB-01A", "TCGA.A1.A0SB"])
def test_a_sample_of_tcga_is_its_patient_on_either_side(cohort, trained, scored):
    signature = make_signature(cohort, GENES, trained_on=[trained])
    seen = seen_in_training(signature, pd.Index([scored]))
    assert seen.tolist() == [True]


def test_other_patients_of_tcga_are_not_taken_for_it(cohort):
    signature = make_signature(cohort, GENES, trained_on=["TCGA-A1-A0SB-01A"])
    names = pd.Index(["TCGA-A1-A0SC", "TCGA-A1-A0S", "P1"])
    assert seen_in_training(signature, names).tolist() == [False] * 3


def test_a_signature_that_does_not_name_its_patients_says_that_overlap_is_unknown(cohort):
    scores = make_signature(cohort, GENES, trained_on=None).risk_score(cohort)
    assert scores.n_overlap is None and "does not name its training patients" in scores.notes[0]


@pytest.mark.parametrize(("trained_on", "version"), [(None, 1), (["P1"], 2)])
def test_a_signature_is_written_in_the_schema_of_what_it_knows(cohort, tmp_path, trained_on, version):
    signature = make_signature(cohort, GENES, trained_on=trained_on)
    signature.save(tmp_path / "s.json")
    assert json.loads((tmp_path / "s.json").read_text())["schema_version"] == version
    assert Signature.load(tmp_path / "s.json").to_dict() == signature.to_dict()


@pytest.mark.parametrize(
    ("patients", "place"), [(None, "/training"), (["P1"], "/training/patients/0"), ([], "/training/patients")]
)
def test_hashes_that_are_none_are_refused_with_their_place(own, tmp_path, patients, place):
    content = json.loads(json.dumps(own.to_dict()))
    content["training"]["patients"] = patients
    if patients is None:
        del content["training"]["patients"]
    (tmp_path / "s.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="breaks its schema") as caught:
        Signature.load(tmp_path / "s.json")
    assert place in caught.value.where and "signature-2.json" in caught.value.fix


def test_the_training_cohort_itself_is_validated_as_apparent(own, cohort):
    result = validate(own, cohort, bootstrap=0)
    assert result.is_training_cohort and result.to_dict()["n_overlap"] == 60
    assert "the performance is apparent" in str(result)


def test_a_part_of_the_training_cohort_is_refused_unless_it_is_asked_for(own, cohort):
    half = replace(
        cohort,
        expression=cohort.expression.iloc[:30],
        outcome=cohort.outcome[:30],
        covariates=cohort.covariates.iloc[:30],
    )
    with pytest.raises(InputError, match="trained on 30 of the 30 patients"):
        validate(own, half, bootstrap=0)
    asked = validate(own, half, bootstrap=0, allow_overlap=True)
    assert asked.n_overlap == 30 and not asked.is_training_cohort
    assert "note: the signature was trained on 30 of the 30 patients" in str(asked)
