"""What a user says of slides and patients: whose each slide is, and columns by patient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sequoia_base.names import bare_slide, patient_of
from sequoia_base.patient_tables import PATIENT_COLUMNS, patient_columns
from sequoia_base.tables import read_table
from sequoia_model.errors import InputError, counted, listing
from sequoia_model.patients import known_text, one_value_each, whole_patient

#: Slide to patient, or a table with a column of patients, perhaps one of slides, and others.
Patients = str | Path | Mapping[str, str]


@dataclass(frozen=True)
class PatientTable:
    """The patient of each slide, and columns by patient.

    Parameters
    ----------
    by_slide : mapping of str to str
        As a user says; empty if nothing is said.
    columns : mapping of str to mapping of str to str
        Columns of which a patient has one value, "" where it is missing (`known_text`); those that differ between
        slides of a patient are left out.
    several : tuple of str
        Titles of those.
    """

    by_slide: Mapping[str, str]
    columns: Mapping[str, Mapping[str, str]]
    several: tuple[str, ...] = ()

    @classmethod
    def of(cls, patients: Patients | None) -> PatientTable:
        """Read what a user gives, if anything.

        Raises
        ------
        InputError
            If the table cannot be read, or a slide has two patients.
        """
        if patients is None:
            return cls({}, {})
        if isinstance(patients, Mapping):
            return cls({bare_slide(slide): patient for slide, patient in patients.items()}, {})
        texts = read_table(patients, missing=())
        ids = patient_columns(texts, patients)
        owner, by_slide = ids["patient_id"].map(whole_patient), {}
        if "slide" in ids:
            by_slide = one_value_each(
                zip(ids["slide"].map(bare_slide), owner, strict=True), "slide", patients
            )
        columns, several = {}, []
        for title in texts.columns:
            if title.lower() in (*PATIENT_COLUMNS["slide"], *PATIENT_COLUMNS["patient_id"]) or not title:
                continue
            pairs = dict.fromkeys(zip(owner, map(known_text, texts[title], owner), strict=True))
            if len(pairs) == owner.nunique():
                columns[title] = dict(pairs.keys())
            else:
                several.append(title)
        return cls(by_slide, columns, tuple(several))

    def patient(self, name: str) -> str | None:
        """The patient of a slide: as given, itself if it is a patient of the table, or by its barcode."""
        return self.by_slide.get(name) or (name if name in self._patients else patient_of(name))

    def refuse_other_slides(self, names: Iterable[str], where: object) -> None:
        """Refuse a list of slides that names none of these: each would count as a patient of its own.

        Parameters
        ----------
        names : iterable of str
            Slides, or patients.
        where : object
            Where they are from, for the error.

        Raises
        ------
        InputError
            If slides are listed and neither one of these nor their patient is among them.
        """
        names = list(names)
        if self.by_slide and not any(name in self.by_slide or name in self._patients for name in names):
            raise InputError(
                f"none of the {counted(len(names), 'slide')} is in the given list of patients",
                where=f"{where}: {listing(names, 3)}; given: {listing(self.by_slide, 3)}",
                fix="slides are matched by name, without the endings of files",
            )

    def refuse_other_patients(self, names: Iterable[str], noun: str, where: object) -> None:
        """Refuse patients none of whom is in this table: whatever it says would be left out without a word.

        Parameters
        ----------
        names : iterable of str
            Patients.
        noun : str
            What they are in: "splits".
        where : object
            Where they are from, for the error.

        Raises
        ------
        InputError
            If the table has columns, and none of these patients.
        """
        names = list(names)
        if self.columns and self._patients.isdisjoint(names):
            raise InputError(
                f"none of the patients is in the {noun}",
                where=f"given table: {listing(sorted(self._patients), 3)}; {where}: {listing(names, 3)}",
                fix="patients are matched by name; TCGA barcodes are cut to twelve characters",
            )

    @cached_property
    def _patients(self) -> set[str]:
        return {*self.by_slide.values(), *(patient for column in self.columns.values() for patient in column)}
