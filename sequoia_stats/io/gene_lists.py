"""Gene lists, one or several."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from sequoia_base.gene_names import kind_of
from sequoia_base.tables import read_table, read_text, split_line
from sequoia_stats.errors import InputError, counted, listing, part
from sequoia_stats.types.genes import aliases, is_symbol

#: Titles of a column of symbols, in lower case and with one _ between words.
_SYMBOL_TITLES = frozenset([
    "gene", "genes", "symbol", "symbols", "gene_symbol", "gene_symbols", "hugo_symbol", "hgnc_symbol", "genesymbol",
    "gene_name", "gene_names", "genename", "approved_symbol", "external_gene_name", "gene_short_name",
])  # fmt: skip
#: Titles of a list without other columns: such words and no others, together or apart, or what R calls a vector.
_TITLE_WORDS = re.compile(
    r"(?i:((gene|symbol|id|name|list|target|probe|probeset|protein|feature|transcript|deg|hit|row|hugo|hgnc|ncbi|"
    r"ensembl|entrez|universe|background|tested)s?[\s._-]*)+)|x"
)
#: Of a first line, also titles that speak of genes among other words, and what R calls columns without a title.
_FIRST_LINE = re.compile(
    r"(?i:(.*[\s._-])?(genes?|symbols?|hgnc|ensembl|entrez)([\s._].*)?)|.*[a-z](Gene|Symbol)s?|V\d+"
)
_DELIMITERS = ",\t;"
_FIX = "write one gene per line, or a CSV with a column gene"


def is_gene_title(title: str) -> bool:
    """Whether a column with this title holds symbols of genes, however it is written ("Gene.Symbol", "HGNC symbol")."""
    return _plain(title) in _SYMBOL_TITLES


def is_list_title(text: str) -> bool:
    """Whether the first line of a list is its title; no gene is called so."""
    return _is_title_word(text) or (bool(_FIRST_LINE.fullmatch(text.strip())) and not _is_gene(text.strip()))


def title_among(names: Iterable[str]) -> str | None:
    """The one name that is the title of a column, not a gene; None if there is none, or if several look like titles."""
    found = set(filter(_is_title_word, names))
    return found.pop() if len(found) == 1 else None


def _is_title_word(text: str) -> bool:
    return bool(_TITLE_WORDS.fullmatch(text.strip())) and not _is_gene(text.strip())


def _is_gene(name: str) -> bool:
    return name in aliases() or is_symbol(name)  # IDS is a gene


def _plain(title: str) -> str:
    return re.sub(r"[\s._-]+", "_", title.strip().lower())


def read_gene_list(path: str | Path) -> list[str]:
    """A list of genes, one per line.

    Parameters
    ----------
    path : path
        Text; empty lines, lines that start with ``#`` and a title such as "gene" or "Gene Symbol" are skipped. In a
        table, separated by commas, tabs, semicolons or blanks, the column with such a title is read. Of R, also a
        vector with the numbers of its elements, and one on a single line.

    Returns
    -------
    list of str
        As written, without duplicates, in the order of the file.

    Raises
    ------
    InputError
        If the file cannot be read or is empty; if lines have several fields and no title says which is the gene; if a
        row has more or fewer fields than the header.
    """
    lines = _lines(path)
    delimiter, titles = _header(lines, path)
    is_title = is_gene_title if len(titles) > 1 else is_list_title
    at = next((i for i, title in enumerate(titles) if is_title(title)), None)
    if at is None and len(titles) == 2 and not titles[0]:  # row numbers and a vector: R's write.csv
        at = 1
    if delimiter == " " and len(lines) == 1:
        names = titles
    elif lines and not titles:
        names = [_cell(path, row, line, delimiter, 1, 2) for row, line in lines]
    elif at is not None and len(titles) > 1:
        names = [_cell(path, row, line, delimiter, at, len(titles)) for row, line in lines[1:]]
    else:
        names = [_only_field(path, row, line) for row, line in lines[at is not None :]]
    names = list(dict.fromkeys(name for name in names if name))
    if not names:
        raise InputError("the gene list is empty", where=str(path), fix="write one gene per line")
    return names


def _lines(path: str | Path) -> list[tuple[int, str]]:
    """The lines that hold something and are no comment, with their numbers."""
    return [
        (row, line)
        for row, line in enumerate(read_text(path).split("\n"), start=1)
        if line.strip() and not line.startswith("#")
    ]


def _header(lines: list[tuple[int, str]], path: str | Path) -> tuple[str, list[str]]:
    """What separates the columns, and their titles: "" over R's row names, and none if R wrote no titles at all.

    Blanks separate only what R wrote: a table, a vector with its row numbers, or one on a single line (cat).
    """
    head, second = [*(line for _, line in lines[:2]), "", ""][:2]
    if any(sign in head for sign in _DELIMITERS):
        delimiter = max(_DELIMITERS, key=head.count)
        return delimiter, _fields(head, delimiter, path, lines[0][0])
    delimiter = max(_DELIMITERS, key=second.count) if any(sign in second for sign in _DELIMITERS) else " "
    cut = [_fields(line, delimiter, path, row) for row, line in lines]
    titles, widths = cut[0] if cut else [""], {len(fields) for fields in cut[1:]}
    first = [fields[0] for fields in cut]
    if len(titles) == 1 and widths == {2} and all(a.isdecimal() and b for a, b in cut[1:]):
        return delimiter, ["", *titles]
    if delimiter == " " and len(titles) > 1:
        if len(titles) == 2 and widths == {2} and first == [str(i + 1) for i in range(len(cut))]:
            return delimiter, []
        n_short = max(widths, default=0) - len(titles)
        is_table = len(widths) == 1 and n_short in (0, 1) and not kind_of(second)  # TP53 (7157) is one name
        if is_table and any(map(is_gene_title, titles)):
            return delimiter, [*[""] * n_short, *titles]
        if not widths and not is_list_title(head) and not kind_of(head):
            return delimiter, titles
    return ",", [_only_field(path, *lines[0])] if lines else [""]


def read_gene_lists(paths: Sequence[str | Path]) -> dict[str, list[str]]:
    """Gene lists by name, from one file or several.

    Parameters
    ----------
    paths : sequence of path
        Each is a list with one gene per line, called by the name of its file without the ending; or a table of several
        lists with the columns list and gene; or a table that ``sequoia-stats genes`` wrote, whose well-predicted genes
        are a list for each level. Lines at the top that start with ``#`` are skipped.

    Returns
    -------
    dict of str to list of str
        In the order of the files; genes as written, duplicates included.

    Raises
    ------
    InputError
        If a file cannot be read, is empty or another kind of table; if a cell is empty, two lists have the same name,
        or a level has no well-predicted gene.
    """
    lists: dict[str, list[str]] = {}
    homes: dict[str, str] = {}
    for path in map(Path, paths):
        for name, genes in _lists_in(path).items():
            if name in lists:
                where = listing(dict.fromkeys([homes[name], str(path)]))
                of_files = name in (_stem(path), _stem(Path(homes[name])))
                fix = (
                    "rename one file"
                    if of_files
                    else "rename it in one of the tables, or give only one table"
                )
                raise InputError(f"two lists are called {name!r}", where=where, fix=fix)
            lists[name], homes[name] = genes, str(path)
    return lists


def _lists_in(path: Path) -> dict[str, list[str]]:
    """The lists of one file."""
    titles = [title.lower() for title in _header(_lines(path), path)[1]]
    if {"gene", "well_predicted"} <= set(titles):
        return _well_predicted(path)
    if {"list", "gene"} <= set(titles):
        table = read_table(path, comment="#").rename(columns=str.lower)
        for column in ("list", "gene"):
            refuse_rows(table[column].isna(), f"row has no {column}", f"rows have no {column}", path, column)
        return {str(name): genes.tolist() for name, genes in table.groupby("list", sort=False)["gene"]}
    if len(titles) - titles.count("") > 1 and any(map(is_gene_title, titles)):
        raise InputError(
            f"the file is a table of genes with {len(titles)} columns, not a list",
            where=str(path),
            fix="give one gene per line, or a CSV with columns list and gene",
        )
    return {_stem(path): read_gene_list(path)}


def _stem(path: Path) -> str:
    """The name of a list: that of its file without the ending."""
    return path.name.removesuffix(".gz").rpartition(".")[0] or path.name


def _well_predicted(path: Path) -> dict[str, list[str]]:
    """The well-predicted genes of a table of ``sequoia-stats genes``, by the levels in its first column."""
    table = read_table(path, comment="#").rename(columns=str.lower)
    words = table["well_predicted"].str.lower()
    refuse_rows(
        ~words.isin(["true", "false"]),
        "row is neither True nor False",
        "rows are neither True nor False",
        path,
        "well_predicted",
    )
    at = table.columns.get_loc("gene")
    levels = table.iloc[:, 0] if at else pd.Series(_stem(path), table.index)
    for what, column in (("gene", table["gene"]), ("level", levels)):
        refuse_rows(column.isna(), f"row has no {what}", f"rows have no {what}", path, str(column.name))
    found = table["gene"].where(words == "true").groupby(levels, sort=False)
    lists = {str(level): genes.dropna().tolist() for level, genes in found}
    without = [level for level, genes in lists.items() if not genes]
    if without and not at:
        raise InputError("no gene is well predicted", where=str(path), fix="another rule may find some")
    if without:
        raise InputError(
            f"{part(len(without), len(lists), 'level', 'have')} no well-predicted gene: {listing(without)}",
            where=f"{path}, column {str(levels.name)!r}",
            fix="leave the level out of the table; another rule may find some",
        )
    return lists


def refuse_rows(
    wrong: pd.Series, one: str, several: str, path: str | Path, column: str, fix: str = ""
) -> None:
    """Refuse the rows of a table where `wrong` is True; its index holds the rows of the file."""
    if wrong.any():
        rows = listing(wrong.index[wrong], 5)
        raise InputError(
            counted(int(wrong.sum()), one, several),
            where=f"{path}, column {column!r}, rows {rows}",
            fix=fix,
        )


def _cell(path: str | Path, row: int, line: str, delimiter: str, at: int, n: int) -> str:
    """The gene in a row of a table of n columns."""
    fields = _fields(line, delimiter, path, row)
    if any(fields) and len(fields) != n:
        raise InputError(
            f"a row has {counted(len(fields), 'field')}, the header has {n}",
            where=f"{path}, row {row}",
            fix="every row needs as many fields as the header",
        )
    return fields[at] if any(fields) else ""


def _only_field(path: str | Path, row: int, line: str) -> str:
    """The gene of a line that holds nothing else."""
    for delimiter in _DELIMITERS[1:]:
        line = line.replace(delimiter, _DELIMITERS[0])
    fields = [field for field in _fields(line, _DELIMITERS[0], path, row) if field]
    if len(fields) > 1:
        raise InputError(f"a row has {len(fields)} fields", where=f"{path}, row {row}", fix=_FIX)
    return fields[0] if fields else ""


def _fields(line: str, delimiter: str, path: str | Path, row: int) -> list[str]:
    """The stripped fields of a line; a quoted one may hold the delimiter."""
    if delimiter == " ":
        line = " ".join(line.split())
    return [field.strip() for field in split_line(line, delimiter, path, row)]
