"""The patient of each slide, and where the name comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sequoia_base.names import patient_of
from sequoia_model.errors import InputError, listing, part
from sequoia_model.patients import known_patients
from sequoia_model.targets.measured import Measured


@dataclass(frozen=True)
class SlidePatient:
    """The patient of a slide.

    Parameters
    ----------
    name : str
        The patient; the slide's own name if nothing names one.
    known : bool
        Whether anything names the patient: the user, a TCGA barcode or the measured expression.
    listed : bool
        Whether the slide is in the given list of patients; True if there is no list.
    """

    name: str
    known: bool = True
    listed: bool = True


def patients_of_slides(
    slides: Sequence[str],
    given: str | Path | Mapping[str, str] | None = None,
    measured: Measured | None = None,
) -> list[SlidePatient]:
    """The patient of each slide: as given, or else by its TCGA barcode, or else from the measured expression.

    Parameters
    ----------
    slides : sequence of str
        Names, without the endings of files.
    given : path or mapping of str to str, optional
        Slide to patient, or a CSV of them (`read_patients`).
    measured : Measured, optional
        Measured expression, whose rows may name both slide and patient.

    Raises
    ------
    InputError
        If patients are given and none is of these slides.
    """
    said = known_patients(given) or {}
    if given is not None and not any(slide in said for slide in slides):
        where = f"{given}; " if isinstance(given, str | Path) else ""
        which = "the slide is not" if len(slides) == 1 else f"none of the {len(slides)} slides is"
        raise InputError(
            f"{which} in the given list of patients",
            where=f"{where}there: {listing(said, 3)}; slides: {listing(slides, 3)}",
            fix="slides are matched by name, without the endings of files",
        )
    in_table = {} if measured is None else measured.patient_by_slide()
    found = [said.get(slide) or patient_of(slide) or in_table.get(slide) for slide in slides]
    return [
        SlidePatient(patient or slide, known=bool(patient), listed=given is None or slide in said)
        for slide, patient in zip(slides, found, strict=True)
    ]


def patient_warnings(slides: Sequence[str], patients: Sequence[SlidePatient]) -> list[str]:
    """What the user should know about the patients of slides, counted.

    Parameters
    ----------
    slides : sequence of str
        Names of slides.
    patients : sequence of SlidePatient
        The patient of each.
    """
    pairs = list(zip(slides, patients, strict=True))
    groups = [
        (
            [slide for slide, patient in pairs if not patient.listed],
            "are",
            "not in the given list of patients",
        ),
        (
            [slide for slide, patient in pairs if not patient.known],
            "have",
            "no patient, so each counts as its own patient",
        ),
    ]
    return [
        f"{part(len(some), len(slides), 'slide', verb)} {what}: {listing(some, 3)}"
        for some, verb, what in groups
        if some
    ]
