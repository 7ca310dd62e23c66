"""What tables call the slide, the patient, the cohort and the site."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sequoia_base.errors import InputError, counted, listing
from sequoia_base.names import refuse_open_quotes

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
