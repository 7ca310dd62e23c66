"""Text tables, read strictly: every error names the file, the row and the column."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sequoia_base._records import Records, Row, read_records, refuse_ragged, split_line
from sequoia_base.atomic import existing_file
from sequoia_base.decimals import commas_are_decimal, to_point
from sequoia_base.errors import InputError, counted, listing
from sequoia_base.missing import MISSING, is_missing, is_missing_number

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "MISSING", "Numbers", "distinct", "find_column", "first_lines", "is_missing", "read_beginning", "read_header",
    "read_numbers", "read_table", "read_text", "split_line",
]  # fmt: skip
#: What gzip and zipfile raise for files that are damaged, encrypted or compressed by an unknown method.
_DAMAGED: tuple[type[Exception], ...] = (
    *(EOFError, OSError, RuntimeError, ValueError, KeyError, struct.error),
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile),
)


@dataclass(frozen=True, eq=False)
class Numbers:
    """The columns of a table: some are text, the others numbers.

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


def read_text(path: str | Path) -> str:
    """The text of a file: plain, gzip, or a zip archive with one member; UTF-8 only.

    Parameters
    ----------
    path : path
        The file. Compression is recognised by its content.

    Returns
    -------
    str
        Without a byte-order mark, lines ending in a line feed.

    Raises
    ------
    InputError
        If the file is missing, a folder, empty, truncated, binary, or not UTF-8.
    """
    path = Path(path)
    raw = _decompress(_read_bytes(path), path)
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0\0" in (raw[0:4:2], raw[1:4:2]):
        raise InputError("the file is UTF-16 text", where=str(path), fix="save it as UTF-8")
    if b"\0" in raw:
        raise InputError("the file is binary, not a table", where=str(path), fix="give a CSV or TSV file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = raw.count(b"\n", 0, error.start) + 1
        raise InputError(
            "the file is binary or not UTF-8 text", where=f"{path}, row {row}", fix="save it as UTF-8"
        ) from None
    if not text.strip():
        raise InputError("the file is empty", where=str(path))
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def read_table(
    path: str | Path, *, comment: str = "", missing: Collection[str] = MISSING, quoted: bool = True
) -> pd.DataFrame:
    """A table of texts.

    Parameters
    ----------
    path : path
        A delimited text file, plain, gzip, or in a zip archive with one member.
    comment : str, optional
        Lines at the top that start with this are skipped.
    missing : collection of str, default `MISSING`
        Texts that mean a missing value, besides those of `is_missing`; an empty collection keeps every text as it is.
    quoted : bool, default True
        Whether a cell may be in double quotes; if not, a quote is a character like any other.

    Returns
    -------
    DataFrame
        Stripped texts, NaN where missing; index = row of the file (1-based line number). A second column of
        the same name is called "name (2)".

    Raises
    ------
    InputError
        If the file cannot be read, a row has more or fewer fields than the header, or a quote is not closed.
    """
    import pandas as pd

    records = read_records(read_text(path), path, comment=comment, quoted=quoted)
    also = frozenset(missing) - MISSING
    lost = cache(lambda text: bool(missing) and is_missing(text, also))
    rows: list[list[str | float]] = []
    for row, content in records.rows:
        fields = records.fields(content)
        refuse_ragged(path, row, len(fields), records)
        rows.append([np.nan if lost(text := field.strip()) else text for field in fields])
    numbers, header = [row for row, _ in records.rows], distinct(records.header)
    return pd.DataFrame(rows, pd.Index(numbers, name="row", dtype=np.int64), header, dtype=object)


def read_numbers(
    path: str | Path,
    texts: Callable[[list[str]], Sequence[int]],
    *,
    missing: Collection[str] = (),
    quoted: bool = True,
    or_else: str = "",
) -> Numbers:
    """A table of numbers, some of whose columns are text.

    Parameters
    ----------
    path : path
        As in `read_table`.
    texts : callable
        Takes the header and returns the positions of the columns of text.
    missing : collection of str, optional
        Words that mean a missing number, besides those of `is_missing`. What is a number stays one.
    quoted : bool, default True
        As in `read_table`.
    or_else : str, optional
        What else to do about a column that holds text, for the error.

    Returns
    -------
    Numbers
        Rounded correctly, as by `float`. Commas are decimal if no number has a point, and some comma cannot
        separate thousands.

    Raises
    ------
    InputError
        As `read_table`; if a cell is neither a finite number nor missing.
    """
    import pandas as pd

    records = read_records(read_text(path), path, quoted=quoted)
    header, delimiter = records.header, records.delimiter
    at_text = list(texts(header))
    at_number = [i for i in range(len(header)) if i not in set(at_text)]
    lines = _with_points(records, at_number)
    n_leading = len(at_text) if sorted(at_text) == list(range(len(at_text))) else -1
    values, labels = np.empty((len(lines), len(at_number))), []
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # how numpy reports text that is not a number
        for i, (row, line) in enumerate(lines):
            fields = _quick(line, delimiter, n_leading, values[i])
            if not fields:
                fields = records.fields(line)
                refuse_ragged(path, row, len(fields), records)
                label = fields[at_text[0] if at_text else 0]
                values[i] = [
                    _number(fields[j], path, row, label, header[j], missing, or_else) for j in at_number
                ]
            labels.append([fields[j].strip() for j in at_text])
    places = [
        f"{row} ({label[0]})" if label else f"{row}" for (row, _), label in zip(lines, labels, strict=True)
    ]
    _refuse_infinite(values, path, places, [header[j] for j in at_number])
    index = pd.Index([row for row, _ in lines], name="row")
    text_columns = pd.DataFrame(labels, index, [header[j] for j in at_text], dtype=object)
    return Numbers(text_columns, values, [header[j] for j in at_number])


def read_header(path: str | Path) -> list[str]:
    """The titles of a table's columns, as `read_table` gives them.

    Raises
    ------
    InputError
        As `read_table`.
    """
    return distinct(read_records(read_text(path), path).header)


def read_beginning(path: str | Path, n: int = 20) -> list[list[str]]:
    """The fields of the first rows of a table, of at most `n` lines; none if they cannot be read by themselves."""
    try:
        records = read_records("\n".join(read_text(path).split("\n", n)[:n]), path)
    except InputError:  # the whole table will tell
        return []
    return [records.fields(row) for _, row in records.rows]


def first_lines(path: str | Path, n: int = 3, width: int = 76) -> str:
    """How a file begins, for a message: `n` lines, each cut at `width` characters."""
    lines = read_text(path).split("\n")[:n]
    return "\n".join(f"    {line if len(line) <= width else line[: width - 1] + '…'}" for line in lines)


def find_column(header: Sequence[str], name: str, path: str | Path, fix: str = "") -> int:
    """The position of a column, or an error that lists the columns.

    Parameters
    ----------
    header : sequence of str
        Names of the columns, as `read_table` or the file gives them.
    name : str
        The column.
    path : path
        The file, for the error.
    fix : str, optional
        What to do if the column is missing or duplicated.

    Raises
    ------
    InputError
        If there is no such column, or several.
    """
    names = list(header)
    if names.count(name) == 1 and f"{name} (2)" not in names:
        return names.index(name)
    if len(names) == 1:
        what = "cannot be found, because the columns of the table are not told apart"
        fix = "separate them by commas, tabs or semicolons; if they are separated by blanks, quote texts with blanks"
    else:
        what = "is duplicated in the table" if name in names else "is not in the table"
    raise InputError(
        f"the column {name!r} {what}",
        where=f"{path}; its columns are {listing(name or '(no title)' for name in names)}",
        fix=fix,
    )


def distinct(names: list[str]) -> list[str]:
    """Make names unique: " (2)", " (3)" is added to a name that was used before."""
    given, result = set(names), dict[str, None]()
    for name in names:
        candidate, n = name, 1
        while candidate in result or (n > 1 and candidate in given):
            n += 1
            candidate = f"{name} ({n})"
        result[candidate] = None
    return list(result)


def _read_bytes(path: Path) -> bytes:
    try:
        return existing_file(path).read_bytes()
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", where=str(path)) from None


def _decompress(raw: bytes, path: Path) -> bytes:
    try:
        if raw.startswith(b"\x1f\x8b"):
            return gzip.decompress(raw)
        if raw.startswith(b"PK\x03\x04"):
            return _only_member(raw, path)
    except _DAMAGED as error:
        raise InputError(
            "the compressed file is truncated or damaged",
            where=f"{path} ({error})",
            fix="download the file again",
        ) from None
    if raw and path.suffix in (".gz", ".zip"):
        raise InputError(f"the file is called {path.suffix}, but is not compressed that way", where=str(path))
    return raw


def _only_member(raw: bytes, path: Path) -> bytes:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = [m for m in archive.namelist() if not m.endswith("/") and not m.startswith("__MACOSX")]
        if len(members) == 1:
            return archive.read(members[0])
    raise InputError(
        f"the archive holds {len(members)} files where one is needed",
        where=str(path),
        fix="give a CSV or TSV file; save a spreadsheet as one of these",
    )


def _with_points(records: Records, at_number: list[int]) -> list[Row]:
    """The rows, with points for decimal commas in the columns of numbers."""
    separated = records.delimiter == ","  # then only a quoted field holds one
    doubtful = (row for _, row in records.rows if isinstance(row, list) or (not separated and "," in row))

    def numbers(row: str | list[str]) -> str:
        fields = records.fields(row)
        return "\n".join(fields[i] for i in at_number if i < len(fields))

    if not any("," in numbers(row) for row in doubtful):
        return records.rows
    if not commas_are_decimal(numbers(row) for _, row in records.rows):
        return records.rows
    chosen = set(at_number)
    return [
        (number, [to_point(field) if i in chosen else field for i, field in enumerate(records.fields(row))])
        for number, row in records.rows
    ]


def _quick(line: str | list[str], delimiter: str, n_leading: int, into: NDArray[np.float64]) -> list[str]:
    """Put the numbers of a plain line into `into`; returns its leading texts, or nothing if it holds anything else."""
    if n_leading < 0 or delimiter == " ":
        return []
    if isinstance(line, list):
        if len(line) != n_leading + into.size:  # "4,500" would count as two
            return []
        label, numbers = line[:n_leading], ",".join(line[n_leading:])
    else:
        *label, numbers = line.split(delimiter, n_leading)
        if delimiter != ",":
            if "," in numbers:
                return []
            numbers = numbers.replace(delimiter, ",")
    if len(label) < n_leading:
        return []
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


def _number(
    field: str, path: str | Path, row: int, label: str, column: str, missing: Collection[str], or_else: str
) -> float:
    value = field.strip()
    try:
        return float(value.replace("_", "?"))  # float() would take 1_000
    except ValueError:
        if is_missing_number(value, missing):
            return np.nan
    raise InputError(
        f"{value!r} is not a number",
        where=f"{path}, row {row} ({label.strip()}), column {column!r}",
        fix=f"write a number{' with a point and no commas' * (',' in value)}, or NA if it is missing"
        + (f"; {or_else}" if or_else else ""),
    )


def _refuse_infinite(
    values: NDArray[np.float64], path: str | Path, rows: list[str], columns: list[str]
) -> None:
    found = np.argwhere(np.isinf(values))
    if len(found):
        i, j = found[0]
        where = f"{path}, first in row {rows[i]}, column {columns[j]!r}"
        raise InputError(
            f"{counted(len(found), 'value is', 'values are')} infinite",
            where=where,
            fix="write NA for missing values",
        )
