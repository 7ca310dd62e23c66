"""Groups of sets that share most of their genes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.arguments import check_limits, number, one_of
from sequoia_stats.errors import InputError, listing
from sequoia_stats.sets.collections import GeneSets

MEASURES = ("jaccard", "overlap")
_LIMITS = {
    "measure": one_of(MEASURES),
    "threshold": number("above 0 and at most 1", lambda value: 0 < value <= 1),
}


def merge_similar(
    table: pd.DataFrame, sets: GeneSets, *, measure: str = "jaccard", threshold: float = 0.5
) -> pd.DataFrame:
    """Merge sets that share most of their genes, and average their p-values.

    Parameters
    ----------
    table : DataFrame
        The result of `hypergeometric`, or its rows for the sets to be merged. Every list must have the same sets.
    sets : GeneSets
        The genes of the sets, ideally restricted to the universe by `GeneSets.intersect`.
    measure : {"jaccard", "overlap"}
        Number of shared genes divided by that of the union, or of the smaller set.
    threshold : float, default 0.5
        Groups are merged as long as the average similarity between their sets is at least this (average linkage;
        unlike single linkage, it does not turn a chain of neighbours into one group).

    Returns
    -------
    DataFrame
        One row per list and group: list, group (numbered from 1 by average p), representative (the set with the
        smallest average p over the lists; if equal, the larger one), n_sets, members (joined by ";"), p and p_bh
        (arithmetic means over the members, as in the paper; a mean of p-values orders groups, but is not a test).

    Raises
    ------
    InputError
        If the measure is not valid, the threshold is not in (0, 1], a set is duplicated or not in `sets`, or lists
        have different sets.
    """
    check_limits({"measure": measure, "threshold": threshold}, _LIMITS)
    if table.duplicated(["list", "set"]).any():
        raise InputError("a set is duplicated in a list", fix="give the rows of one collection")
    p = table.pivot(index="set", columns="list", values="p").sort_index()
    absent = [name for name in p.index if name not in sets.sets]
    if absent or p.isna().any(axis=None):
        what = (
            f"the collection does not have {listing(absent)}"
            if absent
            else "lists were tested with different sets"
        )
        raise InputError(what, fix="give the sets that were tested")
    sizes = sets.sizes[p.index].to_numpy()
    group = _average_linkage(_similarity(sets, p.index, measure), threshold)
    order = np.lexsort((p.index, -sizes, p.mean(axis=1).to_numpy()))
    members = pd.DataFrame({"set": p.index, "group": group}).iloc[order]
    members["representative"] = members.groupby("group")["set"].transform("first")
    members["n_sets"] = members.groupby("group")["set"].transform("size")
    members["members"] = members.groupby("group")["set"].transform(lambda names: ";".join(sorted(names)))
    keys = ["list", "representative", "n_sets", "members"]
    merged = table.merge(members, on="set").groupby(keys, sort=False)[["p", "p_bh"]].mean().reset_index()
    rank = merged.groupby("representative")["p"].mean().sort_values(kind="stable").index
    merged.insert(1, "group", rank.get_indexer(pd.Index(merged["representative"])) + 1)
    place = pd.Categorical(merged["list"], table["list"].unique()).codes
    return merged.iloc[np.lexsort((merged["group"], place))].reset_index(drop=True)


def _similarity(sets: GeneSets, names: Iterable[str], measure: str) -> NDArray[np.float64]:
    """The similarity of all pairs of sets."""
    from scipy.sparse import csr_array

    chosen = GeneSets(sets.name, {name: sets[name] for name in names})
    indptr, indices = chosen.membership(chosen.genes)
    matrix = csr_array((np.ones(len(indices)), indices, indptr), (len(chosen), len(chosen.genes)))
    shared, sizes = (matrix @ matrix.T).toarray(), np.diff(indptr)
    if measure == "jaccard":
        return shared / (sizes[:, None] + sizes - shared)
    return shared / np.minimum(sizes[:, None], sizes)


def _average_linkage(similarity: NDArray[np.float64], threshold: float) -> NDArray[np.int64]:
    """Groups by average linkage, cut where the average similarity falls below the threshold."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(similarity) == 1:
        return np.ones(1, dtype=np.int64)
    distance = 1 - similarity
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), method="average")
    groups: NDArray[np.int64] = fcluster(tree, 1 - threshold + 1e-12, criterion="distance").astype(np.int64)
    return groups
