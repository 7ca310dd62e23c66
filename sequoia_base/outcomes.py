"""The files in which both packages meet over survival: outcomes, risk scores, and the scale of scores in each fold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sequoia_base.atomic import write_text
from sequoia_base.errors import InputError, counted, listing
from sequoia_base.missing import NO_ID, is_missing
from sequoia_base.names import table_stem
from sequoia_base.tables import read_table

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

OUTCOME_COLUMNS = ("patient_id", "time", "event")
#: What files of scores may hold besides ``patient_id`` and ``risk_score``, in the order in which they are written.
_SCORE_COLUMNS = ("risk_score", "group", "fold", "time", "event", "lower", "upper")
_FOLD_COLUMNS = ("fold", "n_train", "mean", "sd", "cutoff")


def read_outcome_table(path: str | Path) -> pd.DataFrame:
    """Read the outcome of each patient.

    Parameters
    ----------
    path : path
        A CSV with exactly the columns ``patient_id``, ``time`` (months, more than 0) and ``event`` (1 if the patient
        had the event, 0 if not), and one row per patient; nothing is missing.

    Returns
    -------
    DataFrame
        Index = patient_id, in the order of the file; columns ``time`` (float64) and ``event`` (bool).

    Raises
    ------
    InputError
        If the file cannot be read, has other columns, or a value is missing or not valid; naming row and patient.
    """
    texts = read_table(path, missing=())
    if sorted(texts.columns) != sorted(OUTCOME_COLUMNS):
        raise InputError(
            f"an outcome has the columns {', '.join(OUTCOME_COLUMNS)}, but this table has {listing(texts.columns)}",
            where=str(path),
            fix="sequoia-stats outcome convert TABLE -o outcome.csv makes one of a clinical table",
        )
    return _outcome(texts, _patients(texts, path), path)


def read_risk_table(path: str | Path) -> pd.DataFrame:
    """Read the risk score of each patient, as `sequoia-stats signature score` and `sequoia-model risk` write it.

    Parameters
    ----------
    path : path
        A CSV with the columns ``patient_id`` and ``risk_score`` (more = an earlier event), and one row per patient. Of
        the others, ``group``, ``fold``, ``time`` with ``event``, and ``lower`` with ``upper`` are read.

    Returns
    -------
    DataFrame
        Index = patient_id, in the order of the file; columns, as far as the file has them: ``risk_score`` (float64),
        ``group`` (text), ``fold`` (Int64, NA for a patient in no fold), ``time`` (float64, months), ``event`` (bool),
        ``lower`` and ``upper`` (float64, infinite where the interval is the whole line, NaN where there is none).

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing, a patient is there twice, a score is missing or not finite, a
        fold is not a whole number, or an interval ends before it begins; naming row and patient.
    """
    texts = read_table(path, missing=())
    for column in ("patient_id", "risk_score"):
        if column not in texts:
            raise InputError(
                f"there is no column {column!r}; the columns are {listing(texts.columns)}",
                where=str(path),
                fix="give scores of sequoia-stats signature score or sequoia-model risk",
            )
    patients = _patients(texts, path)
    table = _numbers(texts, "risk_score", patients, path, np.isfinite, "a finite number").to_frame()
    if "group" in texts:
        table["group"] = texts["group"].to_numpy()
    if "fold" in texts:
        table["fold"] = _numbers(
            texts, "fold", patients, path, _is_whole, "a whole number, 0 or more", or_empty=True
        ).astype("Int64")
    if ("time" in texts) != ("event" in texts):
        there, absent = ("time", "event") if "time" in texts else ("event", "time")
        raise InputError(
            f"there is a column {there!r}, but no {absent!r}",
            where=str(path),
            fix="give both, or leave both out",
        )
    if "time" in texts:
        table[["time", "event"]] = _outcome(texts, patients, path)
    if "lower" in texts and "upper" in texts:
        for column in ("lower", "upper"):
            table[column] = _numbers(
                texts, column, patients, path, _is_number, "a number, -inf or inf", or_empty=True
            )
        _refuse(table["lower"] > table["upper"], texts, patients, "lower", path, "more than the upper end")
    return table


def write_outcome_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write what `read_outcome_table` returns; whole or not at all."""
    _write(table[["time", "event"]].astype({"event": int}), path)


