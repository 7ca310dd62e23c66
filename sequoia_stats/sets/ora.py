"""Over-representation: which gene sets contain more genes of a list than expected by chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.flow import Flow
from sequoia_base.missing import NO_ID, is_missing
from sequoia_stats.errors import InputError, counted, listing, part
from sequoia_stats.io.gene_lists import title_among
from sequoia_stats.sets._hypergeometric import overlap_p_value
from sequoia_stats.sets._similar_sets import MEASURES, merge_similar
from sequoia_stats.sets.collections import GeneSets, Restricted
from sequoia_stats.sets.collections.collection import collections_of
from sequoia_stats.sets.collections.matching import former_names, no_match, several, under_former_names
from sequoia_stats.sets.runner import Method, run
from sequoia_stats.types.genes import refuse_dates

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from sequoia_stats.selection import Selection

__all__ = ["MEASURES", "ORA_COLUMNS", "WELL", "WORST", "hypergeometric", "merge_similar", "negative_control"]

#: Columns of the table, in their order; "collection" follows if there are several.
ORA_COLUMNS = ["list", "set", "overlap", "set_size", "list_size", "universe", "p", "p_bh", "genes"]
#: Names of the lists of `negative_control`.
WELL, WORST = "well predicted", "worst predicted"

GeneLists = Mapping[str, Iterable[object]] | Iterable[object]


class _Lists(NamedTuple):
    """Lists within the universe: their names, one row each over the universe, and the genes lost."""

    names: list[str]
    member: NDArray[np.bool_]
    flow: Flow


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
        Gene lists by name, or a single list, which is called "list". Genes outside the universe are left out and
        counted; a duplicated gene counts once.
    sets : GeneSets or sequence of GeneSets
        One or several collections. Sets are restricted to the universe before their size is checked.
    universe : iterable of str
        All genes that could have been on a list, that is, all genes tested. A duplicated gene counts once; a title
        such as "gene" or "Hugo_Symbol" that is in no set does not count, and is in the ledger.
    min_size, max_size : int
        Smallest and largest number of genes of a set within the universe; None means no upper limit.
    aliases : bool, default False
        Also find genes under former names. By default names must match exactly, and the ledger says how many more
        would be found.

    Returns
    -------
    DataFrame
        One row per list and set of allowed size, even without any overlap, ordered by list, collection, p and name:
        list, set, overlap, set_size, list_size, universe (numbers of genes), p, p_bh (Benjamini-Hochberg within the
        collection and list), genes (shared genes, sorted and joined by ";"), and collection if there are several.
        ``attrs["flow"]`` is the ledger of genes and sets lost: tuples of step, n_before, n_after, reason.

    Raises
    ------
    InputError
        If a list has no gene in the universe, a collection has no set of allowed size, two collections have the same
        name, or a gene is a date.

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
    flow = Flow()
    tested = _universe(universe, collections, flow)
    named = _within(_by_name(lists), tested, aliases, flow)
    return run(
        _ORA, named, collections, tested, named.flow, min_size=min_size, max_size=max_size, aliases=aliases
    )


def negative_control(
    selection: Selection | pd.DataFrame,
    sets: GeneSets | Sequence[GeneSets],
    *,
    n: int | None = None,
    min_size: int = 5,
    max_size: int | None = 5000,
    aliases: bool = False,
) -> pd.DataFrame:
    """Run the same test on the worst predicted genes: what it finds there is not explained by prediction.

    Parameters
    ----------
    selection : Selection or DataFrame
        Genes of one level, with ``gene``, ``r`` and ``well_predicted``; all of them are the universe.
    sets : GeneSets or sequence of GeneSets
        As in `hypergeometric`.
    n : int, optional
        Number of genes with the lowest r to test, ties by name; by default as many as are well predicted.
        Well-predicted genes are never among them.
    min_size, max_size, aliases
        As in `hypergeometric`.

    Returns
    -------
    DataFrame
        As from `hypergeometric`, with the lists "well predicted" and "worst predicted".

    Raises
    ------
    InputError
        If a column or an r is missing, a gene is duplicated, or none or all of the genes are well predicted.
    """
    table = selection if isinstance(selection, pd.DataFrame) else selection.table
    absent = [name for name in ("gene", "r", "well_predicted") if name not in table]
    if absent:
        raise InputError(f"the table of genes has no column {listing(absent)}")
    if table["gene"].duplicated().any():
        raise InputError("genes are duplicated", fix="give the rows of one level")
    if table["r"].isna().any():
        raise InputError(f"r is missing for {counted(int(table['r'].isna().sum()), 'gene')}")
    well = table["well_predicted"].astype(bool)
    if well.all() or not well.any():
        raise InputError(
            f"{part(well.sum(), len(well), 'gene', 'are')} well predicted, so there is nothing to compare"
        )
    rest = table.loc[~well].sort_values(["r", "gene"])
    lists = {WELL: table["gene"][well], WORST: rest["gene"].head(int(well.sum()) if n is None else n)}
    return hypergeometric(
        lists, sets, universe=table["gene"], min_size=min_size, max_size=max_size, aliases=aliases
    )


def _universe(genes: Iterable[object], collections: list[GeneSets], flow: Flow) -> pd.Index:
    """The universe, sorted; only names that are in no set are checked for dates."""
    several(genes, "the universe")
    given, n_missing = _named(genes)
    if n_missing:
        flow.add("universe: genes with a name", len(given) + n_missing, len(given), f"{n_missing} missing")
    tested = pd.Index(sorted(set(given)), dtype=object)
    known = np.logical_or.reduce([tested.isin(one.genes) for one in collections])
    if title := title_among(tested[~known]):
        n, given = len(given), [name for name in given if name != title]
        flow.add(
            "universe: genes without the title", n, len(given), f"no gene, but the title of a column: {title}"
        )
        tested, known = tested[tested != title], known[tested != title]
    if not given:
        raise InputError("the universe is empty", fix="give all genes that were tested")
    try:
        refuse_dates(tested[~known], "the universe")
    except InputError:
        refuse_dates(given, "the universe")  # counted in the order of the file
        raise
    return tested


def _by_name(lists: GeneLists) -> dict[str, list[object]]:
    several(lists, "a gene list")
    named = lists if isinstance(lists, Mapping) else {"list": lists}
    if not named:
        raise InputError("no gene list is given")
    return {str(name): list(several(genes, f"the list {name!r}")) for name, genes in named.items()}


def _named(genes: Iterable[object]) -> tuple[list[str], int]:
    """The names of genes, and how many are missing: None, NaN, or a word for it."""
    names = [None if gene is None or gene is pd.NA or gene != gene else str(gene) for gene in genes]
    there = [name for name in names if name is not None and not _is_no_name(name)]
    return there, len(names) - len(there)


def _is_no_name(text: str) -> bool:
    """Whether a text stands for a gene that has no name: a word for missing, or signs alone, as Affymetrix's ---."""
    return is_missing(text, among_numbers=False) or text in NO_ID or not any(map(str.isalnum, text))


