"""Over-representation: the tail against other computations, the report, merged sets, the negative control."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact, hypergeom

from sequoia_stats.errors import InputError
from sequoia_stats.sets._hypergeometric import overlap_p_value
from sequoia_stats.sets.collections import GeneSets, load
from sequoia_stats.sets.ora import ORA_COLUMNS, hypergeometric, merge_similar, negative_control
from tests.build.strategies import gene_sets

LETTERS = "ABCDEFGHIJ"
SETS = GeneSets("x", {"first": ("A", "B", "C"), "second": ("C", "D"), "third": ("I", "J")})


# --- the tail ------------------------------------------------------------------------------------------------------


def exact_tail(k, universe, set_size, list_size):
    """P(X >= k) from whole numbers."""
    cases = sum(
        comb(set_size, j) * comb(universe - set_size, list_size - j)
        for j in range(k, min(set_size, list_size) + 1)
    )
    return float(Fraction(cases, comb(universe, list_size)))


@st.composite
def overlaps(draw, largest):
    universe = draw(st.integers(1, largest))
    set_size, list_size = draw(st.integers(0, universe)), draw(st.integers(0, universe))
    least = max(0, set_size + list_size - universe)
    return draw(st.integers(least, min(set_size, list_size))), universe, set_size, list_size


@given(overlaps(3000))
def test_the_tail_equals_a_count_in_whole_numbers(case):
    want = exact_tail(*case)
    assert overlap_p_value(*case) == pytest.approx(want, rel=1e-11, abs=1e-300)


@given(overlaps(8))
def test_the_tail_equals_the_share_of_all_lists_there_are(case):
    k, universe, set_size, list_size = case
    lists = list(combinations(range(universe), list_size))
    share = sum(sum(gene < set_size for gene in genes) >= k for genes in lists) / len(lists)
    assert overlap_p_value(*case) == pytest.approx(share, rel=1e-12)


@pytest.mark.parametrize("case", [(12, 200, 40, 30), (3, 200, 40, 30), (9, 60, 10, 50)])
def test_the_tail_equals_a_one_sided_fisher_test(case):
    k, universe, set_size, list_size = case
    table = [[k, list_size - k], [set_size - k, universe - set_size - list_size + k]]
    assert overlap_p_value(*case) == pytest.approx(
        fisher_exact(table, alternative="greater").pvalue, rel=1e-10
    )


@pytest.mark.parametrize(
    "case",
    [(400, 20_000, 500, 600), (150, 20_000, 150, 300), (250, 20_000, 300, 260)],
    ids=["1e-500 is 0", "1e-283", "1e-299"],
)
def test_the_smallest_tails_keep_their_digits(case):
    assert overlap_p_value(*case) == pytest.approx(exact_tail(*case), rel=1e-11, abs=0)


@pytest.mark.parametrize(("universe", "set_size", "list_size"), [(60, 20, 18), (45, 17, 22), (200, 40, 33)])
def test_small_numbers_keep_all_their_digits(universe, set_size, list_size):
    k = np.arange(max(0, set_size + list_size - universe), min(set_size, list_size) + 1)
    want = [exact_tail(int(overlap), universe, set_size, list_size) for overlap in k]
    assert overlap_p_value(k, universe, set_size, list_size) == pytest.approx(want, rel=5e-14, abs=0)


def test_many_tails_at_once_equal_one_at_a_time():
    generator = np.random.default_rng(5)
    sizes, lists = generator.integers(5, 900, (4, 50)), generator.integers(50, 700, (4, 1))
    k = generator.binomial(lists, sizes / 9000)
    want = hypergeom.sf(k - 1, 9000, sizes, lists)
    assert overlap_p_value(k, 9000, sizes, lists) == pytest.approx(want, rel=1e-10)


def test_an_overlap_that_cannot_be_has_no_probability():
    assert overlap_p_value([4, 3, 0], 10, 3, 5).tolist() == pytest.approx([0.0, 10 / 120, 1.0])


# --- the table -----------------------------------------------------------------------------------------------------


def test_the_table_has_the_numbers_and_genes_of_each_overlap():
    table = hypergeometric({"mine": ["D", "C", "A"]}, SETS, universe=list(LETTERS), min_size=2)
    assert list(table.columns) == ORA_COLUMNS
    rows = table.drop(columns=["p", "p_bh"]).to_numpy().tolist()
    assert rows == [
        ["mine", "second", 2, 2, 3, 10, "C;D"],
        ["mine", "first", 2, 3, 3, 10, "A;C"],
        ["mine", "third", 0, 2, 3, 10, ""],
    ]
    assert table["p"].tolist() == pytest.approx([8 / 120, 22 / 120, 1.0])
    assert table["p_bh"].tolist() == pytest.approx([0.2, 0.275, 1.0])


def test_sets_are_cut_to_the_universe_before_their_size_counts():
    table = hypergeometric(["A"], SETS, universe=["A", "B", "C", "I", "X"], min_size=2)
    assert table[["set", "set_size"]].to_numpy().tolist() == [["first", 3]]


def test_sets_outside_the_limits_do_not_enter_the_adjustment():
    both = hypergeometric(["C", "D"], SETS, universe=list(LETTERS), min_size=2)
    fewer = hypergeometric(["C", "D"], SETS, universe=list(LETTERS), min_size=2, max_size=2)
    assert both["p_bh"].iloc[0] == pytest.approx(3 / 45)
    assert fewer["p_bh"].iloc[0] == pytest.approx(2 / 45)


def test_collections_are_adjusted_apart_and_named():
    other = GeneSets("y", {"fourth": ("A", "B")})
    table = hypergeometric({"l": ["A", "B"], "k": ["I"]}, [SETS, other], universe=list(LETTERS), min_size=2)
    assert table.groupby(["list", "collection"], sort=False).size().to_dict() == {
        ("l", "x"): 3, ("l", "y"): 1, ("k", "x"): 3, ("k", "y"): 1
    }  # fmt: skip
    assert list(table.columns) == [*ORA_COLUMNS, "collection"]
    fourth = table[table["collection"] == "y"]
    assert fourth["p_bh"].tolist() == fourth["p"].tolist()


def test_genes_that_a_list_loses_are_counted():
    genes = ["A", "B", "A", "Q", "KNTC2"]
    table = hypergeometric({"l": genes}, SETS, universe=[*LETTERS, "NDC80"], min_size=2)
    assert table["list_size"].unique().tolist() == [2]
    assert table.attrs["flow"][0] == (
        "list l: genes in the universe", 5, 2,
        "2 outside the universe (Q, KNTC2); 1 more would be found under a former name (KNTC2 → NDC80); "
        "1 duplicated",
    )  # fmt: skip


def test_two_names_of_one_gene_on_a_list_count_once():
    table = hypergeometric(
        {"l": ["KNTC2", "NDC80", "A", "B"]}, SETS, universe=[*LETTERS, "NDC80"], aliases=True, min_size=2
    )
    assert table.attrs["flow"][0][1:] == (4, 3, "0 outside the universe; 1 duplicated")


def test_aliases_find_genes_of_lists_and_sets_under_former_names():
    sets = GeneSets("x", {"S": ("NUF2", "NDC80", "KNTC2"), "T": ("A", "B")})
    universe = ["NDC80", "CDCA1", "A", "B"]
    exactly = hypergeometric(["NDC80", "NUF2"], sets, universe=universe, min_size=1).set_index("set")
    found = hypergeometric(["NDC80", "NUF2"], sets, universe=universe, min_size=1, aliases=True).set_index(
        "set"
    )
    assert exactly.loc["S", ["overlap", "set_size", "list_size", "genes"]].tolist() == [1, 1, 1, "NDC80"]
    assert found.loc["S", ["overlap", "set_size", "list_size", "genes"]].tolist() == [2, 2, 2, "CDCA1;NDC80"]


@given(sets=gene_sets(), genes=st.lists(st.sampled_from(LETTERS), min_size=1), order=st.permutations(LETTERS))
def test_no_order_matters(sets, genes, order):
    turned = GeneSets(sets.name, {k: tuple(reversed(v)) for k, v in reversed(sets.sets.items())})
    one = hypergeometric({"l": genes}, sets, universe=list(LETTERS), min_size=1)
    other = hypergeometric({"l": genes[::-1]}, turned, universe=order, min_size=1)
    pd.testing.assert_frame_equal(one, other)


@given(sets=gene_sets(), universe=st.lists(st.sampled_from(LETTERS), unique=True, min_size=2))
def test_genes_outside_the_universe_change_nothing(sets, universe):
    sets = GeneSets("x", {**sets.sets, "all": tuple(LETTERS)})
    inside = sets.intersect(universe)
    whole = hypergeometric({"l": [universe[0], "Q"]}, sets, universe=universe, min_size=1)
    cut = hypergeometric({"l": [universe[0]]}, inside, universe=universe, min_size=1)
    pd.testing.assert_frame_equal(whole, cut)


@given(
    sets=gene_sets(), lists=st.lists(st.lists(st.sampled_from(LETTERS), min_size=1), min_size=2, max_size=4)
)
def test_lists_tested_together_have_the_rows_of_each_alone(sets, lists):
    named = {f"l{i}": genes for i, genes in enumerate(lists)}
    together = hypergeometric(named, sets, universe=list(LETTERS), min_size=1)
    alone = [
        hypergeometric({n: genes}, sets, universe=list(LETTERS), min_size=1) for n, genes in named.items()
    ]
    pd.testing.assert_frame_equal(together, pd.concat(alone, ignore_index=True))


@given(sets=gene_sets(), genes=st.lists(st.sampled_from(LETTERS), min_size=1, unique=True))
def test_every_row_equals_a_fisher_test_of_its_counts(sets, genes):
    table = hypergeometric({"l": genes}, sets, universe=list(LETTERS), min_size=1)
    shared = [set(sets[name]) & set(genes) for name in table["set"]]
    counts = [
        [[len(both), len(genes) - len(both)], [size - len(both), 10 - len(genes) - size + len(both)]]
        for both, size in zip(shared, table["set_size"], strict=True)
    ]
    want = [fisher_exact(cells, alternative="greater").pvalue for cells in counts]
    assert table["genes"].tolist() == [";".join(sorted(both)) for both in shared]
    assert table["p"].tolist() == pytest.approx(want)


@pytest.mark.parametrize(
    ("lists", "universe", "options", "words"),
    [
        ({"l": ["Q", "R"]}, LETTERS, {}, "no gene of the list 'l' is in the universe of 10"),
        ({"l": ["A"], "k": []}, LETTERS, {}, "the list 'k' is empty"),
        ([], LETTERS, {}, "the list 'list' is empty"),
        ({}, LETTERS, {}, "no gene list is given"),
        ("ABC", LETTERS, {}, "not the single text"),
        (["A"], ["A", "Q"], {"min_size": 5}, "no set of allowed size"),
        (["Q"], ["Q", "R"], {}, "no gene of x .3 sets. is in the universe of 2 genes"),
        (["A"], [*LETTERS, "2-Sep"], {}, "SEPTIN2"),
        (["A", "1-Mar"], LETTERS, {}, "MARCHF1"),
        (["A"], LETTERS, {"min_size": 9, "max_size": 3}, "no set can have 9 to 3 genes"),
    ],
)
def test_what_cannot_be_tested_is_refused(lists, universe, options, words):
    with pytest.raises(InputError, match=words):
        hypergeometric(lists, SETS, universe=list(universe), **options)


def test_two_collections_of_one_name_are_refused():
    with pytest.raises(InputError, match="two collections are called x"):
        hypergeometric(["A"], [SETS, SETS], universe=list(LETTERS))


def test_the_place_of_a_date_in_the_universe_is_that_in_the_file():
    with pytest.raises(InputError, match=r"1-Mar \(gene 2, MARCHF1\)"):
        hypergeometric(["A"], SETS, universe=["Z9", "1-Mar", *LETTERS])


# --- similar sets --------------------------------------------------------------------------------------------------

NESTED = GeneSets(
    "n",
    {
        "wide": tuple("ABCDEF"),
        "narrow": tuple("ABCDE"),
        "inner": tuple("AB"),
        "apart": tuple("GHI"),
        "apart too": tuple("GHI"),
    },
)


def nested_table(**lists):
    return hypergeometric(lists or {"l": list("ABC")}, NESTED, universe=list(LETTERS), min_size=2)


def test_similar_sets_are_merged_and_their_p_averaged():
    table = nested_table(l=list("ABC"), k=list("GH"))
    merged = merge_similar(table, NESTED, threshold=0.8)
    assert merged[["list", "members", "n_sets"]].to_numpy().tolist() == [
        [name, members, members.count(";") + 1]
        for name in "lk"
        for members in ("apart;apart too", "inner", "narrow;wide")
    ]
    p, got = table.set_index(["list", "set"])["p"], merged.set_index(["list", "members"])["p"]
    assert got["l", "narrow;wide"] == pytest.approx((p["l", "narrow"] + p["l", "wide"]) / 2)
    assert got["k", "inner"] == p["k", "inner"]


def test_the_measures_see_a_set_within_a_set_differently():
    jaccard = merge_similar(nested_table(), NESTED, measure="jaccard", threshold=0.5)
    overlap = merge_similar(nested_table(), NESTED, measure="overlap", threshold=0.5)
    assert set(jaccard["members"]) == {"narrow;wide", "inner", "apart;apart too"}
    assert set(overlap["members"]) == {"inner;narrow;wide", "apart;apart too"}


def test_average_linkage_does_not_chain():
    chain = GeneSets("c", {f"S{i}": tuple("ABCDEFGHIJ"[i : i + 4]) for i in range(7)})
    table = hypergeometric({"l": ["A", "B"]}, chain, universe=list(LETTERS), min_size=2)
    merged = merge_similar(table, chain, threshold=0.5)
    assert merged["n_sets"].max() < 7  # neighbours share three genes of five, all the way


@given(sets=gene_sets(), genes=st.lists(st.sampled_from(LETTERS), min_size=1))
def test_every_set_is_in_one_group_and_order_does_not_matter(sets, genes):
    table = hypergeometric({"l": genes}, sets, universe=list(LETTERS), min_size=1)
    merged = merge_similar(table, sets)
    members = [name for names in merged["members"] for name in names.split(";")]
    assert sorted(members) == sorted(sets)
    assert merged["group"].tolist() == list(range(1, len(merged) + 1))
    pd.testing.assert_frame_equal(merged, merge_similar(table.iloc[::-1], sets))


def test_the_representative_has_the_smallest_average_p():
    merged = merge_similar(nested_table(l=list("ABCDE")), NESTED, threshold=0.8)
    assert merged.set_index("members").representative["narrow;wide"] == "narrow"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"measure": "cosine"}, "jaccard, overlap"),
        ({"threshold": 0}, "threshold must be above 0 and at most 1"),
        ({"threshold": 1.5}, "1.5"),
    ],
)
def test_an_unknown_measure_or_threshold_is_refused(options, words):
    with pytest.raises(InputError, match=words):
        merge_similar(nested_table(), NESTED, **options)


def test_sets_that_are_not_there_cannot_be_merged():
    with pytest.raises(InputError, match="the collection does not have inner"):
        merge_similar(nested_table(), GeneSets("n", {k: v for k, v in NESTED.sets.items() if k != "inner"}))


def test_sets_of_two_collections_are_not_merged_together():
    table = hypergeometric(["A"], [NESTED, GeneSets("m", NESTED.sets)], universe=list(LETTERS), min_size=2)
    with pytest.raises(InputError, match="give the rows of one collection"):
        merge_similar(table, NESTED)


# --- the negative control ------------------------------------------------------------------------------------------


def genes_table(n=40, n_well=10):
    return pd.DataFrame(
        {
            "gene": [f"G{i}" for i in range(n)],
            "r": np.linspace(0.9, -0.3, n),
            "well_predicted": np.arange(n) < n_well,
        }
    )


def test_the_control_takes_as_many_of_the_lowest_r_as_are_well_predicted():
    sets = GeneSets(
        "x", {"good": tuple(f"G{i}" for i in range(8)), "bad": tuple(f"G{i}" for i in range(32, 40))}
    )
    table = negative_control(genes_table().sample(frac=1, random_state=1), sets).set_index(["list", "set"])
    assert table["list_size"].unique().tolist() == [10]
    assert table["overlap"].to_dict() == {
        ("well predicted", "good"): 8, ("well predicted", "bad"): 0,
        ("worst predicted", "bad"): 8, ("worst predicted", "good"): 0,
    }  # fmt: skip


def test_the_control_never_takes_a_well_predicted_gene():
    sets = GeneSets("x", {"all": tuple(f"G{i}" for i in range(40))})
    table = negative_control(genes_table(n_well=30), sets)
    assert table.set_index("list").list_size.to_dict() == {"well predicted": 30, "worst predicted": 10}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns="r"), "no column r"),
        (lambda t: pd.concat([t, t]), "genes are duplicated"),
        (lambda t: t.assign(r=t["r"].where(t["gene"] != "G3")), "r is missing for 1 gene"),
        (lambda t: t.assign(well_predicted=False), "0 of 40 genes are well predicted"),
        (lambda t: t.assign(well_predicted=True), "40 of 40 genes are well predicted"),
    ],
)
def test_a_table_that_has_no_control_is_refused(change, words):
    with pytest.raises(InputError, match=words):
        negative_control(change(genes_table()), GeneSets("x", {"S": ("G1",)}))


def test_a_list_is_found_again_among_all_sets_of_hallmark():
    hallmark = load("hallmark")
    table = hypergeometric(hallmark["HALLMARK_HYPOXIA"], hallmark, universe=hallmark.genes)
    assert table.loc[0, ["set", "overlap", "set_size"]].tolist() == ["HALLMARK_HYPOXIA", 200, 200]
    assert table.loc[0, "p"] < 1e-300


@pytest.mark.parametrize("nothing", [None, np.nan, pd.NA, "NA", "nan", "", "---", ".", "unknown"])
def test_names_that_are_missing_are_not_genes(nothing):
    """A symbol that a map did not find is neither part of the universe nor of a list, and is counted."""
    found = hypergeometric({"l": ["A", nothing]}, SETS, universe=[*LETTERS, nothing], min_size=2)
    wanted = hypergeometric({"l": ["A"]}, SETS, universe=list(LETTERS), min_size=2)
    pd.testing.assert_frame_equal(found, wanted)
    flow = {step: (before, after, reason) for step, before, after, reason in found.attrs["flow"]}
    n = len(LETTERS)
    assert flow["universe: genes with a name"] == (n + 1, n, "1 missing")
    assert flow["list l: genes in the universe"] == (2, 1, "0 outside the universe; 1 missing")


@pytest.mark.parametrize("title", ["gene", "Hugo_Symbol", "x"])
def test_a_title_is_no_gene_of_the_universe(title):
    """A column that was read without its header begins with its title; where a set has such a gene, it is one."""
    found = hypergeometric([title, "A"], SETS, universe=[title, *LETTERS], min_size=2)
    pd.testing.assert_frame_equal(found, hypergeometric(["A"], SETS, universe=list(LETTERS), min_size=2))
    reason = f"no gene, but the title of a column: {title}"
    n = len(LETTERS)
    assert ("universe: genes without the title", n + 1, n, reason) in found.attrs["flow"]
    odd = GeneSets("odd", {"S": ("A", title)})
    assert hypergeometric(["A"], odd, universe=[title, *LETTERS], min_size=2)["universe"].tolist() == [n + 1]


@pytest.mark.parametrize("name", ["gene-{}", "gene_{}", "Gene.{}", "GENE {}", "V{}"])
def test_names_that_only_begin_like_titles_are_genes_of_the_universe(name):
    universe = [name.format(i) for i in range(200)]
    found = hypergeometric(
        universe[:15], GeneSets("s", {"A": tuple(universe[:20])}), universe=universe, min_size=2
    )
    assert found["universe"].tolist() == [200] and found["p"][0] < 1e-8


@pytest.mark.parametrize("lists", ["TP53", {"l": "TP53"}, {"l": b"TP53"}])
def test_the_letters_of_a_text_are_not_genes(lists):
    with pytest.raises(InputError, match="not the single text"):
        hypergeometric(lists, SETS, universe=list(LETTERS))
