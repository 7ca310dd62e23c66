"""Where a matrix has its ids, and which of its columns hold no expression: row names, row numbers, clinical data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path

import numpy as np
import pandas as pd

from sequoia_base.flow import Flow
from sequoia_base.tables import Numbers, find_column
from sequoia_stats.errors import InputError, listing
from sequoia_stats.io._options import ID_FIX
from sequoia_stats.io.gene_lists import is_gene_title
from sequoia_stats.types.genes import aliases

#: Titles of a first column that show where a matrix has its genes.
SAMPLE_TITLES = frozenset(
    ["patient", "patient_id", "sample", "sample_id", "slide", "slide_id", "case_id", "wsi_file_name"]
)
#: Titles of a first column that was written without one: by R, and by pandas when it read such a table.
UNNAMED = ("", "Unnamed: 0")
#: What else R, pandas and readr call a column of row numbers.
_ROW_TITLE = re.compile(
    r"|unnamed: ?\d+.*|x|v1|index|level_0|\.\.\.1|row|rows?[ ._]?(name|number)s?", re.IGNORECASE
)
#: Names that no gene has. Such a column would enter a signature as a gene.
_NO_GENE = re.compile(
    r".*(recur|relaps|surviv|follow.?up|censor|progress|metasta|therap|diagnos|menopaus).*|pos.?nodes|lymph.?nodes?|"
    r"(os|pfs|dfs|rfs|dss|pfi|dfi|drfs|dmfs)_?(months?|days?|years?|time|event|status)|"
    r"(.*[^a-z0-9-])?(time|event|status|months?|days?|years?|dead|death|died|alive|vital|os|pfs|dfs|rfs|dss|pfi|dfi|"
    r"drfs|dmfs|age|sex|gender|race|grade|stage|size|diam|diameter|nodes?|npi|bmi|weight|batch|purity|chemo|hormonal|"
    r"er|pr|her2|pam50|subtype)([^a-z0-9-].*)?",
    re.IGNORECASE,
)


def looks_clinical(name: str) -> bool:
    """Whether a column of this name cannot be a gene: "age", "OS_MONTHS"."""
    return bool(_NO_GENE.fullmatch(name))


def id_position(header: Sequence[str], id_column: str | None, path: str | Path) -> int:
    """The position of the column of patient ids: the named one, or a first column without a title.

    Parameters
    ----------
    header : sequence of str
        Titles of the columns.
    id_column : str, optional
        The column that the user names. Without it, a column of ids that follows row names is found by its title.
    path : path
        The file, for the error.

    Raises
    ------
    InputError
        If there is no such column and the first has a title, or if the column is duplicated.
    """
    if id_column is None:
        at = _n_row_names(header)
        named = at < len(header) and (header[at].lower() in SAMPLE_TITLES or is_gene_title(header[at]))
        return at if named else 0
    if id_column in header or header[0] not in UNNAMED:
        return find_column(header, id_column, path, ID_FIX)
    return 0


def no_expression(header: Sequence[str], ids: int) -> list[int]:
    """Positions of columns that hold no expression: row names to the left of the ids, and clinical data."""
    symbols = aliases()  # RACE and HER2 are genes
    unnamed = range(_n_row_names(header[:ids])) if ids else []
    clinical = [i for i, name in enumerate(header) if looks_clinical(name) and name not in symbols]
    return [i for i in dict.fromkeys([*unnamed, *clinical]) if i != ids]


def _n_row_names(header: Sequence[str]) -> int:
    """How many columns at the left have the title of row names or row numbers."""
    return len(list(takewhile(_ROW_TITLE.fullmatch, header)))


def expression_only(numbers: Numbers, flow: Flow, keep: Iterable[str] = ()) -> Numbers:
    """The first column of text and the columns of expression; what is left out goes to the ledger.

    Parameters
    ----------
    numbers : Numbers
        Its first text holds the ids.
    flow : Flow
        Takes a line if a column is left out.
    keep : iterable of str, optional
        Further columns of text that are used.
    """
    kept = [0, *(i for i, name in enumerate(numbers.texts) if i and name in set(keep))]
    others = [str(name) for i, name in enumerate(numbers.texts) if i not in kept]
    counting = [
        i for i, name in enumerate(numbers.columns)
        if _ROW_TITLE.fullmatch(name) and counts_rows(pd.Series(numbers.values[:, i]))
    ]  # fmt: skip
    rows = [name for name in others if _ROW_TITLE.fullmatch(name)] + [numbers.columns[i] for i in counting]
    clinical = [name for name in others if not _ROW_TITLE.fullmatch(name)]
    n = len(numbers.columns) + len(others)
    if rows:
        flow.add("columns: row names", n, n - len(rows), f"not genes: {listing(map(repr, rows))}")
    if clinical:
        n -= len(rows)
        reason = f"not genes, by their names: {listing(clinical)}"
        flow.add("columns: clinical", n, n - len(clinical), reason)
    values, columns = numbers.values, numbers.columns
    if counting:
        values = np.delete(values, counting, axis=1)
        columns = [name for i, name in enumerate(columns) if i not in counting]
    return Numbers(numbers.texts.iloc[:, kept], values, columns)


def genes_only(frame: pd.DataFrame, flow: Flow, axis: str = "rows") -> pd.DataFrame:
    """Patients × genes without genes that have the name of a clinical column; they are counted as `axis`."""
    symbols = aliases()
    clinical = [looks_clinical(str(name)) and name not in symbols for name in frame.columns]
    if not any(clinical):
        return frame
    n, lost = len(clinical), sum(clinical)
    reason = f"not genes, by their names: {listing(frame.columns[clinical])}"
    flow.add(f"{axis}: clinical", n, n - lost, reason)
    return frame.loc[:, ~np.array(clinical)]


def counts_rows(values: pd.Series) -> bool:
    """Whether a column holds 1, 2, 3, ... or 0, 1, 2, ..., and nothing else."""
    if len(values) < 2:
        return False
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64)
    return bool(numbers[0] in (0, 1) and np.array_equal(numbers, numbers[0] + np.arange(len(numbers))))


def refuse_row_numbers(ids: pd.Series, id_column: str | None, path: str | Path) -> None:
    """Refuse a first column without a title as ids if it counts the rows."""
    if str(ids.name) in UNNAMED and id_column not in UNNAMED and counts_rows(ids):
        what = (
            f"the column {id_column!r} is not in the table"
            if id_column
            else "no column of patient ids is named"
        )
        raise InputError(
            f"{what}, and the first column, which has no title, only counts the rows",
            where=str(path),
            fix=f"{ID_FIX}; if patients are called 1, 2, 3, give their column a title",
        )


def without_row_names(table: pd.DataFrame, ids: str, flow: Flow) -> pd.DataFrame:
    """A clinical table without row names and row numbers, which are counted.

    Parameters
    ----------
    table : DataFrame
        Texts.
    ids : str
        The column of ids, which stays.
    flow : Flow
        Takes a line if a column is left out.
    """
    lost = [
        str(name) for name in table
        if name != ids and (name in UNNAMED or (_ROW_TITLE.fullmatch(str(name)) and counts_rows(table[name])))
    ]  # fmt: skip
    if lost:
        n = table.shape[1]
        flow.add(
            "clinical columns: row names", n, n - len(lost), f"no covariates: {listing(map(repr, lost))}"
        )
    return table.drop(columns=lost)
