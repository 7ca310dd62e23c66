"""Genes with a score: our own tables, those of DESeq2 and limma, and ``.rnk`` files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from sequoia_base.decimals import with_points
from sequoia_base.flow import Flow
from sequoia_base.gene_names import kind_of
from sequoia_base.missing import is_missing
from sequoia_base.tables import find_column, read_table, read_text, split_line
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.io.gene_lists import is_gene_title, refuse_rows
from sequoia_stats.types.genes import is_symbol

#: The score of the tables of other programs, which all of these columns tell, in lower case.
_SCORES = {
    "stat": {"basemean", "log2foldchange", "stat"},  # DESeq2: results
    "t": {"logfc", "t", "p.value"},  # limma: topTable
}
_OURS = "r"
_DROP = "--drop-missing leaves them out, and counts them"


class GeneScores(NamedTuple):
    """Genes with a score.

    Parameters
    ----------
    levels : dict of str to Series
        Scores (float64, index = gene) for every level, in the order of the file; a single level is "".
    column : str
        Where the scores come from.
    flow : Flow
        Genes that were left out.
    """

    levels: dict[str, pd.Series]
    column: str
    flow: Flow


def read_gene_scores(
    path: str | Path, column: str | None = None, *, by: str | None = None, drop_missing: bool = False
) -> GeneScores:
    """Genes and their scores from a table.

    Parameters
    ----------
    path : path
        A table with genes and a column of scores, such as that of ``sequoia-stats genes``, of DESeq2 or of limma as R
        writes them, with the genes in a column such as gene or symbol, or else in the first; or a file that ends in
        ``.rnk``: gene and score; a first line with a word for the score is its title.
    column : str, optional
        The column of scores; by default r, or ``stat`` of DESeq2, or ``t`` of limma.
    by : str, optional
        A column of levels, such as the cancer, each with its own scores.
    drop_missing : bool, default False
        Whether to leave out genes without a score, as DESeq2 writes them, and scores without a gene.

    Raises
    ------
    InputError
        If the file cannot be read or lacks a column, a gene or level is missing, a gene is duplicated within a level,
        or a score is missing, infinite or not a number.
    """
    if is_rnk := _is_rnk(Path(path)):
        if column or by:
            raise InputError(
                "an .rnk file has no columns to choose from", where=str(path), fix="leave out --rank and --by"
            )
        table, column = _read_rnk(Path(path)), "score"
    else:
        table = read_table(path)
        column = column or _score_of(list(table.columns), path)
    header = list(table.columns)
    genes = table[_gene_column(header, path)]
    scores = table[header[find_column(header, column, path, _name_it("--rank"))]]
    levels = (
        table[header[find_column(header, by, path, _name_it("--by"))]] if by else pd.Series("", table.index)
    )
    refuse_rows(levels.isna(), "row has no level", "rows have no level", path, str(levels.name))
    flow = Flow()
    if drop_missing and (lost := genes.isna() | scores.isna()).any():
        n, n_scores = len(lost), int((scores.isna() & genes.notna()).sum())
        reason = f"{n_scores} without a score, {int(genes.isna().sum())} without a name"
        flow.add("genes: with a score", n, n - int(lost.sum()), reason)
        genes, scores, levels = genes[~lost], scores[~lost], levels[~lost]
    for what, values in (("gene", genes), ("score", scores)):
        refuse_rows(
            values.isna(), f"row has no {what}", f"rows have no {what}", path, str(values.name), _DROP
        )
    numbers = with_points(scores).map(_number).astype(np.float64)
    refuse_rows(
        numbers.isin([np.inf, -np.inf]) | numbers.isna(),
        "score is not a finite number",
        "scores are not finite numbers",
        path,
        column,
        "write numbers with a decimal point, and leave out genes whose score is infinite",
    )
    repeated = pd.DataFrame({"level": levels, "gene": genes}).duplicated()
    if repeated.any():
        raise InputError(
            f"{counted(genes[repeated].nunique(), 'gene is', 'genes are')} duplicated: "
            f"{listing(genes[repeated].unique(), 5)}",
            where=f"{path}, rows {listing(genes.index[repeated], 5)}",
            fix="keep one row for each"
            if by or is_rnk
            else "keep one row for each, or name a column of levels with --by",
        )
    found = {
        str(level): pd.Series(part.to_numpy(), pd.Index(genes[part.index], dtype=object), name=column)
        for level, part in numbers.groupby(levels, sort=False)
    }
    if not found:
        raise InputError("no gene has a score", where=str(path))
    return GeneScores(found, column, flow)


def _gene_column(header: Sequence[str], path: str | Path) -> str:
    """The column of genes: one with such a title, or else R's names of rows."""
    title = next((name for name in header if is_gene_title(name)), None)
    if title is None and header and header[0].strip().lower() in ("", "unnamed: 0", "id", "gene_id", "row"):
        title = header[0]
    return header[find_column(header, "gene" if title is None else title, path)]


def _score_of(header: Sequence[str], path: str | Path) -> str:
    """The column of scores of a program whose columns these are."""
    spelled = {name.lower(): name for name in header} | {name: name for name in header}
    if _OURS in spelled:
        return spelled[_OURS]
    known = next((score for score, told in _SCORES.items() if told <= spelled.keys()), None)
    if known is None:
        raise InputError(
            "no column of scores is named, and the table has none that is known (r, stat of DESeq2, t of limma)",
            where=f"{path}; its columns are {listing(name or '(no title)' for name in header)}",
            fix=_name_it("--rank"),
        )
    return spelled[known]


def _is_rnk(path: Path) -> bool:
    return ".rnk" in [ending.lower() for ending in path.suffixes[-2:]]


def _read_rnk(path: Path) -> pd.DataFrame:
    """Genes and scores, a line each; the first may be a title, such as NAME and SCORE."""
    rows: dict[int, list[str]] = {}
    for row, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        cut = (line, "\t") if "\t" in line else (" ".join(line.split()), " ")
        fields = [field.strip() for field in split_line(*cut, path, row)]
        if len(fields) != 2:
            raise InputError(
                f"a row has {counted(len(fields), 'field')}",
                where=f"{path}, row {row}",
                fix="an .rnk file has a gene and a score on each line, separated by a tab",
            )
        rows[row] = fields
    first = next(iter(rows), None)
    if first is not None and _is_title(*rows[first]):
        del rows[first]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["gene", "score"], dtype=object)
    return table.mask(table.map(lambda text: text.lower() in _NO_NUMBER))


_NO_NUMBER = frozenset(["", "na", "nan"])


def _is_title(gene: str, score: str) -> bool:
    """Whether the first line is a title: in place of the score it has a word, and before it no gene that is known."""
    is_word = np.isnan(_number(score)) and not re.match(r"[<>=+-]*[.,]?\d", score) and not is_missing(score)
    return is_word and not is_symbol(gene) and not kind_of(gene)


def _name_it(option: str) -> str:
    return f"name one of its columns with {option}"


def _number(text: str) -> float:
    try:
        return float(text.replace("_", "?"))  # float() would take 1_000
    except ValueError:
        return np.nan
