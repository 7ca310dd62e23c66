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
        Text; empty lines, lines that start with ``#``, a title such as "gene" and whatever stands behind a comma
        or tab are passed over.

    Returns
    -------
    list of str
        As written, each once, in the order of the file.

    Raises
    ------
    InputError
        If the file cannot be read, or holds no name.
    """
    lines = [line for line in read_text(path).splitlines() if not line.startswith("#")]
    names = [line.replace("\t", ",").partition(",")[0].strip().strip('"') for line in lines]
    names = [name for name in names if name]
    names = names[1:] if names and names[0].lower() in GENE_TITLES else names
    if not names:
        raise InputError("the gene list holds no name", where=str(path), fix="write one gene a line")
    return list(dict.fromkeys(names))
