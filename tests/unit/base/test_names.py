"""Barcodes and slide names: the patient, sample and slide that they mean."""

from __future__ import annotations

from hashlib import sha256

import pytest

from sequoia_base.names import (
    bare_slide,
    hashed_patients,
    is_primary,
    patient_of,
    tcga_patient,
    tcga_sample,
    tissue_source_site,
    written_otherwise,
)

SLIDE = "TCGA-3C-AALI-01Z-00-DX1.F6E9A5DF-D8FB-45CF-B4BD-C6B76294C291"


@pytest.mark.parametrize(
    ("slide", "patient"),
    [
        (SLIDE, "TCGA-3C-AALI"),
        ("TCGA-3C-AALI", "TCGA-3C-AALI"),
        (" tcga-3c-aali-01z.svs", "TCGA-3C-AALI"),
        ("TCGA-3C-AALI_1", "TCGA-3C-AALI"),
        ("TCGA-3C-AALIX-01Z", None),
        ("TCGA-3C-AAL", None),
        ("TCGA.3C.AALI", None),
        ("my-TCGA-3C-AALI", None),
        ("S12-345", None),
        ("", None),
    ],
)
def test_the_patient_of_a_slide_is_the_first_12_characters_of_a_barcode(slide, patient):
    assert patient_of(slide) == patient


def test_the_site_is_in_the_barcode():
    assert tissue_source_site(SLIDE) == "3C"
    assert tissue_source_site("P1") is None


@pytest.mark.parametrize("name", ["a/b/S1.svs", "S1.SVS.h5", " S1.ome.tiff", "S1"])
def test_a_slide_is_known_without_folder_and_endings(name):
    assert bare_slide(name) == "S1"


def test_a_dot_in_the_name_of_a_slide_is_not_an_ending():
    assert bare_slide(SLIDE) == SLIDE


@pytest.mark.parametrize(
    ("cell", "patient", "sample", "primary"),
    [
        ("TCGA-A1-A0SB", "TCGA-A1-A0SB", "TCGA-A1-A0SB", None),
        ("TCGA-A1-A0SB-01", "TCGA-A1-A0SB", "TCGA-A1-A0SB-01", True),
        ("TCGA-A1-A0SB-11A-11R", "TCGA-A1-A0SB", "TCGA-A1-A0SB-11", False),
        ("TCGA.A1.A0SB.03B", "TCGA-A1-A0SB", "TCGA-A1-A0SB-03", True),
        ("TCGA-A1-A0SB_1", "TCGA-A1-A0SB_1", "TCGA-A1-A0SB_1", None),
        ("tcga-a1-a0sb-01", "tcga-a1-a0sb-01", "tcga-a1-a0sb-01", None),
        ("MB-0002", "MB-0002", "MB-0002", None),
    ],
)
def test_a_cell_of_a_table_is_a_whole_barcode_in_capitals_or_another_name(cell, patient, sample, primary):
    assert (tcga_patient(cell), tcga_sample(cell), is_primary(cell)) == (patient, sample, primary)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("007", "7"), ("7", "007"), ("7.0", "7"), ("1.0E+05", "100000"), ("1e5", "100000"),
        ("TCGA.A1.A0SB", "TCGA-A1-A0SB"), ("p1", "P1"), ("X007", "7"), ("X5a", "5a"), ("P_1", "P-1"), ("P 1", "P.1"),
        ("P001", "P1"), ("P1", "P001"), ("A-07-B", "A.7.B"), ("P010", "P10"),
    ],
)  # fmt: skip
def test_one_name_written_in_two_ways_is_found(name, other):
    assert written_otherwise([name, "same"], ["same", other]) == [(name, other)]


@pytest.mark.parametrize(
    ("names", "others"),
    [
        (["7"], ["7", "007"]),
        (["P1"], ["P11"]),
        (["P-1-1"], ["P-11"]),
        (["7"], ["70", "77"]),
        (["7.5"], ["7"]),
        (["P1", "P01"], ["P001"]),
        (["P001"], ["P1", "P01"]),
        (["P100"], ["P1"]),
        (["7.05"], ["7.5"]),
    ],
)
def test_other_names_and_names_that_are_there_are_not_meant(names, others):
    assert written_otherwise(names, others) == []


def test_hashes_of_patients_are_sorted_sha256_and_tell_no_order():
    digests = hashed_patients(["P1", "Zoë", "P1"])
    assert digests == sorted(sha256(name.encode("utf-8")).hexdigest() for name in ("P1", "Zoë"))
    assert hashed_patients(["Zoë", "P1"]) == digests
