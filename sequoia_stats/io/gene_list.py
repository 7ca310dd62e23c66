"""Lists of genes in text files."""

from __future__ import annotations

from pathlib import Path

from sequoia_stats.errors import InputError
from sequoia_stats.io._text import read_text

#: Titles of a column of genes.
GENE_TITLES = frozenset(["gene", "genes", "symbol", "gene_symbol", "hugo_symbol"])


def read_gene_list(path: str | Path) -> list[str]:
    """Gene names, one a line.

    Parameters
    ----------
    path : path
        Text; empty lines, lines that start with ``#`` and a title such as "gene" are passed over. Of a table the
        column with such a title is read, or else the first.

    Returns
    -------
    list of str
        As written, each once, in the order of the file.

    Raises
    ------
    InputError
        If the file cannot be read, or holds no name.
    """
    lines = [line for line in read_text(path).splitlines() if line.strip() and not line.startswith("#")]
    rows = [[cell.strip().strip('"') for cell in line.replace("\t", ",").split(",")] for line in lines]
    titled = [i for i, cell in enumerate(rows[0]) if cell.lower() in GENE_TITLES] if rows else []
    column = titled[0] if titled else 0
    names = [row[column] for row in rows[bool(titled) :] if len(row) > column]
    names = list(dict.fromkeys(name for name in names if name))
    if not names:
        raise InputError("the gene list holds no name", where=str(path), fix="write one gene a line")
    return names
