"""Times and events as they are written in files: units, codes and missing values; nothing is guessed."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError, counted, listing, part
from sequoia_stats.types.outcome import MONTH_DAYS, Outcome

#: Months in one unit of time.
TIME_UNITS = {"days": 1 / MONTH_DAYS, "months": 1.0, "years": 12.0}
_CODES = {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0}
_LABELLED = re.compile(r"([01])(?:\.0)?\s*:.*")
_CENSORSHIP = re.compile(r"(?:.*[^a-z])?(?:censorship|censored|censoring)(?:[^a-z].*)?", re.IGNORECASE)
_UNCLEAR = re.compile(r"(?:.*[^a-z])?(?:censor|cens|cnsr)(?:[^a-z].*)?", re.IGNORECASE)


def parse_time(times: pd.Series, unit: str, where: str) -> pd.Series:
    """Times in months of 365.25/12 days; NaN where missing.

    Parameters
    ----------
    times : Series
        Texts or numbers; the index is named in errors.
    unit : {"days", "months", "years"}
        Unit of the file.
    where : str
        File and column, for errors.

    Raises
    ------
    InputError
        If the unit is unknown, or a time is not a finite number.
    """
    if unit not in TIME_UNITS:
        raise InputError(f"{unit!r} is not a valid unit of time", fix=f"--time-unit {'|'.join(TIME_UNITS)}")
    numbers = pd.to_numeric(times, errors="coerce").astype(np.float64)
    odd = (numbers.isna() & times.notna()) | np.isinf(numbers)
    if odd.any():
        raise InputError(
            f"{counted(odd.sum(), 'time is', 'times are')} not numeric: {listing(times[odd].unique())}",
            where=_place(where, odd),
        )
    return numbers / MONTH_DAYS if unit == "days" else numbers * TIME_UNITS[unit]


def parse_event(events: pd.Series, where: str, event_value: str | None = None) -> tuple[pd.Series, str]:
    """Events as 1 (seen), 0 (censored) or NaN (missing), and how unusual codes were read.

    Parameters
    ----------
    events : Series
        Texts or numbers. The name shows whether 1 is the event (status) or its absence (censorship).
    where : str
        File and column, for errors.
    event_value : str, optional
        The value that means the event; every other value then means none.

    Returns
    -------
    events : Series
        float64.
    note : str
        For the ledger; empty for the usual codes.

    Raises
    ------
    InputError
        If codes are neither 0/1, true/false, "1:..."/"0:...", nor declared by `event_value`.
    """
    name, present = str(events.name), events.notna()
    texts = events[present].astype(str).str.strip()
    result = pd.Series(np.nan, index=events.index)
    if event_value is not None:
        hit = texts.map(lambda text: _same(text, event_value))
        if len(hit) and not hit.any():
            what = f"no patient has the event value {event_value!r}; the values are {listing(texts.unique())}"
            raise InputError(what, where=where, fix="give one of them with --event-value")
        result[present] = hit.astype(np.float64)
        return result, f"event where {name} is {event_value!r}"
    if _UNCLEAR.fullmatch(name):
        what = f"the column {name!r} does not say whether 1 is an event or a censored time"
        raise InputError(what, where=where, fix="say which value is the event with --event-value")
    inverted = bool(_CENSORSHIP.fullmatch(name))
    codes = texts.map(lambda text: _code(text, labels=not inverted)).astype(np.float64)
    if codes.isna().any():
        odd = present & ~events.index.isin(codes.index[codes.notna()])
        raise InputError(
            f"{counted(odd.sum(), 'event is', 'events are')} neither 0 nor 1: {listing(texts[codes.isna()].unique())}",
            where=_place(where, odd),
            fix="say which value is the event with --event-value",
        )
    result[present] = 1 - codes if inverted else codes
    return result, f"event = 1 - {name}" if inverted else ""


def make_outcome(
    time: pd.Series, event: pd.Series, endpoint: str, *, where: str, drop_invalid: bool, flow: Flow
) -> tuple[Outcome, pd.Index]:
    """Join times and events; patients without both are an error, or are dropped and counted.

    Parameters
    ----------
    time, event : Series
        Months and 0/1, NaN where missing; index = patient id.
    endpoint : str
        What the event is.
    where : str
        File and columns, for errors.
    drop_invalid : bool
        Drop patients without a positive time or without an event code, rather than stop.
    flow : Flow
        Ledger that takes a line for each reason of a loss.

    Returns
    -------
    outcome : Outcome
    patients : Index
        Those of the outcome, in the given order.

    Raises
    ------
    InputError
        If a patient has no usable outcome and `drop_invalid` is False, or if no patient is left.
    """
    losses = {
        "time missing": time.isna(),
        "time not positive": time <= 0,
        "event missing": event.isna() & (time > 0),
    }
    found = {reason: time.index[lost] for reason, lost in losses.items() if lost.any()}
    if found and not drop_invalid:
        lists = "; ".join(f"{reason}: {listing(patients)}" for reason, patients in found.items())
        n = sum(len(patients) for patients in found.values())
        raise InputError(
            f"{part(n, len(time), 'patient', 'have')} no usable {endpoint} ({lists})",
            where=where,
            fix="check unit and columns, or drop these patients with --drop-invalid",
        )
    kept = time.index
    for reason, patients in found.items():
        remaining = kept.difference(patients, sort=False)
        flow.add(f"patients: usable {endpoint}", len(kept), len(remaining), reason)
        kept = remaining
    if kept.empty:
        raise InputError(f"no patient has a usable {endpoint}", where=where, fix="check unit and columns")
    return Outcome(time[kept].to_numpy(), event[kept].to_numpy() == 1, endpoint), kept


def _code(text: str, *, labels: bool) -> float:
    if labels and (labelled := _LABELLED.fullmatch(text)):
        return float(labelled[1])
    return _CODES.get(text.lower().removesuffix(".0"), np.nan)


def _same(text: str, value: str) -> bool:
    value = str(value).strip()
    try:
        return text == value or float(text) == float(value)
    except ValueError:
        return False


def _place(where: str, odd: pd.Series) -> str:
    return f"{where}, {odd.index.name or 'patient'}s {listing(odd.index[odd])}"
