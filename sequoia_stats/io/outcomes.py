"""Outcomes alone: from clinical tables, study folders and cohort files, read as those of a cohort are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sequoia_base.flow import Flow
from sequoia_base.names import refuse_open_quotes, tcga_patient
from sequoia_base.tables import find_column, read_table
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.io import cbioportal, h5ad, tidy
from sequoia_stats.io._assemble import Endpoint, decode_outcome
from sequoia_stats.io._layout import UNNAMED, id_position, refuse_row_numbers, refuse_undivided
from sequoia_stats.io._options import EVENT_VALUE, MISSING_WORDS, Option, said
from sequoia_stats.io._readers import Reader, reader_of, refuse_foreign
from sequoia_stats.io._tables import refuse_no_id
from sequoia_stats.types.cohort import Cohort
from sequoia_stats.types.covariate_statements import texts_of
from sequoia_stats.types.outcome import Outcome

#: Lines of a cohort's ledger that concern its patients, by their first word.
_OF_PATIENTS = ("patients", "samples", "outcome", "values")


def read_outcomes(
    source: str | Path,
    *,
    format: str = "auto",
    endpoint: str | None = None,
    drop_invalid: bool = False,
    missing: Sequence[str] = (),
    flow: Flow | None = None,
    **options: Any,
) -> Outcome:
    """Read the outcome of patients from a file or folder of any known format; a table or study needs no expression.

    Parameters
    ----------
    source : path
        A clinical table; a cBioPortal study folder, or its ``data_clinical_patient.txt``; a cohort file (.h5ad).
    format : {"auto", "h5ad", "cbioportal", "tidy"}
        How to read it; "auto" recognises it by its name.
    endpoint : str, optional
        Which outcome; needed by study folders and tables.
    drop_invalid : bool, default False
        Drop patients without a usable outcome, counted in `flow`, rather than stop.
    missing : sequence of str, optional
        Texts that mean a missing value, besides those that `sequoia_base.missing.is_missing` knows.
    flow : Flow, optional
        Takes a line for every loss, and for what was read as the event.
    **options
        Options of the format (`OUTCOME_READERS`): for tables ``id_column``, ``time_column``, ``event_column``,
        ``time_unit`` and ``event_value``, as `tidy.read_tidy` takes them. None counts as not given.

    Returns
    -------
    Outcome
        In months, with the ids of its patients; TCGA barcodes are cut to the patient. Rows of one patient that agree,
        such as those of several slides, are one.

    Raises
    ------
    InputError
        If the source is not recognised or cannot be read, an option is missing or not one of its format, a patient has
        two outcomes, or one has none and `drop_invalid` is False.
    """
    path = Path(source)
    reader = reader_of(path, format, OUTCOME_READERS)
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        refuse_foreign(name, reader, OUTCOME_READERS, str(path))
    return reader.read(
        path, endpoint=endpoint, drop_invalid=drop_invalid, missing=texts_of(missing, "missing"),
        flow=Flow() if flow is None else flow, **given,
    )  # fmt: skip


def _read_table(
    path: Path,
    *,
    endpoint: str | None,
    drop_invalid: bool,
    missing: Sequence[str],
    flow: Flow,
    id_column: str | None = None,
    time_column: str | None = None,
    event_column: str | None = None,
    time_unit: str | None = None,
    event_value: str | Sequence[str] | None = None,
) -> Outcome:
    table, where, named = read_table(path, missing=()), str(path), id_column
    header = list(table.columns)
    refuse_undivided(header, where)
    if not id_column and header[0] in UNNAMED:
        id_column = header[id_position(header, None, where)]
    ids, time, event, unit, name = said(
        [path], id_column=id_column, time_column=time_column, event_column=event_column, time_unit=time_unit,
        endpoint=endpoint,
    )  # fmt: skip
    for option, column in {"--time-column": time, "--event-column": event}.items():
        find_column(header, column, where, f"name one of its columns with {option}")
    identifier = table.iloc[:, id_position(header, ids, where)]
    refuse_row_numbers(identifier, named, where)
    place = f"{where}, column {identifier.name!r}"
    refuse_no_id(identifier, place)
    refuse_open_quotes(identifier, place)
    patients = identifier.map(tcga_patient)
    rows = _one_row_each(table[[time, event]], patients, where, flow)
    found = Endpoint(name, time, event, unit, event_value)
    return _labelled(rows, patients[rows.index], found, missing, where, drop_invalid, flow)


def _read_study(
    path: Path,
    *,
    endpoint: str | None,
    drop_invalid: bool,
    missing: Sequence[str],
    flow: Flow,
    event_value: str | Sequence[str] | None = None,
) -> Outcome:
    table, file, found = cbioportal.read_study_endpoint(path, endpoint, event_value)
    rows = table[[found.time, found.event]]
    return _labelled(rows, table["PATIENT_ID"], found, missing, str(file), drop_invalid, flow)


def _read_h5ad(
    path: Path,
    *,
    endpoint: str | None,
    drop_invalid: bool,
    missing: Sequence[str],
    flow: Flow,
    event_value: str | Sequence[str] | None = None,
) -> Outcome:
    cohort = h5ad.read_cohort_h5ad(
        path, endpoint=endpoint, drop_invalid=drop_invalid, missing=missing, event_value=event_value,
        identifiers="as-they-are",
    )  # fmt: skip
    return outcome_of_cohort(cohort, flow)


#: The formats of outcomes, the particular before the general.
OUTCOME_READERS = {
    "h5ad": Reader(h5ad.recognises, _read_h5ad, "a cohort file (.h5ad)", (EVENT_VALUE, MISSING_WORDS)),
    "cbioportal": Reader(
        lambda path: cbioportal.recognises(path) or cbioportal.is_patient_file(path),
        _read_study,
        "a cBioPortal study folder or its data_clinical_patient.txt",
        (EVENT_VALUE, MISSING_WORDS),
    ),
    "tidy": Reader(
        tidy.recognises,
        _read_table,
        "a table (.csv, .tsv or .txt, also .gz or .zip)",
        (
            Option(
                "id_column",
                "The column of patient ids; not needed where it is the first and has no title, as R writes it.",
            ),
            *(
                option
                for option in tidy.TIDY_OPTIONS
                if option.name in ("time_column", "event_column", "time_unit")
            ),
            EVENT_VALUE,
            MISSING_WORDS,
        ),
    ),
}


def outcome_of_cohort(cohort: Cohort, flow: Flow) -> Outcome:
    """The outcome of a cohort with the ids of its patients; the lines of its ledger that concern them are added."""
    flow.extend(step for step in Flow.of(cohort.flow) if step.step.startswith(_OF_PATIENTS))
    outcome = cohort.outcome
    return Outcome(outcome.time, outcome.event, outcome.endpoint, cohort.patients)


def _labelled(
    rows: pd.DataFrame,
    patients: pd.Series,
    endpoint: Endpoint,
    missing: Sequence[str],
    where: str,
    drop_invalid: bool,
    flow: Flow,
) -> Outcome:
    """The outcome in rows of the columns of an endpoint, with the ids of its patients."""
    index = pd.Index(patients.to_numpy(dtype=object))
    outcome, kept = decode_outcome(
        rows, index, endpoint, missing, where, drop_invalid=drop_invalid, flow=flow
    )
    return Outcome(outcome.time, outcome.event, outcome.endpoint, kept)


def _one_row_each(rows: pd.DataFrame, patients: pd.Series, where: str, flow: Flow) -> pd.DataFrame:
    """The first row of each patient; others must say the same (10 and 10.0 are), and are counted."""
    again = patients.duplicated()
    if not again.any():
        return rows
    numbers = rows.apply(pd.to_numeric, errors="coerce")
    other = ~pd.concat([patients, rows.where(numbers.isna(), numbers.astype(str))], axis=1).duplicated()
    kinds = pd.concat([patients, rows], axis=1)[other]
    differ = kinds[kinds.iloc[:, 0].duplicated(keep=False)]
    if len(differ):
        said_of = [f"{row} ({', '.join(cells)})" for row, *cells in differ.itertuples(name=None)]
        n = differ.iloc[:, 0].nunique()
        raise InputError(
            f"{counted(n, 'patient has', 'patients have')} two outcomes",
            where=f"{where}, rows {listing(said_of)}",
            fix="keep the rows of one of them",
        )
    flow.add(
        "rows: one per patient",
        len(rows),
        int((~again).sum()),
        f"{counted(int(again.sum()), 'row repeats', 'rows repeat')} the outcome of a patient",
    )
    return rows[~again]
