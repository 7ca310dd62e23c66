"""Gene set enrichment analysis of a ranked gene list: preranked GSEA, computed by gseapy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sequoia_base.arguments import check_limits, whole
from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.sets._prerank import find_peaks
from sequoia_stats.sets.collections import GeneSets, Restricted
from sequoia_stats.sets.collections.matching import distinct_genes
from sequoia_stats.sets.runner import Method, run
from sequoia_stats.types.genes import refuse_dates

#: Columns of the table, in their order; "collection" follows if there are several.
GSEA_COLUMNS = ["set", "size", "es", "nes", "p", "p_bh", "leading_edge"]


_LIMITS = {"permutations": whole(1), "seed": whole(0), "jobs": whole(1)}


class _Ranking(NamedTuple):
    """Scores from high to low, and how they are permuted."""

    scores: pd.Series
    permutations: int
    seed: int
    jobs: int


def preranked(
    ranks: pd.Series | Mapping[str, float],
    sets: GeneSets | Sequence[GeneSets],
    *,
    permutations: int = 1000,
    seed: int = 0,
    min_size: int = 5,
    max_size: int | None = 5000,
    aliases: bool = False,
    jobs: int = 1,
) -> pd.DataFrame:
    """Test whether the genes of a set accumulate at one end of a ranking.

    Parameters
    ----------
    ranks : Series, or dict of str to float
        Score of every gene, such as r; the index holds unique gene names. High scores come first. Genes with equal
        scores are ordered by name, and the ledger counts them: constant genes have r = 0 and stay.
    sets : GeneSets or sequence of GeneSets
        One or several collections. Sets are restricted to the ranked genes before their size is checked.
    permutations : int, default 1000
        Number of random gene sets of each size.
    seed : int, default 0
        Random seed of the permutations, 0 or more; the result depends on nothing else.
    min_size, max_size : int
        Smallest and largest number of ranked genes of a set; None means no upper limit. A set of all ranked genes
        cannot be compared with anything, and is left out.
    aliases : bool, default False
        Also find genes under former names, as in `GeneSets.restrict`.
    jobs : int, default 1
        Number of threads that gseapy uses.

    Returns
    -------
    DataFrame
        One row per set of allowed size, ordered by collection, p and size of the effect: set, size, es (running sum
        at its peak, weight 1), nes (es divided by the mean of the permuted scores of the same sign), p (share of
        these that are at least as extreme, but at least 1 / (permutations + 1), since permutations cannot show a p
        of 0), p_bh (Benjamini-Hochberg within the collection), leading_edge (genes up to the peak, most extreme
        first, joined by ";"), and collection if there are several. A set whose scores are all 0 has es 0 and p 1.
        ``attrs["flow"]`` is the ledger: tuples of step, n_before, n_after, reason.

    Raises
    ------
    InputError
        If a gene is duplicated or a date, a score is missing, infinite or not a number, all scores are equal, a
        collection has no set of allowed size, or `permutations` or `jobs` is below 1.
    SequoiaError
        If the process that runs gseapy dies.

    Notes
    -----
    Subramanian et al., PNAS 2005; genes are permuted, not samples. Long computations run in a process of their own,
    so that Ctrl-C stops them; it ends with this one.

    Examples
    --------
    >>> ranks = pd.Series(np.linspace(1, -1, 40), [f"G{i}" for i in range(40)])
    >>> table = preranked(ranks, GeneSets("mine", {"top": tuple(ranks.index[:6]), "even": tuple(ranks.index[::2])}))
    >>> table[["set", "size", "es", "leading_edge"]].head(1)
       set  size   es       leading_edge
    0  top     6  1.0  G0;G1;G2;G3;G4;G5
    """
    check_limits({"permutations": permutations, "seed": seed, "jobs": jobs}, _LIMITS)
    flow = Flow()
    scores = _ordered(ranks, flow)
    ranking = _Ranking(scores, permutations, seed, jobs)
    return run(
        _GSEA, ranking, sets, scores.index, flow, min_size=min_size, max_size=max_size, aliases=aliases
    )


def _ordered(ranks: pd.Series | Mapping[str, float], flow: Flow) -> pd.Series:
    """Scores from high to low, ties by name and counted in the ledger."""
    series = pd.Series(dict(ranks)) if isinstance(ranks, Mapping) else ranks
    names = distinct_genes(series.index)
    refuse_dates(names, "the ranking")
    try:
        values = series.to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("a score is not a number", where=str(error)) from None
    bad = [name for name, value in zip(names, values, strict=True) if not np.isfinite(value)]
    if bad:
        raise InputError(f"the score of {counted(len(bad), 'gene')} is missing or infinite: {listing(bad)}")
    if len(names) < 2 or (values == values[0]).all():
        raise InputError(f"{counted(len(names), 'gene')} cannot be ranked: all scores are equal")
    scores = pd.Series(values, pd.Index(names, dtype=object)).sort_index(kind="stable")
    scores = scores.sort_values(ascending=False, kind="stable")
    tied = int(scores.duplicated(keep=False).sum())
    if tied:
        n_zero = int((scores == 0).sum())
        reason = f"{tied} with the score of another gene ({n_zero} with 0), ordered by name"
        flow.add("genes: ranked", len(scores), len(scores), reason)
    return scores


def _test(ranking: _Ranking, left: Restricted) -> dict[str, Any]:
    """Running sums of the sets of one collection; a set whose scores are all 0 has none."""
    values, members, n = ranking.scores.to_numpy(), left.membership, len(left.names)
    es, nes, p, edges = np.zeros(n), np.zeros(n), np.ones(n), np.full(n, "", dtype=object)
    moving = np.add.reduceat(np.abs(values)[members.indices], members.indptr[:-1]) > 0
    if moving.any():
        peaks = find_peaks(
            values,
            members.rows(moving),
            permutations=ranking.permutations,
            seed=ranking.seed,
            jobs=ranking.jobs,
        )
        es[moving], nes[moving], p[moving] = peaks.es, peaks.nes, peaks.p
        named = peaks.edges.members(ranking.scores.index)
        edges[moving] = np.array([";".join(genes) for genes in named], dtype=object)
        p = p.clip(min=1 / (ranking.permutations + 1))
    return {"size": members.sizes, "es": es, "nes": nes, "p": p, "leading_edge": edges}


_GSEA = Method(_test, tuple(GSEA_COLUMNS), effect="nes", whole_sets=False)
