"""Lists of genes in text files."""

from __future__ import annotations

import csv
from pathlib import Path

from sequoia_base.tables import read_text
from sequoia_stats.errors import InputError

#: Titles of a column of genes.
GENE_TITLES = frozenset(["gene", "genes", "symbol", "gene_symbol", "hugo_symbol"])
_DELIMITERS = ",\t;"
_FIX = "write one gene a line, or a CSV with a title gene"


def read_gene_list(path: str | Path) -> list[str]:
    """Gene names, one a line.

    Parameters
    ----------
    path : path
        Text; empty lines, lines that start with ``#`` and a title such as "gene" are passed over. Of a table, with
        commas, tabs or semicolons between its columns, the column with such a title is read.

    Returns
    -------
    list of str
        As written, each once, in the order of the file.

    Raises
    ------
    InputError
        If the file cannot be read, or holds no name; if a line has several fields and the first line does not say
        which of them is the gene, or a row of a table has more or fewer fields than the first line.
    """
    lines = [
        (row, line)
        for row, line in enumerate(read_text(path).split("\n"), start=1)
        if line.strip() and not line.startswith("#")
    ]
    head = lines[0][1] if lines else ""
    delimiter = max(_DELIMITERS, key=head.count)
    titles = [title.lower() for title in _fields(head, delimiter)]
    at = next((i for i, title in enumerate(titles) if title in GENE_TITLES), None)
    if at is not None and len(titles) > 1:
        names = [_cell(path, row, line, delimiter, at, len(titles)) for row, line in lines[1:]]
    else:
        names = [_only_field(path, row, line) for row, line in lines[at is not None :]]
    names = list(dict.fromkeys(name for name in names if name))
    if not names:
        raise InputError("the gene list holds no name", where=str(path), fix="write one gene a line")
    return names


def _cell(path: str | Path, row: int, line: str, delimiter: str, at: int, n: int) -> str:
    """The gene in a row of a table of n columns."""
    fields = _fields(line, delimiter)
    if any(fields) and len(fields) != n:
        raise InputError(
            f"row {row} has {len(fields)} fields, the header {n}",
            where=f"{path}, row {row}",
            fix="every row needs as many fields as the header",
        )
    return fields[at] if any(fields) else ""


def _only_field(path: str | Path, row: int, line: str) -> str:
    """The gene of a line that has nothing else."""
    for delimiter in _DELIMITERS[1:]:
        line = line.replace(delimiter, _DELIMITERS[0])
    fields = [name for field in line.split(_DELIMITERS[0]) if (name := field.strip().strip('"'))]
    if len(fields) > 1:
        raise InputError(f"row {row} has {len(fields)} fields", where=f"{path}, row {row}", fix=_FIX)
    return fields[0] if fields else ""


def _fields(line: str, delimiter: str) -> list[str]:
    """The stripped fields of a line; a quoted one may hold the delimiter."""
    fields = next(csv.reader([line], delimiter=delimiter)) if '"' in line else line.split(delimiter)
    return [field.strip().strip('"') for field in fields]
