"""What a column is: numeric or categorical, its levels, and what in it is missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.types.covariate_statements import (
    declared,
    refuse_unread,
    split_names,
    summarise,
    summary_lines,
    texts_of,
)
from sequoia_stats.types.covariates import NO_UNIT, as_categorical, read_covariate, read_covariates

SIZES = [str(size) for size in range(5, 35)]
GRADES = ["1", "2", "3"] * 5


def read(values, **options):
    return read_covariate(pd.Series(values, dtype=getattr(values, "dtype", object)), **options)


def levels(values, **options):
    column, _ = read(values, **options)
    return list(column.cat.categories)


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, None],
        [1.0, 2.0, np.nan],
        ["1", "2", "NA"],
        ["1,0", "2,0", "NA"],
        pd.array([1, 2, None], "Int64"),
        pd.array([1, 2, None], "Float64"),
        pd.array([1, 2, None], "int64[pyarrow]"),
    ],
    ids=str,
)
def test_numbers_are_numeric_whatever_holds_them(values):
    column, _ = read(values)
    assert column.dtype == np.float64
    assert column.dropna().tolist() == [1.0, 2.0]


def test_booleans_are_numeric():
    assert read(pd.array([True, False, None], "boolean"))[0].dropna().tolist() == [1.0, 0.0]


@pytest.mark.parametrize("word", ["Not Stated", "[Unknown]", "'--", "None", "n/a", "#N/A", "-"])
def test_a_word_among_numbers_is_missing_and_counted(word):
    column, reading = read([*SIZES, word, word])
    assert column.dtype == np.float64
    assert (reading.counts(), reading.unread) == ({word: 2}, {})
    assert f"{word!r} (2) taken as missing" in reading.sentence()


@pytest.mark.parametrize("text", [">89", "<0.5", "12 mm", "1_000", "5-10", "inf", "1,250", "90+"])
def test_another_text_among_numbers_is_unread_and_named_if_somebody_asks(text):
    column, reading = read([*SIZES, text])
    assert (column.isna().sum(), reading.unread) == (1, {text: ("30",)})
    with pytest.raises(
        InputError, match=r"1 value of the covariate size .*\n  where: here, size: 30\n  fix: --missing"
    ):
        refuse_unread(pd.DataFrame({"size": column}), {"size": reading}, "here", "{options}", "")
    refuse_unread(pd.DataFrame({"age": column}), {"size": reading}, "here", "", "")


def test_a_few_texts_never_make_a_level_of_each_number():
    halves = [str(value) for value in np.linspace(0, 1, 20)] + ["<0.1"] * 25
    assert read(halves)[0].dtype == np.float64


@pytest.mark.parametrize("origin", ["file", "memory"])
@pytest.mark.parametrize(
    "form",
    [
        "{} mm",
        "{}%",
        "<{}",
        "{}+",
        "{},000",
        "−{}",
        "1 {:0>3}",
        "1\u00a0{:0>3}",
        "1'{:0>3}",
        "'{}",
        "$ {}",
        "{}*",
    ]
    + ["{} millimeters", "{} mg/m2", "{} years old", "{} ± 2", "{} (est)", "~ {}"],
)
def test_values_that_only_look_like_numbers_are_unread_rather_than_levels(form, origin):
    column, reading = read([form.format(size) for size in SIZES], origin=origin)
    assert (column.dtype, column.notna().sum(), reading.n_unread) == (np.float64, 0, 30)
    assert levels([form.format(grade) for grade in GRADES]) == [form.format(grade) for grade in "123"]
    with pytest.raises(
        InputError, match=r"30 values .* as numbers: .*\n.*\n  fix: write .*; make levels of size"
    ):
        refuse_unread(pd.DataFrame({"size": column}), {"size": reading}, "here", "", "make levels of {name}")


@pytest.mark.parametrize(
    "form",
    ["8{:0>3}/3", "{}-40", "{} x 3", "T{}", "{}:15", "1{:0>3}.12.3", "{} T2N1", "5-FU {}"],
)
def test_names_with_numbers_are_levels(form):
    names = [form.format(size) for size in SIZES]
    assert set(levels(names, origin="file")) == set(names)


@pytest.mark.parametrize("form", ["{} {}", "{}: {}", "{}.{}"])
def test_numbers_with_many_words_behind_them_are_levels(form):
    """As in "06 California" and "8500: Infiltrating duct"."""
    names = [form.format(size, chr(ord("A") + i % 26) * 3) for i, size in enumerate(SIZES)]
    assert set(levels(names, origin="file")) == set(names)


@pytest.mark.parametrize("form", ["Mayo-{:0>2}", "Marker {:0>2}", "Janssen-{:0>2}", "dec{}"])
def test_names_that_begin_like_a_month_are_levels(form):
    names = [form.format(size) for size in SIZES]
    assert set(levels(names, origin="file")) == set(names)


def test_measurements_in_several_units_are_unread():
    spans = [*(f"{size} months" for size in SIZES), "1 month", "1 year", "2 years", "3 years (est)"]
    column, reading = read(spans, origin="file")
    assert (column.notna().sum(), reading.n_unread) == (0, len(spans))


def test_codes_that_are_counted_are_levels_also_if_they_are_many():
    assert len(levels([f"{centre:03d}" for centre in range(1, 15)], origin="file")) == 14


def test_a_dash_is_missing_among_numbers_and_a_level_among_words():
    column, reading = read(["3", "4.5", "–", "-"], origin="file")
    assert (column.isna().sum(), reading.missing, reading.unread) == (2, {"-": 1, "–": 1}, {})
    for words in (["-", "1+", "2+"], ["-", "L858R"], ["I", "II", "-"]):
        assert set(levels(words, origin="file")) == set(words)


@pytest.mark.parametrize(
    "form",
    [
        "2010-01-{:0>2}",
        "2010-01-{:0>2} 00:00:00",
        "{}/1/2010",
        "1.{}.99",
        "20{:0>2}-05",
        "05/20{:0>2}",
        "Jan-{:0>2}",
        "{} Jan 2010",
        "Jan {}, 2010",
    ]
    + ["5-Jan-20{:0>2}", "{} days 03:00:00", "-{} days +03:00:00"],
)
def test_dates_and_spans_in_a_text_file_are_unread_unless_they_are_few(form):
    column, reading = read([*(form.format(day) for day in SIZES), "?"], origin="file")
    assert (column.notna().sum(), reading.n_unread, reading.note) == (0, 30, NO_UNIT)
    assert len(levels([form.format(day) for day in (10, 11, 12)], origin="file")) == 3


@pytest.mark.parametrize("width", [2, 4])
def test_many_numbers_that_are_filled_up_with_zeros_are_asked_about(width):
    sizes = pd.Series([size.zfill(width) for size in SIZES])
    table, readings = read_covariates(pd.DataFrame({"size": sizes}), origin="file")
    with pytest.raises(InputError, match=r"or codes of levels\n.*\n  fix: write .*: say so of size"):
        refuse_unread(table, readings, "here", "", "say so of {name}")
    said, _ = declared(table, readings, categorical=["size"])
    assert said["size"].tolist() == sizes.tolist()
    assert read(SIZES, origin="file")[0].tolist() == [float(size) for size in SIZES]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["3,5", "4", "-2,25"], [3.5, 4, -2.25]),
        (["1,250", "2,5"], [1.25, 2.5]),
        ([",5", "1,5"], [0.5, 1.5]),
    ],
)
def test_decimal_commas_are_read_if_all_are(values, expected):
    column, reading = read(values)
    assert (column.tolist(), reading.note) == (expected, "decimal commas read")


@pytest.mark.parametrize("values", [["3,5", "4.5", "2.5", "1"], ["1,250", "2,500", "3", "4", "5"]])
def test_commas_in_doubt_are_not_read(values):
    reading = read(values)[1]
    assert list(reading.unread) == [text for text in values if "," in text]


def test_a_categorical_is_categorical_in_its_own_order_without_unused_levels():
    made = pd.Categorical([3, 1, 3, None], [3, 2, 1], ordered=True)
    assert levels(made) == ["3", "1"]
    assert levels(pd.Categorical([1.0, 2.5])) == ["1", "2.5"]
    assert levels(pd.Categorical([True, False])) == ["False", "True"]


def test_texts_that_are_a_few_whole_numbers_are_levels_but_not_in_a_text_file():
    assert levels(GRADES) == ["1", "2", "3"]
    assert read(GRADES, origin="file")[0].dtype == np.float64


def test_a_declared_column_of_a_text_file_has_levels_in_numerical_order():
    assert levels(["10", "2", "1.0", "X", "NA"], origin="file", categorical=True) == ["1.0", "2", "10", "X"]
    assert levels(np.array([0, 3, 1]), categorical=True) == ["0", "1", "3"]


def test_words_are_missing_in_files_and_levels_in_memory():
    words = ["pos", "neg", "Unknown"]
    assert levels(words) == ["Unknown", "neg", "pos"]
    assert levels(words, origin="file") == ["neg", "pos"]
    assert levels([*words, "99", "?"], origin="file", missing=["99"]) == ["neg", "pos"]
    assert levels(np.array(["pos", np.nan])) == ["pos"]


def test_unread_texts_become_levels_with_the_numbers():
    column, reading = read(["50", "61", "61", ">89"], origin="file")
    assert as_categorical(column, reading).tolist() == ["50", "61", "61", ">89"]


def test_a_reading_holds_as_long_as_the_values_are_missing():
    column, reading = read(["50", "61", "70", ">89", ">89"])
    mended = column.fillna({3: 90.0})
    assert reading.within(mended.isna()).unread == {">89": ("4",)}


def test_rows_may_repeat_as_in_a_bootstrap():
    column, reading = read_covariate(pd.Series(["50", "61", "70", ">89"], ["P1", "P1", "P2", "P2"]))
    assert (column.isna().sum(), reading.unread) == (1, {">89": ("P2",)})


@pytest.mark.parametrize("origin", ["file", "memory", "anndata"])
@pytest.mark.parametrize(
    "codes", [["05", "44", "4B", "MP", "50", "55"], ["01", "02", "12"], ["A01", "001", "B12"]]
)
def test_codes_that_are_filled_up_with_zeros_are_levels(codes, origin):
    assert levels(codes * 9, origin=origin) == sorted(codes, key=lambda code: (not code.isdigit(), code))


def test_a_zero_before_the_point_makes_no_code():
    assert (
        read(["0.5", "0.1", "0.7", "0"])[0].dtype
        == read(["0", "5", "10"], origin="file")[0].dtype
        == np.float64
    )


SPANS = pd.to_timedelta([1, 2, 2, 3] * 5, "D")


@pytest.mark.parametrize(
    "values",
    [
        SPANS,
        pd.Timestamp("2020-01-01") + SPANS,
        (pd.Timestamp("2020-01-01") + SPANS).tz_localize("UTC"),
        (pd.Timestamp("2020-01-01") + SPANS).to_period("D"),
        pd.array(SPANS, "duration[ns][pyarrow]"),
        pd.Categorical(SPANS),
        np.array(SPANS.to_pytimedelta(), dtype=object),
        np.array([*(pd.Timestamp("2020-01-01") + SPANS).date], dtype=object),
        np.array([*SPANS.to_pytimedelta()[:-1], 7], dtype=object),
    ],
    ids=["timedelta", "datetime", "zone", "period", "arrow", "Categorical", "objects", "date", "mixed"],
)
def test_dates_and_spans_of_time_are_unread_and_named_if_somebody_asks(values):
    column, reading = read_covariate(pd.Series(values))
    assert (column.dtype, column.notna().sum(), reading.n_unread) == (np.float64, 0, 20)
    with pytest.raises(
        InputError, match=r"size holds dates or spans of time, not numbers\n  where: here, size: '"
    ):
        refuse_unread(pd.DataFrame({"size": column}), {"size": reading}, "here", "{options}", "")


def test_missing_values_among_spans_are_not_unread():
    column, reading = read(np.array(["Unknown", None, *SPANS.to_pytimedelta()], dtype=object))
    assert (column.notna().sum(), reading.n_unread) == (0, 20)
    assert as_categorical(column, reading).nunique() == 3


def test_bytes_are_texts():
    assert levels(np.array(["a", "b"], dtype="S")) == ["a", "b"]
    assert read(np.array(SIZES, dtype="S"))[0].dtype == np.float64


def test_a_line_states_how_many_are_one():
    table, readings = read_covariates(pd.DataFrame({"er": [1, 1, 0, None], "age": [5, 1, 0, 2]}))
    assert summary_lines(summarise(table, readings))[0] == "er   numeric: 0 (1), 1 (2); 1 missing"
    assert [about["ones"] for about in summarise(table, readings).values()] == [2, None]


def test_repeated_columns_are_refused():
    with pytest.raises(InputError, match="1 column name is duplicated: a"):
        read_covariates(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_complex_numbers_are_refused():
    with pytest.raises(InputError, match="complex"):
        read(np.array([1j]))


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        (None, ()),
        ("er,pr", ("er,pr",)),
        (["er", "pr"], ("er", "pr")),
        (np.array(["er"]), ("er",)),
        ([-99], ("-99",)),
    ],
)
def test_an_argument_of_texts_is_one_text_or_several(value, texts):
    assert texts_of(value, "adjust") == texts


@pytest.mark.parametrize("value", [pd.DataFrame({"er": [1.0]}), {"er": 1}, [[1]], [None]])
def test_values_in_place_of_names_are_refused(value):
    with pytest.raises(InputError, match="adjust takes texts, not a"):
        texts_of(value, "adjust")


def test_names_are_separated_by_commas_unless_one_holds_a_comma():
    assert split_names(["er, pr", "grade, nuclear"], ["er", "pr", "grade, nuclear"]) == [
        "er",
        "pr",
        "grade, nuclear",
    ]


def test_a_line_states_type_levels_and_missing_values():
    table, readings = read_covariates(
        pd.DataFrame({"g": pd.Categorical([1, 2, None]), "age": ["5", "x", "7"]})
    )
    assert summary_lines(summarise(table, readings)) == [
        "g    categorical: 1 (1), 2 (1); 1 missing",
        "age  numeric: 5 to 7, median 6; 1 missing; 'x' (1) taken as missing",
    ]
