"""Reads splits from tables with a row per patient: a column of roles per fold, or the number of the test fold."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from sequoia_base.errors import InputError, counted, listing
from sequoia_base.missing import is_missing
from sequoia_base.patient_tables import patient_columns
from sequoia_base.splits.assignment import ROLES, Splits
from sequoia_base.tables import read_table

_FOLD = re.compile(r"fold_\d+")
_NUMBER = "fold"
_FROM_ONE = "the file counts folds from 1: its {} is fold 0 here"


def read_patient_splits(path: str | Path) -> Splits:
    """Read splits with a row per patient, such as those of `Splits.save`.

    Parameters
    ----------
    path : path
        A CSV or TSV with a column of patients, and one of

        - a column per fold, ``fold_0``, ``fold_1``, …, which may count from 1, with the words train, val and test;
        - a column ``fold``, the number of the fold that tests the patient, counted from 0 or 1; in the other folds
          the patient trains.

        Capitals in titles make no difference.

    Returns
    -------
    Splits
        Their ``note`` says how the file was understood, and who is not tested exactly once.

    Raises
    ------
    InputError
        If the file cannot be read or is neither of these, or a patient has two roles in a fold.
    """
    path = Path(path)
    texts = read_split_texts(path)
    made = patient_splits(texts, path)
    if made is None:
        raise InputError(
            f"the table does not hold the folds of patients; its columns are {listing(texts.columns)}",
            where=str(path),
            fix="use patient_id, fold_0, fold_1, …; or patient_id, fold",
        )
    return made


@dataclass(frozen=True, eq=False)
class PatientRoles:
    """The rows of a table of patients, before anything is refused that an audit should find.

    Parameters
    ----------
    table : DataFrame
        The columns that `patient_columns` finds.
    roles : DataFrame
        A column of roles per fold, ``fold_0`` first, in small letters; rows as in `table`.
    notes : tuple of str
        How the file was understood, where there is a doubt.
    first : int
        What the file calls its first fold: 0 or 1.
    """

    table: pd.DataFrame
    roles: pd.DataFrame
    notes: tuple[str, ...]
    first: int


def read_split_texts(path: str | Path) -> pd.DataFrame:
    """A table of texts in which no role and no fold has two columns; titles of folds are in small letters.

    Raises
    ------
    InputError
        If the file cannot be read, or a column is there twice.
    """
    texts = read_table(path, missing=())
    small = [title.lower() for title in texts.columns]
    folds = [title for title in small if title == _NUMBER or _FOLD.fullmatch(title)]
    twice = [title.removesuffix(" (2)") for title in small if title.endswith(" (2)")]
    repeated = [title for title in twice if title in (*ROLES, _NUMBER) or _FOLD.fullmatch(title)]
    if repeated := list(dict.fromkeys([*repeated, *(title for title in folds if folds.count(title) > 1)])):
        raise InputError(f"columns are duplicated: {listing(repeated)}", where=str(path))
    return texts.rename(
        columns={old: new for old, new in zip(texts.columns, small, strict=True) if new in folds}
    )


def patient_splits(texts: pd.DataFrame, path: Path) -> Splits | None:
    """The splits in a table that `read_split_texts` read; None if it has no column of folds.

    Raises
    ------
    InputError
        As `read_patient_splits`.
    """
    read = patient_roles(texts, path)
    if read is None:
        return None
    index = pd.Index(read.table["patient_id"])
    cohort = read.table["cohort"].set_axis(index) if "cohort" in read.table else None
    name = path.name.partition(".")[0]
    try:
        made = Splits(read.roles.set_axis(index, axis=0), cohort, name)
    except InputError as error:
        raise located(error, name, path) from None
    return replace(made, note="; ".join(filter(None, [*read.notes, made.note])))


def patient_roles(texts: pd.DataFrame, path: Path) -> PatientRoles | None:
    """The patients and roles in a table that `read_split_texts` read; None if it has no column of folds.

    Raises
    ------
    InputError
        If no column names patients, or the number of a fold is none.
    """
    folds = sorted(filter(_FOLD.fullmatch, texts.columns), key=lambda fold: int(fold.partition("_")[2]))
    if not folds and (_NUMBER not in texts.columns or set(ROLES) & set(texts.columns)):
        return None
    table = patient_columns(texts, path)
    if not folds:
        return PatientRoles(table, *_roles_of_numbers(texts[_NUMBER], path))
    roles = texts[folds].apply(lambda column: column.str.lower())
    if folds != [f"fold_{k + 1}" for k in range(len(folds))] or len(folds) == 1:
        return PatientRoles(table, roles, (), 0)
    renamed = roles.set_axis([f"fold_{k}" for k in range(len(folds))], axis=1)
    return PatientRoles(table, renamed, (_FROM_ONE.format("fold_1"),), 1)


def located(error: InputError, name: str, path: Path) -> InputError:
    """The error, naming the file instead of the splits."""
    return InputError(error.what, where=f"{path}{error.where.removeprefix(name)}", fix=error.fix)


def _roles_of_numbers(column: pd.Series, path: Path) -> tuple[pd.DataFrame, tuple[str, ...], int]:
    """Roles from the number of the fold that tests each patient."""
    there = column[~column.map(is_missing)]
    numbers = pd.to_numeric(there, errors="coerce")
    odd = there[~(numbers >= 0) | (numbers % 1 != 0)]
    if len(odd) or there.empty:
        raise InputError(
            f"{counted(len(odd), 'fold is', 'folds are')} no whole number, 0 or more: {listing(odd.unique())}"
            if len(odd)
            else "no row has a fold",
            where=f"{path}, column {_NUMBER!r}" + (f", rows {listing(odd.index)}" if len(odd) else ""),
            fix="write the number of the fold that tests the patient",
        )
    first, last = int(numbers.min()), int(numbers.max())
    if lost := sorted(set(range(min(first, 1), last + 1)) - set(numbers.astype(int))):
        raise InputError(
            f"nobody is tested by fold {listing(lost)}, of folds up to {last}",
            where=f"{path}, column {_NUMBER!r}",
        )
    roles = pd.DataFrame(
        {f"fold_{k - first}": np.where(numbers == k, "test", "train") for k in range(first, last + 1)},
        there.index,
        dtype=object,
    ).reindex(column.index, fill_value="")
    notes = ["the file has one fold per patient: in the other folds all train, and nobody validates"]
    if first == 1:
        notes.append(_FROM_ONE.format("fold 1"))
    return roles, tuple(notes), first
