"""Where a matrix has its ids, and which of its columns hold no expression: row names, row numbers, clinical data."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from itertools import pairwise, takewhile
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.flow import Flow
from sequoia_base.gene_names import kind_of
from sequoia_base.missing import is_missing_number
from sequoia_base.tables import Numbers, find_column, first_lines, read_beginning
from sequoia_stats.errors import InputError, listing, part
from sequoia_stats.io._options import ID_FIX
from sequoia_stats.io.gene_lists import is_gene_title
from sequoia_stats.types.genes import aliases, is_symbol

#: Titles of a first column that show where a matrix has its genes.
SAMPLE_TITLES = frozenset(
    ["patient", "patient_id", "sample", "sample_id", "slide", "slide_id", "case_id", "wsi_file_name"]
)
#: Any title of a column of ids: "sampleID", "bcr_patient_barcode".
_ID_TITLE = re.compile(
    r"(?i:(.*[\W_])?(ids?|barcode|patients?|samples?|slides?|cases?|genes?|names?)([\W_].*)?)|.*I[Dd]"
)
#: Titles of a first column that was written without one: by R, and by pandas when it read such a table.
UNNAMED = ("", "Unnamed: 0")
#: What else R, pandas and readr call a column of row numbers.
_ROW_TITLE = re.compile(
    r"|unnamed: ?\d+.*|x|v1|index|level_0|\.\.\.1|row|rows?[ ._]?(name|number)s?", re.IGNORECASE
)
#: How symbols with a number are built (LINC01234, RP11-34P13.7, C1orf112), or a gene with its assay (LOR_cnv).
_SYMBOL_LIKE = re.compile(
    r"(?=.*\d)[A-Z]([A-Z0-9]|orf(?=\d))*([-.][A-Z0-9]+)*|"
    r"[A-Z][A-Za-z0-9.-]*[_.](m?rna(_?seq)?|cn[av]|mut|expr?|[rf]pkm|tpm|meth|protein)"
)
#: Names that no symbol has, but columns of other data; miRNAs are called hsa-mir-21.
_ODD_NAME = re.compile(r"(?!hsa-|mmu-)[a-z]|.*[_ ]")
#: Fewest patients whose values tell codes from expression; with fewer, all may be whole numbers by chance.
_FEWEST_ROWS = 5
#: How many columns show whether those of a table are whole numbers.
_SAMPLE = 200
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?(e[+-]?\d+)?", re.IGNORECASE)
#: Rows that STAR and HTSeq write beside the genes (R puts an X before them): reads that were counted for none.
_SUMMARY = re.compile(
    r"N_(unmapped|multimapping|noFeature|ambiguous)|"
    r"(X?__)?(no_feature|ambiguous|too_low_aQual|not_aligned|alignment_not_unique)",
    re.IGNORECASE,
)
#: Names that no gene has. Such a column would enter a signature as a gene.
_NO_GENE = re.compile(
    r".*(recur|relaps|surviv|follow.?up|censor|progress|metasta|therap|diagnos|menopaus).*|pos.?nodes|lymph.?nodes?|"
    r"(os|pfs|dfs|rfs|dss|pfi|dfi|drfs|dmfs)_?(months?|days?|years?|time|event|status)|"
    r"(.*[^a-z0-9-])?(time|event|status|months?|days?|years?|dead|death|died|alive|vital|os|pfs|dfs|rfs|dss|pfi|dfi|"
    r"drfs|dmfs|age|sex|gender|race|grade|stage|size|diam|diameter|nodes?|npi|bmi|weight|height|batch|purity|chemo|"
    r"hormonal|er|pr|her2|pam50|subtype|ha?emoglobin|ha?ematocrit|creatinine|bilirubin|lvef|suv.?(max|mean|peak)|dose|"
    r"charlson|karnofsky|tmb)([^a-z0-9-].*)?|"
    r".*%.*|.*[ _.(](percent|pct|c?gy|cm|kg|mmhg|pack.?years?|([mnpuµμ]?mol|[kmnpuµμ]?g|[km]?i?u)[ _./]?"
    r"(per[ _.])?[dmu]?l)[^a-z0-9]*",  # a name that ends in a unit: "PSA_ng_ml", "Ki67 (%)"
    re.IGNORECASE,
)


def looks_clinical(name: str) -> bool:
    """Whether a column of this name cannot be a gene: "age", "OS_MONTHS"."""
    return bool(_NO_GENE.fullmatch(name))


def clinical_among(names: Iterable[str]) -> list[str]:
    """Names of columns that cannot be genes; HER2 and RACE are aliases of genes, so their values decide."""
    return [name for name in names if _is_clinical(name)]


def _is_clinical(name: str) -> bool:
    return looks_clinical(name) and name not in aliases()


def codes_among(names: Sequence[str], values: NDArray[np.float64]) -> list[int]:
    """Positions of columns that hold codes or counts, not expression: "ECOG", "is_female".

    Such a column holds whole numbers only, two or more distinct ones, while most columns do not; and its name is that
    of no gene: no symbol or alias that the bundled table knows, no identifier of an array or a database, and not of
    the form of symbols with a number, such as LINC01234. HER2 and RACE are names of both, so their values decide.

    Parameters
    ----------
    names : sequence of str
        Names of the columns.
    values : array of shape (patients, columns)
        Their values, NaN where missing.
    """
    asked = [i for i, name in enumerate(names) if looks_clinical(str(name)) or not is_gene_like(str(name))]
    if len(values) < _FEWEST_ROWS or not asked:
        return []
    found = [i for i in asked if _is_whole(values[:, i])]
    sample = values[:, :: max(1, values.shape[1] // _SAMPLE)]
    whole = np.mean([_is_whole(column) for column in sample.T]) if found else 1
    return found if whole < 0.5 else []


def is_gene_like(name: str) -> bool:
    """Whether a name may well be that of a gene: a known symbol or alias, an identifier, or of the form of symbols."""
    return name in aliases() or is_symbol(name) or bool(_SYMBOL_LIKE.fullmatch(name)) or bool(kind_of(name))


def _is_whole(column: NDArray[np.float64]) -> bool:
    """Whether a column holds whole numbers only, and two or more distinct ones."""
    known = column[~np.isnan(column)]
    return known.size > 1 and bool((known % 1 == 0).all()) and known.min() < known.max()


def refuse_undivided(header: Sequence[str], path: str | Path) -> None:
    """Refuse a table of one column, and one whose titles hold blanks where blanks separate: "time (days)"."""
    begin = first_lines(path) if len(header) == 1 else ""
    split = [pair for pair in pairwise(header) if re.fullmatch(r"\(.*\)", pair[1])]
    if split and (title := " ".join(split[0])) in (first := first_lines(path, 1, width=10**6)):
        begin, what = first, f"blanks separate the columns, and the title {title!r} holds one"
    if begin:
        raise InputError(
            what if split else "the columns of the table are not told apart",
            where=f"{path} begins with\n{begin}",
            fix="separate them by commas, tabs or semicolons; where blanks separate, quote titles and texts that hold "
            "blanks (R: write.table with quote = TRUE)",
        )


def refuse_no_header(header: Sequence[str], path: str | Path, known: Container[str] = ()) -> None:
    """Refuse a first row of values instead of titles.

    Parameters
    ----------
    header : sequence of str
        The first row. Its numbers are values if the first field is a patient, or if some have decimals and the first
        field is no title.
    path : path
        The file, for the error.
    known : container of str, optional
        Ids of patients.
    """
    first, *rest = header
    numbers = [text for text in rest if _NUMBER.fullmatch(text)]
    if not numbers or any(text in known for text in rest):
        return
    if len(numbers) + sum(map(is_missing_number, rest)) < len(rest):
        return
    is_title = first in UNNAMED or is_gene_title(first) or _ID_TITLE.fullmatch(first)
    if first in known or (not is_title and any(float(text) % 1 for text in numbers)):
        raise InputError(
            f"the table has no header: its first row holds values ({listing(numbers, 3)})",
            where=str(path),
            fix="write a first row with the title of every column (R: write.csv, or write.table with col.names = NA)",
        )


def id_position(header: Sequence[str], id_column: str | None, path: str | Path) -> int:
    """The position of the column of patient ids: the named one, or a first column without a title.

    Parameters
    ----------
    header : sequence of str
        Titles of the columns.
    id_column : str, optional
        The column that the user names. Without it, a column of ids that follows row names is found by its title, or
        because it holds texts, each another one, behind numbers of rows.
    path : path
        The file, for the error.

    Raises
    ------
    InputError
        If there is no such column and the first has a title, or if the column is duplicated.
    """
    if id_column is None or id_column in UNNAMED:
        at = _n_row_names(header)
        if at < len(header) and (header[at].lower() in SAMPLE_TITLES or is_gene_title(header[at])):
            return at
        return _behind_row_numbers(header, path) if header[0] in UNNAMED else 0
    if id_column in header or header[0] not in UNNAMED:
        return find_column(header, id_column, path, ID_FIX)
    return 0


def _behind_row_numbers(header: Sequence[str], path: str | Path) -> int:
    """The first column with distinct texts if all before it count the rows; 0 if there is none."""
    rows = read_beginning(path)
    for i in range(min([_n_row_names(header) + 1, *map(len, rows)])):
        column = pd.Series([row[i].strip() for row in rows], dtype=object)
        if not counts_rows(column):
            no_number = pd.to_numeric(column, errors="coerce").isna().all()
            return i if no_number and column.is_unique else 0
    return 0


def no_expression(header: Sequence[str], ids: int) -> list[int]:
    """Positions of columns that hold no expression: row names to the left of the ids, and clinical data."""
    unnamed = range(_n_row_names(header[:ids])) if ids else []
    clinical = [i for i, name in enumerate(header) if _is_clinical(name)]
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
    """Patients × genes without clinical data, by name or by values; what is left out is counted as `axis`."""
    return without_codes(without_clinical(frame, flow, axis), flow, axis)


def without_clinical(frame: pd.DataFrame, flow: Flow, axis: str = "rows") -> pd.DataFrame:
    """Patients × genes without genes that have the name of a clinical column; they are counted as `axis`."""
    clinical = [i for i, name in enumerate(frame) if _is_clinical(str(name))]
    return _without(frame, clinical, flow, f"{axis}: clinical", "not genes, by their names")


def without_codes(frame: pd.DataFrame, flow: Flow, axis: str = "rows") -> pd.DataFrame:
    """Patients × genes without what `codes_among` finds, which is counted as `axis`; odd names are listed."""
    codes = codes_among(list(map(str, frame)), frame.to_numpy())
    reason = "whole numbers, under names that no gene has"
    frame = _without(frame, codes, flow, f"{axis}: whole numbers", reason)
    note_unknown([name for name in map(str, frame) if _ODD_NAME.match(name)], frame.shape[1], flow)
    return frame


def are_summaries(names: Iterable[str]) -> NDArray[np.bool_]:
    """Which names are those of reads that were counted for no gene.

    Examples
    --------
    >>> are_summaries(["N_unmapped", "__no_feature", "ESR1"])
    array([ True,  True, False])
    """
    return np.array([bool(_SUMMARY.fullmatch(name.strip())) for name in names], dtype=bool)


def note_summaries(total: int, lost: Sequence[str], flow: Flow) -> None:
    """Add a line to the ledger if some of `total` names are those of summaries."""
    if len(lost):
        reason = f"reads that were counted for no gene: {listing(lost, 5)}"
        flow.add("genes: summaries", total, total - len(lost), reason)


def without_summaries(frame: pd.DataFrame, flow: Flow) -> pd.DataFrame:
    """Patients × genes without `are_summaries`, which would change totals, and be predicted as genes."""
    summaries = are_summaries(map(str, frame))
    note_summaries(frame.shape[1], frame.columns[summaries].to_list(), flow)
    return frame.loc[:, ~summaries] if summaries.any() else frame


def note_unknown(names: Iterable[str], total: int, flow: Flow) -> None:
    """Add a line to the ledger for columns that are kept as genes under names that are not known as such."""
    if unknown := [name for name in names if not is_gene_like(name)]:
        reason = f"{part(len(unknown), total, 'name', 'are')} not known as that of a gene, but kept: {listing(unknown)}"
        flow.add("genes: unknown names", total, total, reason)


def _without(frame: pd.DataFrame, at: Sequence[int], flow: Flow, step: str, reason: str) -> pd.DataFrame:
    if not at:
        return frame
    flow.add(step, frame.shape[1], frame.shape[1] - len(at), f"{reason}: {listing(frame.columns[list(at)])}")
    return frame.loc[:, ~np.isin(np.arange(frame.shape[1]), at)]


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
            "clinical columns: row names", n, n - len(lost), f"not covariates: {listing(map(repr, lost))}"
        )
    return table.drop(columns=lost)
