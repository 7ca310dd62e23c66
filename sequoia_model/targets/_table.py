"""The text files of measured expression: titles, names and values of chosen columns, in blocks of rows."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.missing import is_missing_number
from sequoia_model.errors import InputError, counted
from sequoia_model.targets._quotes import QuoteWatch

#: Rows that are in memory at a time, and bytes of a file while names are read.
ROWS_AT_A_TIME, _BYTES = 64, 2**22

#: Row numbers with their values, float32, rows × chosen columns.
Block = tuple[NDArray[np.int64], NDArray[np.float32]]


def read_header(path: Path) -> tuple[list[str], str]:
    """The titles, and the delimiter: a comma, or a tab if the first line has more tabs."""
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            first = file.readline()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None
    delimiter = "\t" if first.count("\t") > first.count(",") else ","
    header = next(csv.reader([first], delimiter=delimiter), [])
    if not header:
        raise InputError("the file is empty", where=str(path))
    return header, delimiter


def read_names(
    path: Path, delimiter: str, header: list[str], chosen: Sequence[int | None]
) -> list[NDArray[np.object_]]:
    """The chosen columns as texts; "" for missing ones.

    pyarrow reads them because it reports a row that is too short; pandas treats the rest of such a row as missing.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow

    ragged: list[Any] = []

    def refuse(row: Any) -> str:
        ragged.append(row)
        return "error"

    wanted = [str(at) for at in chosen if at is not None]
    try:
        with pa.input_stream(str(path), compression="gzip" if path.suffix.lower() == ".gz" else None) as file:
            reader = arrow.open_csv(
                QuoteWatch(file, path, delimiter, len(header)),
                arrow.ReadOptions(
                    use_threads=False,  # with threads, errors do not have a row number
                    block_size=max(_BYTES, 16 * sum(map(len, header))),  # a row must fit into it
                    skip_rows=1,
                    column_names=[str(i) for i in range(len(header))],
                ),
                arrow.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=refuse),
                arrow.ConvertOptions(include_columns=wanted, column_types=dict.fromkeys(wanted, pa.string())),
            )
            table = reader.read_all()
    except (OSError, pa.ArrowInvalid) as error:
        if ragged:
            row = ragged[0]
            raise InputError(
                f"a row has {counted(row.actual_columns, 'field')}, but the header has {row.expected_columns}",
                where=f"{path}, row {row.number}, which begins with {row.text[:40]!r}",
            ) from None
        raise _unreadable(path, error) from None
    none = np.full(len(table), "", dtype=object)
    return [none if at is None else texts(table[str(at)].to_pandas(), len(table)) for at in chosen]


def read_blocks(
    path: Path, delimiter: str, header: list[str], rows: NDArray[np.int64], columns: list[int]
) -> Iterator[Block]:
    try:
        with pd.read_csv(
            path,
            sep=delimiter,
            header=None,
            skiprows=1,
            usecols=columns,
            chunksize=ROWS_AT_A_TIME,
            float_precision="round_trip",
            low_memory=False,
            encoding="utf-8-sig",
        ) as blocks:
            for block in blocks:
                numbers = rows[(rows >= block.index[0]) & (rows <= block.index[-1])]
                if len(numbers):
                    yield numbers, _numbers(block.loc[numbers, columns], path, header)
                if not len(rows) or block.index[-1] >= rows[-1]:
                    return
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise _unreadable(path, error) from None


def _numbers(block: pd.DataFrame, path: Path, header: list[str]) -> NDArray[np.float32]:
    """A block as numbers, NaN if missing; pandas keeps a column that holds any text as texts."""
    numbers = np.empty(block.shape, dtype=np.float32)
    plain = np.array([dtype.kind in "fiu" for dtype in block.dtypes])
    with np.errstate(over="ignore"):  # too large for float32 is infinite, and refused by name
        numbers[:, plain] = block.loc[:, plain].to_numpy()
        for place in np.flatnonzero(~plain).tolist():
            title = header[int(block.columns[place])]
            cells = zip(block.index.tolist(), block.iloc[:, place].tolist(), strict=True)
            numbers[:, place] = [
                _number(cell, f"{path}, row {row + 2}, column {title!r}") for row, cell in cells
            ]
    return numbers


def _number(cell: object, place: str) -> float:
    text = "" if cell is None or cell != cell else str(cell).strip()  # NaN differs from itself
    try:
        return (
            np.nan if is_missing_number(text) else float(text.replace("_", "?"))
        )  # float() would take 1_000
    except ValueError:
        raise InputError(
            f"{text!r} is not a number", where=place, fix="write a number, or NA if it is missing"
        ) from None


def _unreadable(path: Path, error: BaseException) -> InputError:
    return InputError("the measured expression cannot be read", where=f"{path} ({error})")


def texts(column: pd.Series | None, n: int) -> NDArray[np.object_]:
    """A column as stripped texts; "" if it is missing."""
    if column is None:
        return np.full(n, "", dtype=object)
    column = column.astype(object)
    return column.where(column.notna(), "").astype(str).str.strip().to_numpy(dtype=object)
