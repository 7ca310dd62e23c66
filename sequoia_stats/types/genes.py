"""Gene symbols: former names, damage by spreadsheets, duplicates; every change is reported."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.arguments import check_limits, one_of
from sequoia_base.flow import Flow
from sequoia_base.gene_names import examine
from sequoia_stats.errors import InputError, counted, listing

#: What the names of genes of a cohort may be.
IDENTIFIER_CHOICES = ("symbols", "as-they-are")
#: Symbols that spreadsheets turn into dates: month -> (stem of the approved symbol, numbers that exist).
_DATES = {"mar": ("MARCHF", range(1, 12)), "sep": ("SEPTIN", (*range(1, 13), 14)), "dec": ("DELEC", (1,))}
#: How names that may be dates begin; other names are skipped quickly.
_DATED = frozenset(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
_MONTHS = {"03": "mar", "09": "sep", "12": "dec"}
_DAY_MONTH = re.compile(r"(?P<n>\d{1,2})[-. ](?P<month>mar|sept?|dec)", re.IGNORECASE)
_MONTH_DAY = re.compile(r"(?P<month>mar|sept?|dec)[-. ](?P<n>\d{1,2})", re.IGNORECASE)
_ISO = re.compile(r"\d\d(?P<year>\d\d)-(?P<month>03|09|12)-(?P<day>\d\d)(?: 00:00:00)?")
_ANY_DATE = re.compile(
    r"\d{1,2}[-. ](?:MONTH)(?:[-. ]\d{2,4})?|(?:MONTH)[-. ]\d{1,4}|\d{4}-\d\d-\d\d(?: 00:00:00)?"
    r"|\d{1,2}/\d{1,2}/(?:\d{4}|\d{2})|\d{1,2}\.\d{1,2}\.\d{4}".replace(  # day and month in either order
        "MONTH", "jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec"
    ),
    re.IGNORECASE,
)
_OPEN_READING_FRAME = re.compile(r"C(\d+|X|Y)ORF(\d+)")
#: Formerly approved symbols of one gene that NCBI also lists as an alias of another.
_FORMER = {"SEPT2": "SEPTIN2"}


@dataclass(frozen=True, eq=False)
class SymbolMatches:
    """The result of `resolve`.

    Parameters
    ----------
    symbols : Index of shape (n,)
        One symbol for each given name, in the same order; empty if the name must be dropped.
    changes : DataFrame
        ``given, symbol, reason`` for each name that changed; the reason is "alias", "case", "date" or
        "date, ambiguous" (dropped).
    """

    symbols: pd.Index
    changes: pd.DataFrame


def resolve(symbols: Iterable[object]) -> SymbolMatches:
    """Replace former names of genes by approved symbols, if there is no doubt.

    Names are stripped. Dates are turned back into the symbols they were ("1-Mar" is MARCHF1, "2-Sep" SEPTIN2,
    "1-Dec" DELEC1); a duplicated date may be MARCHF1 or MTARC1 and is dropped. An alias is
    replaced if it belongs to one gene only, if the approved symbol is not among the names, and if no second
    alias of that gene is; otherwise it is kept. Unknown names are kept.

    Parameters
    ----------
    symbols : iterable of str
        The gene names of one table; which are replaced depends on the others.

    Returns
    -------
    SymbolMatches

    Notes
    -----
    Aliases: NCBI Gene of 2022-09-12, made by ``r/make_symbol_table.R``.

    Examples
    --------
    >>> list(resolve(["ESR1", "KNTC2", "2-Sep"]).symbols)
    ['ESR1', 'NDC80', 'SEPTIN2']
    """
    given = [str(symbol).strip() for symbol in symbols]
    counts = Counter(given)
    proposals = {name: proposal for name in counts if (proposal := _approved(name)) is not None}
    dropped = {name for name, (_, reason) in proposals.items() if reason == "date" and counts[name] > 1}
    claims = Counter(symbol for name, (symbol, _) in proposals.items() if name not in dropped)
    final, changes = dict.fromkeys(dropped, ""), [(name, "", "date, ambiguous") for name in sorted(dropped)]
    for name, (symbol, reason) in proposals.items():
        if name not in dropped and symbol not in counts and claims[symbol] == 1:
            final[name] = symbol
            changes.append((name, symbol, reason))
    return SymbolMatches(
        symbols=pd.Index([final.get(name, name) for name in given], dtype=object, name="gene"),
        changes=pd.DataFrame(changes, columns=["given", "symbol", "reason"], dtype=object),
    )


def collapse_duplicates(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Replace columns of the same name by their mean; missing values do not count.

    Parameters
    ----------
    frame : DataFrame of shape (patients, genes)
        float64.

    Returns
    -------
    frame : DataFrame
        One column per name, in the order of first appearance.
    n_repeated : int
        Number of duplicated names.
    """
    columns = frame.columns
    if columns.is_unique:
        return frame, 0
    first = ~columns.duplicated()
    repeated = columns.duplicated(keep=False)
    values = frame.to_numpy(dtype=np.float64)
    result = values[:, first]
    kept = columns[first]
    names, codes = np.unique(columns[repeated].to_numpy(dtype=object), return_inverse=True)
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(names)))
    block = values[:, np.flatnonzero(repeated)[order]]
    present = ~np.isnan(block)
    sums = np.add.reduceat(np.where(present, block, 0.0), starts, axis=1)
    with np.errstate(invalid="ignore"):  # 0 / 0 if all are missing
        result[:, kept.get_indexer(pd.Index(names))] = sums / np.add.reduceat(
            present, starts, axis=1, dtype=np.int64
        )
    return pd.DataFrame(result, frame.index, kept), len(names)


