"""Files of outcomes and risk scores: read strictly, written so that they are read back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_base.errors import InputError
from sequoia_base.outcomes import (
    read_fold_scales,
    read_outcome_table,
    read_risk_table,
    scales_beside,
    write_fold_scales,
    write_outcome_table,
    write_risk_table,
)


def written(folder, *lines):
    path = folder / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def patients(*names):
    return pd.Index(names, name="patient_id", dtype=object)


def test_an_outcome_read_back_is_identical_to_the_last_digit(tmp_path):
    table = pd.DataFrame({"time": [0.1 + 0.2, 1e-300, 240.0], "event": [True, False, True]})
    table.index = patients("P2", "007", "TCGA-AA-0001")
    write_outcome_table(table, tmp_path / "outcome.csv")
    pd.testing.assert_frame_equal(read_outcome_table(tmp_path / "outcome.csv"), table)
    assert (
        (tmp_path / "outcome.csv").read_text().startswith("patient_id,time,event\nP2,0.30000000000000004,1\n")
    )


def test_the_order_of_columns_makes_no_difference(tmp_path):
    table = read_outcome_table(written(tmp_path, "event,patient_id,time", "1,P1,3"))
    assert table.loc["P1"].tolist() == [3, True]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["patient_id,time", "P1,3"], ["columns patient_id, time, event", "outcome convert"]),
        (["patient_id,time,event,age", "P1,3,1,50"], ["this table has patient_id, time, event, age"]),
        (
            ["patient_id,time,event", "P1,3,1", "P1,3,1", "P2,3,0"],
            ["1 patient has more than one row", "rows 2 (P1), 3 (P1)"],
        ),
        (["patient_id,time,event", "P1,3,1", ",3,1"], ["1 value of 'patient_id' is missing", "row 3"]),
        (["patient_id,time,event", "P1,0,1"], ["not a number of months above 0 ('0')", "row 2 (P1)"]),
        (
            ["patient_id,time,event", "P1,-3,1", "P2,inf,0"],
            ["2 values of 'time' are not", "rows 2 (P1), 3 (P2)"],
        ),
        (["patient_id,time,event", "P1,1_0,1"], ["'1_0'"]),
        (
            ["patient_id,time,event", "P1,3,", "P2,3,NA"],
            ["2 values of 'event' are missing", "rows 2 (P1), 3 (P2)"],
        ),
        (["patient_id,time,event", "P1,3,", "P2,3,2"], ["2 values of 'event' are missing or not 0 or 1"]),
        (["patient_id,time,event", "P1,3,dead"], ["not 0 or 1 ('dead')"]),
    ],
)
def test_what_is_no_outcome_is_refused_with_row_and_patient(tmp_path, lines, words):
    path = written(tmp_path, *lines)
    with pytest.raises(InputError) as raised:
        read_outcome_table(path)
    assert [word for word in [*words, str(path)] if word not in str(raised.value)] == []


def test_scores_have_what_the_file_has_and_nothing_else(tmp_path):
    path = written(tmp_path, "patient_id,risk_score,age", "P1,-0.5,50", "P2,1e3,60")
    expected = pd.DataFrame({"risk_score": [-0.5, 1000.0]}, patients("P1", "P2"))
    pd.testing.assert_frame_equal(read_risk_table(path), expected)


def test_scores_with_all_their_columns_read_back_are_identical(tmp_path):
    table = pd.DataFrame(
        {
            "risk_score": [0.1, -2.0, 0.0],
            "group": ["high", "uncertain", "low"],
            "fold": pd.array([4, None, 0], dtype="Int64"),
            "time": [12.5, 60.0, 1.0],
            "event": [True, False, True],
            "lower": [-1.0, -np.inf, np.nan],
            "upper": [1.0, np.inf, np.nan],
        },
        patients("P1", "P2", "P3"),
    )
    write_risk_table(table.assign(other=1), tmp_path / "scores.csv")
    pd.testing.assert_frame_equal(read_risk_table(tmp_path / "scores.csv"), table)


def test_scores_of_a_risk_run_are_written_in_the_order_of_the_file_format(tmp_path):
    table = pd.DataFrame({"time": [12.5], "event": [True], "fold": [0], "risk_score": [0.1]}, patients("P1"))
    write_risk_table(table, tmp_path / "risk.csv")
    assert (tmp_path / "risk.csv").read_text() == "patient_id,risk_score,fold,time,event\nP1,0.1,0,12.5,1\n"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["patient_id,score", "P1,3"], ["no column 'risk_score'", "signature score"]),
        (
            ["patient_id,risk_score", "P1,3", "P1,4"],
            ["1 patient has more than one row", "rows 2 (P1), 3 (P1)"],
        ),
        (["patient_id,risk_score", "P1,"], ["1 value of 'risk_score' is missing", "row 2 (P1)"]),
        (["patient_id,risk_score", "P1,inf"], ["not a finite number ('inf')", "row 2 (P1)"]),
        (["patient_id,risk_score,fold", "P1,1,0.5"], ["not a whole number, 0 or more ('0.5')", "row 2 (P1)"]),
        (["patient_id,risk_score,fold", "P1,1,0", "P2,1,NA"], ["1 value of 'fold' is missing", "row 3 (P2)"]),
        (["patient_id,risk_score,lower,upper", "P1,1,2,0"], ["more than the upper end ('2')", "row 2 (P1)"]),
        (["patient_id,risk_score,time,event", "P1,1,0,1"], ["not a number of months above 0"]),
    ],
)
def test_what_is_no_score_is_refused_with_row_and_patient(tmp_path, lines, words):
    path = written(tmp_path, *lines)
    with pytest.raises(InputError) as raised:
        read_risk_table(path)
    assert [word for word in [*words, str(path)] if word not in str(raised.value)] == []


def test_the_name_of_the_scale_keeps_the_points_of_that_of_the_scores(tmp_path):
    names = {
        "risk.csv": "risk",
        "scores.v2.csv": "scores.v2",
        "risk.csv.gz": "risk",
        "scores.v2": "scores.v2",
    }
    for name, stem in names.items():
        assert scales_beside(tmp_path / name) == tmp_path / f"{stem}.folds.csv"


def test_the_scale_of_folds_lies_beside_the_scores_and_is_read_back(tmp_path):
    table = pd.DataFrame(
        {"n_train": [80, 79], "mean": [0.1, -0.3], "sd": [1.5, 0.0], "cutoff": [0.0, -0.25]},
        pd.Index([0, 1], name="fold"),
    )
    path = scales_beside(tmp_path / "risk.csv")
    assert path == tmp_path / "risk.folds.csv"
    write_fold_scales(table, path)
    pd.testing.assert_frame_equal(read_fold_scales(path), table)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["fold,n_train,mean,sd", "0,80,0,1"], ["has the columns fold, n_train, mean, sd, cutoff"]),
        (["fold,n_train,mean,sd,cutoff", "0,80,0,-1,0"], ["below 0 ('-1')", "row 2"]),
        (["fold,n_train,mean,sd,cutoff", "0,80,0,1,0", "0,80,0,1,0"], ["there twice", "row 3"]),
        (["fold,n_train,mean,sd,cutoff", "0,80,,1,0"], ["1 value of 'mean' is missing"]),
    ],
)
def test_a_scale_that_cannot_be_is_refused(tmp_path, lines, words):
    with pytest.raises(InputError) as raised:
        read_fold_scales(written(tmp_path, *lines))
    assert [word for word in words if word not in str(raised.value)] == []
