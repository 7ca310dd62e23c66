"""Whose slide it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sequoia_base.names import patient_of
from sequoia_model.errors import InputError, listing
from sequoia_model.patients import known_patients
from sequoia_model.targets.measured_table import MeasuredTable


def patients_of_slides(
    slides: Sequence[str],
    given: str | Path | Mapping[str, str] | None = None,
    table: MeasuredTable | None = None,
) -> tuple[list[str], list[str]]:
    """The patient of each slide: as given, else by its TCGA barcode, else as the measured expression names it.

    Parameters
    ----------
    slides : sequence of str
    given : path or mapping of str to str, optional
        Slide to patient, or a CSV of them (`read_patients`).
    table : MeasuredTable, optional
        Whose rows may name slide and patient.

    Returns
    -------
    tuple of two lists of str
        Patients, a slide's own name where nothing names one; and warnings.

    Raises
    ------
    InputError
        If patients are given and none is of these slides.
    """
    said = known_patients(given) or {}
    measured: dict[str, str] = {}
    if table is not None:
        measured = {s: p for s, p in zip(table.slides, table.patients, strict=True) if s and p and s != p}
    warnings = []
    if given is not None:
        absent = [slide for slide in slides if slide not in said]
        where = str(given) if isinstance(given, str | Path) else ""
        if len(absent) == len(slides):
            raise InputError(
                f"none of the {len(slides)} slides is among the patients that were given",
                where=f"{where}; there: {listing(said, 3)}; slides: {listing(slides, 3)}",
                fix="slides are matched by their names, without endings",
            )
        if absent:
            n = f"{len(absent)} of {len(slides)} slides"
            warnings.append(f"{n} are not among the patients that were given: {listing(absent, 3)}")
    found = [said.get(slide) or patient_of(slide) or measured.get(slide) for slide in slides]
    unknown = [slide for slide, patient in zip(slides, found, strict=True) if not patient]
    if unknown:
        n = f"{len(unknown)} of {len(slides)} slides"
        warnings.append(f"{n} name no patient, and each counts as one of its own: {listing(unknown, 3)}")
    return [patient or slide for slide, patient in zip(slides, found, strict=True)], warnings
