"""The hypergeometric test of many lists against many sets, in one pass over the sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_stats.association import benjamini_hochberg
from sequoia_stats.errors import InputError, listing
from sequoia_stats.sets._hypergeometric import overlap_p_value
from sequoia_stats.sets.collections import GeneSets, Restricted
from sequoia_stats.sets.collections._matching import Step, former_names
from sequoia_stats.sets.collections.collection import EXACTLY, collections_of, ledger_of, refuse_nothing_left
from sequoia_stats.types.genes import refuse_dates

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: Columns of the table, in their order; "collection" follows where there are several.
COLUMNS = ["list", "set", "overlap", "set_size", "list_size", "universe", "p", "p_bh", "genes"]

GeneLists = Mapping[str, Iterable[object]] | Iterable[object]


class _Lists(NamedTuple):
    """Lists within the universe: their names, a row each over the universe, and what was lost."""

    names: list[str]
    member: NDArray[np.bool_]
    flow: list[Step]


def hypergeometric(
    lists: GeneLists,
    sets: GeneSets | Sequence[GeneSets],
    *,
    universe: Iterable[object],
    min_size: int = 5,
    max_size: int | None = 5000,
    aliases: bool = False,
) -> pd.DataFrame:
    """One-sided hypergeometric test of every list against every set.

    Parameters
    ----------
    lists : dict of str to iterable of str, or iterable of str
        Gene lists by name, or one list, which is called "list". Genes outside the universe are left out and
        counted; one that repeats counts once.
    sets : GeneSets or sequence of GeneSets
        One collection or several. Sets are cut to the universe before their size is looked at.
    universe : iterable of str
        All genes that could have come onto a list: those that were tested. One that repeats counts once.
    min_size, max_size : int
        Smallest and largest number of genes of a set within the universe; no upper limit where None.
    aliases : bool, default False
        Find genes also under former names. Names match exactly otherwise, and the ledger says how many more would
        be found.

    Returns
    -------
    DataFrame
        A row per list and set of allowed size, also where nothing overlaps, by list, collection, p and name: list,
        set, overlap, set_size, list_size, universe (numbers of genes), p, p_bh (Benjamini-Hochberg within the
        collection and list), genes (those that overlap, sorted, joined by ";"); and collection where there are
        several. ``attrs["flow"]`` is the ledger of genes and sets lost: tuples of step, n_before, n_after, reason.

    Raises
    ------
    InputError
        If a list has no gene in the universe, a collection no set of allowed size, two collections share a name, or
        a gene is a date.

    Notes
    -----
    P(X >= overlap), as R's ``phyper(overlap - 1, set_size, universe - set_size, list_size, lower.tail = FALSE)``.

    Examples
    --------
    >>> sets = GeneSets("mine", {"luminal": ("ESR1", "GATA3", "FOXA1"), "basal": ("KRT5", "KRT14")})
    >>> tested = ["ESR1", "GATA3", "FOXA1", "KRT5", "KRT14", "ACTB", "GAPDH", "TBP"]
    >>> hypergeometric(["ESR1", "GATA3", "TBP"], sets, universe=tested, min_size=2)[["set", "overlap", "p", "genes"]]
           set  overlap         p       genes
    0  luminal        2  0.285714  ESR1;GATA3
    1    basal        0  1.000000
    """
    collections = collections_of(sets)
    tested = _universe(universe, collections)
    named = _within(_by_name(lists), tested, aliases)
    parts, flow = [], list(named.flow)
    for one in collections:
        left = one.restrict(tested, min_size=min_size, max_size=max_size, aliases=aliases)
        refuse_nothing_left(one, left)
        parts.append(_test(named, left).assign(collection=one.name))
        flow += ledger_of(one, left)
    if len(parts) == 1:
        table = parts[0][COLUMNS]
    else:
        table = pd.concat(parts, ignore_index=True)
        order = np.argsort(pd.Categorical(table["list"], named.names).codes, kind="stable")
        table = table.iloc[order].reset_index(drop=True)
    table.attrs["flow"] = flow
    return table


def _universe(genes: Iterable[object], collections: list[GeneSets]) -> pd.Index:
    """The universe, sorted; names that no set has may be dates."""
    if isinstance(genes, str):
        raise InputError("the universe is a list of genes, not one text")
    given = [str(gene) for gene in genes]
    tested = pd.Index(sorted(set(given)), dtype=object)
    known = np.logical_or.reduce([tested.isin(one.genes) for one in collections])
    try:
        refuse_dates(tested[~known], "the universe")
    except InputError:
        refuse_dates(given, "the universe")  # counted in the order of the file
        raise
    return tested


def _by_name(lists: GeneLists) -> dict[str, list[str]]:
    if isinstance(lists, str):
        raise InputError("a list of genes is needed, not one text")
    named = lists if isinstance(lists, Mapping) else {"list": lists}
    if not named:
        raise InputError("there is no list of genes")
    return {str(name): [str(gene) for gene in genes] for name, genes in named.items()}


def _within(lists: dict[str, list[str]], tested: pd.Index, aliases: bool) -> _Lists:
    """The lists within the universe; lost genes are counted, a list without any is refused."""
    there = set(tested)
    absent = dict.fromkeys(gene for genes in lists.values() for gene in genes if gene not in there)
    former = former_names(absent, tested)
    inside = {*there, *former} if aliases else there
    member = np.zeros((len(lists), len(tested)), dtype=bool)
    flow: list[Step] = []
    for j, (name, genes) in enumerate(lists.items()):
        refuse_dates(genes if absent else (), f"the list {name}")
        distinct = list(dict.fromkeys(genes))
        found = {former.get(gene, gene) if aliases else gene for gene in distinct} & there
        member[j, tested.get_indexer(pd.Index(list(found), dtype=object))] = True
        if not found:
            raise InputError(
                f"none of the {len(distinct)} genes of the list {name} is in the universe of {len(tested)}",
                where=f"the list has {listing(distinct, 3)}; the universe has {listing(tested, 3)}",
                fix=EXACTLY,
            )
        outside = [gene for gene in distinct if gene not in inside]
        reason = _losses(outside, {} if aliases else former)
        if n_repeated := len(genes) - len(outside) - len(found):
            reason += f"; {n_repeated} stood more than once"
        flow.append((f"list {name}: genes in the universe", len(genes), len(found), reason))
    return _Lists(list(lists), member, flow)


def _losses(outside: list[str], former: dict[str, str]) -> str:
    """How many genes of a list are outside the universe, and would be inside under a former name."""
    reason = f"{len(outside)} outside the universe" + (f" ({listing(outside, 5)})" if outside else "")
    renamed = [f"{gene} → {former[gene]}" for gene in outside if gene in former]
    if renamed:
        reason += f"; {len(renamed)} more would be found under a former name ({listing(renamed, 3)})"
    return reason


def _test(lists: _Lists, left: Restricted) -> pd.DataFrame:
    """All lists against the sets of one collection: a row per list and set, in the order of p and name."""
    matrix, names = _by_set_name(left)
    n_lists, n_sets, n_universe = len(lists.names), len(names), len(left.universe)
    overlap = np.ascontiguousarray((matrix @ lists.member.T.astype(np.int32)).T, dtype=np.int64)
    sizes, lengths = np.diff(matrix.indptr).astype(np.int64), lists.member.sum(axis=1)
    p = overlap_p_value(overlap, n_universe, sizes, lengths[:, None])
    order = np.argsort(p, axis=1, kind="stable")
    rows = (order + n_sets * np.arange(n_lists)[:, None]).ravel()
    columns = [
        np.repeat(np.array(lists.names, dtype=object), n_sets),
        names[order.ravel()],
        overlap.ravel()[rows],
        sizes[order.ravel()],
        np.repeat(lengths, n_sets),
        np.full(rows.size, n_universe),
        p.ravel()[rows],
        np.concatenate([benjamini_hochberg(row) for row in p])[rows],
        _shared_genes(matrix, lists.member, overlap, left.universe)[rows],
    ]
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def _by_set_name(left: Restricted) -> tuple[csr_array, NDArray[np.object_]]:
    """Sets × universe as a sparse matrix of ones, sets by name and the genes of each by name."""
    from scipy.sparse import csr_array

    ones = np.ones(len(left.membership.indices), dtype=np.int32)
    shape = (len(left.names), len(left.universe))
    matrix = csr_array((ones, left.membership.indices, left.membership.indptr), shape)
    order = sorted(range(len(left.names)), key=left.names.__getitem__)
    if order != list(range(len(order))):
        matrix = matrix[order]
    matrix.sort_indices()  # the universe is sorted by name
    return matrix, np.array(left.names, dtype=object)[order]


def _shared_genes(
    matrix: csr_array, member: NDArray[np.bool_], overlap: NDArray[np.int64], universe: pd.Index
) -> NDArray[np.object_]:
    """For every list and set the genes that they share, joined by semicolons: slices of one text for each list."""
    indices = matrix.indices[np.logical_or.reduce(member)[matrix.indices]]  # most genes are on no list
    names = universe.to_numpy()
    widths = np.array([len(name) + 1 for name in names], dtype=np.int64)
    result: list[str] = []
    for listed, counts in zip(member, overlap, strict=True):
        shared = indices[listed[indices]]
        text = ";".join(names[shared].tolist())
        ends = np.concatenate([[0], np.cumsum(widths[shared])])[np.concatenate([[0], np.cumsum(counts)])]
        stops = np.maximum(ends[1:] - 1, ends[:-1])  # a set that shares nothing has no semicolon to leave out
        result += [text[a:b] for a, b in zip(ends[:-1].tolist(), stops.tolist(), strict=True)]
    return np.array(result, dtype=object)
