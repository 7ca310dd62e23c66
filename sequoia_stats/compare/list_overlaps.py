"""The overlap of gene lists, such as the well-predicted genes of cohorts, compared with chance."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import hypergeom

from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.sets._hypergeometric import overlap_p_value
from sequoia_stats.types.genes import refuse_dates

#: Columns of `overlap`.
OVERLAP_COLUMNS = ["lists", "n_lists", "universe", "sizes", "overlap", "expected", "p", "genes"]
_JOIN = " & "


def overlap(
    lists: Mapping[str, Iterable[object]], universe: Iterable[object] | Mapping[str, Iterable[object]]
) -> pd.DataFrame:
    """Genes shared by lists, for each pair of lists and for all of them together.

    Parameters
    ----------
    lists : dict of str to iterable of str
        Two or more gene lists, such as the well-predicted genes of TCGA, CPTAC and Tempus.
    universe : iterable of str, or dict of str to iterable of str
        All genes tested, that is, all that could be on a list. If every list has its own universe, lists are
        compared on the genes tested in all of them. Names must match exactly.

    Returns
    -------
    DataFrame
        ``lists`` (names joined by " & "), ``n_lists``, ``universe`` (number of genes), ``sizes`` (of the lists within
        the universe, joined by ";"), ``overlap``, ``expected`` (by chance), ``p`` (of this overlap or a larger one),
        ``genes`` (shared genes, sorted and joined by ";"). Pairs come first, then all lists together.
        ``attrs["flow"]`` counts listed genes outside the universe: tuples of step, n_before, n_after, reason.

    Raises
    ------
    InputError
        If there are fewer than two lists, a list has no universe or no gene within it, or a gene is a date.

    Notes
    -----
    For a pair, p is the upper tail of the hypergeometric distribution. For more lists it is exact as well, assuming
    that lists are drawn independently: given the number of genes shared by the first lists, the number shared with
    the next one is hypergeometric, so the distribution is built up list by list.

    Examples
    --------
    >>> lists = {"A": ["G1", "G2", "G3"], "B": ["G2", "G3"], "C": ["G3", "G9"]}
    >>> overlap(lists, [f"G{i}" for i in range(10)])[["lists", "overlap", "expected", "genes"]]
           lists  overlap  expected  genes
    0      A & B        2      0.60  G2;G3
    1      A & C        1      0.60     G3
    2      B & C        1      0.40     G3
    3  A & B & C        1      0.12     G3
    """
    named = {str(name): list(dict.fromkeys(map(str, genes))) for name, genes in lists.items()}
    if len(named) < 2:
        raise InputError(f"an overlap needs two or more lists, but there is {counted(len(named), 'list')}")
    for name, genes in named.items():
        refuse_dates(genes, f"the list {name}")
    tested = _universes(universe, named)
    for group in _groups(named):
        shared = set.intersection(*(tested[name] for name in group))
        for name in group:
            if shared.isdisjoint(named[name]):
                raise InputError(
                    f"no gene of the list {name!r} is in the universe of {counted(len(shared), 'gene')}",
                    where=f"genes tested in {_JOIN.join(group)}",
                    fix="names must match exactly",
                )
    return overlap_table(named, tested)


def overlap_table(
    lists: Mapping[str, Sequence[str]],
    tested: Mapping[str, set[str]],
    groups: Sequence[tuple[str, ...]] | None = None,
) -> pd.DataFrame:
    """The table of `overlap` for lists that may be empty, whose genes occur once.

    Parameters
    ----------
    lists : dict of str to sequence of str
        Two or more lists.
    tested : dict of str to set of str
        The universe of each.
    groups : sequence of tuple of str, optional
        Lists of each row; each pair and all together by default.
    """
    flow = Flow()
    rows = [_row(group, lists, tested, flow) for group in (_groups(lists) if groups is None else groups)]
    table = pd.DataFrame(rows, columns=OVERLAP_COLUMNS)
    table.attrs["flow"] = list(dict.fromkeys(flow))
    return table


def _groups(names: Collection[str]) -> list[tuple[str, ...]]:
    """Each pair, then all together."""
    return [*combinations(names, 2), *([tuple(names)] if len(names) > 2 else [])]


def _universes(
    universe: Iterable[object] | Mapping[str, Iterable[object]], lists: Collection[str]
) -> dict[str, set[str]]:
    """The genes tested for each list."""
    if not isinstance(universe, Mapping):
        everywhere = set(map(str, universe))
        return dict.fromkeys(lists, everywhere)
    if absent := [name for name in lists if name not in universe]:
        raise InputError(f"no universe is given for {listing(absent)}")
    return {name: set(map(str, universe[name])) for name in lists}


def _row(
    group: tuple[str, ...],
    lists: Mapping[str, Sequence[str]],
    tested: Mapping[str, set[str]],
    flow: Flow,
) -> tuple[object, ...]:
    words = _JOIN.join(group)
    universe = set.intersection(*(tested[name] for name in group))
    within = {name: universe.intersection(lists[name]) for name in group}
    for name, genes in within.items():
        if len(genes) < len(lists[name]):
            step = f"list {name}: genes in the universe"
            flow.add(step, len(lists[name]), len(genes), f"not tested in {words}")
    sizes = [len(genes) for genes in within.values()]
    shared = sorted(set.intersection(*within.values()))
    expected = len(universe) * np.prod(np.array(sizes) / max(len(universe), 1))
    p = overlap_p(len(shared), len(universe), sizes) if min(sizes) else 1.0
    joined = ";".join(map(str, sizes))
    return words, len(group), len(universe), joined, len(shared), float(expected), p, ";".join(shared)


def overlap_p(shared: int, universe: int, sizes: Sequence[int]) -> float:
    """Probability that random lists of given sizes share at least a given number of genes.

    Parameters
    ----------
    shared : int
        Number of genes on all lists.
    universe : int
        Number of genes that could be on a list.
    sizes : sequence of int
        Sizes of two or more lists.

    Returns
    -------
    float
        Exact.

    Examples
    --------
    >>> round(overlap_p(1, 10, [3, 2]), 6), round(overlap_p(1, 10, [3, 2, 2]), 6)
    (0.533333, 0.118519)
    """
    smallest, *others = sorted(sizes)
    probability = np.zeros(smallest + 1)  # of each number of genes shared by the lists so far
    probability[smallest] = 1.0
    for size in others[:-1]:
        probability = _after_another(probability, universe, size)
    possible = np.flatnonzero(probability)
    tails = overlap_p_value(shared, universe, possible, others[-1])
    return min(float(probability[possible] @ tails), 1.0)


def _after_another(probability: NDArray[np.float64], universe: int, size: int) -> NDArray[np.float64]:
    """The same probabilities after another list."""
    result = np.zeros_like(probability)
    for shared in np.flatnonzero(probability):
        fewer = np.arange(shared + 1)
        result[: shared + 1] += probability[shared] * hypergeom.pmf(fewer, universe, shared, size)
    return result
