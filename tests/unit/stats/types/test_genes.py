"""Symbols: what is replaced, what is left alone, and that both are counted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequoia_stats.errors import InputError
from sequoia_stats.types.genes import (
    aliases,
    as_given,
    collapse_duplicates,
    match,
    refuse_dates,
    resolve,
    standardise,
)

symbols = st.lists(
    st.sampled_from(
        [
            "ESR1",
            "KNTC2",
            "NDC80",
            "1-Mar",
            "2-Sep",
            "C1orf106",
            "C1ORF106",
            "INAVA",
            "G1",
            "X12",
            "",
            "MARCH1",
        ]
    ),
    max_size=8,
)


@pytest.mark.parametrize(
    ("given", "symbol"),
    [
        ("KNTC2", "NDC80"),
        ("CDCA1", "NUF2"),
        ("ORC6L", "ORC6"),
        ("C1orf106", "INAVA"),
        ("MARCH1", "MARCHF1"),
        ("SEPT2", "SEPTIN2"),
        ("1-Mar", "MARCHF1"),
        ("Mar-01", "MARCHF1"),
        ("10-Mar", "MARCHF10"),
        ("2-Sep", "SEPTIN2"),
        ("Sep-14", "SEPTIN14"),
        ("1-Dec", "DELEC1"),
        ("2001-03-01", "MARCHF1"),
        ("2017-09-07", "SEPTIN7"),
        ("2023-09-01", "SEPTIN1"),
        ("C1ORF106", "INAVA"),
        ("C1ORF112", "C1orf112"),
        (" ESR1 ", "ESR1"),
    ],
)
def test_former_and_damaged_names_become_approved_symbols(given, symbol):
    assert list(resolve([given]).symbols) == [symbol]


@pytest.mark.parametrize(
    "name",
    [
        "G1",
        "g3",
        "X12",
        "GENE7",
        "GENE12",
        "123",
        "12-Mar",
        "13-Sep",
        "2-Dec",
        "2003-09-01",
        "P53",
        "ESR1",
        "DEC1",
    ],
)
def test_names_that_may_be_something_else_are_left_alone(name):
    assert list(resolve([name]).symbols) == [name]


def test_an_alias_is_kept_where_its_approved_symbol_is_in_the_table():
    assert list(resolve(["KNTC2", "NDC80"]).symbols) == ["KNTC2", "NDC80"]


def test_two_aliases_of_one_gene_are_both_kept():
    names = [alias for alias, symbol in aliases().items() if symbol == "ERBB2"][:2]
    assert list(resolve(names).symbols) == names


def test_a_date_that_occurs_twice_is_dropped_and_listed():
    resolution = resolve(["1-Mar", "ESR1", "1-Mar"])
    assert list(resolution.symbols) == ["", "ESR1", ""]
    assert resolution.changes.to_dict("records") == [
        {"given": "1-Mar", "symbol": "", "reason": "date, ambiguous"}
    ]


def test_changes_name_what_was_given_and_why():
    changes = resolve(["ESR1", "KNTC2", "2-Sep", "C1ORF112"]).changes
    assert list(changes.itertuples(index=False, name=None)) == [
        ("KNTC2", "NDC80", "alias"),
        ("2-Sep", "SEPTIN2", "date"),
        ("C1ORF112", "C1orf112", "case"),
    ]


@given(symbols)
def test_resolving_twice_changes_nothing_more(names):
    once = resolve(names).symbols
    assert list(resolve(once).symbols) == list(once)


@given(
    st.lists(
        st.sampled_from(["ESR1", "KNTC2", "NDC80", "C1orf106", "C1ORF106", "INAVA", "1-Mar", "MARCH1"]),
        unique=True,
    )
)
def test_resolving_never_merges_two_names(names):
    assert resolve(names).symbols.is_unique


def test_the_alias_table_has_one_symbol_for_each_alias_and_no_approved_alias():
    table = aliases()
    assert len(table) == 46_613
    assert not set(table) & set(table.values())


def test_duplicates_become_their_mean_without_the_missing():
    frame = pd.DataFrame([[1.0, 5.0, 3.0, np.nan], [2.0, 6.0, np.nan, np.nan]], columns=["A", "B", "A", "B"])
    collapsed, n = collapse_duplicates(frame)
    assert n == 2
    assert collapsed.to_dict("list") == {"A": [2.0, 2.0], "B": [5.0, 6.0]}


def test_a_duplicate_that_is_missing_everywhere_stays_missing():
    collapsed, _ = collapse_duplicates(pd.DataFrame([[np.nan, np.nan, 1.0]], columns=["A", "A", "B"]))
    assert np.isnan(collapsed.loc[0, "A"])


@given(st.lists(st.sampled_from("ABCDE"), min_size=1, max_size=12))
def test_collapsing_equals_the_mean_by_name(names):
    frame = pd.DataFrame(np.arange(3.0 * len(names)).reshape(3, -1) ** 2, columns=names)
    expected = frame.T.groupby(level=0, sort=False).mean().T
    pd.testing.assert_frame_equal(collapse_duplicates(frame)[0], expected, check_names=False)


def test_standardise_counts_what_it_renames_drops_and_averages():
    frame = pd.DataFrame([[1.0, 2.0, 3.0, 4.0, 5.0]], columns=["KNTC2", "", "B", "B", "C"])
    result, steps = standardise(frame)
    assert list(result.columns) == ["NDC80", "B", "C"]
    assert [step[:3] for step in steps] == [
        ("genes: approved symbols", 5, 5),
        ("genes: named", 5, 4),
        ("genes: one column each", 4, 3),
    ]


def test_standardise_leaves_a_clean_table_and_an_empty_ledger():
    frame = pd.DataFrame([[1.0, 2.0]], columns=["ESR1", "G2"])
    result, steps = standardise(frame)
    assert list(steps) == []
    assert list(result.columns) == ["ESR1", "G2"]


def test_match_prefers_the_same_name_to_an_alias():
    assert match(["KNTC2"], ["NDC80", "KNTC2"]).tolist() == [1]


@pytest.mark.parametrize(
    ("wanted", "available"), [("KNTC2", "NDC80"), ("NDC80", "KNTC2"), ("MARCH1", "1-Mar")]
)
def test_match_finds_a_gene_under_an_alias_on_either_side(wanted, available):
    assert match([wanted], ["ESR1", available]).tolist() == [1]


def test_match_gives_no_position_out_twice():
    assert match(["KNTC2", "NDC80"], ["NDC80"]).tolist() == [-1, 0]


def test_match_leaves_out_a_gene_that_two_names_mean():
    names = [alias for alias, symbol in aliases().items() if symbol == "ERBB2"][:2]
    assert match(["ERBB2", "ESR1"], [*names, "ESR1"]).tolist() == [-1, 2]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("1-Mar", "1-Mar (gene 2, MARCHF1)"),
        ("Mar-01", "Mar-01 (gene 2, MARCHF1)"),
        ("02-Sep", "02-Sep (gene 2, SEPTIN2)"),
        ("1-Dec", "1-Dec (gene 2, DELEC1)"),
        ("2017-09-07 00:00:00", "(gene 2, SEPTIN7)"),
        ("2021-03-01", "(gene 2, MARCHF1)"),
        ("4-Oct", "4-Oct (gene 2, symbol unknown)"),
        ("1-MAR-2021", "1-MAR-2021 (gene 2, symbol unknown)"),
        ("01/03/2020", "01/03/2020 (gene 2, symbol unknown)"),
        ("1/3/2020", "1/3/2020 (gene 2, symbol unknown)"),
        ("3/1/20", "3/1/20 (gene 2, symbol unknown)"),
        ("01.03.2020", "01.03.2020 (gene 2, symbol unknown)"),
    ],
)
def test_names_that_are_dates_are_refused_with_their_place_and_symbol(name, words):
    with pytest.raises(InputError) as caught:
        refuse_dates(["ESR1", name], "table.csv")
    assert "1 gene name is a date" in str(caught.value)
    assert words in str(caught.value) and "where: table.csv" in str(caught.value)


def test_no_symbol_is_taken_for_a_date():
    assert "APR-1" in aliases()
    others = ["MARCH1", "SEPT2", "DEC1", "MARCHF1", "OCT4", "NOV", "MAY1", "7SK", "HLA-A", "1-8D", "MAR.5S"]
    others += ["1/3", "1/3/4", "HLA-A/1/20", "1.2.20", "1/3/202", "1/3/20200"]
    refuse_dates([*aliases(), *aliases().values(), *others], "table.csv")


# --- names as given ------------------------------------------------------------------------------------------------


def test_names_as_given_lose_their_blanks_only():
    frame, steps = as_given(pd.DataFrame([[1.0, 2.0]], columns=[" KNTC2", "ESR1"]), "x.csv")
    assert (list(frame), list(steps)) == (["KNTC2", "ESR1"], [])


def test_columns_without_a_name_are_left_out_and_counted():
    frame, steps = as_given(pd.DataFrame([[1.0, 2.0]], columns=["", "ESR1"]), "x.csv")
    assert (list(frame), list(steps)) == (["ESR1"], [("genes: named", 2, 1, "1 column without a name")])


def test_a_mean_of_columns_is_missing_where_one_of_them_is():
    values = [[1.0, 2.0, 3.0], [1.0, 2.0, np.nan], [np.nan, 2.0, 3.0]]
    frame, _ = as_given(pd.DataFrame(values, columns=["A", "B", "A"]), "x.csv")
    np.testing.assert_array_equal(frame["A"], [2, np.nan, np.nan])
    np.testing.assert_array_equal(frame["B"], [2, 2, 2])
