"""Times and events as they are written in files: units, codes and missing values; nothing is guessed."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable, Sequence

import numpy as np
import pandas as pd

from sequoia_base.decimals import with_points
from sequoia_base.flow import Flow
from sequoia_base.names import refuse_open_quotes
from sequoia_stats.errors import InputError, counted, listing, part
from sequoia_stats.io._event_header import one_means
from sequoia_stats.io._event_words import (
    code_and_label,
    contradictions,
    explains_itself,
    labelled_code,
    may_mean_the_same,
)
from sequoia_stats.types.durations import MONTH_DAYS, without_own_unit
from sequoia_stats.types.outcome import Outcome

#: Months in one unit of time.
TIME_UNITS = {"days": 1 / MONTH_DAYS, "months": 1.0, "years": 12.0}
#: Codes of an event column up to the first are states; those from the second on often mean unknown (9, 88, 99).
_MOST_STATES, _UNKNOWN_FROM = 5, 8
_CODES = {"false": 0.0, "true": 1.0}
_ASK = "say which value is the event with --event-value"
#: Follow-up that hardly any cohort exceeds, in years: the median by endpoint, and the longest. METABRIC has a median of
#: 10 for OS and 8 for RFS, and 32 at most; the 33 cancers of TCGA 4 and 31. A few old series have 20 for OS.
_LONGEST_MEDIAN = {"OS": 20, "DSS": 20, "BCSS": 20, "CSS": 20, "PFS": 10, "PFI": 10, "TTP": 10}
_LONGEST_OTHER_MEDIAN, _LONGEST = 15, 35
#: A cohort in which nobody is followed for so many years; years taken as months look so. In TCGA it is 5 at least.
_SHORTEST = 2


def parse_time(times: pd.Series, unit: str, where: str) -> pd.Series:
    """Times in months of 365.25/12 days; NaN where missing.

    Parameters
    ----------
    times : Series
        Texts or numbers; the index is named in errors. Durations (`timedelta`) have a unit of their own.
    unit : {"days", "months", "years"}
        Unit of the file.
    where : str
        File and column, for errors.

    Raises
    ------
    InputError
        If the unit is unknown, or a time is a date or not a finite number.
    """
    if unit not in TIME_UNITS:
        raise InputError(f"{unit!r} is not a valid unit of time", fix=f"choose {'|'.join(TIME_UNITS)}")
    try:
        given = without_own_unit(times)
    except InputError as error:
        error.where = where
        raise
    if given.dtype.kind == "f" and np.asarray(times).dtype != given.dtype:  # they were durations
        return pd.Series(given, times.index, name=times.name)
    numbers = pd.to_numeric(with_points(times), errors="coerce").astype(np.float64)
    truths = times.map(lambda value: isinstance(value, bool | np.bool_))
    odd = ((numbers.isna() | truths) & times.notna()) | np.isinf(numbers)
    if odd.any():
        raise InputError(
            f"{counted(odd.sum(), 'time is', 'times are')} not numeric: {listing(times[odd].unique())}",
            where=_place(where, times[odd]),
            fix=f"write the number of {unit} alone, with a point for a fraction; name a word that means a missing "
            "time with --missing",
        )
    return numbers / MONTH_DAYS if unit == "days" else numbers * TIME_UNITS[unit]


def parse_event(
    events: pd.Series,
    where: str,
    event_value: str | Sequence[str] | None = None,
    word_code: Callable[[str], float | None] = lambda text: None,
    endpoint: str = "",
) -> tuple[pd.Series, str]:
    """Events as 1 (seen), 0 (censored) or NaN (missing), and how unusual codes were read.

    Parameters
    ----------
    events : Series
        Texts or numbers. The name shows whether 1 is the event (status) or its absence (censorship).
    where : str
        File and column, for errors.
    event_value : str or sequence of str, optional
        The values that mean the event; every other value then means none, whatever the name says. Numbers will do.
        "1" or "DECEASED" stands for "1:DECEASED".
    word_code : callable, optional
        Gives 1 or 0 for a word that the format defines, None for others.
    endpoint : str, optional
        What the event is. For OS a death of any cause may be the event.

    Returns
    -------
    events : Series
        float64.
    note : str
        For the ledger: what was read as the event, and how often; empty for the usual codes.

    Raises
    ------
    InputError
        If codes are neither 0/1, true/false, "1:..."/"0:...", words of the format, nor declared by `event_value`; if
        the name leaves open what 1 means; if a value that is not declared may mean the event too.
    """
    name, present = str(events.name), events.notna()
    texts = with_points(events[present].map(lambda value: str(value).strip()))
    result = pd.Series(np.nan, index=events.index)
    if event_value is not None:
        seen, meaning = _declared(texts, event_values(event_value), name, where, endpoint)
    else:
        seen, meaning = _coded(texts, name, where, word_code)
    result[present] = seen
    if not meaning:
        return result, ""
    others = f"; taken as censored: {_with_counts(texts[seen == 0])}" if (seen == 0).any() else ""
    return result, f"{meaning}: {part(int(seen.sum()), len(texts), 'patient', 'have')} it{others}"


def event_values(given: str | Iterable[str]) -> list[str]:
    """The declared values as texts: one, or several."""
    several = isinstance(given, Iterable) and not isinstance(given, str)
    return [str(value) for value in (given if several else [given])]


def codes_of_missing_times(times: pd.Series, missing: Collection[str]) -> list[str]:
    """Those of the texts for missing values that mean this among times.

    A number that can be a time does so only where it is clearly a code: nines alone (99, 999), longer than every other
    time, and found twice or more than twice as long. 9 may stand for an unknown event and is a time of 9 months too.

    Parameters
    ----------
    times : Series
        Texts or numbers.
    missing : collection of str
        Texts that mean a missing value, for all columns.
    """
    numbers = pd.to_numeric(with_points(times), errors="coerce").dropna()
    return [text for text in missing if not _may_be_time(text, numbers)]


def _may_be_time(text: str, times: pd.Series) -> bool:
    try:
        value = float(text)
    except ValueError:
        return False
    if not value > 0:
        return False
    others, n = times[times != value], int((times == value).sum())
    nines = value >= 99 and set(f"{value:g}") == {"9"}
    return not (nines and value > others.max() and (n > 1 or value > 2 * others.max()))


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


def note_implausible(outcome: Outcome, unit: str, flow: Flow) -> None:
    """Add a line to the ledger if the times are longer or shorter than those of almost any cohort, as in a wrong unit.

    What is usual depends on the endpoint: progression is seen sooner than death.

    Parameters
    ----------
    outcome : Outcome
        Times in months.
    unit : {"days", "months", "years"}
        Unit that the times were taken to have.
    flow : Flow
        Ledger.
    """
    median, longest = np.median(outcome.time) / 12, outcome.time.max() / 12
    if longest > _LONGEST or median > _LONGEST_MEDIAN.get(outcome.endpoint.upper(), _LONGEST_OTHER_MEDIAN):
        what = f"longer than almost any cohort is followed for {outcome.endpoint}"
    elif longest < _SHORTEST:
        what = f"nobody is followed for {_SHORTEST} years"
    else:
        return
    said = f"median time to event or censoring {_length(median)}, longest {_length(longest)}: {what}"
    flow.add("outcome: time", outcome.n, outcome.n, f"{said}; are the times really in {unit}?")


def _coded(
    texts: pd.Series, name: str, where: str, word_code: Callable[[str], float | None]
) -> tuple[pd.Series, str]:
    """0 and 1 by the usual codes, and what was read as the event where that needs to be said."""
    odd = texts[texts.isin(contradictions(texts.unique()))]
    if len(odd):
        what = f"the code and the label of an event contradict each other: {_with_counts(odd)}"
        raise InputError(what, where=_place(where, odd), fix=_ASK)
    one = one_means(name)
    known = {text: _code(text, one, word_code) for text in texts.unique()}
    unread = texts[texts.map(lambda text: known[text] is None)]
    if len(unread):
        raise _unread(unread, texts, name, where)
    codes = texts.map(known).astype(np.float64)
    if one == "censored":
        return codes, f"event = 1 - {name}"
    if all(word_code(text) is None for text in known):
        return codes, ""
    seen = [text for text, code in known.items() if code == 1]
    return codes, f"event where {name} is {listing(map(repr, seen)) or 'something else'}"


def _code(text: str, one: str, word_code: Callable[[str], float | None]) -> float | None:
    """The event of one text, given what 1 means in its column; None if that cannot be told."""
    code = _plain_code(text)
    if one == "censored":
        return None if code is None else 1 - code
    if code is not None:
        return code if one == "event" else None
    if one == "event" or explains_itself(text):
        code = labelled_code(text)
    return word_code(text) if code is None else code


def _plain_code(text: str) -> float | None:
    """0 or 1 for a code that stands by itself; "1?" and "<1" are none."""
    try:
        value = float(text)
    except ValueError:
        return _CODES.get(text.lower())
    return value if value in (0, 1) else None


def _unread(unread: pd.Series, texts: pd.Series, name: str, where: str) -> InputError:
    """Why some events cannot be read: a header that leaves their meaning open, or other codes."""
    odd = unread[unread.map(lambda text: _plain_code(text) is None and labelled_code(text) is None)]
    if len(odd):
        codes = _unknown_codes(texts, odd)
        if len(codes) == len(odd):
            return _ask_about_codes(codes, where, texts[texts.map(_plain_code) == 1].unique()[:1])
        what = f"{counted(len(odd), 'event is', 'events are')} neither 0 nor 1: {listing(odd.unique())}"
        return InputError(what, where=_place(where, odd), fix=_ASK)
    what = f"the column {name!r} does not say whether 1 is an event or a censored time"
    return InputError(f"{what}; its values are {_with_counts(texts)}", where=where, fix=_ASK)


def _declared(
    texts: pd.Series, wanted: Sequence[str], name: str, where: str, endpoint: str
) -> tuple[pd.Series, str]:
    """1 for the declared values and 0 for others; refused if one of those may mean the event too."""
    if not wanted or not all(value.strip() for value in wanted):
        what = "an event value is empty" if wanted else "the list of event values is empty"
        raise InputError(what, fix="give a value of the column: --event-value VALUE")
    values = list(texts.unique())
    meant = {value: _meant(value, values) for value in wanted}
    absent = [value for value, found in meant.items() if not found]
    if len(texts) and absent:
        what = f"no patient has the event value {listing(map(repr, absent))}; the values are {_with_counts(texts)}"
        raise InputError(what, where=where, fix="give some of them with --event-value")
    seen = list(dict.fromkeys(text for found in meant.values() for text in found))
    cut = texts[texts.isin([text for text in values if text not in seen and text.count('"') % 2])]
    refuse_open_quotes(cut, _place(where, cut), "event")
    doubtful = [
        text for text in values
        if text not in seen and any(may_mean_the_same(value, text, endpoint) for value in seen)
    ]  # fmt: skip
    if doubtful:
        raise InputError(
            f"{counted(len(doubtful), 'value')} beside {listing(map(repr, wanted))} may mean the event too: "
            f"{_with_counts(texts[texts.isin(doubtful)])}",
            where=where,
            fix=f"name all that mean the event: {as_options('event-value', [*wanted, *doubtful])}; "
            "write another word in the file for those that do not",
        )
    codes = _unknown_codes(texts, texts[~texts.isin(seen)])
    if len(codes):
        raise _ask_about_codes(codes, where, wanted)
    return texts.isin(seen).astype(np.float64), f"event where {name} is {listing(map(repr, wanted))}"


def _unknown_codes(texts: pd.Series, others: pd.Series) -> pd.Series:
    """Those of `others` that often mean an unknown outcome in a column of 0, 1 and 2: 9, 99, -9 and the like."""
    numbers = pd.to_numeric(texts, errors="coerce").dropna()
    states = numbers[numbers.between(0, _MOST_STATES)]
    among_words = states.empty and len(numbers) < len(texts)
    below = (numbers < -1) | ((numbers == -1) & (among_words or states.nunique() > 1))
    codes = numbers[below | (numbers >= _UNKNOWN_FROM)]
    return others[others.index.isin(codes.index) & (len(states) + len(codes) == len(numbers))]


def _ask_about_codes(codes: pd.Series, where: str, wanted: Iterable[str]) -> InputError:
    """`wanted` are the values that mean the event so far."""
    found = codes.unique()
    return InputError(
        f"{counted(len(found), 'event value')} may mean that the outcome is unknown: {_with_counts(codes)}",
        where=_place(where, codes),
        fix=f"if so, give {as_options('missing', found)}; if they mean the event, "
        f"{as_options('event-value', [*wanted, *found])}; if neither, write the value of the censored in the file",
    )


def as_options(name: str, values: Iterable[str]) -> str:
    """An option with each of the values, to be pasted into a command."""
    return " ".join(f"--{name} {shlex.quote(value)}" for value in values)


def _meant(value: str, texts: Sequence[str]) -> list[str]:
    """The texts of a column that a declared value names: itself, or its code or label where one "1:DECEASED" has it."""
    if same := [text for text in texts if _same(text, value)]:
        return same
    labelled = [text for text in texts if any(_same(word, value) for word in code_and_label(text))]
    return labelled if len({code_and_label(text)[0] for text in labelled}) == 1 else []


def _same(text: str, value: str) -> bool:
    try:
        return text == value.strip() or float(text) == float(value)
    except ValueError:
        return False


def _with_counts(texts: pd.Series) -> str:
    """Values and how often each occurs, the most frequent first."""
    return listing(f"{text!r} ({n})" for text, n in texts.value_counts().items())


def _length(years: float) -> str:
    if years <= 1:
        return f"{12 * years:.2f} months ({years:.2f} years)"
    return f"{12 * years:.0f} months ({counted(round(years), 'year')})"


def _place(where: str, odd: pd.Series) -> str:
    return f"{where}, {odd.index.name or 'patient'}s {listing(odd.index)}"
