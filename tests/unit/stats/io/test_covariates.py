"""Canonical covariates: which column, which words, what counts as missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError
from sequoia_stats.io._covariates import canonical_names, parse_covariates


def parse(**columns):
    flow = Flow()
    table = pd.DataFrame(columns, dtype=object)
    return parse_covariates(
        table.set_axis(pd.RangeIndex(2, len(table) + 2, name="row")), "c.csv", flow
    ), list(flow)


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("ER_STATUS", "er"),
        ("ER_STATUS_BY_IHC", "er"),
        ("ER Status By IHC", "er"),
        ("er_Status", "er"),
        ("PR_STATUS", "pr"),
        ("PR status by ihc", "pr"),
        ("pgr_status", "pr"),
        ("HER2_STATUS", "her2"),
        ("IHC-HER2", "her2"),
        ("HER2_STATUS_BY_IHC", "her2"),
        ("PAM50", "pam50"),
        ("pam50_subtype", "pam50"),
        ("Pam50 + Claudin-low subtype", "pam50"),
        ("CLAUDIN_SUBTYPE", "pam50"),
        ("SUBTYPE", "pam50"),
        ("AGE", "age"),
        ("AGE_AT_DIAGNOSIS", "age"),
        ("Diagnosis Age", "age"),
        ("ageAtDx", "age"),
        ("age_at_initial_pathologic_diagnosis", "age"),
    ],
)
def test_common_spellings_are_recognised(column, name):
    assert canonical_names([column]) == {column: name}


@pytest.mark.parametrize(
    "column", ["HER2 status measured by SNP6", "PR_SCORE", "stage", "ESR1", "percentage", "ERBB2"]
)
def test_other_columns_are_not(column):
    assert canonical_names([column]) == {}


def test_the_better_spelling_wins_and_the_other_keeps_its_name():
    table, _ = parse(**{"ER status measured by IHC": ["Positve"], "ER Status": ["Negative"]})
    assert table.to_dict("list") == {"er": [0.0], "ER status measured by IHC": ["Positve"]}


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("Positive", 1),
        ("Positve", 1),
        ("pos", 1),
        ("+", 1),
        ("1", 1),
        (1.0, 1),
        ("Negative", 0),
        ("neg", 0),
        ("-", 0),
        (0, 0),
    ],
)
def test_receptors_are_one_or_zero(word, value):
    assert parse(er=[word])[0]["er"].tolist() == [value]


@pytest.mark.parametrize("word", [np.nan, "Indeterminate", "Equivocal", "unknown"])
def test_undecided_and_absent_receptors_are_missing(word):
    assert parse(her2=[word, "Positive"])[0]["her2"].isna().tolist() == [True, False]


def test_undecided_receptors_are_counted():
    steps = parse(**{"ER Status": ["Positive", "Indeterminate", np.nan, "Equivocal"]})[1]
    assert steps == [("covariate: ER Status", 3, 1, "Equivocal and Indeterminate taken as missing")]


def test_an_unknown_word_for_a_receptor_is_an_error_with_its_row():
    with pytest.raises(InputError, match=r"1 value .*: maybe\n.*column 'ER_STATUS', rows 3"):
        parse(ER_STATUS=["Positive", "maybe"])


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("BRCA_LumA", "LumA"),
        ("Luminal B", "LumB"),
        ("HER2-enriched", "Her2"),
        ("Basal-like", "Basal"),
        ("claudin-low", "claudin-low"),
    ],
)
def test_subtypes_have_one_spelling(text, call):
    assert parse(PAM50=[text])[0]["pam50"].tolist() == [call]


def test_a_subtype_that_was_not_classified_is_missing():
    assert parse(PAM50=["NC", "LumA"])[0]["pam50"].isna().tolist() == [True, False]


def test_a_subtype_column_of_another_cancer_keeps_its_name():
    assert list(parse(SUBTYPE=["COAD_CIN", "COAD_MSI"])[0]) == ["SUBTYPE"]


def test_ages_are_years():
    assert parse(AGE=["63.5", np.nan])[0]["age"].tolist()[:1] == [63.5]


def test_an_age_in_days_is_not_taken_for_years():
    table, steps = parse(age_at_diagnosis=["23000"])
    assert list(table) == ["age_at_diagnosis"]
    assert steps == [("covariate: age_at_diagnosis", 1, 1, "not taken as age in years: maximum 23000")]


def test_an_age_in_words_is_an_error():
    with pytest.raises(InputError, match="1 age is not numeric: old"):
        parse(age=["old", "51"])


def test_other_columns_keep_name_and_become_numbers_where_they_are():
    table, _ = parse(grade=["3", np.nan], stage=["II", "3"])
    assert table["grade"].dtype == np.float64
    assert table["stage"].tolist() == ["II", "3"]


def test_a_slash_in_a_name_becomes_a_blank():
    assert list(parse(**{"ER/PR": ["x"], "ER PR": ["y"]})[0]) == ["ER PR", "ER PR (2)"]


def test_canonical_covariates_are_first_in_their_order():
    assert list(parse(stage=["I"], AGE=["50"], er=["1"], PAM50=["LumA"])[0]) == [
        "pam50",
        "er",
        "age",
        "stage",
    ]
