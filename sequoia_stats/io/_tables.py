"""Tables from text: strict, quick, and with the file, row and column in every error."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_stats.errors import InputError, listing
from sequoia_stats.io._parquet import read_parquet
from sequoia_stats.io._parquet import recognises as is_parquet
from sequoia_stats.io._text import read_text
from sequoia_stats.io.gene_list import GENE_TITLES

#: What stands for a missing value, after stripping.
MISSING = frozenset(
    ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "[Not Available]", "[Not Evaluated]"]
    + ["[Not Applicable]", "[Unknown]", "[Discrepancy]", "[Completed]", "[Pending]"]
)
_ID_FIX = (
    "--id-column names the column of ids, which has one name in both tables, or none in that of expression"
)
#: Titles of a first column that show where a matrix has its genes.
_SAMPLE_TITLES = frozenset(
    ["patient", "patient_id", "sample", "sample_id", "slide", "slide_id", "case_id", "wsi_file_name"]
)
_DELIMITERS = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True, eq=False)
class Numbers:
    """A table of numbers beside its columns of text.

    Parameters
    ----------
    texts : DataFrame
        The columns of text; index = row of the file (1-based line number).
    values : array of shape (rows, columns)
        float64, NaN where missing.
    columns : list of str
        Names of the columns of `values` as in the file; they may repeat.
    """

    texts: pd.DataFrame
    values: NDArray[np.float64]
    columns: list[str]


def read_table(path: str | Path, *, comment: str = "") -> pd.DataFrame:
    """A table of texts.

    Parameters
    ----------
    path : path
        A delimited text file, plain, gzip, or in a zip archive of one member.
    comment : str, optional
        Lines at the top that start with this are skipped.

    Returns
    -------
    DataFrame
        Stripped texts, NaN where missing; index = row of the file (1-based line number). A second column of
        the same name is called "name (2)".

    Raises
    ------
    InputError
        If the file cannot be read, or a row has more or fewer fields than the header.
    """
    text, skipped = read_text(path), 0
    while comment and text.startswith(comment):
        text, skipped = text.partition("\n")[2], skipped + 1
    delimiter = _delimiter(path, text.partition("\n")[0])
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    rows: list[list[str | float]] = []
    numbers: list[int] = []
    try:
        header = distinct([name.strip() for name in next(reader, [])])
        before = reader.line_num
        for fields in reader:
            row, before = skipped + before + 1, reader.line_num
            if any(fields):
                _refuse_ragged(path, row, len(fields), len(header))
                rows.append([np.nan if (value := field.strip()) in MISSING else value for field in fields])
                numbers.append(row)
    except csv.Error as error:
        raise InputError(
            f"the table cannot be read: {error}", where=f"{path}, row {before + skipped}"
        ) from None
    if not rows:
        raise InputError("the table has a header and no rows", where=str(path))
    return pd.DataFrame(rows, pd.Index(numbers, name="row", dtype=np.int64), header, dtype=object)


def read_numbers(path: str | Path, texts: Callable[[list[str]], Sequence[int]]) -> Numbers:
    """A table of numbers, some of whose columns are text.

    Parameters
    ----------
    path : path
        As in `read_table`.
    texts : callable
        Takes the header and returns the positions of the columns of text.

    Returns
    -------
    Numbers
        Rounded correctly, as by `float`.

    Raises
    ------
    InputError
        As `read_table`; if a cell is neither a finite number nor missing.
    """
    head, _, body = read_text(path).partition("\n")
    delimiter = _delimiter(path, head)
    header = [name.strip() for name in _split(head, delimiter, path, 1)]
    at_text = list(texts(header))
    at_number = [i for i in range(len(header)) if i not in set(at_text)]
    lines = [(row, line) for row, line in enumerate(body.split("\n"), start=2) if line.strip()]
    if not lines:
        raise InputError("the table has a header and no rows", where=str(path))
    n_leading = len(at_text) if sorted(at_text) == list(range(len(at_text))) else -1
    values, labels = np.empty((len(lines), len(at_number))), []
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # numpy's word for text that is no number
        for i, (row, line) in enumerate(lines):
            fields = _quick(line, delimiter, n_leading, values[i])
            if not fields:
                fields = _split(line, delimiter, path, row)
                _refuse_ragged(path, row, len(fields), len(header))
                label = fields[at_text[0] if at_text else 0]
                values[i] = [_number(fields[j], path, row, label, header[j]) for j in at_number]
            labels.append([fields[j].strip() for j in at_text])
    places = [
        f"{row} ({label[0]})" if label else f"{row}" for (row, _), label in zip(lines, labels, strict=True)
    ]
    _refuse_infinite(values, path, places, [header[j] for j in at_number])
    index = pd.Index([row for row, _ in lines], name="row")
    text_columns = pd.DataFrame(labels, index, [header[j] for j in at_text], dtype=object)
    return Numbers(text_columns, values, [header[j] for j in at_number])


def read_matrix(
    path: str | Path, genes_in: str = "columns", id_column: str | None = None, unit: str = "patient"
) -> pd.DataFrame:
    """A table of numbers as patients × genes.

    Parameters
    ----------
    path : path
        As in `read_table`, or a parquet file.
    genes_in : {"columns", "rows"}
        Where the genes are. In "rows" the first column holds their names, the header those of the patients.
    id_column : str, optional
        The column of patient ids where genes are in columns; by default the first (parquet: the index, or the first
        of text).
    unit : {"patient", "sample"}
        What errors call the owner of an id.

    Returns
    -------
    DataFrame of shape (patients, genes)
        float64, or float32 where all of a parquet file is; index = patient id, unique; columns = genes as in the
        file, which may repeat.

    Raises
    ------
    InputError
        As `read_numbers`; if a patient has no id, or stands more than once; if the title of the first column shows
        that genes are on the other side.
    """
    in_rows = are_in_rows(genes_in)
    labels, values = _labelled(path, None if in_rows else id_column)
    _refuse_other_side(str(labels.name), in_rows, path)
    if in_rows:
        names = pd.Series(values.columns, dtype=object)
        check_ids(names, f"{path}, row 1", "columns", unit)
        return _frame(values.to_numpy().T.copy(), names, labels)
    check_ids(
        labels, f"{path}, {f'column {labels.name!r}' if labels.name else 'the column of ids'}", unit=unit
    )
    return _frame(values.to_numpy(), labels, values.columns)


def _labelled(path: str | Path, id_column: str | None) -> tuple[pd.Series, pd.DataFrame]:
    """The labels of the rows of a matrix, named by their column, and its numbers."""
    if is_parquet(Path(path)):
        return read_parquet(path, id_column)
    numbers = read_numbers(
        path, lambda header: [find_column(header, id_column, path, "--id-column") if id_column else 0]
    )
    labels = numbers.texts.iloc[:, 0]
    return labels, pd.DataFrame(numbers.values, labels.index, numbers.columns, copy=False)


def _refuse_other_side(title: str, in_rows: bool, path: str | Path) -> None:
    title, found, said = title.strip(), *(("columns", "rows") if in_rows else ("rows", "columns"))
    if title.lower() in (_SAMPLE_TITLES if in_rows else GENE_TITLES):
        raise InputError(
            f"the first column is called {title!r}, so that genes are in {found}, not in {said}",
            where=str(path),
            fix=f"--genes-in {found}",
        )


def are_in_rows(genes_in: str) -> bool:
    """Whether genes are in rows; an error for any word but "rows" and "columns"."""
    if genes_in not in ("columns", "rows"):
        raise InputError(f"genes are in columns or in rows, not {genes_in!r}", fix="--genes-in columns|rows")
    return genes_in == "rows"


def find_column(header: Sequence[str], name: str, path: str | Path, option: str = "") -> int:
    """Position of a column, or an error that lists the columns and says which option names one."""
    names = list(header)
    if names.count(name) == 1 and f"{name} (2)" not in names:
        return names.index(name)
    what = "stands more than once in the table" if name in names else "is not in the table"
    where = f"{path}; its columns are {listing(names)}"
    raise InputError(
        f"the column {name!r} {what}",
        where=where,
        fix=_ID_FIX
        if option == "--id-column"
        else f"name one of its columns with {option}"
        if option
        else "",
    )


def check_ids(ids: pd.Series, where: str, axis: str = "rows", unit: str = "patient") -> None:
    """Refuse ids that are missing or stand more than once; the index of `ids` holds their places.

    They are ids of a patient or of a sample, as `unit` says.
    """
    absent = ids.isna() | ids.isin(MISSING)
    if absent.any():
        raise InputError(
            f"{absent.sum()} {axis} have no {unit} id", where=f"{where}, {axis} {listing(ids.index[absent])}"
        )
    repeated = ids[ids.duplicated(keep=False)]
    if len(repeated):
        raise InputError(
            f"{repeated.nunique()} {unit}s stand more than once: {listing(repeated.unique())}",
            where=f"{where}, {axis} {listing(repeated.index)}",
            fix="keep one for each patient" if unit == "patient" else f"give every {unit} an id of its own",
        )


def _frame(values: NDArray[np.float64], patients: Iterable[str], genes: Iterable[str]) -> pd.DataFrame:
    frame = pd.DataFrame(values, index=list(patients), columns=list(genes))
    return frame.rename_axis(index="patient_id", columns="gene")


def _delimiter(path: str | Path, head: str) -> str:
    """The delimiter of the file's extension if its header has it, else the one its header has most of."""
    suffixes = [suffix for suffix in Path(path).suffixes if suffix not in (".gz", ".zip")]
    expected = _DELIMITERS.get(suffixes[-1] if suffixes else "", "\t")
    return expected if expected in head else max(expected, "\t", ",", ";", key=head.count)


