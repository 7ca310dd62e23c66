"""GSEA preranked: the running sum against its definition, what is reported, and silence otherwise."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequoia_stats.association import benjamini_hochberg
from sequoia_stats.errors import InputError
from sequoia_stats.sets.collections import GeneSets
from sequoia_stats.sets.gsea import GSEA_COLUMNS, preranked
from tests.build.strategies import gene_sets

LETTERS = "ABCDEFGHIJ"
GENES = [f"G{i:02d}" for i in range(60)]
RANKS = pd.Series(np.linspace(1, -0.8, 60), GENES)
SETS = GeneSets("x", {"top": tuple(GENES[:8]), "bottom": tuple(GENES[-9:]), "spread": tuple(GENES[::6])})


def running_sum(ranks: pd.Series, members: set[str]) -> float:
    """The enrichment score by its definition (Subramanian 2005): the largest deviation of the running sum."""
    ordered = ranks.sort_index().sort_values(ascending=False, kind="stable")
    inside = ordered.index.isin(members)
    weight = np.where(inside, ordered.abs(), 0.0)
    walk = np.cumsum(weight / weight.sum() - ~inside / (~inside).sum())
    return float(walk[np.abs(walk).argmax()])


def test_sets_at_either_end_are_found_with_their_leading_edge():
    table = preranked(RANKS, SETS, permutations=200).set_index("set")
    assert [*table.reset_index().columns] == GSEA_COLUMNS
    assert table.es[["top", "bottom"]].tolist() == pytest.approx([1.0, -1.0])
    assert table.loc["top", "leading_edge"] == ";".join(GENES[:8])
    assert table.loc["bottom", "leading_edge"] == ";".join(reversed(GENES[-9:]))
    assert table["size"].to_dict() == {"top": 8, "bottom": 9, "spread": 10}
    assert (table["nes"] > 0).tolist() == (table["es"] > 0).tolist()


@settings(max_examples=25)
@given(
    sets=gene_sets(),
    scores=st.lists(st.integers(-50, 50).filter(bool), min_size=10, max_size=10, unique=True),
)
def test_the_enrichment_score_is_the_peak_of_the_running_sum(sets, scores):
    ranks = pd.Series(np.array(scores) / 10, list(LETTERS))
    sets = GeneSets("x", {**sets.sets, "one": ("A",)}).intersect(list(LETTERS), max_size=9)
    table = preranked(ranks, sets, permutations=5, min_size=1).set_index("set")
    want = {name: abs(running_sum(ranks, set(genes))) for name, genes in sets.sets.items()}
    assert table["es"].abs().to_dict() == pytest.approx(want, abs=1e-12)


@settings(max_examples=15)
@given(order=st.permutations(GENES))
def test_neither_the_order_of_genes_nor_of_sets_matters(order):
    turned = GeneSets("x", {k: tuple(reversed(v)) for k, v in reversed(SETS.sets.items())})
    got = preranked(RANKS[order], turned, permutations=30)
    pd.testing.assert_frame_equal(got, preranked(RANKS, SETS, permutations=30))


def test_the_seed_decides_and_threads_do_not():
    one = preranked(RANKS, SETS, permutations=50, seed=3)
    pd.testing.assert_frame_equal(one, preranked(RANKS, SETS, permutations=50, seed=3, jobs=2))
    assert not one.equals(preranked(RANKS, SETS, permutations=50, seed=4))


def test_no_p_is_zero_and_each_collection_is_adjusted_apart():
    other = GeneSets("y", {"top": tuple(GENES[:8])})
    table = preranked(RANKS, [SETS, other], permutations=100)
    first = table[table["collection"] == "x"]
    assert table["p"].min() == 1 / 101
    assert first["p_bh"].tolist() == benjamini_hochberg(first["p"]).tolist()
    assert table["p_bh"].iloc[-1] == 1 / 101


def test_constant_genes_stay_and_ties_are_reported_in_the_order_of_names():
    ranks = RANKS.copy()
    ranks.iloc[20:30] = 0.0
    table = preranked(ranks, SETS, permutations=10)
    assert table.attrs["flow"][0][:3] == ("genes: ranked", 60, 60)
    assert "10 with the score of another gene (10 with 0)" in table.attrs["flow"][0][3]
    pd.testing.assert_frame_equal(table, preranked(ranks[::-1], SETS, permutations=10))


def test_a_set_of_constant_genes_has_no_enrichment():
    ranks = RANKS.copy()
    ranks.iloc[20:30] = 0.0
    sets = GeneSets("x", {"still": tuple(GENES[20:26]), "top": tuple(GENES[:6])})
    row = preranked(ranks, sets, permutations=10).set_index("set").loc["still"]
    assert row[["es", "nes", "p", "p_bh", "leading_edge"]].tolist() == [0.0, 0.0, 1.0, 1.0, ""]


def test_a_set_of_all_genes_is_left_out_and_counted():
    sets = GeneSets("x", {"all": tuple(GENES), "top": tuple(GENES[:6])})
    table = preranked(RANKS, sets, permutations=10)
    assert table["set"].tolist() == ["top"]
    assert table.attrs["flow"][-1] == ("x, sets: not of all genes", 2, 1, "1 with every gene")


def test_names_that_differ_in_case_are_two_genes():
    ranks = pd.Series(np.linspace(1, -1, 20), [*"abcdefghij", *LETTERS])
    table = preranked(ranks, GeneSets("x", {"S": tuple("ABC")}), min_size=1, permutations=10)
    assert table.loc[0, "size"] == 3
    assert table.loc[0, "es"] == pytest.approx(running_sum(ranks, set("ABC")))


def test_former_names_are_used_where_asked():
    ranks = RANKS.rename({"G00": "NDC80"})
    sets = GeneSets("x", {"S": ("KNTC2", "G01", "G02")})
    exactly = preranked(ranks, sets, min_size=1, permutations=10)
    found = preranked(ranks, sets, min_size=1, permutations=10, aliases=True)
    assert (exactly.loc[0, "size"], found.loc[0, "leading_edge"]) == (2, "NDC80;G01;G02")


def test_nothing_is_printed_logged_or_left_behind(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    preranked(RANKS.round(1), SETS, permutations=10)
    assert tuple(capfd.readouterr()) == ("", "")
    assert list(tmp_path.iterdir()) == []
    assert logging.root.manager.disable == logging.NOTSET


@pytest.mark.parametrize(
    ("ranks", "options", "words"),
    [
        (RANKS.where(RANKS.index != "G05"), {}, "the score of 1 gene is missing or infinite: G05"),
        (RANKS.replace(RANKS["G03"], np.inf), {}, "G03"),
        (pd.concat([RANKS, RANKS[:2]]), {}, "2 genes are duplicated: G00, G01"),
        (RANKS * 0, {}, "60 genes cannot be ranked"),
        (RANKS.rename({"G05": "1-Mar"}), {}, "MARCHF1"),
        (pd.Series("high", GENES), {}, "not a number"),
        (RANKS, {"permutations": 0}, "permutations must be a whole number, 1 or more"),
        (RANKS, {"min_size": 30}, "no set of allowed size"),
        (RANKS.add_prefix("X"), {}, "no gene of x .3 sets. is in the universe of 60"),
        (RANKS[:0], {}, "0 genes cannot be ranked"),
    ],
)
def test_a_ranking_that_cannot_be_is_refused(ranks, options, words):
    with pytest.raises(InputError, match=words):
        preranked(ranks, SETS, **options)
