"""The design matrix of a regression: numbers as they are, categories as indicators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.types.alignment import align
from sequoia_stats.types.arrays import unmasked
from sequoia_stats.types.covariate_statements import refuse_unread
from sequoia_stats.types.covariates import read_covariates
from sequoia_stats.types.outcome import Outcome

#: What can describe patients; see `covariate_table`.
Covariates = pd.DataFrame | pd.Series | Mapping[str, Any] | ArrayLike
_RANK = 1e-9  # a covariate that adds less than this to the others is a combination of them
_UNREAD = "write numbers, or NaN where the value is missing"
_LEVELS = "pd.Categorical makes a level of each value"


@dataclass(frozen=True)
class Design:
    """The covariates of the patients that a model can use, as numbers.

    Parameters
    ----------
    matrix : DataFrame of shape (patients used, terms)
        float64; a column per numeric covariate and per level but the first.
    used : array of bool, shape (patients,)
        The patients without a missing covariate.
    note : str
        What was taken as missing; empty if nothing was.
    owner : tuple of str
        The covariate of every term.
    reference : dict
        The first level of every categorical covariate, which the others are compared with.
    """

    matrix: pd.DataFrame
    used: NDArray[np.bool_]
    note: str
    owner: tuple[str, ...]
    reference: Mapping[str, str]


def covariate_table(covariates: Covariates, outcome: Outcome) -> pd.DataFrame:
    """A row per patient and a column per covariate, from whatever describes them.

    Parameters
    ----------
    covariates : DataFrame, Series, mapping, structured array, or array of shape (n,) or (n, k)
        Columns without names are called x1, x2, ...
    outcome : Outcome
        The n patients.

    Raises
    ------
    InputError
        If it is not a table, or has another number of rows.
    """
    if isinstance(covariates, pd.DataFrame):
        table = covariates
    elif isinstance(covariates, pd.Series):
        table = covariates.to_frame("x1" if covariates.name is None else covariates.name)
    elif isinstance(covariates, pd.api.extensions.ExtensionArray):
        table = pd.DataFrame({"x1": covariates})
    else:
        table = _from_array(covariates)
    if len(table) != outcome.n or not table.shape[1]:
        raise InputError(
            f"covariates of shape {table.shape} cannot describe {counted(outcome.n, 'patient')}",
            fix="pass a row per patient and at least one column",
        )
    return align(table.set_axis(table.columns.map(str), axis=1), outcome, "covariates")


def make_design(covariates: pd.DataFrame, outcome: Outcome, known: NDArray[np.bool_]) -> Design:
    """Code the covariates.

    Numbers and booleans enter as they are, per unit. A category enters as R's ``factor()`` does, ordered or not: an
    indicator for each level but the first, named "covariate: level".

    Parameters
    ----------
    covariates : DataFrame of shape (n, k)
        As `covariate_table` returns it.
    outcome : Outcome
        The n patients.
    known : array of shape (n,)
        The patients of whom all else that the model needs is known.

    Raises
    ------
    InputError
        If a text among numbers has no meaning, fewer than two events are left, a covariate is infinite, constant or a
        combination of those before it, two have terms of one name, or a category has more levels than there are events.
    """
    typed, readings = read_covariates(covariates)
    refuse_unread(typed, readings, "rows of the covariates", _UNREAD, _LEVELS)
    if typed.isna().all().any():
        raise InputError(
            f"{listing(typed.columns[typed.isna().all()])} is missing for all {counted(outcome.n, 'patient')}",
            fix="leave it out",
        )
    used = typed.notna().all(axis=1).to_numpy() & known
    n_events = int(outcome.event[used].sum())
    if n_events < 2:
        raise InputError(
            f"a Cox model needs 2 events or more, but {n_events} of {outcome.n_events} are left",
            where=f"patients with a value of {listing(typed.columns)}",
        )
    terms = {str(name): _terms_of(str(name), values, n_events) for name, values in typed[used].items()}
    columns = {term: values for own in terms.values() for term, values in own.items()}
    _refuse_one_name(terms)
    matrix = pd.DataFrame(columns, index=typed.index[used])
    _refuse_useless(matrix)
    note = "; ".join(f"{name}: {reading.sentence()}" for name, reading in readings.items())
    owner = tuple(name for name, own in terms.items() for _ in own)
    levels = {
        str(name): str(values.cat.remove_unused_categories().cat.categories[0])
        for name, values in typed[used].select_dtypes("category").items()
    }
    return Design(matrix, used, note, owner, levels)


def independent_terms(design: pd.DataFrame) -> pd.Index:
    """The columns of a finite design that are neither constant nor a combination of those before them.

    Parameters
    ----------
    design : DataFrame of shape (patients, terms)
        Numbers.

    Returns
    -------
    Index
        The names of these columns, in their order.
    """
    varying = design.loc[:, _varies(design.to_numpy())]
    matrix = varying.to_numpy()
    standard = (matrix - matrix.mean(axis=0)) / matrix.std(axis=0)
    ranks = [
        np.linalg.matrix_rank(standard[:, : k + 1], tol=_RANK * len(standard)) for k in range(matrix.shape[1])
    ]
    return varying.columns[np.diff(ranks, prepend=0) > 0]


def _varies(matrix: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a column holds different numbers."""
    return np.ptp(matrix, axis=0) > 1e-12 * np.abs(matrix).max(axis=0)


