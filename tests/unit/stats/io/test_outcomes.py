"""Outcomes alone are those of the cohort that the same files make; rows of one patient must agree."""

from __future__ import annotations

import pandas as pd
import pytest

import sequoia_stats as sq
from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError
from sequoia_stats.io import OUTCOME_READERS, READERS, read_cohort, read_outcomes, write_cohort
from tests.build.cohorts import make_cohort
from tests.build.commands import write_adata
from tests.build.studies import (
    PATIENTS,
    TIDY,
    clinical_table,
    expression_table,
    write_cbioportal_study,
    write_tidy,
)


def table_of(folder, table=None, name="clinical.csv"):
    (clinical_table() if table is None else table).to_csv(folder / name)
    return folder / name


def read(path, **options):
    return read_outcomes(path, **{**TIDY, **options})


def tables(folder):
    files = write_tidy(folder)
    return read(files["clinical"]), read_cohort(files["source"], clinical=files["clinical"], **TIDY)


def study(folder):
    path = write_cbioportal_study(folder / "study")
    return read_outcomes(path, endpoint="RFS"), read_cohort(path, endpoint="RFS")


def cohort_file(folder):
    write_cohort(made := make_cohort(n=30, events=12), folder / "c.h5ad")
    return read_outcomes(folder / "c.h5ad"), made


@pytest.mark.parametrize("both", [tables, study, cohort_file])
def test_outcomes_are_those_of_the_cohort(tmp_path, both):
    outcome, cohort = both(tmp_path)
    pd.testing.assert_frame_equal(
        outcome.to_frame().rename_axis(None), cohort.outcome.to_frame().set_axis(cohort.patients.rename(None))
    )
    assert outcome.endpoint == cohort.outcome.endpoint


def test_a_study_may_be_given_by_its_file_of_patients(tmp_path):
    folder = write_cbioportal_study(tmp_path / "study", compress=True)
    got = sq.read_outcomes(folder / "data_clinical_patient.txt.gz", endpoint="OS")
    assert got.to_frame().equals(read_outcomes(folder, endpoint="OS").to_frame())
    assert list(got.patients) == PATIENTS and got.n_events == 3


def test_a_cohort_of_probes_has_an_outcome_all_the_same(tmp_path):
    probes = expression_table().set_axis(["1007_s_at", "1053_at", "117_at"], axis=1)
    path = write_adata(tmp_path / "a.h5ad", probes, time=[1.0, 2, 3, 4, 5, 6], event=[1, 0, 1, 0, 1, 0])
    assert read_outcomes(path, endpoint="RFS").time.tolist() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(("unit", "months"), [("days", 10 / 30.4375), ("months", 10), ("years", 120)])
def test_times_become_months(tmp_path, unit, months):
    assert read(table_of(tmp_path), time_unit=unit).time[0] == pytest.approx(months, rel=1e-12)


def test_barcodes_of_samples_are_cut_to_the_patient(tmp_path):
    ids = [f"TCGA-AA-000{i}-01A" for i in range(6)]
    outcome = read(table_of(tmp_path, clinical_table(ids)))
    assert list(outcome.patients) == [f"TCGA-AA-000{i}" for i in range(6)]


def test_rows_of_a_patient_that_agree_are_one_and_are_counted(tmp_path):
    slides = clinical_table().rename(index={"P2": "P1"}).assign(slide=list("abcdef"))
    slides.iloc[1, :2] = slides.iloc[0, :2]
    outcome = read(table_of(tmp_path, slides), flow=(flow := Flow()))
    assert list(outcome.patients) == ["P1", *PATIENTS[2:]] and outcome.time.tolist() == [10, 30, 40, 50, 60]
    assert flow.to_frame().iloc[0].tolist() == [
        "rows: one per patient",
        6,
        5,
        "1 row repeats the outcome of a patient",
    ]


def test_a_time_written_in_two_ways_is_one_outcome(tmp_path):
    rows = "patient,months,status\nA,10,1\nA,10.0,1.0\nB,3,0\n"
    (tmp_path / "two.csv").write_text(rows)
    outcome = read_outcomes(
        tmp_path / "two.csv",
        id_column="patient",
        time_column="months",
        event_column="status",
        time_unit="months",
        endpoint="OS",
    )
    assert outcome.time.tolist() == [10, 3]


def test_censorship_is_the_event_turned_round_and_is_said(tmp_path):
    table = clinical_table().rename(columns={"status": "censorship"})
    outcome = read(table_of(tmp_path, table), event_column="censorship", flow=(flow := Flow()))
    assert outcome.event.tolist() == [True, False] * 3
    assert "event = 1 - censorship" in str(flow)


def test_patients_without_an_outcome_are_dropped_by_reason_only_if_asked(tmp_path):
    path = table_of(tmp_path, clinical_table(months=[0, -1, None, 40, 50, 60], status=[1, 1, 1, None, 0, 1]))
    with pytest.raises(InputError, match="4 of 6 patients have no usable RFS") as raised:
        read(path)
    assert "time missing: P3; time not positive: P1, P2; event missing: P4" in str(raised.value)
    outcome = read(path, drop_invalid=True, flow=(flow := Flow()))
    assert list(outcome.patients) == ["P5", "P6"]
    assert [step.reason for step in flow] == ["time missing", "time not positive", "event missing"]


def test_ids_may_be_in_a_first_column_without_a_title(tmp_path):
    path = table_of(tmp_path, clinical_table().rename_axis(None))
    assert list(read(path, id_column=None).patients) == PATIENTS


def test_every_option_of_an_outcome_is_one_of_cohorts_of_the_format():
    for name, reader in OUTCOME_READERS.items():
        assert {option.name for option in reader.options} <= {option.name for option in READERS[name].options}


TWICE = clinical_table(["P1", "P1", *PATIENTS[2:]])


@pytest.mark.parametrize(
    ("table", "options", "words"),
    [
        (TWICE, {}, "1 patient has two outcomes"),
        (TWICE, {}, r"rows 2 \(P1, 10.0, 0\), 3 \(P1, 20.0, 1\)"),
        (clinical_table(["", *PATIENTS[1:]]), {}, "1 row has no patient id"),
        (
            clinical_table(),
            {"endpoint": None, "time_unit": None},
            "2 options are missing: --time-unit, --endpoint",
        ),
        (clinical_table(), {"time_column": "days"}, "the column 'days' is not in the table"),
        (clinical_table(), {"time_column": "status"}, "must be in different columns"),
        (clinical_table(months=["2001-05-03"] * 6), {}, "6 times are not numeric"),
        (clinical_table(status=["dead"] * 6), {"event_value": "DOD"}, "no patient has the event value 'DOD'"),
        (clinical_table(), {"covariates": ["age"]}, "--covariates is not an option of a table"),
        (clinical_table(), {"format": "csv"}, "'csv' is not a valid format"),
    ],
)
def test_tables_that_leave_a_doubt_are_refused(tmp_path, table, options, words):
    with pytest.raises(InputError, match=words):
        read(table_of(tmp_path, table), **options)


def test_an_h5ad_without_an_outcome_is_refused(tmp_path):
    path = write_adata(tmp_path / "p.h5ad", expression_table(), fold=[0, 1] * 3)
    with pytest.raises(InputError, match="obs lacks time, event"):
        read_outcomes(path, endpoint="RFS")
