from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequoia_stats.compare import overlap
from sequoia_stats.compare.list_overlaps import overlap_p
from sequoia_stats.errors import InputError

GENES = [f"G{i}" for i in range(10)]
LISTS = {"TCGA": ["G1", "G2", "G3"], "CPTAC": ["G2", "G3"], "Tempus": ["G3", "G4"]}


def counted_p(shared, universe, sizes):
    """The same probability, by enumerating all ways to draw the lists."""
    draws = [[frozenset(draw) for draw in combinations(range(universe), size)] for size in sizes]
    found = [len(frozenset.intersection(*lists)) >= shared for lists in product(*draws)]
    return np.mean(found)


def test_every_pair_and_all_together_have_a_row():
    table = overlap(LISTS, GENES)
    assert table["lists"].tolist() == [
        "TCGA & CPTAC",
        "TCGA & Tempus",
        "CPTAC & Tempus",
        "TCGA & CPTAC & Tempus",
    ]
    assert table["overlap"].tolist() == [2, 1, 1, 1]
    assert table["genes"].tolist() == ["G2;G3", "G3", "G3", "G3"]


def test_two_lists_have_one_row():
    assert len(overlap({"a": ["G1"], "b": ["G2"]}, GENES)) == 1


@pytest.mark.parametrize("sizes", [(2, 3), (2, 3, 4), (1, 2, 2, 3)])
@pytest.mark.parametrize("shared", [0, 1, 2])
def test_p_is_the_share_of_all_draws_that_overlap_so_much(shared, sizes):
    assert overlap_p(shared, 5, sizes) == pytest.approx(counted_p(shared, 5, sizes), abs=1e-12)


@given(st.permutations([40, 55, 70, 90]), st.integers(0, 40))
def test_the_order_of_lists_does_not_matter(sizes, shared):
    assert overlap_p(shared, 100, sizes) == pytest.approx(overlap_p(shared, 100, [40, 55, 70, 90]))


def test_a_pair_is_judged_among_the_genes_tested_in_both():
    tested = {"TCGA": GENES, "CPTAC": GENES[:4], "Tempus": GENES[2:]}
    table = overlap(LISTS, tested).set_index("lists")
    assert table["universe"].tolist() == [4, 8, 2, 2]
    assert table.loc["TCGA & Tempus", "sizes"] == "2;2"  # G1 was not tested in Tempus


def test_genes_outside_the_universe_are_counted():
    table = overlap({"a": ["G1", "X"], "b": ["G1"]}, GENES)
    assert table.attrs["flow"] == [("list a: genes in the universe", 2, 1, "not tested in a & b")]
    assert table.loc[0, "sizes"] == "1;1"


def test_expected_is_what_independent_lists_share():
    assert overlap(LISTS, GENES)["expected"].tolist() == pytest.approx([0.6, 0.6, 0.4, 0.12])


@pytest.mark.parametrize(
    ("lists", "universe", "message"),
    [
        ({"a": ["G1"]}, GENES, "two or more lists"),
        ({"a": ["X"], "b": ["G1"]}, GENES, "no gene of the list 'a' is in the universe of 10 genes"),
        ({"a": ["G1"], "b": ["G1"]}, {"a": GENES}, "no universe is given for b"),
        ({"a": ["1-Mar"], "b": ["G1"]}, GENES, "1-Mar"),
    ],
)
def test_lists_that_cannot_be_compared_are_refused(lists, universe, message):
    with pytest.raises(InputError, match=message):
        overlap(lists, universe)
