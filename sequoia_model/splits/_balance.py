"""What folds are balanced by, besides their numbers of patients: events, or a column of levels or numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.missing import is_missing
from sequoia_model.errors import InputError, counted, listing
from sequoia_model.patients import as_numbers

_MISSING = "missing"


@dataclass(frozen=True, eq=False)
class Balance:
    """A property of patients that the parts of every fold should share alike.

    Parameters
    ----------
    name : str
        What it is called in notes and errors.
    level : array of shape (n,)
        The level of each patient as text; "missing" if it is not known. Fifths of a numeric property.
    columns : array of shape (n, c), float64
        What is summed over the patients of a part: 1 for the patients of a level, a column per level; or the
        standardised value of a numeric property, and a second column of those who have none.
    scale : array of shape (c,), float64
        In what unit a sum that is off counts as 1, per fold: what an even fold would hold, or its number of patients.
    words : str
        How it was understood, for the note: "grade (3 levels)".
    """

    name: str
    level: NDArray[np.object_]
    columns: NDArray[np.float64]
    scale: NDArray[np.float64]
    words: str


def balance_of(values: Mapping[str, object], names: list[str], n_folds: int, title: str) -> Balance:
    """The property of these patients, read as levels or as numbers.

    Raises
    ------
    InputError
        If all patients are alike, or nearly all differ, so that there is nothing to balance.
    """
    cells = [values.get(name) for name in names]
    texts = ["" if value is None or value != value else str(value).strip() for value in cells]
    known = np.array([not is_missing(text) for text in texts])
    present = [text for text, there in zip(texts, known, strict=True) if there]
    lost = f", {len(texts) - len(present)} missing" if len(present) < len(texts) else ""
    if len(set(present)) < 2:
        raise InputError(
            f"{title} cannot be balanced: {listing(set(present)) or 'nothing'} is all that it holds",
            fix="balance another column",
        )
    measured = as_numbers(title, present)
    if measured is not None:
        return _numeric(title, known, measured, n_folds, lost)
    numbers = pd.to_numeric(pd.Series(present), errors="coerce").to_numpy(np.float64)
    if np.isfinite(numbers).all():  # 1 and 1.0 are one level
        plain = iter(f"{number:g}" for number in numbers)
        texts = [next(plain) if there else "" for there in known]
    return _levels(title, texts, known, n_folds, lost)


def _levels(title: str, texts: list[str], known: NDArray, n_folds: int, lost: str) -> Balance:
    level = np.where(known, np.array(texts, dtype=object), _MISSING).astype(object)
    names, code = np.unique(level.astype(str), return_inverse=True)
    if len(names) * n_folds > len(texts):
        raise InputError(
            f"{title} cannot be balanced: {counted(len(names), 'level')} in {counted(len(texts), 'patient')} "
            f"and {n_folds} folds",
            where=listing(names, 4),
            fix="use fewer folds, or balance a column of fewer levels, or of numbers",
        )
    columns = np.eye(len(names))[code]
    scale = np.maximum(columns.sum(axis=0) / n_folds, 1)
    levels = counted(len(names) - (_MISSING in names and not known.all()), "level")
    return Balance(title, level, columns, scale, f"{title} ({levels}{lost})")


def _numeric(title: str, known: NDArray, numbers: NDArray, n_folds: int, lost: str) -> Balance:
    values = np.zeros(len(known))
    values[known] = (numbers - numbers.mean()) / numbers.std()
    columns = [values] if known.all() else [values, (~known).astype(float)]
    fifth = np.empty(len(numbers), dtype=int)
    fifth[np.argsort(numbers, kind="stable")] = np.arange(len(numbers)) * 5 // len(numbers)
    level = np.full(len(known), _MISSING, dtype=object)
    level[known] = fifth.astype(str)
    scale = np.full(len(columns), len(known) / n_folds)
    return Balance(title, level, np.column_stack(columns), scale, f"{title} (numeric{lost})")
