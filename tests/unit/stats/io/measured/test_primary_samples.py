"""One primary sample per patient: types, vials, aliquots."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError
from sequoia_stats.io._barcodes import read_barcode
from sequoia_stats.io.measured._primary_samples import (
    code_of_words,
    one_per_patient,
    samples_of_names,
)

PATIENT = "TCGA-A1-A0SB"
#: The preferred first.
ORDER = [
    "01A-11H-A144-07", "01A-12R-A144-07", "01A-11R-A999-07", "01A-11R-A144-07", "01A-11T-A144-07", "01B-99R-A999-07",
    "03A-11R-A144-07", "09A-11R-A144-07",
]  # fmt: skip


def kept(*names):
    flow = Flow()
    table = one_per_patient(samples_of_names(pd.Index(names)), "mine.csv", flow)
    return table["sample"].to_list(), list(flow)


@pytest.mark.parametrize(("better", "worse"), list(pairwise(ORDER)))
def test_of_two_samples_of_a_patient_the_preferred_is_kept(better, worse):
    assert kept(f"{PATIENT}-{worse}", f"{PATIENT}-{better}")[0] == [f"{PATIENT}-{better}"]


@given(st.permutations(ORDER))
def test_the_order_of_samples_makes_no_difference(order):
    assert kept(*(f"{PATIENT}-{name}" for name in order))[0] == [f"{PATIENT}-{ORDER[0]}"]


def test_metastases_and_normals_are_left_out_and_counted():
    names, [step] = kept("TCGA-A1-A0SB-01A", "TCGA-A1-A0SB-11A", "TCGA-A1-A0SD-06A", "TCGA-A1-A0SE-11A")
    assert names == ["TCGA-A1-A0SB-01A"]
    assert step[:3] == ("samples: primary", 4, 1)
    assert step.reason == (
        "not primary: 2 normal tissue (11), 1 metastasis (06); 2 patients have no primary sample"
    )


def test_further_samples_are_counted_with_the_rule():
    _, [step] = kept("TCGA-A1-A0SB-01A", "TCGA-A1-A0SB-01B", "TCGA-A1-A0SD-01A")
    assert step[:3] == ("samples: one per patient", 3, 2)
    assert "1 patient has several (TCGA-A1-A0SB)" in step.reason and "vial A before B" in step.reason


def test_files_that_no_barcode_tells_apart_are_said_to_be():
    table = pd.DataFrame(
        {"sample": "TCGA-A1-A0SB-01A", "patient_id": PATIENT, "code": "01"}, index=["b.tsv", "a.tsv"]
    )
    flow = Flow()
    assert list(one_per_patient(table, "gdc", flow).index) == ["a.tsv"]
    assert "1 are not told apart by a barcode: the first by name" in next(iter(flow)).reason


def test_other_names_are_patients_of_their_own_and_keep_their_order():
    assert kept("P9", "P1", "C3L-00001-01") == (["P9", "P1", "C3L-00001-01"], [])


def test_dots_of_r_are_hyphens():
    assert samples_of_names(pd.Index(["TCGA.A1.A0SB.01A"]))["patient_id"].to_list() == [PATIENT]


def test_target_has_barcodes_of_its_own():
    barcode = read_barcode("TARGET-20-PABLDZ-09A-01R")
    assert (barcode.patient, barcode.code, barcode.analyte) == ("TARGET-20-PABLDZ", "09", "R")


@pytest.mark.parametrize(
    ("words", "code"), [("Primary Tumor", "01"), ("Primary Solid Tumor", "01"), ("Metastatic", "Metastatic")]
)
def test_words_of_sheets_have_codes(words, code):
    assert code_of_words(words) == code


def test_no_primary_sample_at_all_is_refused():
    with pytest.raises(InputError, match="no sample is of a primary tumour") as caught:
        kept("TCGA-A1-A0SB-06A", "TCGA-A1-A0SB-11A")
    assert "1 metastasis (06), 1 normal tissue (11)" in caught.value.where


#: As in a matrix of TCGA, TARGET and GTEx together.
TOIL = [
    "GTEX-1117F-0426-SM-5EGHI", "GTEX-1117F-0226-SM-5GZZ7", "GTEX-111CU-0011-R10b-SM-GI4VE", "TCGA-A1-A001-01",
    "TARGET-20-PABLDZ-03", "TARGET-20-PABLDZ-50", "K-562-SM-2AXVE",
]  # fmt: skip


def test_several_samples_of_a_donor_of_gtex_are_refused_by_name():
    with pytest.raises(InputError, match="1 donor of GTEx has several samples") as caught:
        kept(*TOIL)
    assert f"{TOIL[0]}, {TOIL[1]}" in caught.value.where and "--samples FILE" in caught.value.fix


def test_donors_of_gtex_with_one_sample_each_are_patients():
    assert kept(*TOIL[1:])[0] == TOIL[1:5]


def test_cell_lines_are_left_out_and_are_no_patients():
    [step] = [line for line in kept(*TOIL[1:])[1] if line.step == "samples: primary"]
    assert step[1:3] == (6, 4)
    assert step.reason == "not primary: 2 cell line (50)"


@pytest.mark.parametrize(
    ("name", "patient"),
    [
        ("tcga-a1-a0sb-01a", "TCGA-A1-A0SB"),
        ("gtex.1117f.0226.sm.5gzz7", "GTEX-1117F"),
        ("GTEX-ZZPU", "GTEX-ZZPU"),
        ("K-562-SM-2AXVE", "K-562"),
    ],
)
def test_a_barcode_names_its_patient_in_capitals_and_with_hyphens(name, patient):
    assert read_barcode(name).patient == patient


@pytest.mark.parametrize("name", ["GTEX", "GTEX-1117FF-0226", "K-562", "K562", "GTEX-1117F-Lung", "P1"])
def test_other_names_are_no_barcodes(name):
    assert read_barcode(name) is None