def _split(line: str, delimiter: str, path: str | Path, row: int) -> list[str]:
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except csv.Error as error:
        raise InputError(f"the table cannot be read: {error}", where=f"{path}, row {row}") from None


def _quick(line: str, delimiter: str, n_leading: int, into: NDArray[np.float64]) -> list[str]:
    """The leading texts of a plain line, its numbers put in place; nothing where anything else is in it."""
    if n_leading < 0 or '"' in line:
        return []
    *label, numbers = line.split(delimiter, n_leading)
    if len(label) < n_leading or (delimiter != "," and "," in numbers):
        return []
    if delimiter != ",":
        numbers = numbers.replace(delimiter, ",")
    if numbers.rstrip().endswith(","):  # numpy skips a last delimiter, and reads ", " at the end as -1
        return []
    try:
        values = np.fromstring(numbers, sep=",")
    except (ValueError, DeprecationWarning):
        return []
    if values.size != into.size:
        return []
    into[:] = values
    return label


def _number(field: str, path: str | Path, row: int, label: str, column: str) -> float:
    value = field.strip()
    try:
        return np.nan if value in MISSING else float(value.replace("_", "?"))  # float() would take 1_000
    except ValueError:
        raise InputError(
            f"{value!r} is not a number",
            where=f"{path}, row {row} ({label.strip()}), column {column!r}",
            fix="expression has to be numeric, with NA where it is missing",
        ) from None


def _refuse_infinite(
    values: NDArray[np.float64], path: str | Path, rows: list[str], columns: list[str]
) -> None:
    found = np.argwhere(np.isinf(values))
    if len(found):
        i, j = found[0]
        where = f"{path}, first in row {rows[i]}, column {columns[j]!r}"
        raise InputError(
            f"{len(found)} values are infinite", where=where, fix="write NA where a value is missing"
        )


def _refuse_ragged(path: str | Path, row: int, n: int, expected: int) -> None:
    if n != expected:
        fix = "every row needs as many fields as the header"
        if n == expected + 1:
            fix += "; the first column may have no name there (R: write.table with col.names=NA)"
        raise InputError(f"a row has {n} fields, the header {expected}", where=f"{path}, row {row}", fix=fix)


def distinct(names: list[str]) -> list[str]:
    """Names with " (2)", " (3)" behind those that stood before."""
    given, result = set(names), dict[str, None]()
    for name in names:
        candidate, n = name, 1
        while candidate in result or (n > 1 and candidate in given):
            n += 1
            candidate = f"{name} ({n})"
        result[candidate] = None
    return list(result)
