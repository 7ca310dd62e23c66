"""Tables of numbers in parquet files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sequoia_base.atomic import existing_file
from sequoia_stats.errors import InputError, counted, listing

_SUFFIXES = (".parquet", ".pq")


def recognises(path: Path) -> bool:
    """Whether the name of `path` is that of a parquet file."""
    return path.suffix.lower() in _SUFFIXES


def read_parquet(
    path: str | Path,
    id_column: str | None = None,
    *,
    left_out: Callable[[Sequence[str]], list[int]] | None = None,
) -> tuple[pd.Series, pd.DataFrame, list[str]]:
    """The labels of the rows, the numbers, and the titles of what was left out.

    Parameters
    ----------
    path : path
        A parquet file. Its labels are its index, if it was written with one, or its first column of text.
    id_column : str, optional
        The column of labels.
    left_out : callable, optional
        Takes the titles, and returns the positions of further columns that are not read.

    Returns
    -------
    labels : Series
        Texts, NaN where missing; named as the column or index; index = row, from 1.
    values : DataFrame
        Numbers, NaN where missing: float32 if all columns are, else float64. Same index as `labels`.
    lost : list of str
        Titles of the columns that `left_out` named.

    Raises
    ------
    InputError
        If the file cannot be read, has no column of labels or a further column of text, or holds an infinite value.
    """
    frame = _open(Path(path))
    labels = _labels(frame, id_column, path)
    if labels.name in frame:
        frame = frame.drop(columns=labels.name)
    titles = [str(name) for name in frame]
    at = left_out(titles) if left_out is not None else []
    frame = frame.loc[:, ~np.isin(np.arange(len(titles)), at)]
    odd = [name for name, kind in frame.dtypes.items() if not _is_number(kind)]
    if odd:
        raise InputError(
            f"{counted(len(odd), 'column is', 'columns are')} not numeric: {listing(odd)}",
            where=str(path),
            fix="a matrix has one column of ids, and numbers in the others",
        )
    single = all(kind == np.float32 for kind in frame.dtypes)
    values = frame.to_numpy(np.float32 if single else np.float64, na_value=np.nan)
    rows = pd.RangeIndex(1, len(frame) + 1, name="row")
    infinite = np.isinf(values)
    if infinite.any():
        i, j = np.argwhere(infinite)[0]
        raise InputError(
            f"{counted(int(infinite.sum()), 'value is', 'values are')} infinite",
            where=f"{path}, first in row {rows[i]} ({labels.iloc[i]}), column {frame.columns[j]!r}",
            fix="leave missing values empty",
        )
    texts = labels.astype(object).where(labels.notna(), np.nan)
    texts = texts.map(lambda label: str(label).strip(), na_action="ignore").set_axis(rows)
    return texts, pd.DataFrame(values, rows, frame.columns.astype(str)), [titles[i] for i in at]


def _open(path: Path) -> pd.DataFrame:
    existing_file(path)
    try:
        frame = pd.read_parquet(path, engine="pyarrow")
    except Exception as error:  # pyarrow raises a dozen kinds for a damaged or foreign file
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(
            "the file is not a readable parquet file: it is truncated, damaged or of another kind",
            where=f"{path} ({reason})",
        ) from None
    if not len(frame):
        raise InputError("the table has no rows", where=str(path))
    return frame


def _labels(frame: pd.DataFrame, id_column: str | None, path: str | Path) -> pd.Series:
    if id_column is not None:
        if id_column not in frame:
            raise InputError(
                f"the column {id_column!r} is not in the table",
                where=f"{path}; its columns are {listing(frame.columns)}",
                fix="name one of its columns with --id-column",
            )
        return frame[id_column]
    if isinstance(frame.index, pd.MultiIndex):
        raise InputError("the index has several levels", where=str(path), fix="write one id per row")
    if not isinstance(frame.index, pd.RangeIndex):
        return frame.index.to_series()
    texts = [name for name, kind in frame.dtypes.items() if not _is_number(kind)]
    if not texts:
        raise InputError(
            "the file has no ids: neither an index nor a column of text",
            where=str(path),
            fix="write the table with its index, or with ids in the first column",
        )
    return frame[texts[0]]


def _is_number(kind: object) -> bool:
    return pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)  # type: ignore[arg-type]
