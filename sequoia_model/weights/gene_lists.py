"""Lists of genes: that of the published networks, and those in files."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from functools import cache
from importlib.resources import files
from pathlib import Path

from sequoia_base.tables import split_line
from sequoia_model.errors import InputError, counted, listing

_TITLES = {"gene", "genes", "symbol", "gene_name", "gene_symbol"}
#: What spreadsheets turn MARCHF1 or SEPTIN2 into: 1-Mar, Sep-02.
_DATE = re.compile(r"\d{1,2}-(mar|sep|dec|oct|nov)|(mar|sep|dec|oct|nov)-\d{1,2}", re.IGNORECASE)


@cache
def published_genes() -> tuple[str, ...]:
    """The 20,820 genes of the published networks, in the order of their outputs.

    Examples
    --------
    >>> len(published_genes()), published_genes()[:2]
    (20820, ('A1BG', 'A1BG-AS1'))
    """
    with files("sequoia_model").joinpath("data/gene_list.csv.gz").open("rb") as file:
        return tuple(gzip.decompress(file.read()).decode().split()[1:])


def read_genes(path: str | Path) -> tuple[str, ...]:
    """Read gene names: one per line, or the column ``gene`` of a CSV; the prefix ``rna_`` is removed.

    Raises
    ------
    InputError
        If the file cannot be read or is empty, or names are empty, duplicated or dates.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError("the list of genes does not exist", where=str(path)) from None
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError("the list of genes cannot be read as text", where=f"{path} ({error})") from None
    lines = enumerate(text.splitlines(), start=1)
    rows = [split_line(line, ",", path, number) for number, line in lines if line]
    titles = [title.strip().lower() for title in rows[0]] if rows else []
    column = next((i for i, title in enumerate(titles) if title in _TITLES), None)
    if column is None and any(len(row) > 1 for row in rows):
        raise InputError("the table has no column 'gene'", where=str(path), fix="give one name per line")
    at, body = (0, rows) if column is None else (column, rows[1:])
    names = [row[at].strip().removeprefix("rna_") if len(row) > at else "" for row in body]
    if not names:
        raise InputError("the list of genes is empty", where=str(path))
    counts = Counter(names)
    _refuse(names, [not name for name in names], "without a name", path)
    _refuse(names, [counts[name] > 1 for name in names], "with a duplicated name", path)
    _refuse(names, [bool(_DATE.fullmatch(name)) for name in names], "with a date as its name", path)
    return tuple(names)


def _refuse(names: list[str], wrong: list[bool], what: str, path: Path) -> None:
    found = [f"{name or 'empty'} (gene {i + 1})" for i, name in enumerate(names) if wrong[i]]
    if found:
        raise InputError(f"{counted(len(found), 'gene')} {what}: {listing(found, 5)}", where=str(path))
