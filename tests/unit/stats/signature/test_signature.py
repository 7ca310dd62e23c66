"""The frozen signature: its file, its schema, and the scores it gives, in Python and in R."""

import json
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sequoia_stats import rbridge
from sequoia_stats.errors import InputError
from sequoia_stats.io import read_expression
from sequoia_stats.signature.signature import Signature
from sequoia_stats.signature.transforms import TRANSFORMS, within_cohort
from sequoia_stats.types.expression import Expression
from tests.build.cohorts import make_cohort, make_signature


@pytest.fixture(scope="module")
def cohort():
    made = make_cohort(n=60, events=30, genes=6, seed=4)
    return replace(made, expression=np.exp(made.expression))


@pytest.fixture
def signature(cohort):
    return make_signature(cohort, {"G1": 0.5, "G2": -0.25, "G4": 0.25})


@pytest.fixture
def saved(signature, tmp_path):
    path = tmp_path / "signature.json"
    signature.save(path)
    return path


def outcome_free(values, units, name):
    return Expression(values, units, name, pd.DataFrame())


def edited(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_signature_survives_its_file_to_the_last_bit(cohort, tmp_path, transform):
    signature = make_signature(cohort, {"G1": 0.1 + 0.2, "G2": -1e-17}, transform)
    signature.save(tmp_path / "s.json")
    assert Signature.load(tmp_path / "s.json").to_dict() == signature.to_dict()


def test_the_risk_score_is_the_sum_of_coefficient_times_transformed_expression(cohort, signature):
    x = cohort.expression[["G1", "G2", "G4"]].to_numpy()
    expected = within_cohort("rank", x) @ [0.5, -0.25, 0.25]
    np.testing.assert_allclose(signature.risk_score(read_expression(cohort)).scores, expected, rtol=1e-12)


def test_both_scales_agree_on_the_training_cohort(cohort, signature):
    data = read_expression(cohort)
    within, stored = (signature.risk_score(data, scale=scale).scores for scale in ("cohort", "training"))
    np.testing.assert_allclose(within, stored, atol=1e-12)


def test_cohort_scale_takes_out_a_change_of_platform_and_training_scale_does_not(cohort, signature):
    other = outcome_free(cohort.expression * 100 + 7, cohort.units, "other platform")
    expected = signature.risk_score(read_expression(cohort)).scores
    pd.testing.assert_series_equal(signature.risk_score(other).scores, expected)
    assert not np.allclose(signature.risk_score(other, scale="training").scores, expected)


def test_missing_genes_are_listed_with_the_weight_they_carry(cohort, signature):
    less = outcome_free(cohort.expression.drop(columns="G2"), cohort.units, "less")
    risk = signature.risk_score(less)
    assert (risk.genes_missing, risk.weight_lost) == (("G2",), pytest.approx(0.25))


def test_a_gene_with_missing_values_counts_as_missing(cohort, signature):
    holes = cohort.expression.copy()
    holes.iloc[3, holes.columns.get_loc("G4")] = np.nan
    assert signature.risk_score(outcome_free(holes, cohort.units, "holes")).genes_missing == ("G4",)


@pytest.mark.parametrize(("scale", "missing"), [("cohort", ("G4",)), ("training", ())])
def test_a_gene_with_one_value_says_nothing_within_its_cohort(cohort, signature, scale, missing):
    flat = outcome_free(cohort.expression.assign(G4=2.0), cohort.units, "flat")
    assert signature.risk_score(flat, scale=scale).genes_missing == missing


def test_a_score_is_refused_when_more_than_half_the_weight_is_missing(cohort, signature):
    less = outcome_free(cohort.expression.drop(columns=["G1", "G2"]), cohort.units, "less")
    with pytest.raises(InputError, match="less lacks 2 of 3 genes, with 75% of the weight"):
        signature.risk_score(less)
    assert signature.risk_score(less, max_weight_lost=0.75).weight_lost == 0.75


def test_a_cohort_that_shares_no_gene_is_refused_at_any_limit(cohort, signature):
    other = outcome_free(cohort.expression[["G3"]], cohort.units, "other")
    with pytest.raises(InputError, match="has none of the 3 genes"):
        signature.risk_score(other, max_weight_lost=1.0)


def test_genes_are_found_under_their_former_names(cohort):
    signature = make_signature(
        replace(
            cohort,
            expression=cohort.expression.rename(columns={"G1": "NDC80"}),
            units=pd.Series(dtype=object),
        ),
        {"NDC80": 1.0},
    )
    old = outcome_free(
        cohort.expression.rename(columns={"G1": "KNTC2"}), pd.Series(dtype=object), "old names"
    )
    assert signature.risk_score(old).genes_missing == ()


def test_fewer_than_20_patients_need_the_training_scale(cohort, signature):
    few = outcome_free(cohort.expression.iloc[:19], cohort.units, "few")
    with pytest.raises(InputError, match="at least 20 patients, but there are 19") as caught:
        signature.risk_score(few)
    assert "--scale training" in caught.value.fix
    assert len(signature.risk_score(few, scale="training").scores) == 19


def test_a_transform_that_looks_at_one_patient_at_a_time_needs_no_minimum(cohort):
    signature = make_signature(cohort, {"G1": 1.0}, "log2")
    few = outcome_free(cohort.expression.iloc[:2], cohort.units, "few")
    np.testing.assert_allclose(
        signature.risk_score(few).scores, np.log2(cohort.expression["G1"].iloc[:2] + 1)
    )


def test_a_null_model_scores_zero_for_everybody(cohort):
    risk = make_signature(cohort, {}).risk_score(read_expression(cohort))
    assert (risk.scores == 0).all() and risk.weight_lost == 0


def test_the_printed_form_names_genes_cohort_and_null_draws(signature):
    text = str(signature)
    assert "Signature of 3 genes for RFS" in text and "G1  +0.500000" in text and "training median" in text


@pytest.mark.parametrize(
    ("change", "words", "place"),
    [
        ({"schema_version": 99}, "schema version 99", "signature.json"),
        ({"coefficients": [0.5, "a", 1]}, "breaks its schema", "/coefficients/1"),
        ({"genes": ["G1", "G1", "G2"]}, "breaks its schema", "/genes"),
        ({"unknown": 1}, "breaks its schema", "signature.json"),
        ({"coefficients": [0.5]}, "3 genes with 1 coefficient", ""),
    ],
)
def test_a_file_that_is_not_a_valid_signature_is_refused_with_the_place(saved, change, words, place):
    with pytest.raises(InputError, match=words) as caught:
        Signature.load(edited(saved, **change))
    assert place in caught.value.where


def test_all_faults_of_a_file_are_named_at_once(saved):
    edited(saved, coefficients=[0.5, "a"], cutoff="high", genes=["G1", 2])
    with pytest.raises(InputError, match="in 4 places") as caught:
        Signature.load(saved)
    assert all(place in caught.value.what for place in ("/coefficients/1", "/cutoff", "/genes/1"))


def test_a_file_of_genes_and_coefficients_hears_of_every_missing_part(tmp_path):
    (tmp_path / "s.json").write_text(json.dumps({"genes": ["G1"], "coefficients": [1]}))
    with pytest.raises(InputError, match=r"schema_version, transform, cutoff, .* seed are missing"):
        Signature.load(tmp_path / "s.json")


@pytest.mark.parametrize(
    "as_given",
    [lambda cohort: cohort, lambda cohort: cohort.adata, lambda cohort: cohort.expression, read_expression],
    ids=["cohort", "adata", "frame", "expression"],
)
def test_patients_are_scored_from_whatever_holds_them(cohort, signature, as_given):
    scores = signature.risk_score(as_given(cohort)).scores
    pd.testing.assert_series_equal(scores, signature.risk_score(read_expression(cohort)).scores)


def test_a_transposed_frame_is_refused_with_the_way_out(cohort, signature):
    with pytest.raises(
        InputError, match=r"none of the 3 genes.* in its columns, but some in its rows"
    ) as caught:
        signature.risk_score(cohort.expression.T)
    assert "--genes-in rows" in caught.value.fix and "frame.T" in caught.value.fix


def test_an_array_is_refused_since_it_has_no_names(cohort, signature):
    with pytest.raises(InputError, match=r"an array of shape \(60, 6\) has no names"):
        signature.risk_score(cohort.expression.to_numpy())


@pytest.mark.parametrize("content", ["", "{", '{"a": NaN}', "[1, 2]", "\x00\x01"])
def test_a_file_that_is_not_json_is_refused(tmp_path, content):
    (tmp_path / "s.json").write_text(content)
    with pytest.raises(InputError, match=r"JSON|not a signature"):
        Signature.load(tmp_path / "s.json")


@pytest.mark.needs_r
@pytest.mark.parametrize("scale", ["cohort", "training"])
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_plain_r_gives_the_same_scores(cohort, tmp_path, transform, scale):
    tied = replace(cohort, expression=cohort.expression.round(1))
    signature = make_signature(tied, {"G1": 0.5, "G2": -0.25, "G4": 1 / 3}, transform)
    signature.save(tmp_path / "s.json")
    new = make_cohort(n=40, events=20, genes=6, seed=9).expression.abs().round(1).assign(G4=2.0)
    new.to_csv(tmp_path / "x.csv", float_format="%.17g")
    script = (
        f"source('{rbridge.r_source('signature.R')}'); s <- read_signature('s.json');"
        "x <- as.matrix(read.csv('x.csv', row.names = 1));"
        f"writeLines(sprintf('%.17g', risk_score(s, x, scale = '{scale}')))"
    )
    command = [shutil.which("Rscript"), "--vanilla", "-e", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    left_out = scale == "cohort" and transform in ("rank", "zscore")  # G4, which has one value there
    assert ("1 of 3 genes are left out, with 30.8% of the weight: G4" in done.stderr) is left_out
    ours = signature.risk_score(outcome_free(new, cohort.units, "new"), scale=scale).scores
    np.testing.assert_allclose(ours, np.array(done.stdout.split(), float), rtol=1e-12, atol=1e-12)
