"""What is said about covariates: by the user, who declares them, and to the user, who reads what they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from numbers import Real
from shlex import quote
from typing import Any

import numpy as np
import pandas as pd

from sequoia_base.flow import Flow
from sequoia_base.missing import is_missing
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.types.covariates import MOST_CODES, NO_UNIT, PADDED, Reading, as_categorical, label

_MOST_OPTIONS = 5  # texts that a way out names one by one
_MOST_SHOWN = 12  # levels that a line names


def texts_of(value: Any, what: str) -> tuple[str, ...]:
    """The texts of an argument that takes several: of a sequence, or of one text; none for None.

    Parameters
    ----------
    value : str, sequence of str, or None
        Numbers count as texts.
    what : str
        Name of the argument, for the error.

    Raises
    ------
    InputError
        If it holds anything else.
    """
    if value is None or isinstance(value, str):
        return () if value is None else (value,)
    items = list(value) if isinstance(value, Iterable) else [value]
    if isinstance(value, pd.DataFrame | Mapping) or any(not isinstance(item, str | Real) for item in items):
        raise InputError(
            f"{what} takes texts, not a {type(value).__name__} of values",
            fix=f"pass a list of texts: {what}=[...]",
        )
    return tuple(label(item) for item in items)


def split_names(texts: Iterable[str], known: Collection[str]) -> list[str]:
    """Names of covariates, of which a text may hold several separated by commas."""
    parts = [[text] if text in known else [part.strip() for part in text.split(",")] for text in texts]
    return [name for some in parts for name in some if name]


def chosen(wanted: Collection[str], known: Mapping[str, str]) -> set[str]:
    """The covariates that ``--categorical`` names.

    Parameters
    ----------
    wanted : collection of str
        Names, or several of them separated by commas.
    known : mapping of str to str
        Each name that may be used, and the covariate it stands for.

    Raises
    ------
    InputError
        If there is no such covariate.
    """
    names = split_names(texts_of(wanted, "categorical"), known)
    if absent := [name for name in dict.fromkeys(names) if name not in known]:
        raise InputError(
            f"there is no covariate {listing(absent)} to be categorical",
            where=f"the covariates are {listing(known, 40) or 'none'}",
            fix="name some of them, or leave --categorical out",
        )
    return {known[name] for name in names}


def declared(
    covariates: pd.DataFrame,
    readings: Mapping[str, Reading],
    *,
    categorical: Collection[str] = (),
    missing: Collection[str] = (),
) -> tuple[pd.DataFrame, dict[str, Reading]]:
    """Typed covariates, after somebody has said more about them.

    Parameters
    ----------
    covariates : DataFrame of shape (patients, columns)
        Columns of float64 or Categorical.
    readings : mapping of str to Reading
        By covariate.
    categorical : collection of str
        Covariates that are categorical: their numbers, and unread texts among them, become levels.
    missing : collection of str
        Levels, unread texts and numbers that mean a missing value.

    Returns
    -------
    DataFrame, dict
        The covariates and their readings.

    Raises
    ------
    InputError
        If there is no such covariate.
    """
    levels = chosen(categorical, {str(name): str(name) for name in covariates})
    missing = texts_of(missing, "missing")
    covariates, readings = covariates.copy(), dict(readings)
    for name, column in covariates.items():
        reading, values = readings.get(str(name), Reading()), column
        said = [text for text in reading.unread if is_missing(text, missing)]
        counts = Counter(reading.missing) + Counter({text: len(reading.unread[text]) for text in said})
        unread = {text: rows for text, rows in reading.unread.items() if text not in said}
        if missing:
            gone = values.astype(object).map(lambda value: is_missing(label(value), missing)) & values.notna()
            counts += Counter(values[gone].map(label))
            values = values.mask(gone)
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = values.cat.remove_unused_categories()
        elif name in levels:
            values, unread = as_categorical(values, replace(reading, unread=unread)), {}
            reading = replace(reading, note="" if reading.note in (NO_UNIT, PADDED) else reading.note)
        covariates[name] = values
        readings[str(name)] = replace(reading, missing=dict(counts), unread=unread)
    return covariates, {name: reading for name, reading in readings.items() if reading != Reading()}


def note_readings(
    flow: Flow, covariates: pd.DataFrame, readings: Mapping[str, Reading], columns: Mapping[str, str]
) -> None:
    """Add a line for each covariate with unread texts, or numbers that are written unusually.

    Parameters
    ----------
    flow : Flow
        The ledger.
    covariates : DataFrame of shape (patients, columns)
        Typed covariates.
    readings : mapping of str to Reading
        By covariate.
    columns : mapping of str to str
        The column of a covariate, where it has another name.
    """
    for name, reading in readings.items():
        if reading.unread or reading.note:
            n = int(covariates[name].notna().sum())
            flow.add(
                f"covariate: {columns.get(name, name)}", n + reading.n_unread, n, reading.unread_sentence()
            )


def refuse_unread(
    covariates: pd.DataFrame, readings: Mapping[str, Reading], where: str, fix: str, levels: str
) -> None:
    """Refuse covariates that somebody asks for if texts among their numbers have no meaning.

    Parameters
    ----------
    covariates : DataFrame of shape (patients, columns)
        The typed covariates that are asked for.
    readings : mapping of str to Reading
        By covariate.
    where : str
        File or cohort, for the error.
    fix : str
        How to say that the texts are missing; "{options}" stands for the options that do.
    levels : str
        How to say that all values are levels, for a covariate with few values; "{name}" stands for the covariate.

    Raises
    ------
    InputError
        Naming the covariate, the texts and their rows.
    """
    for name, values in covariates.items():
        reading = readings.get(str(name), Reading())
        if not reading.unread:
            continue
        if reading.note == NO_UNIT:
            raise InputError(
                f"{name} holds dates or spans of time, not numbers",
                where=f"{where}, {name}: {listing(map(repr, reading.unread), 3)}",
                fix="turn it into numbers: spans into days, dates into the days since a fixed date; "
                f"{levels.format(name=name)}",
            )
        if reading.note == PADDED:
            raise InputError(
                f"{name} holds {PADDED} of levels",
                where=f"{where}, {name}: {listing(map(repr, reading.unread), 3)}",
                fix=f"write numbers without the zeros, or say that they are codes: {levels.format(name=name)}",
            )
        rows = listing(row for rows in reading.unread.values() for row in rows)
        options = " ".join(f"--missing {quote(text)}" for text in reading.unread)
        way_out = fix.format(options=options)
        if len(reading.unread) > _MOST_OPTIONS:
            way_out = "write them as plain numbers, or as NA, and read the table again"
        alone = values.isna().all()
        few = alone or values.nunique() + len(reading.unread) <= 2 * MOST_CODES
        raise InputError(
            f"{counted(reading.n_unread, 'value')} of the covariate {name} cannot be read as "
            f"{'a number' if reading.n_unread == 1 else 'numbers'}"
            f"{'' if alone else ', unlike the others'}: {listing(map(repr, reading.unread))}",
            where=f"{where}, {name}: {rows}",
            fix=way_out + (f"; {levels.format(name=name)}" if few else ""),
        )


def summarise(covariates: pd.DataFrame, readings: Mapping[str, Reading]) -> dict[str, dict[str, Any]]:
    """What each covariate is, as plain values.

    Parameters
    ----------
    covariates : DataFrame of shape (patients, columns)
        Columns of float64 or Categorical.
    readings : mapping of str to Reading
        By covariate.

    Returns
    -------
    dict
        By covariate: ``type`` ("numeric" or "categorical"), ``levels`` (level -> patients, None if numeric),
        ``minimum``, ``median`` and ``maximum`` (None if categorical), ``ones`` (patients with a 1, None unless all
        values are 0 or 1), ``known`` and ``missing`` (patients),
        ``taken_as_missing`` (text -> patients) and ``note``.
    """
    summaries = {}
    for name, values in covariates.items():
        reading = readings.get(str(name), Reading())
        is_category = isinstance(values.dtype, pd.CategoricalDtype)
        numbers = pd.Series(dtype=np.float64) if is_category else values.dropna()
        quantiles = [float(q) for q in numbers.quantile([0, 0.5, 1])] if len(numbers) else [None] * 3
        summaries[str(name)] = {
            "type": "categorical" if is_category else "numeric",
            "levels": {str(k): int(n) for k, n in values.value_counts(sort=False).items()}
            if is_category
            else None,
            **dict(zip(("minimum", "median", "maximum"), quantiles, strict=True)),
            "ones": int((numbers == 1).sum()) if len(numbers) and numbers.isin((0, 1)).all() else None,
            "known": int(values.notna().sum()),
            "missing": int(values.isna().sum()),
            "taken_as_missing": reading.counts(),
            "note": reading.note,
        }
    return summaries


def summary_lines(summaries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A line for each covariate of `summarise`: its type, levels or range, and what is missing."""
    width = max(map(len, summaries), default=0)
    lines = []
    for name, about in summaries.items():
        if about["type"] == "categorical":
            levels = [f"{level} ({n})" for level, n in about["levels"].items()]
            several = f"{len(levels)} levels, such as {', '.join(levels[:3])}"
            what = several if len(levels) > _MOST_SHOWN else ", ".join(levels) or "no level"
        elif about["median"] is None:
            what = "no value"
        elif (ones := about.get("ones")) is not None:
            what = f"0 ({about['known'] - ones}), 1 ({ones})"
        else:
            what = f"{about['minimum']:g} to {about['maximum']:g}, median {about['median']:g}"
        reading = Reading(about["taken_as_missing"], note=about["note"])
        said = "; ".join(filter(None, [f"{about['missing']} missing", reading.sentence()]))
        lines.append(f"{name:<{width}}  {about['type']}: {what}; {said}")
    return lines
