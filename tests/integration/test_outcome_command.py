"""``outcome convert``: what it writes is what both packages read, and bad tables leave nothing behind."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_base.outcomes import read_outcome_table
from tests.build.commands import SAID, left_in, sequoia
from tests.build.risk import write_risk_set
from tests.build.studies import PATIENTS, clinical_table, write_cbioportal_study


@pytest.fixture
def table(tmp_path):
    clinical_table().to_csv(tmp_path / "clinical.csv")
    return tmp_path / "clinical.csv"


def convert(capsys, *arguments):
    return sequoia(capsys, "outcome", "convert", *arguments)


def test_a_table_becomes_three_columns_that_are_read_back(capsys, tmp_path, table):
    answer = convert(capsys, table, *SAID, "-o", tmp_path / "outcome.csv")
    assert (answer.code, answer.out.splitlines()[0]) == (0, "6 patients, 3 events (RFS)")
    lines = (tmp_path / "outcome.csv").read_text().splitlines()
    assert lines[:3] == ["patient_id,time,event", "P1,10.0,0", "P2,20.0,1"]
    assert read_outcome_table(tmp_path / "outcome.csv").index.tolist() == PATIENTS


def test_json_has_the_counts_and_every_loss(capsys, tmp_path):
    clinical_table(months=[0, 20, 30, 40, 50, 60]).to_csv(tmp_path / "clinical.csv")
    arguments = [tmp_path / "clinical.csv", *SAID, "-o", tmp_path / "outcome.csv", "--json"]
    assert convert(capsys, *arguments).code == 2
    content = convert(capsys, *arguments, "--drop-invalid").json
    assert (content["n"], content["events"], content["endpoint"]) == (5, 3, "RFS")
    assert content["flow"] == [
        {"step": "patients: usable RFS", "n_before": 6, "n_after": 5, "reason": "time not positive"}
    ]


def test_a_table_in_which_nobody_has_the_event_is_told(capsys, tmp_path, table):
    assert "nobody" not in convert(capsys, table, *SAID, "-o", tmp_path / "some.csv").out
    clinical_table(status=[0] * 6).to_csv(tmp_path / "none.csv")
    answer = convert(capsys, tmp_path / "none.csv", *SAID, "-o", tmp_path / "outcome.csv")
    assert answer.code == 0 and "nobody has the event: no model of risk can learn from it" in answer.out


@pytest.mark.parametrize("source", ["study", "bundled"])
def test_studies_and_bundled_cohorts_have_outcomes_too(capsys, tmp_path, source):
    study = [write_cbioportal_study(tmp_path / "study"), "--endpoint", "OS"]
    arguments, n = {"study": (study, 6), "bundled": (["scan-b"], 400)}[source]
    assert convert(capsys, *arguments, "-o", tmp_path / "outcome.csv").code == 0
    assert len(read_outcome_table(tmp_path / "outcome.csv")) == n


@pytest.mark.parametrize(
    ("columns", "options", "words"),
    [
        (
            {"months": [0, 20, 30, 40, 50, 60]},
            [],
            ["1 of 6 patients has no usable RFS", "P1", "--drop-invalid"],
        ),
        ({"status": [None, 1, 0, 1, 0, 1]}, [], ["event missing: P1", "columns 'months' and 'status'"]),
        ({"status": [2, 1, 0, 1, 0, 1]}, [], ["1 event is neither 0 nor 1: 2", "rows 2", "--event-value"]),
        ({}, ["--event-column", "death"], ["the column 'death' is not in the table", "--event-column"]),
        ({}, ["--genes-in", "rows"], ["No such option", "--genes-in"]),
        ({}, ["--endpoint", ""], ["1 option is missing: --endpoint"]),
    ],
)
def test_bad_tables_are_told_and_nothing_is_written(capsys, tmp_path, columns, options, words):
    clinical_table(**columns).to_csv(tmp_path / "clinical.csv")
    answer = convert(capsys, tmp_path / "clinical.csv", *SAID, *options, "-o", tmp_path / "outcome.csv")
    assert answer.code == 2 and "Traceback" not in answer.err
    assert [word for word in words if word not in answer.err] == []
    assert left_in(tmp_path) == ["clinical.csv"]


def test_outputs_are_csv_and_replace_nothing_unasked(capsys, tmp_path, table):
    assert "-o outcome.csv" in convert(capsys, table, *SAID, "-o", tmp_path / "outcome.h5ad").err
    assert "would replace an input" in convert(capsys, table, *SAID, "-o", table, "--force").err
    assert "already exists" in convert(capsys, table, *SAID, "-o", table).err


def test_the_model_learns_from_what_a_table_in_days_says(capsys, tmp_path):
    from sequoia_model.risk.data import load_risk_data

    made = write_risk_set(tmp_path, n=6, several=1)
    months = pd.read_csv(made.outcome, index_col="patient_id")
    days = pd.DataFrame(
        {"days": months["time"] * 30.4375, "vital": months["event"].map({1: "Dead", 0: "Alive"})}
    )
    days.rename_axis("patient").to_csv(tmp_path / "clinical.csv")
    said = [
        "--id-column",
        "patient",
        "--time-column",
        "days",
        "--time-unit",
        "days",
        "--event-column",
        "vital",
    ]
    said += ["--event-value", "Dead", "--endpoint", "OS", "-o", tmp_path / "converted.csv"]
    assert convert(capsys, tmp_path / "clinical.csv", *said).code == 0
    data = load_risk_data(
        made.features, tmp_path / "converted.csv", patients=made.patients, cache=tmp_path / "cache"
    )
    assert data.names.tolist() == list(months.index) and data.event.tolist() == list(months["event"] == 1)
    np.testing.assert_allclose(data.time, months["time"], rtol=1e-12)
