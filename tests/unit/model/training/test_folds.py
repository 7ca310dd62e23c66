"""The slides of every fold, and the shares of them that are used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from sequoia_base.flow import Flow
from sequoia_model.errors import InputError
from sequoia_model.splits import Splits, draw
from sequoia_model.training.folds import FoldRows, rows_of_folds
from sequoia_model.training.options import TrainOptions

PATIENTS = [f"P{i:02d}" for i in range(20)]
#: The patient of each slide; some have two.
OWNERS = np.array([*PATIENTS, "P00", "P07", "P13"], dtype=object)


def rows_of(owners: Any = OWNERS, splits: Splits | None = None, **options: Any) -> tuple[FoldRows, ...]:
    """The folds of drawn splits."""
    return rows_of_folds(splits or draw(PATIENTS, seed=1, val=0.2), owners, TrainOptions(**options), Flow())


def test_every_slide_of_a_patient_has_the_role_of_the_patient() -> None:
    splits = draw(PATIENTS, seed=1, val=0.2)
    for fold in rows_of(splits=splits):
        for role in ("train", "val", "test"):
            assert set(OWNERS[getattr(fold, role)]) == set(splits.patients(fold.fold, role))


def test_each_slide_is_tested_once() -> None:
    assert sorted(np.concatenate([fold.test for fold in rows_of()])) == list(range(len(OWNERS)))


def test_without_validation_its_patients_train() -> None:
    for with_val, without in zip(rows_of(), rows_of(no_val=True), strict=True):
        assert set(without.train) == set(with_val.train) | set(with_val.val)
        assert len(without.val) == 0


@pytest.mark.parametrize("percent", [20, 30, 40])
def test_a_sample_takes_that_share_of_the_training_patients_with_all_their_slides(percent: int) -> None:
    for all_of_them, some in zip(rows_of(), rows_of(sample_percent=percent), strict=True):
        n = len(set(OWNERS[all_of_them.train]))
        drawn = set(OWNERS[some.train])
        assert len(drawn) == round(n * percent / 100)
        assert set(some.train) == {row for row in all_of_them.train if OWNERS[row] in drawn}
        np.testing.assert_array_equal(some.test, all_of_them.test)


def test_another_seed_draws_other_patients() -> None:
    splits = draw(PATIENTS, seed=1, val=0.2)
    one, other = (rows_of(splits=splits, sample_percent=40, seed=seed)[0].train for seed in (0, 1))
    assert list(one) != list(other)


def test_patients_without_splits_and_splits_without_slides_are_counted() -> None:
    flow, splits = Flow(), draw(PATIENTS, seed=1, val=0.2)
    rows_of_folds(splits, np.array([*PATIENTS[:19], "X"], dtype=object), TrainOptions(), flow)
    assert [line[:3] for line in flow] == [
        ("patients: splits", 20, 19),
        ("patients of drawn with seed 1", 20, 19),
    ]


def test_patients_of_other_splits_are_refused_with_examples() -> None:
    with pytest.raises(InputError, match="none of the patients is in the splits") as refused:
        rows_of(np.array(["A", "B"], dtype=object))
    assert "there: P00" in refused.value.where and "patients: A, B" in refused.value.where


@pytest.mark.parametrize(
    ("role", "words"),
    [
        ("train", "the train part of fold 0 has 1 slide; it needs 2 or more"),
        ("val", "the val part of fold 0 has 0 slides; it needs 2 or more"),
        ("test", "the test part of fold 0 has 0 slides; it needs 1 or more"),
    ],
)
def test_a_part_with_too_few_slides_is_refused(role: str, words: str) -> None:
    parts = {"train": ["A", "B"], "val": ["C", "D"], "test": ["E"]}
    parts[role] = parts[role][:1] if role == "train" else []
    roles = {patient: name for name, patients in parts.items() for patient in patients}
    splits = Splits(pd.DataFrame({"fold_0": pd.Series(roles)}))
    with pytest.raises(InputError, match=words):
        rows_of(np.array(list("ABCDE"), dtype=object)[[p in roles for p in "ABCDE"]], splits)


def test_the_way_out_of_an_empty_validation_part_is_named() -> None:
    splits = draw(PATIENTS, seed=1, val=0)
    with pytest.raises(InputError) as refused:
        rows_of(splits=splits)
    assert "--val 0" in refused.value.fix


def test_a_patient_who_is_tested_twice_is_refused() -> None:
    roles = {
        "fold_0": ["train", "train", "val", "val", "test"],
        "fold_1": ["train", "val", "train", "val", "test"],
    }
    with pytest.raises(InputError, match="1 patient is tested in several folds: E"):
        rows_of(np.array(list("ABCDE"), dtype=object), Splits(pd.DataFrame(roles, list("ABCDE"))))


@pytest.mark.parametrize(("n_val", "part"), [(0, "training"), (9, "training"), (10, "validation")])
def test_genes_are_ranked_on_validation_slides_if_there_are_enough(n_val: int, part: str) -> None:
    fold = FoldRows(0, np.arange(30), np.arange(30, 30 + n_val), np.arange(40, 50))
    assert fold.ranked_on == part
    np.testing.assert_array_equal(fold.ranking, fold.val if part == "validation" else fold.train)


@pytest.mark.parametrize(
    ("given", "words"), [(True, "use splits with more validation patients; or --val 0"), (False, "--val 0.2")]
)
def test_the_way_out_of_an_empty_validation_part_is_one_that_works_with_these_splits(
    given: bool, words: str
) -> None:
    splits = draw(PATIENTS, seed=1, val=0)
    with pytest.raises(InputError, match="the val part of fold 0") as refused:
        rows_of_folds(splits, OWNERS, TrainOptions(), Flow(), given=given)
    assert words in refused.value.fix and ("0.2" in refused.value.fix) != given
