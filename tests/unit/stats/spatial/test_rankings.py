"""Medians of the best genes and their null, against loops over shifts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.spatial.rankings import NullOfGenes, best_genes, ranked_medians

RNG = np.random.SeedSequence(11)


def tables(genes=40, shifts=30):
    rng = np.random.default_rng(RNG)
    names = [f"G{i:02d}" for i in range(genes)]
    table = pd.DataFrame(
        {"gene": names, "r": rng.normal(0.3, 0.2, genes), "variance": rng.random(genes), "emd": rng.random(genes),
         "emd_flat": rng.random(genes), "p_shift": rng.random(genes)}
    )  # fmt: skip
    other = table.assign(r=rng.normal(0.3, 0.2, genes), variance=rng.random(genes))
    return table, other, NullOfGenes(tuple(names), rng.normal(0, 0.1, (shifts, genes)).astype(np.float32))


def line(found, genes, ranked_on):
    return found[(found["genes"] == genes) & (found["ranked_on"] == ranked_on)].iloc[0]


def test_genes_ranked_elsewhere_have_the_null_of_the_same_genes():
    table, other, null = tables()
    found = line(ranked_medians(table, null, {"S2": other}, top=10), "top-10", "other slides")
    chosen = other.nlargest(10, "r")["gene"]
    by_shift = [np.median([row[null.genes.index(gene)] for gene in chosen]) for row in null.r]
    assert found["r"] == pytest.approx(table.set_index("gene").loc[chosen, "r"].median())
    assert found["r_null_mean"] == pytest.approx(np.mean(by_shift), rel=1e-6)
    assert found["r_null_high"] == pytest.approx(np.quantile(by_shift, 0.95), rel=1e-6)


def test_genes_ranked_on_the_slide_are_ranked_again_at_every_shift():
    table, _, null = tables()
    found = line(ranked_medians(table, null, {}, top=10), "top-10", "this slide")
    by_shift = [np.median(sorted(row)[-10:]) for row in null.r]
    assert found["r"] == pytest.approx(table["r"].nlargest(10).median())
    assert found["r_null_high"] == pytest.approx(np.quantile(by_shift, 0.95), rel=1e-6)


def test_variable_genes_are_those_of_largest_variance():
    table, other, null = tables(genes=60)
    found = ranked_medians(table, null, {"S2": other})
    here, there = line(found, "hvg-50", "this slide"), line(found, "hvg-50", "other slides")
    assert here["r"] == pytest.approx(table.nlargest(50, "variance")["r"].median())
    chosen = other.nlargest(50, "variance")["gene"]
    assert there["r"] == pytest.approx(table.set_index("gene").loc[chosen, "r"].median())


def test_ranks_on_several_slides_are_by_the_mean_of_those_that_have_the_gene():
    a = pd.DataFrame({"gene": ["A", "B", "C"], "r": [0.1, 0.5, 0.3]})
    b = pd.DataFrame({"gene": ["A", "B"], "r": [0.9, 0.1]})
    assert best_genes([a, b], "r", 2, ["A", "B", "C", "D"]) == ["A", "B"]
    assert best_genes([a, b], "r", 9, ["B", "C", "D"]) == ["B", "C"]


def test_ties_are_ordered_by_name_whatever_the_order_of_rows():
    tied = pd.DataFrame({"gene": ["C", "A", "B"], "r": [0.5, 0.5, 0.5]})
    both = [best_genes([table], "r", 2, ["A", "B", "C"]) for table in (tied, tied[::-1])]
    assert both == [["A", "B"], ["A", "B"]]


def test_without_shifts_there_is_no_null():
    table, _, null = tables(shifts=0)
    found = ranked_medians(table, null, {})
    assert (
        found["r_null_high"].isna().all()
        and found["beats_null"].isna().all()
        and (found["n_shifts"] == 0).all()
    )


def test_no_genes_at_the_top_are_refused():
    with pytest.raises(InputError, match="top must be a whole number, 1 or more"):
        best_genes([tables()[0]], "r", 0, ["G00"])
