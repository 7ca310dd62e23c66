"""Canonical covariates: which column, which words, what counts as missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError
from sequoia_stats.io._covariates import canonical_names, known_values, parse_covariates


def parse(options=None, **columns):
    flow = Flow()
    table = pd.DataFrame(columns, dtype=object)
    table = table.set_axis([f"P{i + 1}" for i in range(len(table))])
    covariates, _ = parse_covariates(table, flow, **(options or {}))
    return covariates, list(flow)


def readings(**columns):
    table = pd.DataFrame(columns, dtype=object)
    return parse_covariates(table.set_axis([f"P{i + 1}" for i in range(len(table))]), Flow())[1]


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


def test_an_unknown_word_for_a_receptor_is_missing_and_kept_with_its_patient():
    columns = {"HER2": ["Positive", "to be tested", "Negative", "not performed"]}
    table, steps = parse(**columns)
    assert table["her2"].isna().tolist() == [False, True, False, True]
    assert steps == [("covariate: HER2", 3, 2, "'to be tested' (1) taken as missing")]
    reading = readings(**columns)["her2"]
    assert (reading.unread, reading.missing) == ({"to be tested": ("P2",)}, {"not performed": 1})


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["Positive", "Negative", "-", "Unknown/ND"], [1, 0, None, None]),
        (["1", "0", "-"], [1, 0, None]),
        (["+", "-", "neg"], [1, 0, 0]),
        (["Positive", "-", "Equivocal"], [1, 0, None]),
    ],
)
def test_a_dash_is_negative_unless_another_word_is(words, values):
    assert parse(er=words)[0]["er"].astype(object).where(lambda er: er.notna(), None).tolist() == values
    counts = readings(er=words)["er"].counts() if None in values else {}
    assert sum(counts.values()) == values.count(None)


@pytest.mark.parametrize("scores", [["0", "1+", "2+", "3+"], ["0", "1", "2", "3"], ["90%", "10%", "0", "1"]])
def test_scores_of_staining_are_not_taken_as_positive_or_negative(scores):
    table, steps = parse(IHC_HER2=scores)
    assert list(table) == ["IHC_HER2"]
    assert "not taken as positive or negative" in steps[0][3]


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
    words = {"PAM50": ["NC", "LumA", "Not classified", "BRCA_NC"]}
    assert parse(**words)[0]["pam50"].isna().tolist() == [True, False, True, True]
    assert readings(**words)["pam50"].missing == {"NC": 1, "Not classified": 1, "BRCA_NC": 1}


def test_a_subtype_column_of_another_cancer_keeps_its_name():
    assert list(parse(SUBTYPE=["COAD_CIN", "COAD_MSI"])[0]) == ["SUBTYPE"]


def test_ages_are_years():
    assert parse(AGE=["63.5", np.nan])[0]["age"].tolist()[:1] == [63.5]


def test_an_age_in_days_is_not_taken_for_years():
    table, steps = parse(age_at_diagnosis=["23000"])
    assert list(table) == ["age_at_diagnosis"]
    assert steps == [("covariate: age_at_diagnosis", 1, 1, "not taken as age in years: maximum 23000")]


def test_an_age_in_words_is_missing_and_kept_with_its_patient():
    columns = {"AGE": ["61", ">89", "51", "[Not Available]"]}
    table, steps = parse(**columns)
    assert table["age"].isna().tolist() == [False, True, False, True]
    assert steps == [("covariate: AGE", 3, 2, "'>89' (1) taken as missing")]
    assert readings(**columns)["age"].unread == {">89": ("P2",)}


def test_groups_of_ages_are_levels_under_their_own_name():
    assert parse(AGE=["<50", "50-60", "51"])[0]["AGE"].tolist() == ["<50", "50-60", "51"]


def test_codes_are_levels_if_they_are_declared_by_any_name():
    columns = {"ER Status": ["0", "1"], "grade, nuclear": ["3", "1"], "stage": ["1", "2"]}
    table, _ = parse({"categorical": ["er", "grade, nuclear", "stage"]}, **columns)
    assert [list(table[name].cat.categories) for name in table] == [["0", "1"], ["1", "3"], ["1", "2"]]
    assert parse({"categorical": ["ER Status,stage"]}, **columns)[0]["stage"].dtype == "category"
    with pytest.raises(InputError, match="there is no covariate grad to be categorical"):
        parse({"categorical": ["grad"]}, **columns)


@pytest.mark.parametrize(
    "column", [["NA", "NA"], ["2010-03-01", "2011-04-02"], [["a"], ["b"]], ["7", "x/y"], ["", "12 mm"]]
)
def test_a_covariate_that_nobody_asks_for_refuses_nothing(column):
    assert list(parse(other=column)[0]) == ["other"]


def test_other_columns_keep_name_and_become_numbers_where_they_are():
    table, _ = parse(grade=["3", np.nan], stage=["II", "3"])
    assert table["grade"].dtype == np.float64
    assert table["stage"].tolist() == ["II", "3"]
    assert list(table["stage"].cat.categories) == ["3", "II"]


def test_a_slash_in_a_name_becomes_a_blank():
    assert list(parse(**{"ER/PR": ["x"], "ER PR": ["y"]})[0]) == ["ER PR", "ER PR (2)"]


def test_canonical_covariates_are_first_in_their_order():
    assert list(parse(stage=["I"], AGE=["50"], er=["1"], PAM50=["LumA"])[0]) == [
        "pam50",
        "er",
        "age",
        "stage",
    ]


def test_odd_words_of_a_receptor_are_missing_as_in_cohorts():
    column = pd.Series(["Positive", "Negative", "neg", "see comment", "Positive"], name="er_status")
    parsed, _ = parse_covariates(column.to_frame(), Flow())
    assert known_values(column).isna().tolist() == parsed["er"].isna().tolist() == [False] * 3 + [True, False]
    scores = pd.Series(["1+", "2+", "Positive", "low"], name="her2")
    assert known_values(scores).notna().all()


@pytest.mark.parametrize("values", [["NA"] * 3, [np.nan] * 3, [1.0, 0.0, np.nan], [True, False, None]])
def test_known_values_of_a_receptor_may_be_none_or_numbers(values):
    column = pd.Series(values, name="er")
    assert known_values(column).isna().tolist() == (column.isna() | (column == "NA")).tolist()
