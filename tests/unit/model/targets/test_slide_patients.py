"""The patient of a slide: as given, by the barcode, as measured, or the slide itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sequoia_model.errors import InputError
from sequoia_model.targets.measured import Measured
from sequoia_model.targets.slide_patients import SlidePatient, patients_of_slides

BARCODE = "TCGA-3C-AALI-01Z-00-DX1.F6E9A5DF"


def make_measured(slides, patients):
    columns = (np.array(names, dtype=object) for names in (slides, patients, [""] * len(slides)))
    return Measured(Path("ref.csv"), *columns, {}, [], lambda rows, genes: iter(()))


def test_what_is_given_goes_before_the_barcode_and_this_before_the_measured():
    table = make_measured([BARCODE, "a", "b"], ["X", "PA", "PB"])
    patients = patients_of_slides([BARCODE, "a", "b"], {"b.svs": "mine"}, table)
    assert [patient.name for patient in patients] == ["TCGA-3C-AALI", "PA", "mine"]
    assert [patient.listed for patient in patients] == [False, False, True]


def test_a_slide_without_a_patient_is_its_own_patient_and_reported():
    patients = patients_of_slides([BARCODE, "a", "b"])
    assert [patient.name for patient in patients] == ["TCGA-3C-AALI", "a", "b"]
    assert [patient.known for patient in patients] == [True, False, False]


def test_a_file_of_patients_is_read(tmp_path):
    (tmp_path / "p.csv").write_text("slide_id,patient\na.ndpi,P1\nb,P1\n")
    assert patients_of_slides(["a", "b"], tmp_path / "p.csv") == [SlidePatient("P1"), SlidePatient("P1")]


def test_patients_of_other_slides_are_refused(tmp_path):
    (tmp_path / "p.csv").write_text("slide,patient_id\nx,P1\n")
    with pytest.raises(InputError, match="none of the 2 slides is in the given list of patients") as error:
        patients_of_slides(["a", "b"], tmp_path / "p.csv")
    assert "p.csv; there: x; slides: a, b" in error.value.where