def _from_array(covariates: Any) -> pd.DataFrame:
    try:
        if isinstance(covariates, Mapping):
            return pd.DataFrame(dict(covariates))
        covariates = unmasked(covariates)
        if isinstance(covariates, list) and any(isinstance(row, Mapping) for row in covariates):
            return pd.DataFrame(covariates)
        array = np.asarray(covariates)
        if array.dtype.names:
            return pd.DataFrame({name: array[name] for name in array.dtype.names})
        if array.dtype.kind in "US":  # numpy turned numbers beside texts into texts
            array = np.asarray(covariates, dtype=object)
        table = pd.DataFrame(array[:, None] if array.ndim == 1 else array)
    except (ValueError, TypeError, IndexError):
        raise InputError(
            "the covariates are not a table with a row per patient",
            fix="pass a DataFrame, a Series, or an array of shape (patients, covariates)",
        ) from None
    return table.set_axis([f"x{i + 1}" for i in range(table.shape[1])], axis=1)


def _terms_of(name: str, values: pd.Series, n_events: int) -> dict[str, NDArray[np.float64]]:
    """The columns of one covariate."""
    if not isinstance(values.dtype, pd.CategoricalDtype):
        return {name: values.to_numpy(dtype=np.float64)}
    levels = [level for level in values.cat.categories if (values == level).any()]
    if len(levels) > min(n_events, max(2, len(values) // 2)):
        raise InputError(
            f"{name} is categorical, and its {len(levels)} levels are too many for {counted(len(values), 'patient')} "
            f"with {counted(n_events, 'event')}",
            where=f"levels {listing(map(repr, levels))}",
            fix="join levels or leave the covariate out; if its values are numbers, make it numeric",
        )
    if len(levels) == 1:
        return {name: np.zeros(len(values))}
    return {f"{name}: {level}": (values == level).to_numpy(dtype=np.float64) for level in levels[1:]}


def _refuse_one_name(terms: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse covariates of which one is called as a level of another is."""
    for name, own in terms.items():
        for other, others in terms.items():
            if name != other and (both := own.keys() & others.keys()):
                raise InputError(
                    f"the covariates {name!r} and {other!r} both have a term {listing(map(repr, sorted(both)))}",
                    fix="rename one of them",
                )


def _refuse_useless(design: pd.DataFrame) -> None:
    """Refuse a column that is infinite, constant, or a combination of those before it."""
    matrix = design.to_numpy()
    if not np.isfinite(matrix).all():
        raise InputError(
            "a covariate is infinite", where=listing(design.columns[~np.isfinite(matrix).all(axis=0)])
        )
    constant = design.columns[~_varies(matrix)]
    if len(constant):
        raise InputError(
            f"{listing(constant)} is the same for all {counted(len(design), 'patient')} with every covariate",
            fix="leave it out",
        )
    redundant = design.columns.difference(independent_terms(design), sort=False)
    if len(redundant):
        raise InputError(
            f"{listing(redundant)} is a combination of the other covariates", fix="leave one of them out"
        )
