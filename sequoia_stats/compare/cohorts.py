"""Genes that are well predicted in several cohorts: their overlap against chance, and those that validate."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations, product

import pandas as pd

from sequoia_stats.compare.list_overlaps import OVERLAP_COLUMNS, overlap_table

#: Columns of `cohort_overlaps`.
COHORT_OVERLAPS = ["level", *OVERLAP_COLUMNS]


def group_cohorts(models: Sequence[str], same: Sequence[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """Models of the same patients together, in the order of `models`: each group is one cohort.

    Parameters
    ----------
    models : sequence of str
        Names of models.
    same : sequence of tuple of str
        Pairs that are of the same patients.

    Examples
    --------
    >>> group_cohorts(["network", "external", "ridge"], [("network", "ridge")])
    (('network', 'ridge'), ('external',))
    """
    cohort = {name: name for name in models}
    for a, b in same:
        first, other = cohort[a], cohort[b]
        cohort = {name: first if found == other else found for name, found in cohort.items()}
    return tuple(
        tuple(name for name in models if cohort[name] == first) for first in dict.fromkeys(cohort.values())
    )


def cohort_overlaps(genes: pd.DataFrame, cohorts: Sequence[Sequence[str]] | None = None) -> pd.DataFrame:
    """Well-predicted genes that cohorts share, for each pair and for all together, within each level.

    Parameters
    ----------
    genes : DataFrame
        A row per model, ``level`` and ``gene``, with ``well_predicted``.
    cohorts : sequence of sequence of str, optional
        Models of each cohort, as from `group_cohorts`; by default each model is a cohort. Models of one cohort are
        never paired with each other.

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
    known = [[str(name)] for name in genes["model"].unique()] if cohorts is None else cohorts
    parts = []
    for level, table in genes.groupby("level", sort=False):
        models = {str(name): one for name, one in table.groupby("model", sort=False)}
        present = [found for one in known if (found := [name for name in one if name in models])]
        together = [*combinations(present, 2), *([tuple(present)] if len(present) > 2 else [])]
        groups: list[tuple[str, ...]] = [names for some in together for names in product(*some)]
        if not groups:
            continue
        lists = {name: list(one.loc[one["well_predicted"], "gene"]) for name, one in models.items()}
        tested = {name: set(one["gene"]) for name, one in models.items()}
        parts.append(overlap_table(lists, tested, groups).assign(level=level))
    return (
        pd.concat(parts, ignore_index=True)[COHORT_OVERLAPS]
        if parts
        else pd.DataFrame(columns=COHORT_OVERLAPS)
    )


def validated_genes(
    side_by_side: pd.DataFrame, cohorts: Sequence[Sequence[str]], within_folds: Collection[str] = ()
) -> pd.DataFrame:
    """Genes that are well predicted in two cohorts or more.

    Parameters
    ----------
    side_by_side : DataFrame
        ``gene, level``, and ``r_<model>`` and ``well_predicted_<model>`` of each model, missing if the gene was not
        tested there.
    cohorts : sequence of sequence of str
        Models of each cohort.
    within_folds : collection of str, optional
        Models whose ``r_folds_<model>`` counts in place of r.

    Returns
    -------
    DataFrame
        ``gene, level, n_cohorts`` (in which a model predicts the gene well), ``in_all``, ``lowest_r`` (among these
        models), then the columns of each model; genes of most cohorts first, then by the lowest r.
    """
    models = [name for one in cohorts for name in one]
    well = side_by_side[[f"well_predicted_{name}" for name in models]].astype("boolean").fillna(False)
    r = side_by_side[[f"r_folds_{name}" if name in within_folds else f"r_{name}" for name in models]]
    counts = [well[[f"well_predicted_{name}" for name in one]].any(axis=1).astype(int) for one in cohorts]
    found = side_by_side.assign(
        n_cohorts=sum(counts), lowest_r=r.where(well.to_numpy(dtype=bool)).min(axis=1)
    )
    found["in_all"] = found["n_cohorts"] == len(cohorts)
    stems = ("r", "r_folds", "well_predicted")
    own = [name for model in models for stem in stems if (name := f"{stem}_{model}") in side_by_side]
    chosen = found.loc[found["n_cohorts"] > 1, ["gene", "level", "n_cohorts", "in_all", "lowest_r", *own]]
    order = ["n_cohorts", "lowest_r"]
    return chosen.sort_values(order, ascending=False, kind="stable", ignore_index=True)