def _within(lists: dict[str, list[object]], tested: pd.Index, aliases: bool, flow: Flow) -> _Lists:
    """The lists within the universe; lost genes are counted, a list without genes is an error."""
    there = set(tested)
    named = {name: _named(genes) for name, genes in lists.items()}
    absent = dict.fromkeys(gene for genes, _ in named.values() for gene in genes if gene not in there)
    former = former_names(absent, tested)
    inside = {*there, *former} if aliases else there
    member = np.zeros((len(lists), len(tested)), dtype=bool)
    for j, (name, (genes, n_missing)) in enumerate(named.items()):
        refuse_dates(genes if absent else (), f"the list {name}")
        if not genes:
            raise InputError(
                f"the list {name!r} is empty", fix="give one gene or more, or leave the list out"
            )
        distinct = list(dict.fromkeys(genes))
        found = {former.get(gene, gene) if aliases else gene for gene in distinct} & there
        member[j, tested.get_indexer(pd.Index(list(found), dtype=object))] = True
        if not found:
            raise no_match(
                f"no gene of the list {name!r} is in the universe of {counted(len(tested), 'gene')}",
                list=pd.Index(distinct, dtype=object),
                universe=tested,
            )
        outside = [gene for gene in distinct if gene not in inside]
        reason = _losses(outside, {} if aliases else former)
        if n_missing:
            reason += f"; {n_missing} missing"
        if n_repeated := len(genes) - len(outside) - len(found):
            reason += f"; {n_repeated} duplicated"
        n_given = len(genes) + n_missing
        flow.add(f"list {name}: genes in the universe", n_given, len(found), reason)
    return _Lists(list(lists), member, flow)


def _losses(outside: list[str], former: dict[str, str]) -> str:
    """How many genes of a list are outside the universe, and how many of them have a former name in it."""
    reason = f"{len(outside)} outside the universe" + (f" ({listing(outside, 5)})" if outside else "")
    return reason + under_former_names({gene: former[gene] for gene in outside if gene in former}, used=False)


def _test(lists: _Lists, left: Restricted) -> dict[str, Any]:
    """All lists against the sets of one collection; arrays of shape (lists, sets)."""
    from scipy.sparse import csr_array

    indptr, indices = left.membership
    shape = (len(left.names), len(left.universe))
    matrix = csr_array((np.ones(len(indices), dtype=np.int32), indices, indptr), shape)
    matrix.sort_indices()  # the universe is sorted by name
    overlap = np.ascontiguousarray((matrix @ lists.member.T.astype(np.int32)).T, dtype=np.int64)
    sizes, lengths = left.membership.sizes, lists.member.sum(axis=1)[:, None]
    return {
        "list": np.array(lists.names, dtype=object)[:, None],
        "overlap": overlap,
        "set_size": sizes,
        "list_size": lengths,
        "universe": len(left.universe),
        "p": overlap_p_value(overlap, len(left.universe), sizes, lengths),
        "genes": _shared_genes(matrix, lists.member, overlap, left.universe),
    }


_ORA = Method(_test, tuple(ORA_COLUMNS))


def _shared_genes(
    matrix: csr_array, member: NDArray[np.bool_], overlap: NDArray[np.int64], universe: pd.Index
) -> NDArray[np.object_]:
    """The genes that each list and set share, joined by semicolons: slices of one string for each list."""
    indices = matrix.indices[np.logical_or.reduce(member)[matrix.indices]]  # most genes are on no list
    names = universe.to_numpy()
    widths = np.array([len(name) + 1 for name in names], dtype=np.int64)
    result: list[str] = []
    for listed, counts in zip(member, overlap, strict=True):
        shared = indices[listed[indices]]
        text = ";".join(names[shared].tolist())
        ends = np.concatenate([[0], np.cumsum(widths[shared])])[np.concatenate([[0], np.cumsum(counts)])]
        stops = np.maximum(ends[1:] - 1, ends[:-1])  # without shared genes there is no semicolon to drop
        result += [text[a:b] for a, b in zip(ends[:-1].tolist(), stops.tolist(), strict=True)]
    return np.array(result, dtype=object).reshape(overlap.shape)
