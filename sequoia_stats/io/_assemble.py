"""From expression and a clinical table to a cohort: the last steps of every reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import pandas as pd

from sequoia_base.flow import Flow
from sequoia_base.missing import DASHES, is_missing, without_missing
from sequoia_stats.errors import InputError, listing, part
from sequoia_stats.io._covariates import canonical_names, parse_covariates
from sequoia_stats.io._event_words import unknown_events
from sequoia_stats.io._ids import refuse_written_otherwise
from sequoia_stats.io._time_and_event import (
    as_options,
    codes_of_missing_times,
    event_values,
    make_outcome,
    note_implausible,
    parse_event,
    parse_time,
)
from sequoia_stats.types.cohort import Cohort
from sequoia_stats.types.covariates import TextOrigin
from sequoia_stats.types.outcome import Outcome

#: Names that a cohort file uses itself.
_RESERVED = ("time", "event", "patient_id", "_index", "", ".")
#: Words for unknown that may stand for "not dead", "none found" or "negative".
_MAY_BE_NO = DASHES | {"nd", "n/d", "n.d", "n.d.", "none"}


@dataclass(frozen=True)
class Endpoint:
    """Where an endpoint is in a clinical table.

    Parameters
    ----------
    name : str
        What the event is: OS, PFI, RFS, ...
    time, event : str
        Columns.
    unit : {"days", "months", "years"}
        Unit of the times.
    event_value : str or sequence of str, optional
        The values that mean the event, if codes are not 0/1.
    word_code : callable, optional
        Gives 1 or 0 for a word that the format itself defines, None for others.
    """

    name: str
    time: str
    event: str
    unit: str
    event_value: str | Sequence[str] | None = None
    word_code: Callable[[str], float | None] = lambda text: None


def assemble(
    expression: pd.DataFrame,
    clinical: pd.DataFrame,
    ids: pd.Series,
    endpoint: Endpoint,
    *,
    where: str,
    flow: Flow,
    covariates: Sequence[str] | None = None,
    drop_invalid: bool = False,
    missing: Collection[str] = (),
    id_fix: str = "give the patients the same ids in both",
    categorical: Collection[str] = (),
    origin: TextOrigin = "file",
    **provenance: object,
) -> Cohort:
    """Join on the patient, decode outcome and covariates, and count every loss.

    Parameters
    ----------
    expression : DataFrame of shape (patients, genes)
        Index and columns unique.
    clinical : DataFrame
        Texts or numbers, also texts that mean a missing value; index = row of the file.
    ids : Series
        Patient id of each row of `clinical`, unique.
    endpoint : Endpoint
        Columns and unit of the outcome.
    where : str
        The clinical file, for errors.
    flow : Flow
        Ledger so far; lines are added.
    covariates : sequence of str, optional
        Columns to keep, by their own or their canonical name; by default all but those of the outcome.
    drop_invalid : bool, default False
        Drop patients without a usable outcome rather than stop.
    missing : collection of str, optional
        Texts that mean a missing value, besides those of `is_missing`.
    id_fix : str, optional
        What to do if no patient is in both tables.
    categorical : collection of str, optional
        Covariates whose numbers are codes of levels.
    origin : {"file", "anndata"}
        Where the texts of `clinical` come from.
    **provenance
        Further fields of `Cohort`.

    Returns
    -------
    Cohort
        Patients in the order of `expression`.

    Raises
    ------
    InputError
        If no patient is in both tables, a covariate is missing, or a value cannot be read.
    """
    rows = pd.Series(ids.index, index=ids.to_numpy(dtype=object))
    joined = _joined(expression.index, rows.index, where, id_fix, flow)
    columns = [str(column) for column in clinical if column not in (endpoint.time, endpoint.event)]
    if covariates is not None:
        columns = clinical_columns(columns, covariates, where)
    else:
        _note_copies(columns, flow)
    kept = clinical.loc[rows[joined], [endpoint.time, endpoint.event, *columns]]
    outcome, patients = decode_outcome(
        kept, joined, endpoint, missing, where, drop_invalid=drop_invalid, flow=flow
    )
    raw = kept.loc[rows[patients], columns].set_axis(patients, axis=0)
    decoded, readings = parse_covariates(raw, flow, categorical=categorical, origin=origin, missing=missing)
    reserved = [column for column in decoded if column in _RESERVED]
    if reserved:
        n = decoded.shape[1]
        reason = f"{listing(map(repr, reserved))}: reserved names"
        flow.add("covariates", n, n - len(reserved), reason)
    return Cohort(
        expression=expression.loc[patients],
        outcome=outcome,
        covariates=decoded.drop(columns=reserved),
        readings=readings,
        flow=flow.to_frame(),
        **provenance,  # type: ignore[arg-type]
    )


def _joined(expression: pd.Index, clinical: pd.Index, where: str, id_fix: str, flow: Flow) -> pd.Index:
    """The patients of both tables, in the order of the expression; the others are counted."""
    joined = expression[expression.isin(clinical)]
    refuse_written_otherwise(expression, clinical, where)
    if joined.empty:
        raise InputError(
            "no patient is in both tables",
            where=f"{where}: ids such as {listing(clinical, 3)}; expression: {listing(expression, 3)}",
            fix=id_fix,
        )
    n_expression, n_clinical, n = len(expression), len(clinical), len(joined)
    flow.add("patients: expression", n_expression, n, f"{n_expression - n} have no clinical data")
    flow.add("patients: clinical data", n_clinical, n, f"{n_clinical - n} have no expression")
    return joined


def decode_outcome(
    table: pd.DataFrame,
    patients: pd.Index,
    endpoint: Endpoint,
    missing: Collection[str],
    where: str,
    *,
    drop_invalid: bool,
    flow: Flow,
) -> tuple[Outcome, pd.Index]:
    """The outcome in the columns of an endpoint, and the patients who have one.

    Parameters
    ----------
    table : DataFrame of n rows
        Texts or numbers, no identifiers; index = row of the file.
    patients : Index
        Who the rows are, unique.
    endpoint : Endpoint
        Columns and unit of the outcome.
    missing : collection of str
        Texts that mean a missing value, besides those of `is_missing`.
    where : str
        The file, for errors.
    drop_invalid : bool
        Drop patients without a usable outcome rather than stop.
    flow : Flow
        Takes lines for what was taken as missing and as the event, and for every loss.

    Raises
    ------
    InputError
        If a value cannot be read, or a patient has no usable outcome and `drop_invalid` is False.
    """
    event_value = None if endpoint.event_value is None else event_values(endpoint.event_value)
    known = known_values(table, endpoint.time, endpoint.event, missing, flow, declared=event_value or ())
    times = parse_time(known[endpoint.time], endpoint.unit, f"{where}, column {endpoint.time!r}")
    place = f"{where}, column {endpoint.event!r}"
    events, note = parse_event(
        known[endpoint.event], place, endpoint.event_value, endpoint.word_code, endpoint.name
    )
    _ask_about_events_alone(table[endpoint.event], events, missing, place)
    if note:
        flow.add("outcome: event", len(patients), len(patients), note)
    outcome, kept = make_outcome(
        times.set_axis(patients), events.set_axis(patients), endpoint.name,
        where=f"{where}, columns {endpoint.time!r} and {endpoint.event!r}",
        drop_invalid=drop_invalid, flow=flow,
    )  # fmt: skip
    note_implausible(outcome, endpoint.unit, flow)
    return outcome, kept


def _ask_about_events_alone(
    given: pd.Series, events: pd.Series, missing: Collection[str], where: str
) -> None:
    """Refuse a column without censored times whose words for unknown are many, or may mean "no": ND beside D."""
    texts = given[events.isna() & given.notna()].map(lambda value: str(value).strip()).astype("string")
    declared = {text.lower() for text in missing}
    unknown = texts[(texts != "") & ~texts.str.lower().isin(declared)]
    n_events = int((events == 1).sum())
    doubtful = len(unknown) >= n_events or unknown.str.lower().isin(_MAY_BE_NO).any()
    if unknown.empty or not n_events or (events == 0).any() or not doubtful:
        return
    found = unknown.value_counts()
    beside = listing(f"{text!r} ({n})" for text, n in found.items())
    raise InputError(
        f"no patient is censored: {part(n_events, len(events), 'patient', 'have')} the event, and "
        f"beside it there {'is' if len(found) == 1 else 'are'} only {beside}",
        where=where,
        fix=f"if this means that the outcome is unknown, give {as_options('missing', found.index)} to say so; "
        "if it means no event, write the value of the censored in its place in the file",
    )


def known_values(
    table: pd.DataFrame,
    time: str,
    event: str,
    missing: Collection[str],
    flow: Flow,
    *,
    declared: Collection[str] = (),
) -> pd.DataFrame:
    """The table with NaN for the texts that mean a missing value; the ledger lists them.

    Parameters
    ----------
    table : DataFrame
        Values, no identifiers.
    time, event : str
        The columns of times and events. A number in `missing` is a time wherever it can be one; the ledger says so.
    missing : collection of str
        Further texts with this meaning.
    flow : Flow
        Takes a line if there are any but empty ones.
    declared : collection of str, optional
        Values that mean the event.
    """
    table, words, columns = table.copy(), Counter[str](), {}
    for name in table:
        also = list(missing)
        if name == time:
            also = codes_of_missing_times(table[name], missing)
            _note_times(table[name], set(missing) - set(also), flow)
        elif name == event:
            also += [
                text for text in unknown_events(set(map(str, table[name].dropna()))) if text not in declared
            ]
        table[name], found = without_missing(table[name], also, among_numbers=True if name == time else None)
        found.pop("", None)
        if found:
            words.update(found)
            columns[name] = sum(found.values())
    if words:
        taken = listing(f"{word!r} ({n})" for word, n in words.most_common())
        places = listing(f"{name} ({n})" for name, n in columns.items())
        flow.add(
            "values: missing",
            table.size,
            table.size - words.total(),
            f"taken as missing: {taken}; in {places}",
        )
    return table


def _note_times(times: pd.Series, numbers: Collection[str], flow: Flow) -> None:
    """A line in the ledger for times that are numbers which mean a missing value in other columns."""
    taken = times[times.map(lambda value: is_missing(str(value), numbers) and not is_missing(str(value)))]
    if len(taken):
        values = listing(f"{value} ({n})" for value, n in taken.value_counts().items())
        flow.add("outcome: time", len(times), len(times), f"taken as times, not as missing: {values}")


def clinical_columns(header: Sequence[str], wanted: Sequence[str], where: str) -> list[str]:
    """The columns of the wanted covariates, given by their own or their canonical names."""
    canonical = {name: column for column, name in canonical_names(header).items()}
    columns = [name if name in header else canonical.get(name, name) for name in wanted]
    for column in columns:
        if copies := _copies(column, header):
            what = f"the column {column!r} is duplicated in the table: {listing(map(repr, copies))}"
            raise InputError(what, where=where, fix="rename or remove all but one of them")
    absent = [column for column in columns if column not in header]
    if absent:
        raise InputError(
            f"the table has no column for {listing(absent)}",
            where=f"{where}; its columns are {listing(header, 30) or 'those of the outcome only'}",
            fix="name some of its columns with --covariates",
        )
    return list(dict.fromkeys(columns))


def _copies(name: str, header: Sequence[str]) -> list[str]:
    """Further columns of the same name, as the file, `read_table`, or pandas and R call them: age, age (2), age.1."""
    again = [name] * (list(header).count(name) - 1)
    return again + [other for other in (f"{name} (2)", f"{name}.1") if other in header]


def _note_copies(columns: Sequence[str], flow: Flow) -> None:
    """A line in the ledger for names that several columns have."""
    twice = {name: copies for name in columns if (copies := _copies(name, columns))}
    if twice:
        said = "; ".join(f"{name!r} is there again as {listing(map(repr, twice[name]))}" for name in twice)
        flow.add("covariates: duplicated names", len(columns), len(columns), said)
