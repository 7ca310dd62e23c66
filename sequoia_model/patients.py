"""Tables of slides and their patients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sequoia_base.missing import is_missing
from sequoia_base.names import bare_slide, refuse_open_quotes
from sequoia_base.tables import find_column, read_table
from sequoia_model.errors import InputError, counted, listing

if TYPE_CHECKING:
    import pandas as pd

#: What tables call their columns; the first one found is used. A barcode comes before a ``case_id``, which the
#: GDC fills with identifiers of its own.
PATIENT_COLUMNS = {
    "slide": ("slide", "slide_id", "wsi_file_name", "filename"),
    "patient_id": ("patient_id", "patient", "submitter_id", "case_id"),
    "cohort": ("cohort", "cancer", "tcga_project", "project"),
    "site": ("site", "tissue_source_site"),
}


def known_patients(given: str | Path | Mapping[str, str] | None) -> dict[str, str] | None:
    """The patients that a user gives, as a mapping or a table of slides; None if none are given.

    Parameters
    ----------
    given : path or mapping of str to str, optional
        Slide to patient, or a table that `read_patients` reads.

    Returns
    -------
    dict of str to str
        Slide, without endings such as ``.svs``, to patient.

    Raises
    ------
    InputError
        As `read_patients`.
    """
    if given is None:
        return None
    if isinstance(given, Mapping):
        return {bare_slide(slide): patient for slide, patient in given.items()}
    return read_patients(given)


def read_patients(path: str | Path) -> dict[str, str]:
    """The patient of every slide in a table.

    Parameters
    ----------
    path : path
        A CSV or TSV with a column ``slide``, ``slide_id``, ``wsi_file_name`` or ``filename``, and a column
        ``patient_id``, ``patient``, ``submitter_id`` or ``case_id``. If there are several, the one named first here is
        read.

    Returns
    -------
    dict of str to str
        Slide, without endings such as ``.svs``, to patient.

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing, an id is empty, or a slide has two patients.
    """
    table = read_patient_table(path)
    if "slide" not in table:
        raise InputError(
            "there is no column of slides",
            where=f"{path}; it needs one of {listing(PATIENT_COLUMNS['slide'])}",
        )
    return one_value_each(
        zip(table["slide"].map(bare_slide), table["patient_id"], strict=True), "slide", path
    )


def read_patient_table(path: str | Path) -> pd.DataFrame:
    """The columns slide, patient_id, cohort and site of a table, if it has them, as texts.

    Raises
    ------
    InputError
        If the file cannot be read, no column names patients, or the id of a patient or slide is empty.
    """
    return patient_columns(read_table(path, missing=()), path)


def patient_columns(texts: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    """The columns slide, patient_id, cohort and site of a table that was read, under these names.

    Raises
    ------
    InputError
        If no column names patients, or the id of a patient or slide is empty or half quoted.
    """
    titles = [title.lower() for title in texts.columns]
    chosen = {
        column: titles.index(names[0])
        for column, aliases in PATIENT_COLUMNS.items()
        if (names := [alias for alias in aliases if alias in titles])
    }
    if "patient_id" not in chosen:
        raise InputError(
            f"there is no column of patients; the columns are {listing(texts.columns)}",
            where=f"{path}; it needs one of {listing(PATIENT_COLUMNS['patient_id'])}",
        )
    table = texts.iloc[:, list(chosen.values())].set_axis(list(chosen), axis=1)
    for column in table.columns.intersection(["slide", "patient_id"]):
        empty = table.index[table[column] == ""]
        if len(empty):
            raise InputError(
                f"{counted(len(empty), 'row has', 'rows have')} no {column.removesuffix('_id')}",
                where=f"{path}, column {texts.columns[chosen[column]]!r}, rows {listing(empty)}",
            )
        refuse_open_quotes(table[column], f"{path}, column {texts.columns[chosen[column]]!r}")
    return table


def read_patient_column(path: str | Path, title: str) -> dict[str, str]:
    """A column of a table by patient, as texts.

    Parameters
    ----------
    path : path
        A CSV or TSV with a column of patients (`read_patients`); a patient may have several rows that agree.
    title : str
        Title of the column.

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing, or a patient has two values.
    """
    texts = read_table(path, missing=())
    patients = patient_columns(texts, path)["patient_id"]
    values = texts.iloc[:, find_column(list(texts.columns), title, path)]
    return one_value_each(zip(patients, values, strict=True), "patient", f"{path}, column {title!r}")


def read_patient_events(path: str | Path) -> dict[str, str]:
    """The column ``event`` or ``events`` of a table by patient: 1 if the patient had the event, 0 if not.

    Parameters
    ----------
    path : path
        As in `read_patient_column`.

    Raises
    ------
    InputError
        As `read_patient_column`, or if a value is neither 0 nor 1 nor missing.
    """
    titles = list(read_table(path, missing=()).columns)
    title = "events" if "events" in titles and "event" not in titles else "event"
    events = read_patient_column(path, title)
    other = {
        patient: text for patient, text in events.items() if not is_missing(text) and text not in _EVENTS
    }
    if other:
        raise InputError(
            f"{counted(len(other), 'event is', 'events are')} neither 0 nor 1",
            where=f"{path}, column {title!r}: {listing(f'{patient} ({text!r})' for patient, text in other.items())}",
            fix="write 1 for patients who had the event, 0 for the others",
        )
    return {patient: _EVENTS.get(text, "") for patient, text in events.items()}


#: How tables write that there was an event, or none.
_EVENTS = {"0": "0", "0.0": "0", "1": "1", "1.0": "1"}


def one_value_each(pairs: Iterable[tuple[str, str]], noun: str, where: object) -> dict[str, str]:
    """A dictionary from pairs, in which every name has one value.

    Parameters
    ----------
    pairs : iterable of tuple of two str
        Names and values; a pair may be repeated.
    noun : str
        What the names are of, for the error: "slide".
    where : object
        Where the pairs are from.

    Raises
    ------
    InputError
        If a name has two values.
    """
    found: dict[str, str] = {}
    several: dict[str, str] = {}
    for name, value in pairs:
        if found.setdefault(name, value) != value:
            several.setdefault(name, f"{name} ({found[name] or 'none'}, {value or 'none'})")
    if several:
        raise InputError(
            f"{counted(len(several), f'{noun} has', f'{noun}s have')} rows that contradict each other",
            where=f"{where}: {listing(several.values())}",
        )
    return found
