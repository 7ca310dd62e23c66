"""Ids of genes in measured expression: the Y copies of X, versions, symbols, and several ids of one symbol."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.arguments import check_limits, one_of
from sequoia_base.flow import Flow
from sequoia_base.gene_names import examine
from sequoia_base.missing import NO_ID
from sequoia_base.tables import find_column, read_table
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.io.measured._units import Unit
from sequoia_stats.types.genes import IDENTIFIER_CHOICES, aliases, is_symbol

#: How GENCODE marks the copies on Y of genes that X and Y share: since release 25, and before.
_Y_COPY = re.compile(r"ENSG\d{11}(\.\d+)?_PAR_Y|ENSGR\d{10}(\.\d+)?")
#: The share of names in the bundled table that shows that names are symbols. Identifiers are not in it at all.
_MANY_KNOWN = 0.2
_VERSION = re.compile(r"(ENSG\d{11})\.\d+")


@dataclass(frozen=True, eq=False)
class SymbolColumns:
    """Which columns of a table belong to each symbol.

    Parameters
    ----------
    symbols : Index
        Unique symbols, in the order of first appearance.
    first : array of int
        The first column of each symbol.
    repeated : tuple of (int, array of int)
        For symbols with several columns: position of the symbol, and its columns.
    """

    symbols: pd.Index
    first: NDArray[np.int64]
    repeated: tuple[tuple[int, NDArray[np.int64]], ...]

    @classmethod
    def of(cls, names: Iterable[str], columns: NDArray[np.int64] | None = None) -> SymbolColumns:
        """The columns of each name: those at the given positions, or else one after the other."""
        codes, symbols = pd.factorize(np.array(list(names), dtype=object))
        at = np.arange(len(codes)) if columns is None else columns
        _, first, sizes = np.unique(codes, return_index=True, return_counts=True)
        repeated = tuple((int(i), at[codes == i]) for i in np.flatnonzero(sizes > 1))
        return cls(pd.Index(symbols, name="gene"), at[first], repeated)

    def merge(self, values: NDArray[np.float64], unit: Unit) -> NDArray[np.float64]:
        """One column per symbol; where a symbol has several, `Unit.total` of them."""
        merged = values[:, self.first]
        for place, columns in self.repeated:
            merged[:, place] = unit.total(values[:, columns])
        return merged

    def note(self, unit: Unit, flow: Flow) -> None:
        """Add a line to the ledger if symbols have several columns."""
        if not self.repeated:
            return
        n = len(self.repeated)
        rule = "their abundances are added" if unit.measure else "replaced by their mean"
        reason = f"{counted(n, 'symbol has', 'symbols have')} several ids ({self._examples()}): {rule}"
        before = len(self.symbols) + sum(len(columns) - 1 for _, columns in self.repeated)
        flow.add("genes: one per symbol", before, len(self.symbols), reason)

    def _examples(self) -> str:
        return listing((self.symbols[place] for place, _ in self.repeated), 3)


def are_y_copies(ids: Iterable[str]) -> NDArray[np.bool_]:
    """Which ids are the copies on Y of genes that X and Y share: on X they are counted.

    Examples
    --------
    >>> are_y_copies(["ENSG00000182378.15", "ENSG00000182378.15_PAR_Y", "ENSGR0000182378.10"])
    array([False,  True,  True])
    """
    return np.array([bool(_Y_COPY.fullmatch(name)) for name in ids], dtype=bool)


def are_symbols(names: Sequence[str]) -> bool:
    """Whether names are symbols: few are identifiers, and many are in the bundled table, which lacks some symbols."""
    known = sum(is_symbol(name.strip()) or name.strip() in aliases() for name in names)
    return known >= _MANY_KNOWN * len(names) and not examine(names).are_identifiers


def read_probe_map(path: str | Path) -> dict[str, str]:
    """Symbols by id, from a probe map of Xena or another table with the columns ``id`` and ``gene``.

    Returns
    -------
    dict of str to str
        Ids are there with and without version.

    Raises
    ------
    InputError
        If the table has no such columns.
    """
    table = read_table(path, missing=())
    titles = [str(title).lstrip("#") for title in table.columns]
    table = table.set_axis(titles, axis=1)
    fix = "a probe map has the columns id and gene"
    ids, genes = (table[titles[find_column(titles, name, path, fix)]].str.strip() for name in ("id", "gene"))
    pairs = [(name, gene) for name, gene in zip(ids, genes, strict=True) if name and gene]
    bare = {_bare(name): gene for name, gene in pairs if not _Y_COPY.fullmatch(name)}
    return bare | dict(pairs)


class Naming(NamedTuple):
    """The columns of a table that are kept, and their symbols.

    Parameters
    ----------
    columns : array of int
        Positions.
    names : list of str
        The symbol of each; they may repeat.
    """

    columns: NDArray[np.int64]
    names: list[str]


def name_columns(
    titles: Iterable[object], where: str, flow: Flow, *, symbol_of: Mapping[str, str] | None, identifiers: str
) -> Naming:
    """Name the columns of a table by symbols; copies on Y and genes without a symbol are left out and counted.

    Parameters
    ----------
    titles : iterable of str
        Of the columns, as in the file.
    where : str
        The file, for the error.
    flow : Flow
        Takes a line for each loss.
    symbol_of : mapping of str to str, optional
        As from `read_probe_map`.
    identifiers : {"symbols", "as-they-are"}
        Whether names must be symbols.

    Returns
    -------
    Naming

    Raises
    ------
    InputError
        If most names are identifiers of an array or a database and there is no table of their symbols, or it has none.
    """
    check_limits({"identifiers": identifiers}, {"identifiers": one_of(IDENTIFIER_CHOICES)})
    names = np.array(["" if title != title else str(title).strip() for title in titles], dtype=object)
    named = ~pd.Index(names).isin(list(NO_ID))
    columns, names = np.flatnonzero(named), names[named]
    if len(names) < len(named):
        flow.add("genes: names", len(named), len(names), "the others have none")
    on_x = ~are_y_copies(names)
    columns, names = columns[on_x], names[on_x]
    if len(names) < len(on_x):
        flow.add("genes: copies on Y", len(on_x), len(names), "_PAR_Y or ENSGR: they are counted on X")
    if symbol_of is not None:
        return _named_by_map(Naming(columns, list(names)), symbol_of, where, flow)
    found = examine(names)
    if identifiers == "symbols" and found.are_identifiers:
        raise InputError(
            f"symbols are needed, but {found}",
            where=where,
            fix="--probe-map FILE: a table with the columns id and gene, such as a .probeMap of Xena; "
            "or --identifiers as-they-are",
        )
    if found.counts:
        flow.add("genes: other identifiers", found.n, found.n, f"{found}; kept under these names")
    return Naming(columns, list(names))


def _named_by_map(given: Naming, symbol_of: Mapping[str, str], where: str, flow: Flow) -> Naming:
    symbols = [symbol_of.get(name) or symbol_of.get(_bare(name), "") for name in given.names]
    known = np.array([bool(symbol) for symbol in symbols])
    if not known.any():
        raise InputError(
            "the probe map holds none of the ids",
            where=f"{where}; its ids are {listing(given.names, 3)}, the probe map's {listing(symbol_of, 3)}",
            fix="--probe-map: the one of the same gene model; or leave it out, and keep the names with "
            "--identifiers as-they-are",
        )
    lost = [name for name, symbol in zip(given.names, symbols, strict=True) if not symbol]
    reason = (
        f"ids without a symbol in the probe map: {listing(lost, 3)}" if lost else "named by the probe map"
    )
    flow.add("genes: symbols", len(known), int(known.sum()), reason)
    return Naming(given.columns[known], [symbol for symbol in symbols if symbol])


def count_types(types: Iterable[str], limit: int = 4) -> str:
    """How many genes are of each type, in words: "10,167 processed_pseudogene, 2,212 misc_RNA and 30 more"."""
    return listing((f"{n:,} {name or 'without type'}" for name, n in Counter(types).most_common()), limit)


def _bare(name: str) -> str:
    found = _VERSION.fullmatch(name)
    return found[1] if found else name