def standardise(frame: pd.DataFrame) -> tuple[pd.DataFrame, Flow]:
    """Replace former gene names in the columns of a table, and average duplicated columns.

    Parameters
    ----------
    frame : DataFrame of shape (patients, genes)
        float64; names may repeat or be empty.

    Returns
    -------
    frame : DataFrame
        Unique names, approved if there is no doubt.
    flow : Flow
        A line for every change; empty if nothing changed.
    """
    flow, resolution = Flow(), resolve(frame.columns)
    frame = frame.set_axis(resolution.symbols, axis=1)
    renamed = resolution.changes[resolution.changes["symbol"] != ""]
    if len(renamed):
        examples = listing(renamed["given"] + " → " + renamed["symbol"], limit=3)
        reason = f"{counted(len(renamed), 'former name')} replaced by approved symbols ({examples})"
        flow.add("genes: approved symbols", frame.shape[1], frame.shape[1], reason)
    if (absent := resolution.symbols == "").any():
        reason = f"{counted(int(absent.sum()), 'column')} without a name, or with a date that may mean several genes"
        flow.add("genes: named", len(absent), len(absent) - int(absent.sum()), reason)
        frame = frame.loc[:, ~absent]
    n_before = frame.shape[1]
    frame, n_repeated = collapse_duplicates(frame)
    if n_repeated:
        reason = f"{counted(n_repeated, 'symbol was', 'symbols were')} duplicated: replaced by their mean"
        flow.add("genes: one column each", n_before, frame.shape[1], reason)
    return frame, flow


def name_genes(frame: pd.DataFrame, where: str, identifiers: str = "symbols") -> tuple[pd.DataFrame, Flow]:
    """Name the columns of a cohort's expression: approved symbols, or the identifiers of the table.

    Parameters
    ----------
    frame : DataFrame of shape (patients, genes)
        float64; names may repeat or be empty.
    where : str
        The file, for the error.
    identifiers : {"symbols", "as-they-are"}
        "symbols" replaces former names and refuses a table whose names are mostly other identifiers; "as-they-are"
        keeps every name.

    Returns
    -------
    frame : DataFrame
        Unique names.
    flow : Flow
        A line for every change, and one for identifiers that are not symbols.

    Raises
    ------
    InputError
        If more than half of the names are identifiers of an array or a database; see `check_identifiers`.
    """
    approved = check_identifiers(frame.columns, where, identifiers)
    named, flow = standardise(frame) if approved else as_given(frame, where)
    note_identifiers(named.columns, flow)
    return named, flow


