"""Patients with features and an outcome: who is left, whose slides are whose, and what is counted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_model.errors import InputError
from sequoia_model.risk.data import load_risk_data
from tests.build.risk import write_risk_set


@pytest.fixture
def made(tmp_path):
    return write_risk_set(tmp_path, n=12)


def load(made, tmp_path, **more):
    """The data of a made set."""
    return load_risk_data(
        made.features, made.outcome, patients=made.patients, cache=tmp_path / "cache", **more
    )


def change(path, **rows):
    """Change an outcome: a row per patient, or None to leave the patient out."""
    table = pd.read_csv(path, index_col="patient_id")
    lost = [name for name, row in rows.items() if row is None]
    for name, row in rows.items():
        if row is not None:
            table.loc[name] = row
    table.drop(index=lost).to_csv(path)


def test_each_patient_has_the_rows_of_all_slides(made, tmp_path):
    data = load(made, tmp_path)
    assert data.names.tolist() == [f"P{i:02}" for i in range(12)]
    found = [[data.slides[row] for row in rows] for rows in data.slides_of]
    assert found == [[f"S{i:02}", *([f"T{i:02}"] if i < 3 else [])] for i in range(12)]


def test_outcomes_are_matched_by_patient_not_by_row(made, tmp_path):
    table = pd.read_csv(made.outcome, index_col="patient_id")
    table.iloc[::-1].to_csv(made.outcome)
    data = load(made, tmp_path)
    np.testing.assert_array_equal(data.time, table["time"])
    np.testing.assert_array_equal(data.event, table["event"] == 1)


def test_who_has_no_outcome_no_slide_or_a_damaged_file_is_counted(made, tmp_path):
    change(made.outcome, P11=None, X1=(3.0, 1), X2=(4.0, 0))
    (made.features / "S05.h5").write_bytes(b"damaged")
    data = load(made, tmp_path)
    lines = {line.step: (line.n_before, line.n_after, line.reason) for line in data.flow.itertuples()}
    assert lines["slides: outcome"] == (15, 14, "no outcome: S11")
    assert lines["patients with outcome: slides"] == (13, 11, "no feature file: X1, X2")
    assert lines["slides: features"] == (14, 13, "1 failed: S05")
    assert lines["patients: features"][:2] == (11, 10)
    assert "P05" not in data.names and [failure.item for failure in data.failed] == ["S05"]


def test_a_patient_stays_if_one_slide_of_two_is_damaged(made, tmp_path):
    (made.features / "T01.h5").write_bytes(b"damaged")
    data = load(made, tmp_path)
    assert len(data.names) == 12 and "patients: features" not in set(data.flow["step"])


def test_times_that_differ_by_rounding_are_tied_and_written_as_given(made, tmp_path):
    change(made.outcome, P03=(0.1 + 0.2, 1), P04=(0.3, 1))
    data = load(made, tmp_path)
    assert data.time[3] != data.time[4] and data.tied_time[3] == data.tied_time[4]


def test_another_outcome_is_another_digest(made, tmp_path):
    before = load(made, tmp_path).digest
    assert load(made, tmp_path).digest == before
    change(made.outcome, P03=(1.0, 1))
    assert load(made, tmp_path).digest != before


def test_an_outcome_of_others_is_refused_with_both_names(made, tmp_path):
    table = pd.read_csv(made.outcome)
    table.assign(patient_id="X" + table["patient_id"]).to_csv(made.outcome, index=False)
    with pytest.raises(InputError, match="none of the 15 slides is of a patient with an outcome") as error:
        load(made, tmp_path)
    assert "XP00" in error.value.where and "P00" in error.value.where


def test_no_event_is_refused(made, tmp_path):
    table = pd.read_csv(made.outcome)
    table.assign(event=0).to_csv(made.outcome, index=False)
    with pytest.raises(InputError, match="none of the 12 patients with slides has the event"):
        load(made, tmp_path)
