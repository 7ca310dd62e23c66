"""Scores equal those of GSVA 1.46: kernels, weights, ends of the walk, even and odd numbers of genes, ties."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.sets.gsva import Gsva
from sequoia_stats.sets.gsva._scores import densities
from tests.parity.reference import assert_matches, inputs, reference

CASES = inputs("gsva/cases")


def sets_of(table: str) -> dict[str, list[str]]:
    pairs = inputs(f"gsva/{table}_sets")
    return {name: list(group["gene"]) for name, group in pairs.groupby("set", sort=False)}


def scored(case: pd.Series, **options: object) -> pd.DataFrame:
    """All samples × all sets, NaN for sets that are too small or too large, with R's names of rows."""
    table, sets = inputs(f"gsva/{case.table}").T.astype(np.float64), sets_of(case.table)
    model = Gsva(
        sets,
        kcdf=case.kcdf,
        tau=case.tau,
        max_diff=bool(case.max_diff),
        abs_ranking=bool(case.abs_ranking),
        min_size=case.min_size,
        max_size=None if np.isinf(case.max_size) else int(case.max_size),
        **options,
    )
    scores = model.fit_transform(table.iloc[:, : table.shape[1] - case["drop"]]).reindex(columns=list(sets))
    return scores.set_axis([f"{case.name} {sample}" for sample in scores.index], axis=0)


@pytest.mark.parametrize("case", CASES.index)
def test_scores_equal_those_of_r(case):
    got = scored(CASES.loc[case])
    want = reference(f"gsva/{CASES.table[case]}").loc[got.index]
    assert_matches(got, want, rtol=1e-10, atol=1e-10)


def test_even_and_odd_numbers_of_genes_are_among_the_cases():
    sizes = {table: len(inputs(f"gsva/{table}")) for table in ("metabric", "scanb", "counts")}
    left = CASES[CASES.table.isin(sizes)]
    parities = (left.table.map(sizes) - left["drop"]).groupby(left.table).agg(lambda n: len(set(n % 2)))
    assert (parities == 2).all()


@pytest.mark.parametrize("table", ["scanb", "ties"])
def test_genes_tie_within_samples(table):
    values = inputs(f"gsva/{table}")
    ranked = densities(values[values.std(axis=1) > 1e-10].to_numpy(), None, kcdf="none", kernel="table")
    assert all(len(np.unique(sample)) < len(sample) for sample in ranked)


@pytest.mark.needs_r
@pytest.mark.parametrize("kcdf", ["gaussian", "poisson", "none"])
def test_the_engine_r_gives_the_same(kcdf):
    table = inputs("gsva/counts").T.astype(np.float64)
    sets = sets_of("counts")
    model = Gsva(sets, kcdf=kcdf, engine="r", tau=0.25, abs_ranking=True)
    theirs, ours = model.fit_transform(table), Gsva(sets, kcdf=kcdf, tau=0.25, abs_ranking=True)
    assert_matches(ours.fit_transform(table), theirs, rtol=1e-10, atol=1e-10)
    assert set(model.versions_) == {"R", "GSVA"}