def write_risk_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write what `read_risk_table` returns, whole or not at all; columns in a fixed order, others are left out.

    The order is patient_id, risk_score, group, fold, time, event, lower, upper.
    """
    columns = [column for column in _SCORE_COLUMNS if column in table]
    _write(table[columns].astype({"event": int} if "event" in table else {}), path)


def scales_beside(path: str | Path) -> Path:
    """The file with the scale of cross-validated scores in each fold: ``risk.folds.csv`` beside ``risk.csv``."""
    path = Path(path)
    return path.with_name(f"{table_stem(path)}.folds.csv")


def read_fold_scales(path: str | Path) -> pd.DataFrame:
    """Read the scale of the scores in each fold: of its training patients, scored by the model that they trained.

    Parameters
    ----------
    path : path
        A CSV with the columns ``fold``, ``n_train``, ``mean``, ``sd`` (divisor n − 1) and ``cutoff``, the median.

    Returns
    -------
    DataFrame
        Index = fold (int64); columns ``n_train`` (int64), ``mean``, ``sd`` and ``cutoff`` (float64).

    Raises
    ------
    InputError
        If the file cannot be read, has other columns, a fold is there twice, a number is missing or not finite, or an
        SD is below 0. It is 0 where all patients of a fold have one score.
    """
    texts = read_table(path, missing=())
    if list(texts.columns) != list(_FOLD_COLUMNS):
        raise InputError(
            f"the scale of scores has the columns {', '.join(_FOLD_COLUMNS)}, but this table has "
            f"{listing(texts.columns)}",
            where=str(path),
        )
    whole = {
        column: _numbers(texts, column, None, path, _is_whole, "a whole number, 0 or more").astype("int64")
        for column in ("fold", "n_train")
    }
    _refuse(whole["fold"].duplicated(), texts, None, "fold", path, "there twice")
    finite = {
        column: _numbers(texts, column, None, path, np.isfinite, "a finite number")
        for column in ("mean", "sd", "cutoff")
    }
    _refuse(finite["sd"] < 0, texts, None, "sd", path, "below 0")
    return texts[[]].assign(n_train=whole["n_train"], **finite).set_axis(whole["fold"], axis=0)


def write_fold_scales(table: pd.DataFrame, path: str | Path) -> None:
    """Write what `read_fold_scales` returns; whole or not at all."""
    _write(table[list(_FOLD_COLUMNS[1:])], path, "fold")


def _write(table: pd.DataFrame, path: str | Path, index: str = "patient_id") -> None:
    write_text(path, table.to_csv(lineterminator="\n", index_label=index))


def _patients(texts: pd.DataFrame, path: str | Path) -> pd.Index:
    """The ids of patients, each there and once."""
    import pandas as pd

    ids = texts["patient_id"]
    _refuse(ids.isin(NO_ID), texts, None, "patient_id", path, "missing")
    twice = ids[ids.duplicated()]
    if len(twice):
        several = ids[ids.isin(twice)]
        raise InputError(
            f"{counted(twice.nunique(), 'patient has', 'patients have')} more than one row",
            where=f"{path}, {_places(several.index, several)}",
            fix="keep one row per patient",
        )
    return pd.Index(ids, name="patient_id")


def _outcome(texts: pd.DataFrame, patients: pd.Index, path: str | Path) -> pd.DataFrame:
    time = _numbers(texts, "time", patients, path, _is_positive, "a number of months above 0")
    event = _numbers(texts, "event", patients, path, lambda values: np.isin(values, [0, 1]), "0 or 1")
    return time.to_frame().assign(event=event.astype(bool))


def _numbers(
    texts: pd.DataFrame,
    column: str,
    patients: pd.Index | None,
    path: str | Path,
    valid: Callable[[NDArray[np.float64]], NDArray[np.bool_]],
    wanted: str,
    *,
    or_empty: bool = False,
) -> pd.Series:
    """A column of numbers that are all valid, or empty (NaN); index = patients, or the rows of the file."""
    import pandas as pd

    values = np.array([_number(text) for text in texts[column]], dtype=np.float64)
    empty = or_empty & (texts[column] == "").to_numpy()
    _refuse(~(valid(values) | empty), texts, patients, column, path, f"not {wanted}")
    return pd.Series(values, texts.index if patients is None else patients, name=column)


def _number(text: str) -> float:
    """The number in a cell, NaN if it is none: 1_000 is none, though Python takes it."""
    try:
        return float(text.replace("_", "?"))
    except ValueError:
        return np.nan


def _is_number(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    return ~np.isnan(values)


def _is_positive(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.isfinite(values) & (values > 0)


def _is_whole(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (values >= 0) & (values < 2**53) & (values % 1 == 0)


def _refuse(
    wrong: NDArray[np.bool_] | pd.Series,
    texts: pd.DataFrame,
    patients: pd.Index | None,
    column: str,
    path: str | Path,
    what: str,
) -> None:
    """Refuse the values of a column that are wrong, naming their rows and patients."""
    at = np.flatnonzero(np.asarray(wrong))
    if not len(at):
        return
    found = texts[column].iloc[at]
    if lost := int(sum(text == "" or is_missing(text) for text in found)):
        words = "missing" if lost == len(at) else f"missing or {what}"
    else:
        words = f"{what} ({listing(dict.fromkeys(map(repr, found)), 3)})"
    raise InputError(
        f"{counted(len(at), f'value of {column!r} is', f'values of {column!r} are')} {words}",
        where=f"{path}, {_places(found.index, None if patients is None else patients[at])}",
    )


def _places(rows: pd.Index, patients: pd.Index | pd.Series | None) -> str:
    """Rows of the file, each with its patient if there are any."""
    named = rows if patients is None else [f"{r} ({p})" for r, p in zip(rows, patients, strict=True)]
    return f"{'row' if len(rows) == 1 else 'rows'} {listing(named)}"
