"""Over-representation equals stats::phyper and p.adjust."""

from __future__ import annotations

import pandas as pd
import pytest

from sequoia_stats import genesets, ora
from sequoia_stats.sets._hypergeometric import overlap_p_value
from tests.parity.reference import assert_matches, inputs, reference

NUMBERS = ["overlap", "set_size", "list_size", "p", "p_bh"]


def compared(collections: genesets.GeneSets | list[genesets.GeneSets]) -> pd.DataFrame:
    """The stored lists against the bundled sets."""
    genes = inputs("ora/lists")
    lists = {name: list(part) for name, part in genes.groupby("list", sort=False)["gene"]}
    table = ora.hypergeometric(lists, collections, universe=inputs("ora/universe").index)
    return table.set_index((table["list"] + " " + table["set"]).rename("id")).sort_index()


def test_p_equals_phyper_down_to_the_smallest_numbers():
    grid = inputs("ora/grid")
    got = overlap_p_value(*(grid[name] for name in ("overlap", "universe", "set_size", "list_size")))
    assert_matches(pd.DataFrame({"p": got}, grid.index), reference("ora/grid"), rtol=1e-10)


@pytest.mark.parametrize("collection", ["hallmark", "kegg"])
def test_every_set_of_a_collection_equals_phyper_and_p_adjust(collection):
    got = compared(genesets.load(collection))[NUMBERS]
    assert_matches(got, reference(f"ora/{collection}"), rtol=1e-10)


def test_collections_tested_together_are_adjusted_apart():
    table = compared([genesets.load("hallmark"), genesets.load("kegg")])
    want = pd.concat([reference("ora/hallmark"), reference("ora/kegg")]).sort_index()
    assert_matches(table[NUMBERS], want, rtol=1e-10)
