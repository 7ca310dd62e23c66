"""What the methods share: sets are restricted to the genes in use, losses are recorded, results become a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.flow import Flow
from sequoia_stats.association import benjamini_hochberg
from sequoia_stats.errors import InputError, counted
from sequoia_stats.sets.collections import GeneSets, Restricted
from sequoia_stats.sets.collections.collection import collections_of
from sequoia_stats.sets.collections.matching import no_match


@dataclass(frozen=True)
class Method:
    """A test of gene sets: a function on arrays, and what the runner needs to know about it.

    Parameters
    ----------
    test : callable
        ``test(data, restricted)`` gives arrays by column name that broadcast to (lists, sets); "p" is one of them.
    columns : tuple of str
        Columns of the table, in their order. The runner adds "set" and "p_bh", and "collection" if there are several.
    effect : str
        The column that orders sets with equal p, largest absolute value first; sets are then ordered by name.
    whole_sets : bool
        Whether a set that contains every gene can be tested.
    """

    test: Callable[[Any, Restricted], dict[str, Any]]
    columns: tuple[str, ...]
    effect: str = ""
    whole_sets: bool = True


def run(
    method: Method,
    data: object,
    sets: GeneSets | Sequence[GeneSets],
    universe: pd.Index,
    flow: Flow,
    *,
    min_size: int,
    max_size: int | None,
    aliases: bool,
) -> pd.DataFrame:
    """Test every set of every collection.

    Parameters
    ----------
    method : Method
        The test.
    data : object
        What the test is given besides the sets.
    sets : GeneSets or sequence of GeneSets
        One or several collections.
    universe : Index
        The genes in use.
    flow : Flow
        Losses so far.
    min_size, max_size, aliases
        As in `GeneSets.restrict`.

    Returns
    -------
    DataFrame
        One row per list and set, by list, collection, p, effect and name; ``attrs["flow"]`` is the ledger.

    Raises
    ------
    InputError
        If two collections have the same name, or a collection has no set of allowed size.
    """
    parts = []
    for one in collections_of(sets):
        left = restrict(one, universe, min_size=min_size, max_size=max_size, aliases=aliases)
        if not method.whole_sets:
            left = _without_whole_sets(one, left)
        flow.extend(left.flow)
        parts.append(_table(method, method.test(data, left), left.names).assign(collection=one.name))
    table = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0][[*method.columns]]
    if len(parts) > 1 and "list" in table:
        order = np.argsort(pd.factorize(table["list"])[0], kind="stable")
        table = table.iloc[order].reset_index(drop=True)
    table.attrs["flow"] = list(flow)
    return table


def restrict(
    sets: GeneSets, universe: Iterable[object], *, min_size: int, max_size: int | None, aliases: bool = False
) -> Restricted:
    """The sets within a universe, at least one, with a ledger that names the collection.

    Raises
    ------
    InputError
        If no set is left; the message says why.
    """
    left = sets.restrict(universe, min_size=min_size, max_size=max_size, aliases=aliases)
    genes, *others = left.flow
    if not genes.n_after:
        raise no_match(
            f"no gene of {sets.name} ({counted(len(sets), 'set')}) is in the universe of "
            f"{counted(len(left.universe), 'gene')}",
            collection=sets.genes,
            universe=left.universe,
        )
    if not left.names:
        raise _no_set_left(sets, [step.reason for step in others])
    return left._replace(flow=Flow(step._replace(step=f"{sets.name}, {step.step}") for step in left.flow))


def _without_whole_sets(sets: GeneSets, left: Restricted) -> Restricted:
    """Leave out sets that contain every gene."""
    whole = left.membership.sizes == len(left.universe)
    if not whole.any():
        return left
    names = [name for name, out in zip(left.names, whole.tolist(), strict=True) if not out]
    reason = f"{whole.sum()} with every gene"
    if not names:
        raise _no_set_left(sets, [reason])
    flow = left.flow.copy()
    flow.add(f"{sets.name}, sets: not of all genes", len(whole), len(names), reason)
    return Restricted(names, left.universe, left.membership.rows(~whole), flow)


def _no_set_left(sets: GeneSets, reasons: list[str]) -> InputError:
    return InputError(
        f"{sets.name} has no set of allowed size: {'; '.join(reasons)}", fix="--min-size, --max-size"
    )


def _table(method: Method, found: dict[str, Any], names: list[str]) -> pd.DataFrame:
    """Columns of a method as rows per list and set, ordered within each list, with adjusted p-values."""
    p = np.atleast_2d(found["p"])
    found |= {"set": np.array(names, dtype=object), "p_bh": np.array([benjamini_hochberg(row) for row in p])}
    by_name = np.empty(len(names), dtype=np.int64)
    by_name[np.argsort(found["set"], kind="stable")] = np.arange(len(names))
    keys: list[NDArray[Any]] = [np.broadcast_to(by_name, p.shape), p]
    if method.effect:
        keys.insert(1, -np.abs(np.atleast_2d(found[method.effect])))
    order = np.lexsort(keys, axis=-1)
    return pd.DataFrame(
        {
            name: np.take_along_axis(np.broadcast_to(found[name], p.shape), order, axis=1).ravel()
            for name in method.columns
        }
    )
