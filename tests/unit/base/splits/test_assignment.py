"""Splits: one role per patient and fold."""

from __future__ import annotations

import pandas as pd
import pytest

from sequoia_base.errors import InputError
from sequoia_base.splits import Splits


def roles(*rows, folds=2):
    """Roles of P1, P2, …, a row each: "train test"; "-" is none."""
    words = [["" if word == "-" else word for word in row.split()] for row in rows]
    return pd.DataFrame(words, [f"P{i + 1}" for i in range(len(rows))], [f"fold_{i}" for i in range(folds)])


def test_a_patient_in_two_roles_of_a_fold_is_refused_with_fold_and_patient():
    twice = pd.concat([roles("train test", "test train"), roles("train val")])
    with pytest.raises(InputError, match="1 patient has two roles in fold 1") as raised:
        Splits(twice, name="mine")
    assert raised.value.where == "mine: P1 (test, val)"


def test_rows_of_a_patient_that_agree_are_one():
    splits = Splits(pd.concat([roles("train -", "test train"), roles("- test")]))
    assert splits.roles.loc["P1"].tolist() == ["train", "test"]
    assert len(splits.roles) == 2


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (
            roles("train tset", "test train"),
            ["1 role is not valid in fold_1", "P1 ('tset')", "train, val, test"],
        ),
        (roles("test train", "test train"), ["fold 0 has no patients to train on"]),
        (roles("train train", "test train"), ["fold 1 holds out no patients"]),
        (
            roles("train test", "test train").set_axis(["fold_1", "fold_2"], axis=1),
            ["fold_1, fold_2", "fold_0"],
        ),
        (roles("train test").iloc[:0], ["no patients"]),
        (roles("train test")[[]], ["no folds"]),
    ],
)
def test_roles_and_folds_that_cannot_be_are_refused(table, words):
    with pytest.raises(InputError) as raised:
        Splits(table)
    assert [word for word in words if word not in str(raised.value)] == []


def test_a_partition_tests_every_patient_once_and_needs_no_note():
    splits = Splits(roles("train test", "test train"))
    assert splits.is_partition
    assert splits.note == ""
    assert [splits.test_fold(patient) for patient in ("P1", "P2", "P9")] == [1, 0, None]


def test_a_patient_who_is_never_tested_has_no_test_fold():
    splits = Splits(roles("train test", "test train", "val -"))
    assert not splits.is_partition
    assert splits.test_fold("P3") is None
    assert splits.note == "1 of 3 patients is never tested"


def test_patients_who_are_tested_twice_make_no_partition_even_if_all_are_tested():
    assert not Splits(roles("test train", "train test", "test test")).is_partition


def test_a_patient_tested_in_two_folds_has_no_single_test_fold():
    splits = Splits(roles("train test", "test test", "train train"))
    assert "1 of 3 patients is tested in several folds" in splits.note
    with pytest.raises(InputError, match="P2 is in the test part of 2 folds: 0, 1"):
        splits.test_fold("P2")


def test_sizes_and_patients_are_by_fold_and_role():
    splits = Splits(roles("train test", "test train", "val train"))
    assert splits.sizes.to_numpy().tolist() == [[1, 1, 1], [2, 0, 1]]
    assert list(splits.patients(1, "train")) == ["P2", "P3"]


def test_the_order_of_rows_does_not_matter():
    table = roles("train test", "test train", "val train")
    cohort = pd.Series(["B", "A", "A"], table.index)
    one, other = Splits(table, cohort), Splits(table.iloc[::-1], cohort.iloc[::-1])
    assert one.to_frame().equals(other.to_frame())
    assert one.to_frame()["patient_id"].tolist() == ["P2", "P3", "P1"]
    assert Splits(table.iloc[::-1]).to_frame()["patient_id"].tolist() == ["P1", "P2", "P3"]
