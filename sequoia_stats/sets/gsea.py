"""Gene set enrichment of a ranking of genes: GSEA preranked, run by gseapy."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sequoia_stats.association import benjamini_hochberg
from sequoia_stats.errors import InputError, listing
from sequoia_stats.sets._gsea_worker import Task, find_peaks
from sequoia_stats.sets.collections import GeneSets, Restricted
from sequoia_stats.sets.collections._matching import Step
from sequoia_stats.sets.collections.collection import (
    collections_of,
    distinct_genes,
    ledger_of,
    refuse_nothing_left,
)
from sequoia_stats.types.genes import refuse_dates

#: Columns of the table, in their order; "collection" follows where there are several.
COLUMNS = ["set", "size", "es", "nes", "p", "p_bh", "leading_edge"]


def preranked(
    ranks: pd.Series | Mapping[str, float],
    sets: GeneSets | Sequence[GeneSets],
    *,
    permutations: int = 1000,
    seed: int = 0,
    min_size: int = 5,
    max_size: int | None = 5000,
    aliases: bool = False,
    threads: int = 1,
) -> pd.DataFrame:
    """Test whether the genes of a set gather at one end of a ranking.

    Parameters
    ----------
    ranks : Series, or dict of str to float
        Score of every gene, such as r; index = gene, unique. High scores come first, equal ones in the order of
        their names, which the ledger counts: constant genes have r = 0 and stay.
    sets : GeneSets or sequence of GeneSets
        One collection or several. Sets are cut to the ranked genes before their size is looked at.
    permutations : int, default 1000
        Random gene sets of each size.
    seed : int, default 0
        Of the permutations; the result depends on nothing else.
    min_size, max_size : int
        Smallest and largest number of ranked genes of a set; no upper limit where None. A set of all ranked genes has
        nothing to be compared with, and is left out.
    aliases : bool, default False
        Find genes also under former names, as `GeneSets.restrict`.
    threads : int, default 1
        Of gseapy.

    Returns
    -------
    DataFrame
        A row per set of allowed size, by collection, p and size of the effect: set, size, es (running sum at its
        peak, weight 1), nes (es over the mean of the permuted ones of its sign), p (share of these that are as
        extreme, and at least 1 / (permutations + 1), since no number of permutations shows a p of 0), p_bh
        (Benjamini-Hochberg within the collection), leading_edge (genes up to the peak, the most extreme first,
        joined by ";"); and collection where there are several. A set whose scores are all 0 has es 0 and p 1.
        ``attrs["flow"]`` is the ledger: tuples of step, n_before, n_after, reason.

    Raises
    ------
    InputError
        If a gene repeats or is a date, a score is missing, infinite or no number, all scores are equal, a collection
        has no set of allowed size, or permutations or threads are below 1.

    Notes
    -----
    Subramanian et al., PNAS 2005; genes are permuted, not samples. What takes long is computed by a process of its
    own, so that Ctrl-C is heard; it ends with this one.

    Examples
    --------
    >>> ranks = pd.Series(np.linspace(1, -1, 40), [f"G{i}" for i in range(40)])
    >>> table = preranked(ranks, GeneSets("mine", {"top": tuple(ranks.index[:6]), "even": tuple(ranks.index[::2])}))
    >>> table[["set", "size", "es", "leading_edge"]].head(1)
       set  size   es       leading_edge
    0  top     6  1.0  G0;G1;G2;G3;G4;G5
    """
    if permutations < 1 or threads < 1 or seed < 0:
        raise InputError("permutations and threads are at least 1, the seed at least 0")
    collections = collections_of(sets)
    scores, flow = _ranking(ranks)
    parts = []
    for one in collections:
        left = one.restrict(scores.index, min_size=min_size, max_size=max_size, aliases=aliases)
        left = _without_whole(left)
        refuse_nothing_left(one, left)
        part = _run(scores, left, permutations, seed, threads)
        parts.append(part.assign(collection=one.name))
        flow += ledger_of(one, left)
    table = pd.concat(parts, ignore_index=True)
    table = table if len(parts) > 1 else table[COLUMNS]
    table.attrs["flow"] = flow
    return table


def _ranking(ranks: pd.Series | Mapping[str, float]) -> tuple[pd.Series, list[Step]]:
    """Scores from high to low, equal ones by name, and how many are equal."""
    series = pd.Series(dict(ranks)) if isinstance(ranks, Mapping) else ranks
    names = distinct_genes(series.index)
    refuse_dates(names, "the ranking")
    try:
        values = series.to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("a score is no number", where=str(error)) from None
    bad = [name for name, value in zip(names, values, strict=True) if not np.isfinite(value)]
    if bad:
        raise InputError(f"{len(bad)} genes have no score, or an infinite one: {listing(bad)}")
    if len(names) < 2 or (values == values[0]).all():
        raise InputError(f"the {len(names)} genes have no order: their scores are equal")
    scores = pd.Series(values, pd.Index(names, dtype=object)).sort_index(kind="stable")
    scores = scores.sort_values(ascending=False, kind="stable")
    tied = int(scores.duplicated(keep=False).sum())
    if not tied:
        return scores, []
    n_zero = int((scores == 0).sum())
    reason = (
        f"{tied} share their score with another gene ({n_zero} have 0): these are in the order of their names"
    )
    return scores, [("genes: ranked", len(scores), len(scores), reason)]


def _without_whole(left: Restricted) -> Restricted:
    """Leave out sets that hold every ranked gene."""
    whole = left.membership.sizes == len(left.universe)
    if not whole.any():
        return left
    names = [name for name, out in zip(left.names, whole.tolist(), strict=True) if not out]
    step = ("sets: not of all genes", len(whole), len(names), f"{whole.sum()} hold every ranked gene")
    return Restricted(names, left.universe, left.membership.rows(~whole), [*left.flow, step])


def _run(scores: pd.Series, left: Restricted, permutations: int, seed: int, threads: int) -> pd.DataFrame:
    """The table of one collection."""
    values, members = scores.to_numpy(), left.membership
    moving = np.add.reduceat(np.abs(values)[members.indices], members.indptr[:-1]) > 0
    table = pd.DataFrame(
        {
            "set": left.names,
            "size": members.sizes,
            "es": 0.0,
            "nes": 0.0,
            "p": 1.0,
            "p_bh": 1.0,
            "leading_edge": "",
        }
    )
    if moving.any():
        chosen = members.rows(moving)
        peaks = find_peaks(
            Task(values, chosen.indices, chosen.indptr, np.array([permutations, seed, threads]))
        )
        table.loc[moving, ["es", "nes", "p"]] = np.column_stack([peaks.es, peaks.nes, peaks.p])
        names, ends = scores.index[peaks.edge_genes], peaks.edge_ends
        edges = [";".join(names[start:stop]) for start, stop in itertools.pairwise(ends.tolist())]
        table.loc[moving, "leading_edge"] = np.array(edges, dtype=object)
        table["p"] = table["p"].clip(lower=1 / (permutations + 1))
    table["p_bh"] = benjamini_hochberg(table["p"])
    order = np.lexsort((table["set"], -table["nes"].abs(), table["p"]))
    return table.iloc[order].reset_index(drop=True)
