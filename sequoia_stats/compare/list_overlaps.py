"""Well-predicted genes that cohorts share, against what chance would share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import hypergeom

from sequoia_stats.errors import InputError, listing
from sequoia_stats.sets._hypergeometric import overlap_p_value
from sequoia_stats.types.genes import refuse_dates

#: Columns of `overlap`.
COLUMNS = ["lists", "n_lists", "universe", "sizes", "overlap", "expected", "p", "genes"]


def overlap(
    lists: Mapping[str, Iterable[object]], universe: Iterable[object] | Mapping[str, Iterable[object]]
) -> pd.DataFrame:
    """Genes that lists share, for each pair and for all lists together.

    Parameters
    ----------
    lists : dict of str to iterable of str
        Two gene lists or more, such as the well-predicted genes of TCGA, CPTAC and Tempus.
    universe : iterable of str, or dict of str to iterable of str
        All genes that could be on a list: those that were tested. Where every list has its own, a comparison is
        made among the genes tested in all of its lists. Names match exactly.

    Returns
    -------
    DataFrame
        ``lists`` (names joined by " & "), ``n_lists``, ``universe`` (genes), ``sizes`` (of the lists within the
        universe, joined by ";"), ``overlap``, ``expected`` (by chance), ``p`` (of that overlap or a larger one),
        ``genes`` (shared, sorted, joined by ";"). Pairs come first, then all lists together.
        ``attrs["flow"]`` counts listed genes outside the universe: tuples of step, n_before, n_after, reason.

    Raises
    ------
    InputError
        If there are fewer than two lists, a list has no universe or no gene within it, or a gene is a date.

    Notes
    -----
    For a pair, p is the upper tail of the hypergeometric distribution. For more lists it is exact as well: given
    how many genes the first lists share, what the next one shares with them is hypergeometric, so the distribution
    follows list by list (lists drawn independently of each other).

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
        raise InputError(f"an overlap needs two lists or more, and there are {len(named)}")
    for name, genes in named.items():
        refuse_dates(genes, f"the list {name}")
    tested = _universes(universe, named)
    groups: list[tuple[str, ...]] = list(combinations(named, 2))
    groups += [tuple(named)] if len(named) > 2 else []
    flow: list[tuple[str, int, int, str]] = []
    rows = [_row(group, named, tested, flow) for group in groups]
    table = pd.DataFrame(rows, columns=COLUMNS)
    table.attrs["flow"] = list(dict.fromkeys(flow))
    return table


def _universes(
    universe: Iterable[object] | Mapping[str, Iterable[object]], lists: Collection[str]
) -> dict[str, set[str]]:
    """The genes tested for each list."""
    if not isinstance(universe, Mapping):
        everywhere = set(map(str, universe))
        return dict.fromkeys(lists, everywhere)
    if absent := [name for name in lists if name not in universe]:
        raise InputError(f"there is no universe for the lists {listing(absent)}")
    return {name: set(map(str, universe[name])) for name in lists}


def _row(
    group: tuple[str, ...],
    lists: Mapping[str, Sequence[str]],
    tested: Mapping[str, set[str]],
    flow: list[tuple[str, int, int, str]],
) -> tuple[object, ...]:
    words = " & ".join(group)
    universe = set.intersection(*(tested[name] for name in group))
    within = {name: universe.intersection(lists[name]) for name in group}
    for name, genes in within.items():
        if not genes:
            raise InputError(
                f"none of the {len(lists[name])} genes of the list {name} is in the universe of {len(universe)}",
                where=f"genes tested in {words}",
                fix="names match exactly",
            )
        if len(genes) < len(lists[name]):
            reason = f"not tested in {words}"
            flow.append((f"list {name}: genes in the universe", len(lists[name]), len(genes), reason))
    sizes = [len(genes) for genes in within.values()]
    shared = sorted(set.intersection(*within.values()))
    expected = len(universe) * np.prod(np.array(sizes) / len(universe))
    p = overlap_p(len(shared), len(universe), sizes)
    joined = ";".join(map(str, sizes))
    return words, len(group), len(universe), joined, len(shared), float(expected), p, ";".join(shared)


def overlap_p(shared: int, universe: int, sizes: Sequence[int]) -> float:
    """Probability that random lists of these sizes share so many genes or more.

    Parameters
    ----------
    shared : int
        Genes on all lists.
    universe : int
        Genes that could be on a list.
    sizes : sequence of int
        Of two lists or more.

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
    probability = np.zeros(smallest + 1)  # of each number of genes that the lists taken so far share
    probability[smallest] = 1.0
    for size in others[:-1]:
        probability = _after_another(probability, universe, size)
    possible = np.flatnonzero(probability)
    tails = overlap_p_value(shared, universe, possible, others[-1])
    return min(float(probability[possible] @ tails), 1.0)


def _after_another(probability: NDArray[np.float64], universe: int, size: int) -> NDArray[np.float64]:
    """The same probabilities once another list is taken."""
    result = np.zeros_like(probability)
    for shared in np.flatnonzero(probability):
        fewer = np.arange(shared + 1)
        result[: shared + 1] += probability[shared] * hypergeom.pmf(fewer, universe, shared, size)
    return result
