"""Correlations within strata and beyond clinical variables: against single genes, and what they are for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sequoia_stats.association import fisher_mean, partial_correlation
from sequoia_stats.errors import InputError
from sequoia_stats.selection import well_predicted
from tests.build.cohorts import make_predictions

OPTIONS = {"rule": "strict"}


def with_columns(predictions, **columns):
    return dataclasses.replace(predictions, obs=predictions.obs.assign(**columns))


def subtypes(n=60):
    """Predictions whose genes differ between two subtypes, and are not predicted within them."""
    made = make_predictions(n=n, genes=6, accuracy=0.0)
    shift = np.repeat([0.0, 4.0], n // 2)[:, None]
    moved = dataclasses.replace(made, measured=made.measured + shift, predicted=made.predicted + shift)
    return with_columns(moved, pam50=["Basal"] * (n // 2) + ["LumA"] * (n // 2))


def test_r_within_strata_is_that_of_each_stratum_alone_and_their_mean_by_size():
    data = with_columns(make_predictions(n=50, genes=5), grade=[1, 2, 2, 3, 3] * 10)
    table = well_predicted(data, within="grade", **OPTIONS).table
    parts = {grade: data.rows(data.obs["grade"] == grade) for grade in (1, 2, 3)}
    for grade, part in parts.items():
        alone = [stats.pearsonr(part.measured[:, j], part.predicted[:, j])[0] for j in range(5)]
        np.testing.assert_allclose(table[f"r_grade={grade}"], alone)
        assert (table[f"n_grade={grade}"] == part.n).all()
    r = table[[f"r_grade={grade}" for grade in parts]].to_numpy().T
    np.testing.assert_allclose(table["r_within_grade"], fisher_mean(r, np.array([7, 17, 17])))
    assert (table["n_within_grade"] == 50).all()


def test_genes_that_only_tell_subtypes_apart_are_left_with_nothing():
    found = well_predicted(subtypes(), within="pam50", beyond=["pam50"], **OPTIONS)
    assert (found.table["r"] > 0.7).all() and found.well_predicted.all()
    assert (found.table[["r_within_pam50", "r_beyond_pam50"]].abs() < 0.4).all(axis=None)
    rows = found.adjusted.set_index("adjusted")
    assert rows.loc[["within pam50", "beyond pam50"], "n_still_predicted"].tolist() == [0, 0]
    assert rows["n"].to_dict() == {
        "within pam50": 60, "pam50=Basal": 30, "pam50=LumA": 30, "beyond pam50": 60,
    }  # fmt: skip


def test_genes_that_are_predicted_within_subtypes_stay():
    data = with_columns(make_predictions(n=80, genes=5, accuracy=0.8), pam50=["a", "b"] * 40)
    found = well_predicted(data, within="pam50", beyond="pam50", **OPTIONS)
    assert found.adjusted["n_still_predicted"].dropna().tolist() == [5, 5]


def test_the_verdict_and_all_other_columns_are_the_same():
    data = subtypes()
    plain, more = (
        well_predicted(data, **OPTIONS, **options) for options in ({}, {"within": "pam50", "beyond": "fold"})
    )
    pd.testing.assert_frame_equal(more.table[plain.table.columns], plain.table)
    assert plain.adjusted.empty and plain.notes == more.notes[: len(plain.notes)]


def test_partial_r_takes_numbers_as_they_are_and_categories_as_indicators():
    age = np.random.default_rng(0).normal(60, 9, 40)
    made = make_predictions(n=40)
    data = with_columns(made, age=age, kind=["neg", "pos", "low", "pos"] * 10)
    table = well_predicted(data, beyond=["kind", "age"], **OPTIONS).table
    given = np.column_stack([age, *([x == word for x in data.obs["kind"]] for word in ("neg", "pos"))])
    want = partial_correlation(made.measured, made.predicted, given)
    np.testing.assert_allclose(table["r_beyond_kind_age"], want.r, rtol=1e-10)
    np.testing.assert_allclose(table["p_beyond_kind_age"], want.p, rtol=1e-9)
    assert want.df[0] == 40 - 2 - 3


@pytest.mark.parametrize("title", ["site", "batch_id", "Plate"])
def test_numbers_that_are_codes_by_their_title_are_levels(title):
    codes = np.repeat(np.arange(12) * 7 + 100, 5)
    made, words = make_predictions(n=60), [f"h{code}" for code in codes]
    numbers, texts = (
        well_predicted(with_columns(made, **{title: values}), within=title, beyond=title, **OPTIONS).table
        for values in (codes, words)
    )
    for name in (f"r_within_{title}", f"r_beyond_{title}", f"p_beyond_{title}"):
        np.testing.assert_array_equal(numbers[name], texts[name])
    assert f"r_{title}=107" in numbers


def test_missing_values_and_small_strata_are_counted():
    kind = ["pos"] * 20 + ["neg"] * 15 + ["odd"] * 2 + ["Unknown", None, "NA"]
    data = with_columns(make_predictions(n=40), kind=kind)
    found = well_predicted(data, within="kind", beyond="kind", **OPTIONS)
    assert found.flow.to_numpy().tolist() == [
        ["patients: within kind, made", 40, 37, "no value"],
        ["patients: within kind, made", 37, 35, "fewer than 4 in odd (2)"],
        ["patients: beyond kind, made", 40, 37, "no value of kind (3)"],
    ]
    assert (found.table["n_within_kind"] == 35).all() and (found.table["n_beyond_kind"] == 37).all()
    assert "r_kind=odd" not in found.table
    kept = data.rows(np.arange(40) < 35)
    assert found.adjusted.loc[0, "r_median"] == pytest.approx(well_predicted(kept).table["r"].median())


def test_words_that_are_no_state_of_a_receptor_are_named_where_they_count_as_missing():
    er = ["pos"] * 20 + ["neg"] * 15 + ["see notes"] * 4 + ["Equivocal"]
    data = with_columns(make_predictions(n=40), er=er)
    found = well_predicted(data, within="er", beyond="er", **OPTIONS)
    words = "; taken as missing in er: 'see notes', 'Equivocal'"
    assert found.flow["reason"].tolist() == [f"no value{words}", f"no value of er (5){words}"]
    assert (found.table["n_within_er"] == 35).all() and "r_er=see notes" not in found.table


def test_slides_of_a_patient_that_disagree_are_the_cause_of_a_missing_stratum():
    made = make_predictions(n=20, slides=2)
    data = with_columns(made, site=["a", "a", "b", "b"] * 9 + ["a", "b"] * 2)
    flow = well_predicted(data, within="site", beyond="site", **OPTIONS).flow
    words = "; slides of 2 patients disagree in site"
    assert flow["reason"].tolist()[-2:] == [f"no value{words}", f"no value of site (2){words}"]
    with pytest.raises(
        InputError, match=r"no stratum of site has 4.*\n.*slides of 20 patients disagree in site"
    ):
        well_predicted(with_columns(made, site=["a", "b"] * 20), within="site", **OPTIONS)


def test_levels_are_judged_by_themselves():
    data = make_predictions(n=60, cohorts=2)
    data = with_columns(data, er=np.where(data.obs["cohort"] == "A", "pos", ["pos", "neg", "pos"] * 20))
    found = well_predicted(data, by="cohort", within="er", beyond="er", **OPTIONS).table
    alone = well_predicted(data.rows(data.obs["cohort"] == "B"), within="er", beyond="er", **OPTIONS).table
    own = found[found["cohort"] == "B"].reset_index(drop=True)
    columns = ["r_within_er", "r_er=neg", "r_er=pos", "r_beyond_er", "p_beyond_er"]
    pd.testing.assert_frame_equal(own[columns], alone[columns])
    assert found.loc[found["cohort"] == "A", "r_er=neg"].isna().all()


@pytest.mark.parametrize("by", [None, "cohort"])
def test_patients_with_several_slides_count_once(by):
    made = make_predictions(n=40, slides=3, cohorts=2)
    data = with_columns(made, er=np.repeat(["pos", "pos", "neg", "neg"] * 10, 3))
    averaged = well_predicted(data.per_patient(), within="er", beyond="er", by=by, **OPTIONS).table
    found = well_predicted(data, within="er", beyond="er", by=by, **OPTIONS)
    pd.testing.assert_frame_equal(found.table, averaged, rtol=1e-10)
    slides = well_predicted(data, within="er", rule="paper")
    assert slides.table["n_within_er"].tolist() == [120] * 12
    assert "p-values within strata and beyond variables treat slides as independent" in slides.notes


def test_a_gene_that_is_seldom_measured_in_a_stratum_has_no_r_there():
    data = with_columns(make_predictions(n=20), er=["pos", "neg"] * 10)
    measured = data.measured.copy()
    measured[:14:2, 0] = np.nan  # 3 of 10 are left
    table = well_predicted(dataclasses.replace(data, measured=measured), within="er", **OPTIONS).table
    assert np.isnan(table.loc[0, "r_er=pos"]) and table.loc[0, "n_er=pos"] == 3
    assert table.loc[0, "r_within_er"] == pytest.approx(table.loc[0, "r_er=neg"])
    assert table.loc[0, "n_within_er"] == 10


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({}, {"within": "er"}, r"no column 'er'.*\n.*patient_id.*\n.*--within"),
        ({}, {"beyond": ["er", "fold"]}, r"no column 'er'.*\n.*patient_id.*\n.*--beyond"),
        ({"ki67": np.arange(40.0)}, {"within": "ki67"}, r"ki67 is a number with 40 values.*\n.*\n.*--beyond ki67"),
        ({"code": [f"x{i}" for i in range(40)]}, {"within": "code"}, "no stratum of code has 4"),
        ({"er": [None] * 40}, {"within": "er"}, "no stratum of er has 4"),
        ({"er": [None] * 40}, {"beyond": "er"}, "er is missing for all 40 patients"),
        ({"site": [f"s{i}" for i in range(40)]}, {"beyond": "site"}, "site has 40 levels among 40 patients.*"),
        ({"site": [f"s{i // 2}" for i in range(40)]}, {"beyond": ["fold", "site"]}, "site has 20 levels among 40"),
        ({"a": [f"a{i % 15}" for i in range(40)], "b": [f"b{i % 19}" for i in range(40)],
          "c": [f"c{i % 11}" for i in range(40)]}, {"beyond": ["a", "b", "c"]}, "40 patients.* too few for"),
        ({"age": [*range(20, 59), ">89"]}, {"beyond": "age"}, "1 value of the covariate age cannot be read.*'>89'"),
        ({"age": [*range(39), np.inf]}, {"beyond": "age"}, "age is infinite"),
    ],
)  # fmt: skip
def test_columns_that_cannot_be_used_are_refused_by_name(columns, options, message):
    with pytest.raises(InputError, match=message):
        well_predicted(with_columns(make_predictions(), **columns), **options)


def test_loss_of_patients_is_told_from_what_the_variables_explain():
    made = make_predictions(n=200, genes=20, accuracy=0.4)
    rare = with_columns(made, er=["pos", "neg"] * 15 + [None] * 170)
    found = well_predicted(rare, within="er", beyond="er", **OPTIONS)
    few = well_predicted(dataclasses.replace(made.rows(np.arange(30)), untrained=()), **OPTIONS)
    want = int((few.well_predicted & found.well_predicted).sum())
    row = found.adjusted.set_index("adjusted")
    assert row.loc[["within er", "beyond er"], "n_unadjusted"].tolist() == [want, want]
    assert found.well_predicted.sum() > want + 5 and want > 5


def test_unknown_and_undecided_values_are_missing_as_they_are_in_cohorts():
    er = ["Positive", "Negative"] * 14 + ["Unknown", "[Not Available]", "Indeterminate", "Equivocal"] * 3
    data = with_columns(make_predictions(n=40), er=pd.Categorical(er), stage=["I", "Equivocal"] * 20)
    found = well_predicted(data, within=["er", "stage"], beyond="er", **OPTIONS)
    assert found.flow["n_after"].tolist() == [28, 28]
    assert [name for name in found.adjusted["adjusted"] if "=" in name] == [
        "er=Negative", "er=Positive", "stage=Equivocal", "stage=I",
    ]  # fmt: skip


def test_variables_that_do_not_vary_are_said():
    data = with_columns(make_predictions(n=40), er=["pos"] * 40, grade=2.0, age=np.arange(40.0))
    note = well_predicted(data, beyond=["er", "grade", "age"], **OPTIONS).notes[-1]
    assert "er (always pos, which explains nothing)" in note and "age (number)" in note
    assert "grade (always 2, which explains nothing)" in note
