"""Tables of slides and their patients."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sequoia_base.code_titles import says_codes
from sequoia_base.missing import is_missing
from sequoia_base.names import bare_slide, patient_of, tcga_patient, tissue_source_site
from sequoia_base.patient_tables import PATIENT_COLUMNS, patient_columns
from sequoia_base.tables import find_column, read_table
from sequoia_model.errors import InputError, counted, listing

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


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
    table = patient_columns(read_table(path, missing=()), path)
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

    Barcodes of samples are cut to the patient; missing cohorts and sites are "", as in `read_patient_column`.

    Raises
    ------
    InputError
        If the file cannot be read, no column names patients, or the id of a patient or slide is empty.
    """
    table = patient_columns(read_table(path, missing=()), path)
    table["patient_id"] = table["patient_id"].map(whole_patient)
    for column in table.columns.intersection(["cohort", "site"]):
        table[column] = list(map(known_text, table[column], table["patient_id"]))
    return table


def read_patient_column(path: str | Path, title: str) -> dict[str, str]:
    """A column of a table by patient, as texts; "" where a value is missing.

    Parameters
    ----------
    path : path
        A CSV or TSV with a column of patients (`read_patients`); a patient may have several rows that agree. TCGA
        barcodes of samples and slides are cut to the patient.
    title : str
        Title of the column, as it is written.

    Returns
    -------
    dict of str to str
        Patient to value. Words that mean a missing value, such as NA and unknown, are "" (`known_text`).

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing, or a patient has two values.
    """
    texts = read_table(path, missing=())
    owners = patient_columns(texts, path)["patient_id"].map(whole_patient)
    place = find_column(list(texts.columns), title, path, written_as(title, texts.columns))
    pairs = zip(owners, map(known_text, texts.iloc[:, place], owners), strict=True)
    return one_value_each(pairs, "patient", f"{path}, column {title!r}")


def known_text(text: str, patient: str = "") -> str:
    """A value of a patient, or "" if its text means that it is missing.

    Parameters
    ----------
    text : str
        As in the table.
    patient : str, optional
        Whose it is. NA and ND are also tissue source sites of TCGA, which barcodes confirm.

    Examples
    --------
    >>> known_text("[Not Available]"), known_text("NA"), known_text("NA", "TCGA-NA-A4QV"), known_text(" H8")
    ('', '', 'NA', 'H8')
    """
    text = text.strip()
    return "" if is_missing(text) and text != tissue_source_site(patient) else text


def whole_patient(name: str) -> str:
    """A patient's name in a table; barcodes of samples and slides are cut to the patient, as those of files are.

    Examples
    --------
    >>> whole_patient("tcga-3c-aali-01A"), whole_patient("TCGA.3C.AALI"), whole_patient("P1-01A")
    ('TCGA-3C-AALI', 'TCGA-3C-AALI', 'P1-01A')
    """
    cut = tcga_patient(name.upper())
    return cut if patient_of(cut) == cut else name


def written_as(title: str, titles: Iterable[str]) -> str:
    """A hint at the columns whose titles differ from this one only in capitals, blanks and the like; "" if none does.

    Parameters
    ----------
    title : str
        What the user wrote.
    titles : iterable of str
        The titles of the table.
    """
    alike = [other for other in titles if _plain(other) == _plain(title)]
    return f"write the title as in the table: {listing(alike)}" if alike else ""


def _plain(title: str) -> str:
    return "".join(filter(str.isalnum, title.lower()))


def read_patient_events(path: str | Path) -> dict[str, str]:
    """The column ``event`` or ``events`` of a table by patient: 1 if the patient had the event, 0 if not.

    True and False are understood as well, and the "1:DECEASED" and "0:LIVING" of cBioPortal.

    Parameters
    ----------
    path : path
        As in `read_patient_column`.

    Raises
    ------
    InputError
        As `read_patient_column`, or if a value says neither and is not missing.
    """
    titles = list(read_table(path, missing=()).columns)
    title = "events" if "events" in titles and "event" not in titles else "event"
    texts = read_patient_column(path, title)
    events = {patient: _event(text) for patient, text in texts.items()}
    other = [f"{patient} ({texts[patient]!r})" for patient, event in events.items() if event is None]
    if other:
        raise InputError(
            f"{counted(len(other), 'event is', 'events are')} neither 0 nor 1",
            where=f"{path}, column {title!r}: {listing(other)}",
            fix="write 1 for patients who had the event, 0 for the others (or true and false, or 1:… and 0:…)",
        )
    return {patient: event or "" for patient, event in events.items()}


#: How tables write that there was an event, or none; what follows the colon of a study's "1:DECEASED" is a label.
_EVENTS = {"": "", "0": "0", "0.0": "0", "false": "0", "1": "1", "1.0": "1", "true": "1"}
_LABELLED = re.compile(r"([01])\s*:\s*\S.*")


def _event(text: str) -> str | None:
    """1 or 0, "" if it is missing, None if the text says neither."""
    labelled = _LABELLED.fullmatch(text)
    return labelled[1] if labelled else _EVENTS.get(text.lower())


def as_numbers(title: str, texts: Sequence[str]) -> NDArray[np.float64] | None:
    """The values of a column that is measured on a scale, such as age; None if they are levels, such as grades.

    Levels are texts, up to `MOST_LEVELS` different numbers, and any number of whole numbers where a word of the title
    says that they are codes (`says_codes`): hospital 118 is no more than hospital 104.

    Parameters
    ----------
    title : str
        Title of the column.
    texts : sequence of str
        Its values, without missing ones.

    Examples
    --------
    >>> years = [str(year) for year in range(40, 60)]
    >>> as_numbers("age", years) is None, as_numbers("site_id", years) is None, as_numbers("grade", ["1", "2"]) is None
    (False, True, True)
    """
    import numpy as np
    import pandas as pd

    numbers = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").to_numpy(np.float64)
    if not np.isfinite(numbers).all() or len(set(numbers)) <= MOST_LEVELS:
        return None
    return None if says_codes(title) and (numbers == np.round(numbers)).all() else numbers


#: Up to this many different numbers are levels; more are measured on a scale, unless they are codes.
MOST_LEVELS = 10


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
