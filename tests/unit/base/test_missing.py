"""Words that mean a missing value, and words that only look like one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_base.missing import is_missing, without_missing

ALWAYS = (
    "", " ", "NA", "na", "N/A", "NaN", "null", "[null]", "NULL", "[Not Available]", "[not available]", "Not Available",
    "[Not Applicable]", "[Not Evaluated]", "[Unknown]", "Unknown", " unknown ", "UNKNOWN", "[Discrepancy]",
    "[Completed]", "[PENDING]", "[ Pending ]", "'--", "--", "Not Reported", "not reported", "Not  Reported",
    "NOT_REPORTED",
    "Not Allowed To Collect", "#VALUE!", "#N/A", "#DIV/0!", "<NA>", ".", "?", "n/d", "n.d.", "ND", "N.A", "Unk",
    "Not Specified", "Unspecified", "NotAvailable", "not-reported", "Not Reported.", "unknown.", "Unknown/Not Reported",
    "Unknown (Not reported)", "[Not Available]|[Not Available]", "NA|NA", "(null)", "<missing>", "Not determined",
    "Not Assessed", "[Not Submitted]", "#####", "#SPILL!", "[]",
)  # fmt: skip
NEVER = (
    "0",
    "-",
    "no",
    "negative",
    "not reported yet",
    "unknown primary",
    "[Positive]",
    "NA12878",
    "Nantes",
    "[]x",
    "NR",
    "Nd:YAG",
    "ND/NED",
    "not otherwise specified",
    "5/unknown",
    "/",
    "NA-1",
    "#1",
)
AMONG_NUMBERS = ("None", "none", "Completed", "Pending", "Discrepancy")


@pytest.mark.parametrize("text", ALWAYS)
def test_a_missing_word_is_one_in_any_spelling(text):
    assert is_missing(text, among_numbers=False)


@pytest.mark.parametrize("text", NEVER)
def test_a_value_is_not_a_missing_word(text):
    assert not is_missing(text)


@pytest.mark.parametrize("text", AMONG_NUMBERS)
def test_a_word_that_may_be_a_level_is_missing_only_among_numbers_or_in_brackets(text):
    assert is_missing(text)
    assert not is_missing(text, among_numbers=False)
    assert is_missing(f"[{text}]", among_numbers=False)
    words, found = without_missing(pd.Series([text, "Adjuvant", "NA"]))
    assert words.isna().tolist() == [False, False, True]
    assert found == {"NA": 1}
    numbers, found = without_missing(pd.Series([text, "3", "4.5"]))
    assert numbers.isna().tolist() == [True, False, False]
    assert found == {text: 1}


def test_further_words_are_compared_as_words_and_as_numbers():
    assert is_missing("Not Done", ["not done"])
    assert is_missing("-9.0", ["-9"])
    assert not is_missing("-99", ["-9"])
    column, found = without_missing(pd.Series([1.0, -9.0, np.nan, 5.0]), ["-9"])
    assert column.isna().tolist() == [False, True, True, False]
    assert found == {"-9.0": 1}


def test_what_was_missing_is_counted_as_it_was_written():
    column, found = without_missing(pd.Series(["NA", "b", "na", "NA", "", np.nan]))
    assert column.dropna().tolist() == ["b"]
    assert found == {"NA": 2, "na": 1, "": 1}


def test_a_column_without_missing_words_is_the_same_object():
    column = pd.Series(["a", "b", np.nan])
    assert without_missing(column)[0] is column
