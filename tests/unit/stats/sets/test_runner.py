"""The runner: a method of two lines gets its universe, its ledger, adjusted p-values and its order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_base.flow import Flow
from sequoia_stats.association import benjamini_hochberg
from sequoia_stats.errors import InputError
from sequoia_stats.sets.collections import GeneSets
from sequoia_stats.sets.runner import Method, restrict, run

SETS = GeneSets("x", {"b": ("A", "B"), "a": ("B", "C"), "c": ("C", "D", "Q"), "all": tuple("ABCD")})
UNIVERSE = pd.Index(list("ABCD"), dtype=object)
LIMITS = {"min_size": 1, "max_size": None, "aliases": False}
SIZE = Method(lambda p, left: {"p": np.array(p)[: len(left.names)]}, ("set", "p", "p_bh"))


def ran(p, sets=SETS, method=SIZE, flow=()):
    return run(method, p, sets, UNIVERSE, Flow(flow), **LIMITS)


def test_sets_are_ordered_by_p_and_then_by_name():
    table = ran([0.5, 0.5, 0.1, 0.9])
    assert table["set"].tolist() == ["c", "a", "b", "all"]
    assert table["p_bh"].tolist() == benjamini_hochberg(table["p"]).tolist()


def test_of_equal_p_the_larger_effect_comes_first():
    method = Method(lambda p, left: {"p": np.array(p), "nes": np.array([1, -3, 2, 0])}, ("set", "nes"), "nes")
    assert ran([0.5] * 4, method=method)["set"].tolist() == ["a", "c", "b", "all"]


def test_each_list_is_ordered_and_adjusted_alone():
    method = Method(
        lambda p, left: {"p": np.array(p), "list": np.array([["k"], ["l"]], dtype=object)},
        ("list", "set", "p_bh"),
    )
    table = ran([[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]], method=method)
    assert table["list"].tolist() == ["k"] * 4 + ["l"] * 4
    assert table["set"].tolist() == ["all", "c", "a", "b", "b", "a", "c", "all"]
    assert table["p_bh"].tolist() == pytest.approx([0.4] * 8)


def test_a_set_of_every_gene_is_left_out_where_it_cannot_be_tested():
    table = ran([0.1, 0.2, 0.3], method=Method(SIZE.test, SIZE.columns, whole_sets=False))
    assert sorted(table["set"]) == ["a", "b", "c"]
    assert table.attrs["flow"][-1] == ("x, sets: not of all genes", 4, 3, "1 with every gene")


def test_the_ledger_goes_on_and_names_the_collection():
    flow = ran([0.1] * 4, flow=[("genes: ranked", 4, 4, "tied")]).attrs["flow"]
    assert [step[0] for step in flow] == ["genes: ranked", "x, genes: in the universe"]
    assert flow[1][1:3] == (5, 4)


def test_the_collection_is_a_column_only_if_there_are_several():
    several = ran([0.1] * 4, [SETS, GeneSets("y", {"only": ("A",)})])
    assert several["collection"].tolist() == ["x"] * 4 + ["y"]
    assert "collection" not in ran([0.1] * 4)


def test_a_universe_without_any_of_the_genes_is_refused():
    with pytest.raises(InputError, match=r"no gene of x \(4 sets\) is in the universe of 1 gene"):
        restrict(SETS, ["Z"], min_size=1, max_size=None)
