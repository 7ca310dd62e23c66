"""The effect of R's table of the normal distribution on GSVA scores: read, score twice, save."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from _shared import arguments, load, save_table, say

from sequoia_stats import Gsva, genesets
from sequoia_stats.sets.collections import GeneSets
from sequoia_stats.sets.gsva._scores import densities
from sequoia_stats.types.cohort import Cohort

#: Cohorts and the collection that they are scored with.
COHORTS = ("metabric", "scan-b")
COLLECTION = "hallmark"


def main() -> None:
    """Write a row per cohort."""
    options = arguments("", "The two kernels of GSVA compared.")
    save([load(name, "") for name in COHORTS], genesets.load(COLLECTION), options.results)


def save(cohorts: Iterable[Cohort], sets: GeneSets, results: Path) -> None:
    """Compare the kernels on every cohort, and write."""
    rows = []
    for cohort in cohorts:
        say(f"scoring {cohort.name} with both kernels")
        rows.append(kernel_difference(cohort, sets))
    save_table(pd.DataFrame(rows), results / "kernel_difference.csv")


def kernel_difference(cohort: Cohort, sets: GeneSets) -> dict[str, str | int | float]:
    """Compare ranks and scores of ``kernel="table"``, as in R, with those of ``kernel="exact"``.

    Parameters
    ----------
    cohort : Cohort
    sets : GeneSets

    Returns
    -------
    dict
        cohort, collection, samples, genes, sets; ranks_that_differ (share of all ranks of genes within samples),
        largest_rank_difference; scores_that_differ (share, by more than 1e-9), largest_score_difference,
        mean_score_difference (of absolute values), smallest_correlation (of a set over the samples).
    """
    table, exact = (Gsva(sets, kernel=kernel).fit_transform(cohort) for kernel in ("table", "exact"))
    values = Gsva(sets).fit(cohort).reference_.values
    ranks = [ranks_within(densities(values, None, kcdf="gaussian", kernel=k)) for k in ("table", "exact")]
    moved, apart = np.abs(ranks[0] - ranks[1]), np.abs(table - exact).to_numpy()
    return {
        "cohort": cohort.name,
        "collection": sets.name,
        "samples": len(table),
        "genes": len(values),
        "sets": table.shape[1],
        "ranks_that_differ": float((moved > 0).mean()),
        "largest_rank_difference": int(moved.max()),
        "scores_that_differ": float((apart > 1e-9).mean()),
        "largest_score_difference": float(apart.max()),
        "mean_score_difference": float(apart.mean()),
        "smallest_correlation": float(table.corrwith(exact).min()),
    }


def ranks_within(ranked: np.ndarray) -> np.ndarray:
    """Place of every gene (columns) in its sample (rows), the largest first, ties in the order of the table."""
    order = np.argsort(-ranked, axis=1, kind="stable")
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(ranked.shape[1])[None, :], axis=1)
    return places


if __name__ == "__main__":
    main()