def check_identifiers(names: Iterable[object], where: str, identifiers: str = "symbols") -> bool:
    """Whether names are to be symbols; then refuse them if more than half are identifiers of an array or a database.

    Parameters
    ----------
    names : iterable of str
        The gene names of one table.
    where : str
        The file, for the error.
    identifiers : {"symbols", "as-they-are"}
        What the names may be.

    Raises
    ------
    InputError
        Naming the kinds of identifiers, with how many there are and an example.

    Examples
    --------
    >>> check_identifiers(["1007_s_at", "1053_at", "TP53"], "table.csv")
    Traceback (most recent call last):
    ...
    sequoia_base.errors.InputError: symbols are needed, but 2 of 3 names are Affymetrix probe ids, such as 1007_s_at
      where: table.csv
      fix: name the genes by symbols, or keep these names within one platform: cohort convert --identifiers as-they-are
    """
    check_limits({"identifiers": identifiers}, {"identifiers": one_of(IDENTIFIER_CHOICES)})
    approved = identifiers == "symbols"
    if approved and (found := examine(names)).are_identifiers:
        raise InputError(
            f"symbols are needed, but {found}",
            where=where,
            fix="name the genes by symbols, or keep these names within one platform: "
            "cohort convert --identifiers as-they-are",
        )
    return approved


def other_identifiers(**sides: Iterable[object]) -> str:
    """Which sides of a comparison name genes by other identifiers than symbols, in words; "" if none does.

    Parameters
    ----------
    **sides : iterable of str
        Gene names of each side, by what it is called.

    Examples
    --------
    >>> other_identifiers(table=["1007_s_at", "1053_at"], signature=["TP53"])
    'of the table, 2 of 2 names are Affymetrix probe ids, such as 1007_s_at'
    """
    found = {side.replace("_", " "): examine(names) for side, names in sides.items()}
    return "; ".join(f"of the {side}, {names}" for side, names in found.items() if names.are_identifiers)


def note_identifiers(names: Iterable[object], flow: Flow) -> None:
    """Add a line to the ledger if some names are identifiers that are not symbols."""
    if (found := examine(names)).counts:
        flow.add("genes: other identifiers", found.n, found.n, f"{found}; kept under these names")


def as_given(frame: pd.DataFrame, where: str) -> tuple[pd.DataFrame, Flow]:
    """Average duplicated columns of a table, and keep their names except for surrounding blanks.

    Parameters
    ----------
    frame : DataFrame of shape (samples, genes)
        float64; names may repeat or be empty.
    where : str
        The file, for the error.

    Returns
    -------
    frame : DataFrame
        Unique names. Columns of one name are replaced by their mean, which is missing if one of them is.
    flow : Flow
        A line for every change; empty if nothing changed.

    Raises
    ------
    InputError
        If a name is a date that a spreadsheet made from a symbol.
    """
    names = pd.Index([str(name).strip() for name in frame.columns], dtype=object, name="gene")
    refuse_dates(names, where)
    frame, flow = frame.set_axis(names, axis=1), Flow()
    if (unnamed := names == "").any():
        reason = f"{counted(int(unnamed.sum()), 'column')} without a name"
        flow.add("genes: named", len(names), len(names) - int(unnamed.sum()), reason)
        frame = frame.loc[:, ~unnamed]
    n_before = frame.shape[1]
    collapsed, n_repeated = collapse_duplicates(frame)
    if n_repeated:
        missing = frame.isna().T.groupby(level=0, sort=False).any().T
        collapsed = collapsed.mask(missing.to_numpy())
        reason = f"{counted(n_repeated, 'symbol was', 'symbols were')} duplicated: replaced by their mean"
        flow.add("genes: one column each", n_before, collapsed.shape[1], reason)
    return collapsed, flow


