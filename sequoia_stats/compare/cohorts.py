"""Genes that are well predicted in several cohorts: their overlap against chance, and those that validate."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sequoia_stats.compare.list_overlaps import OVERLAP_COLUMNS, overlap_table

#: Columns of `cohort_overlaps`.
COHORT_OVERLAPS = ["level", *OVERLAP_COLUMNS]


def cohort_overlaps(genes: pd.DataFrame) -> pd.DataFrame:
    """Well-predicted genes that cohorts share, for each pair and for all together, within each level.

    Parameters
    ----------
    genes : DataFrame
        A row per cohort (``model``), ``level`` and ``gene``, with ``well_predicted``.

    Returns
    -------
    DataFrame
        ``level``, then the columns of `overlap`; the universe of a row is the genes tested in all of its cohorts. A
        cohort without a well-predicted gene shares none.

    Examples
    --------
    >>> made = pd.DataFrame({"model": ["A"] * 3 + ["B"] * 3, "level": "all", "gene": ["X", "Y", "Z"] * 2})
    >>> made["well_predicted"] = [True, True, False, True, False, False]
    >>> cohort_overlaps(made)[["lists", "universe", "sizes", "overlap", "genes"]]
       lists  universe sizes  overlap genes
    0  A & B         3   2;1        1     X
    """
    parts = []
    for level, table in genes.groupby("level", sort=False):
        cohorts = dict(list(table.groupby("model", sort=False)))
        if len(cohorts) < 2:
            continue
        lists = {str(name): list(one.loc[one["well_predicted"], "gene"]) for name, one in cohorts.items()}
        tested = {str(name): set(one["gene"]) for name, one in cohorts.items()}
        parts.append(overlap_table(lists, tested).assign(level=level))
    return (
        pd.concat(parts, ignore_index=True)[COHORT_OVERLAPS]
        if parts
        else pd.DataFrame(columns=COHORT_OVERLAPS)
    )


def validated_genes(side_by_side: pd.DataFrame, cohorts: Sequence[str]) -> pd.DataFrame:
    """Genes that are well predicted in two cohorts or more.

    Parameters
    ----------
    side_by_side : DataFrame
        ``gene, level``, and ``r_<cohort>`` and ``well_predicted_<cohort>`` of each cohort, missing if the gene was not
        tested there.
    cohorts : sequence of str
        Names of the cohorts.

    Returns
    -------
    DataFrame
        ``gene, level, n_cohorts`` (in which the gene is well predicted), ``in_all``, ``lowest_r`` (among these), then
        the columns of each cohort; genes of most cohorts first, then by the lowest r.
    """
    well = side_by_side[[f"well_predicted_{name}" for name in cohorts]].astype("boolean").fillna(False)
    r = side_by_side[[f"r_{name}" for name in cohorts]]
    found = side_by_side.assign(
        n_cohorts=well.sum(axis=1).astype(int),
        lowest_r=r.where(well.to_numpy(dtype=bool)).min(axis=1),
    )
    found["in_all"] = found["n_cohorts"] == len(cohorts)
    own = [name for cohort in cohorts for name in (f"r_{cohort}", f"well_predicted_{cohort}")]
    chosen = found.loc[found["n_cohorts"] > 1, ["gene", "level", "n_cohorts", "in_all", "lowest_r", *own]]
    order = ["n_cohorts", "lowest_r"]
    return chosen.sort_values(order, ascending=False, kind="stable", ignore_index=True)
