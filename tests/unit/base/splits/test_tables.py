"""Splits from tables of patients."""

from __future__ import annotations

import pytest

from sequoia_base.errors import InputError
from sequoia_base.splits import read_patient_splits


def written(folder, *lines):
    path = folder / "splits.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_splits_read_back_are_identical(tmp_path):
    path = written(tmp_path, "cancer,patient_id,fold_0,fold_1", "A,P2,train,test", "B,P1,test,train")
    splits = read_patient_splits(path)
    splits.save(tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_text() == path.read_text()
    assert splits.note == "" and splits.n_folds == 2


def test_a_column_of_numbers_says_who_is_tested(tmp_path):
    splits = read_patient_splits(written(tmp_path, "patient_id,fold", "P1,1", "P2,2", "P3,1"))
    assert list(splits.patients(0, "test")) == ["P1", "P3"]
    assert "counts folds from 1" in splits.note


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            ["patient_id,age", "P1,50"],
            ["does not hold the folds of patients", "patient_id, age", "patient_id, fold"],
        ),
        (["train,test", "P1,P2"], ["its columns are train, test"]),
        (["patient_id,fold", "P1,a"], ["1 fold is no whole number", "rows 2"]),
        (
            ["patient_id,fold_0", "P1,train", "P1,test"],
            ["1 patient has two roles in fold 0", "P1 (test, train)"],
        ),
        (["age,fold", "50,0"], ["no column of patients"]),
    ],
)
def test_tables_without_folds_of_patients_are_refused_with_the_file(tmp_path, lines, words):
    path = written(tmp_path, *lines)
    with pytest.raises(InputError) as raised:
        read_patient_splits(path)
    assert [word for word in [*words, str(path)] if word not in str(raised.value)] == []
