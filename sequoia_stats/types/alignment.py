"""Values that describe patients, matched with an outcome by their labels or, without labels, by position."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import pandas as pd

from sequoia_stats.errors import InputError, counted, listing, part
from sequoia_stats.types.arrays import as_series
from sequoia_stats.types.covariates import MISSING_VALUES, label
from sequoia_stats.types.outcome import Outcome

Labelled = TypeVar("Labelled", pd.Series, pd.DataFrame)


def as_groups(
    values: Any, outcome: Outcome, nouns: tuple[str, str] = ("group", "groups")
) -> tuple[pd.Series, int]:
    """The group of every patient, and how many have none.

    Parameters
    ----------
    values : array-like
        Text, numbers or booleans; see `as_series` and `align`.
    outcome : Outcome
        The n patients.
    nouns : tuple of two str
        What one of the values is called, and several, in errors.

    Returns
    -------
    groups : Series of shape (n,)
        A Categorical of the labels as given, NaN where missing; levels in the order of a Categorical, or sorted. Texts
        lose the blanks around them, and a number is the same as a text that shows it.
    n_missing : int
        Patients whose group is None, NaN, NA, or the text that these become.

    Raises
    ------
    InputError
        If shapes, lengths or labels do not fit, or a group is a list.
    """
    noun, plural = nouns
    series = align(as_series(values, plural), outcome, plural)
    labels = series.astype(object)
    absent = series.isna() | labels.map(
        lambda value: isinstance(value, str) and value.strip() in MISSING_VALUES
    )
    known = labels[~absent]
    if known.empty:
        raise InputError(f"no patient has a {noun}")
    try:
        there = set(known)
    except TypeError:
        raise InputError(
            f"a {noun} is a list or a table, not a label", fix="pass text, numbers or booleans"
        ) from None
    texts = {value.strip() for value in there if isinstance(value, str)}
    same = {value: text for value in there if (text := label(value)) in texts}
    labels, there = (
        labels.map(lambda value: same.get(value, value)),
        {same.get(value, value) for value in there},
    )
    if isinstance(series.dtype, pd.CategoricalDtype):
        ordered = dict.fromkeys(same.get(level, level) for level in series.cat.categories)
        levels = [level for level in ordered if level in there]
    else:
        try:
            levels = sorted(there, key=lambda value: (isinstance(value, str), value))
        except TypeError:
            raise InputError(
                f"the {plural} are of types that cannot be sorted",
                where=listing(sorted({type(value).__name__ for value in there})),
                fix="pass text, numbers or booleans",
            ) from None
    return pd.Series(pd.Categorical(labels.mask(absent), levels), labels.index), int(absent.sum())


def align(values: Labelled, outcome: Outcome, what: str) -> Labelled:
    """Rows in the order of the outcome's patients.

    Labels count if both sides have them. A default index 0, 1, 2, ... is none, and its rows are taken in their order.

    Parameters
    ----------
    values : Series or DataFrame of n rows
        One row per patient.
    outcome : Outcome
        The n patients.
    what : str
        What the values are, in the plural: "groups".

    Raises
    ------
    InputError
        If there are more or fewer rows than patients, or the labels are those of other patients; if the labels are
        0, 1, 2, ... in another order and the outcome has none, so that nobody can tell which order is meant.
    """
    if len(values) != outcome.n:
        raise InputError(f"{len(values)} {what} were given for {counted(outcome.n, 'patient')}")
    index, patients = values.index, outcome.patients
    if _unlabelled(index):
        return values if patients is None else values.set_axis(patients, axis=0)
    if patients is None:
        if index.inferred_type == "integer" and np.array_equal(np.sort(index), np.arange(outcome.n)):
            raise InputError(
                f"the index of the {what} is 0 to {outcome.n - 1} in another order, and the outcome has no index",
                fix=f"sort the {what} with sort_index(), or pass to_numpy() if their rows are in the outcome's order",
            )
        return values
    if index.equals(patients):
        return values
    absent = patients[~patients.isin(index)]
    if len(absent) or not index.is_unique:
        raise InputError(
            f"the {what} are of other patients than the outcome: "
            + (
                f"{part(len(absent), outcome.n, 'patient', 'are')} absent"
                if len(absent)
                else "some are repeated"
            ),
            where=listing(absent if len(absent) else index[index.duplicated()].unique()),
            fix=f"give the {what} the outcome's index, or pass to_numpy() if their rows are in the outcome's order",
        )
    return values.reindex(patients)


def _unlabelled(index: pd.Index) -> bool:
    return isinstance(index, pd.RangeIndex) and index.equals(pd.RangeIndex(len(index)))
