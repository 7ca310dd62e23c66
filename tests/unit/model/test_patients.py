"""Tables of slides and patients: the names of their columns, and what cannot be read."""

from __future__ import annotations

import gzip

import pytest

from sequoia_model.errors import InputError
from sequoia_model.patients import (
    known_patients,
    one_value_each,
    read_patient_column,
    read_patient_events,
    read_patient_table,
    read_patients,
)

SLIDE = "TCGA-3C-AALI-01Z-00-DX1.F6E9A5DF-D8FB-45CF-B4BD-C6B76294C291"


def write(folder, text, name="p.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("slide", ["slide", "slide_id", "wsi_file_name", "filename", "Slide_ID"])
@pytest.mark.parametrize("patient", ["patient_id", "patient", "case_id", "submitter_id", "Patient"])
def test_tables_may_call_their_columns_as_tools_do(tmp_path, slide, patient):
    path = write(tmp_path, f"age,{slide},{patient}\n50,S1.svs,P1\n60, S2 ,P1\n")
    assert read_patients(path) == {"S1": "P1", "S2": "P1"}


def test_a_barcode_goes_before_the_case_id_of_the_gdc(tmp_path):
    path = write(tmp_path, "case_id,submitter_id,filename\n3f-9a,TCGA-3C-AALI,S1.svs\n")
    assert read_patients(path) == {"S1": "TCGA-3C-AALI"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.tsv", "slide\tpatient\nS1\tP1\n"),
        ("p.csv.gz", gzip.compress(b"slide,patient\nS1,P1\n", mtime=0)),
        ("p.csv", "\ufeffslide,patient\r\nS1,P1\r\n\r\n,\r\n"),
        ("p.csv", 'slide,patient\n"S1","P1"\n'),
    ],
)
def test_tables_are_read_as_spreadsheets_leave_them(tmp_path, name, text):
    assert read_patients(write(tmp_path, text, name)) == {"S1": "P1"}


BAD = {
    "no column of slides": ("age,patient_id\n1,P1\n", ["no column of slides", "wsi_file_name"]),
    "no column of patients": ("slide,age\nS1,1\n", ["no column of patients", "slide, age", "submitter_id"]),
    "two patients": (
        "slide,patient\nS1,P1\nS1.svs,P2\n",
        ["1 slide has rows that contradict", "S1 (P1, P2)"],
    ),
    "no patient": ("slide,patient\nS1,P1\nS2,\n", ["1 row has no patient", "column 'patient', rows 3"]),
    "no slide": ("slide,patient\n ,P1\n", ["1 row has no slide", "rows 2"]),
    "one quote of two": ('slide,patient\nS1",P1\n', ["1 id has a quote", 'S1"', "column 'slide'"]),
    "a short row": ("slide,patient\nS1,P1\nS2\n", ["1 field, the header has 2", "row 3"]),
    "a long row": ("slide,patient\nS1,P1,x\n", ["3 fields, the header has 2", "row 2"]),
    "a header alone": ("slide,patient\n", ["no rows"]),
    "no bytes": ("", ["the file is empty"]),
    "another encoding": (b"\xff\xfe\x00junk", ["UTF-16"]),
    "bytes of zero": ("slide,patient\nS1,P\0\n", ["the file is binary"]),
}


@pytest.mark.parametrize(("text", "words"), BAD.values(), ids=BAD)
def test_a_bad_table_is_refused_with_file_and_row(tmp_path, text, words):
    path = write(tmp_path, text)
    with pytest.raises(InputError) as raised:
        read_patients(path)
    assert [word for word in [*words, "p.csv"] if word not in str(raised.value)] == []


@pytest.mark.parametrize(
    ("name", "word"),
    [("no.csv", "does not exist"), ("", "a folder was given"), ("p.csv.gz", "not compressed")],
)
def test_what_is_not_a_table_is_refused(tmp_path, name, word):
    write(tmp_path, "slide,patient\n", "p.csv.gz")
    with pytest.raises(InputError, match=word):
        read_patients(tmp_path / name)


def test_a_table_of_patients_needs_no_slides(tmp_path):
    table = read_patient_table(write(tmp_path, "Cancer,patient_id,site,age\nBRCA,P1,A,50\n"))
    assert table.to_dict("records") == [{"patient_id": "P1", "cohort": "BRCA", "site": "A"}]


