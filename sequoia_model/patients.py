"""Tables of slides and their patients."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sequoia_base.atomic import existing_file
from sequoia_base.names import bare_slide, patient_of
from sequoia_model.errors import InputError, listing

if TYPE_CHECKING:
    import pandas as pd

#: What tables call their columns, the first that is there counts. A barcode goes before a ``case_id``, which the GDC
#: fills with identifiers of its own.
COLUMNS = {
    "slide": ("slide", "slide_id", "wsi_file_name", "filename"),
    "patient_id": ("patient_id", "patient", "submitter_id", "case_id"),
    "cohort": ("cohort", "cancer", "tcga_project", "project"),
    "site": ("site", "tissue_source_site"),
}


def read_patients(path: str | Path) -> dict[str, str]:
    """The patient of every slide in a table.

    Parameters
    ----------
    path : path
        A CSV (commas or tabs, plain or .gz) with a column ``slide``, ``slide_id``, ``wsi_file_name`` or ``filename``,
        and a column ``patient_id``, ``patient``, ``submitter_id`` or ``case_id``; of several, the first named here.

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
            where=f"{path}; it needs one of {listing(COLUMNS['slide'])}",
        )
    return one_each(zip(table["slide"].map(bare_slide), table["patient_id"], strict=True), "slide", path)


def read_patient_table(path: str | Path) -> pd.DataFrame:
    """A table of patients as texts, with as many of the columns slide, patient_id, cohort and site as there are.

    Raises
    ------
    InputError
        If the file cannot be read, no column names patients, or an id of a patient or slide is empty.
    """
    return patient_columns(read_texts(path), path)


def patient_columns(texts: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    """The columns slide, patient_id, cohort and site of a table, whatever they are called; errors as there."""
    titles = [title.lower() for title in texts.columns]
    chosen = {
        column: titles.index(names[0])
        for column, aliases in COLUMNS.items()
        if (names := [alias for alias in aliases if alias in titles])
    }
    if "patient_id" not in chosen:
        raise InputError(
            f"there is no column of patients; the columns are {listing(texts.columns)}",
            where=f"{path}; it needs one of {listing(COLUMNS['patient_id'])}",
        )
    table = texts.iloc[:, list(chosen.values())].set_axis(list(chosen), axis=1)
    for column in table.columns.intersection(["slide", "patient_id"]):
        empty = table.index[table[column] == ""]
        if len(empty):
            raise InputError(
                f"{len(empty)} rows have no {column.removesuffix('_id')}",
                where=f"{path}, column {texts.columns[chosen[column]]!r}, rows {listing(empty)}",
            )
    return table


def one_each(pairs: Iterable[tuple[str, str]], what: str, where: object) -> dict[str, str]:
    """A dictionary of pairs, of which none contradicts another.

    Parameters
    ----------
    pairs : iterable of tuple of two str
    what : str
        What the first of each names, for the message.
    where : object
        Where they are from.

    Raises
    ------
    InputError
        If one name goes with two.
    """
    found: dict[str, str] = {}
    twice: dict[str, str] = {}
    for name, value in pairs:
        if found.setdefault(name, value) != value:
            twice.setdefault(name, f"{name} ({found[name] or 'none'}, {value or 'none'})")
    if twice:
        raise InputError(
            f"{len(twice)} {what} names stand in several rows that contradict each other",
            where=f"{where}: {listing(twice.values())}",
        )
    return found


def find_patients(slides: Iterable[str], given: Mapping[str, str] | None, where: object) -> dict[str, str]:
    """The patient of every slide: as given, else itself where it is the name of a given patient, else by its barcode.

    Parameters
    ----------
    slides : iterable of str
        Names, with or without endings.
    given : mapping of str to str, optional
        Slide, without endings, to patient.
    where : object
        Where the slides are from.

    Raises
    ------
    InputError
        If a slide has no patient.
    """
    table = given or {}
    known = set(table.values())
    found = {s: table.get(bare_slide(s)) or (s if s in known else patient_of(s)) for s in slides}
    absent = [slide for slide, patient in found.items() if not patient]
    if absent:
        raise InputError(
            f"{len(absent)} of {len(found)} slides have no patient",
            where=f"{where}: {listing(absent)}",
            fix="--patients CSV, with the columns slide and patient_id"
            if given is None
            else "add them to --patients",
        )
    return {slide: patient for slide, patient in found.items() if patient}


def read_texts(path: str | Path) -> pd.DataFrame:
    """A table of stripped texts; index = row of the file (1-based line number).

    Parameters
    ----------
    path : path
        A table with commas, or with tabs where its header has one; plain or .gz.

    Raises
    ------
    InputError
        If the file is missing, no text in UTF-8, empty, or a row has more or fewer fields than the header.
    """
    import pandas as pd

    path = existing_file(path)
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        text = data.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InputError(f"the table cannot be read: {error}", where=str(path)) from None
    if "\0" in text:
        raise InputError("the table cannot be read: it holds bytes that are no text", where=str(path))
    delimiter = "\t" if "\t" in text.partition("\n")[0] else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        header = [title.strip() for title in next(reader, [])]
        for fields in reader:
            if not any(fields):
                continue
            if len(fields) != len(header):
                raise InputError(
                    f"a row has {len(fields)} fields, and the header {len(header)}",
                    where=f"{path}, row {reader.line_num}",
                )
            rows.append([field.strip() for field in fields])
            lines.append(reader.line_num)
    except csv.Error as error:
        raise InputError(
            f"the table cannot be read: {error}", where=f"{path}, row {reader.line_num}"
        ) from None
    if not rows:
        raise InputError("the table has no rows" if header else "the file is empty", where=str(path))
    return pd.DataFrame(rows, pd.Index(lines, name="row"), header, dtype=object)