def refuse_dates(names: Iterable[object], where: str) -> None:
    """Refuse gene names that a spreadsheet turned into dates.

    Parameters
    ----------
    names : iterable of str
        The gene names of one table, in its order.
    where : str
        The file, for the error.

    Raises
    ------
    InputError
        If a name is a date; the error lists the names and, if known, the original symbols.

    Examples
    --------
    >>> refuse_dates(["ESR1", "1-Mar"], "table.csv")
    Traceback (most recent call last):
    ...
    sequoia_base.errors.InputError: 1 gene name is a date, made by a spreadsheet: 1-Mar (gene 2, MARCHF1)
      where: table.csv
      fix: restore the symbols, from a table that was not saved by a spreadsheet
    """
    found = []
    for i, given in enumerate(names, start=1):
        name = str(given).strip()
        like = (name[:1].isdigit() or name[:3].lower() in _DATED) and _ANY_DATE.fullmatch(name)
        if like and name not in aliases():  # APR-1 is an alias
            found.append(f"{name} (gene {i}, {_undate(name) or 'symbol unknown'})")
    if found:
        raise InputError(
            f"{counted(len(found), 'gene name is a date', 'gene names are dates')}, made by a spreadsheet: "
            f"{listing(found)}",
            where=where,
            fix="restore the symbols, from a table that was not saved by a spreadsheet",
        )


def match(wanted: Iterable[object], available: Iterable[object]) -> NDArray[np.intp]:
    """Find genes in a table, first under the same name, then under an alias of either name.

    Parameters
    ----------
    wanted, available : iterable of str
        Gene names; those available are unique.

    Returns
    -------
    array of shape (wanted,)
        Position in `available`, -1 if the gene is not there. No position is used twice, and an approved symbol that
        several available names mean is not matched.
    """
    names, there = ([str(name).strip() for name in side] for side in (wanted, available))
    positions = pd.Index(there, dtype=object).get_indexer(pd.Index(names, dtype=object))
    if (positions >= 0).all():
        return positions
    approved = [canonical(name) for name in there]
    counts = Counter(approved)
    where = {symbol: i for i, symbol in enumerate(approved) if counts[symbol] == 1}
    taken = set(positions[positions >= 0].tolist())
    for i in np.flatnonzero(positions < 0):
        candidate = where.get(canonical(names[i]), -1)
        if candidate >= 0 and candidate not in taken:
            positions[i] = candidate
            taken.add(candidate)
    return positions


def canonical(name: str) -> str:
    """The approved symbol of a name, whatever else is in its table; the name itself if there is none."""
    proposal = _approved(name)
    return name if proposal is None else proposal[0]


def is_symbol(word: str) -> bool:
    """Whether a word is a symbol in the bundled table, which holds those that have or had another name.

    Examples
    --------
    >>> is_symbol("TP53"), is_symbol("na")
    (True, False)
    """
    return word in _symbols()


@cache
def _symbols() -> frozenset[str]:
    return frozenset(aliases().values())


@cache
def aliases() -> dict[str, str]:
    """Alias to approved symbol, for aliases of one gene only; read once."""
    packed = files("sequoia_stats").joinpath("data/gene_aliases.tsv.gz").read_bytes()
    words = gzip.decompress(packed).decode().split()
    return dict(zip(words[2::2], words[3::2], strict=True)) | _FORMER


def _approved(name: str) -> tuple[str, str] | None:
    """Approved symbol and the reason for the change, or None if the name stays."""
    if (symbol := aliases().get(name)) is not None:
        return symbol, "alias"
    if found := _OPEN_READING_FRAME.fullmatch(name):
        written = f"C{found[1]}orf{found[2]}"
        return aliases().get(written, written), "case"
    if (symbol := _undate(name)) is not None:
        return symbol, "date"
    return None


def _undate(name: str) -> str | None:
    """The symbol that a spreadsheet turned into a date, or None."""
    if found := _DAY_MONTH.fullmatch(name) or _MONTH_DAY.fullmatch(name):
        return _numbered(found["month"].lower()[:3], int(found["n"]))
    if found := _ISO.fullmatch(name):  # 2017-09-07 is SEPT7; 2003-09-01 may be SEPT1 or SEPT3
        month, day, year = _MONTHS[found["month"]], int(found["day"]), int(found["year"])
        if day > 1 or year == 1 or _numbered(month, year) is None:
            return _numbered(month, day)
    return None


def _numbered(month: str, number: int) -> str | None:
    stem, numbers = _DATES[month]
    return f"{stem}{number}" if number in numbers else None