def test_pairs_may_repeat_and_not_contradict():
    assert one_value_each([("P1", "A"), ("P1", "A"), ("P2", "B")], "patient", "p.csv") == {
        "P1": "A",
        "P2": "B",
    }
    with pytest.raises(InputError, match="1 patient has rows that contradict"):
        one_value_each([("P1", "A"), ("P1", "")], "patient", "p.csv")


def test_patients_that_are_given_are_known_by_slides_without_endings(tmp_path):
    table = write(tmp_path, "slide,patient\nS1.svs,P1\n")
    assert known_patients(table) == known_patients({"S1.svs": "P1"}) == {"S1": "P1"}
    assert known_patients(None) is None


def test_a_column_is_read_by_patient_and_rows_of_a_patient_must_agree(tmp_path):
    path = write(tmp_path, "slide,patient,grade\nS1,P1,2\nS2,P1,2\nS3,P2,\n")
    assert read_patient_column(path, "grade") == {"P1": "2", "P2": ""}
    with pytest.raises(InputError, match="1 patient has rows that contradict each other") as raised:
        read_patient_column(path, "slide")
    assert "column 'slide': P1 (S1, S2)" in raised.value.where
    with pytest.raises(InputError, match="'Grade' is not in the table") as raised:
        read_patient_column(path, "Grade")
    assert raised.value.fix == "write the title as in the table: grade"
    with pytest.raises(InputError) as raised:
        read_patient_column(path, "stage")
    assert raised.value.fix == ""


def test_words_for_a_missing_value_are_missing_and_agree_with_each_other(tmp_path):
    path = write(tmp_path, "patient,site\nP1,NA\nP1,\nP2,[Not Available]\nP3,unknown\nP4,H8\n")
    assert read_patient_column(path, "site") == {"P1": "", "P2": "", "P3": "", "P4": "H8"}


def test_a_site_of_tcga_may_be_called_na(tmp_path):
    path = write(tmp_path, "patient,site\nTCGA-NA-A4QV,NA\nTCGA-ND-A4W6,NA\n")
    assert read_patient_column(path, "site") == {"TCGA-NA-A4QV": "NA", "TCGA-ND-A4W6": ""}


def test_barcodes_of_samples_are_cut_to_the_patient(tmp_path):
    path = write(tmp_path, "patient,er\nTCGA-08-A000-01A,+\nTCGA.08.A001.01A.11R,-\nP1-01A,+\n")
    assert read_patient_column(path, "er") == {"TCGA-08-A000": "+", "TCGA-08-A001": "-", "P1-01A": "+"}


@pytest.mark.parametrize("title", ["event", "events"])
def test_events_are_0_and_1_or_missing(tmp_path, title):
    path = write(
        tmp_path, f"patient,{title}\nP1,1\nP2,0.0\nP3,NA\nP4,\nP5,True\nP6,0:LIVING\nP7,1:DECEASED\n"
    )
    events = {"P1": "1", "P2": "0", "P3": "", "P4": "", "P5": "1", "P6": "0", "P7": "1"}
    assert read_patient_events(path) == events
    with pytest.raises(InputError, match="1 event is neither 0 nor 1") as raised:
        read_patient_events(write(tmp_path, f"patient,{title}\nP1,2\n"))
    assert "P1 ('2')" in raised.value.where


@pytest.mark.parametrize("text", ["2", "dead", "1:", "10:x", "yes"])
def test_other_words_for_an_event_are_refused(tmp_path, text):
    with pytest.raises(InputError, match="1 event is neither 0 nor 1"):
        read_patient_events(write(tmp_path, f"patient,event\nP1,1\nP2,{text}\n"))


def test_events_in_other_capitals_are_hinted_at(tmp_path):
    with pytest.raises(InputError, match="'event' is not in the table") as raised:
        read_patient_events(write(tmp_path, "patient,Event\nP1,1\n"))
    assert raised.value.fix == "write the title as in the table: Event"


def test_sites_and_cohorts_of_a_table_may_be_missing_and_its_barcodes_be_of_samples(tmp_path):
    table = read_patient_table(write(tmp_path, "patient,site,cohort\nTCGA-08-A000-01A,NA,unknown\n"))
    assert table.to_dict("records") == [{"patient_id": "TCGA-08-A000", "site": "", "cohort": ""}]
