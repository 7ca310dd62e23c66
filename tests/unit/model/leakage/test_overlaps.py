"""Leaks of split files: who is on both sides, folds paired wrongly; also of files that read_splits refuses."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequoia_model.errors import InputError
from sequoia_model.leakage import audit, audit_splits
from sequoia_model.splits import draw, published, read_splits


def kinds(found):
    return [(leak.kind, leak.fold) for leak in found.leaks]


def write_fold(path, **names):
    """A fold as CLAM writes it."""
    pd.DataFrame({role: pd.Series(list(column), dtype=object) for role, column in names.items()}).to_csv(path)


def slides(*patients, extra=1):
    return [f"TCGA-AA-{patient:04d}-01Z-00-DX{extra}" for patient in patients]


def write_paired(folder, train, test):
    """Folds of lists that are zipped as they come."""
    for fold, (one, other) in enumerate(zip(train, test, strict=True)):
        write_fold(folder / f"splits_{fold}.csv", train=one, test=other)


def lists(cancer, role):
    splits = published(cancer)
    return [list(splits.patients(fold, role)) for fold in range(splits.n_folds)]


@pytest.mark.parametrize("cancer", ["BRCA", "GBM"])
def test_published_splits_have_no_leaks(tmp_path, cancer):
    published(cancer).save(tmp_path / "s.csv")
    found = audit(tmp_path / "s.csv")
    assert found.leaks == () and not found.leaking
    assert (found.kind, found.n_folds, found.n_patients) == ("splits", 5, len(published(cancer).roles))
    found.refuse_leaks()


def test_a_loader_that_reads_train_and_val_as_two_folds_is_found(tmp_path):
    train = [part for both in zip(lists("BRCA", "train"), lists("BRCA", "val"), strict=True) for part in both]
    write_paired(tmp_path, train[:5], lists("BRCA", "test"))
    found = audit(tmp_path)
    wrong = [leak for leak in found.leaks if leak.kind == "folds_paired_wrongly"]
    assert [leak.fold for leak in wrong] == [2, 4]
    assert "trained on 86% of its test patients" in wrong[0].what
    assert "leaves out the test part of fold 1" in wrong[0].what
    assert len(wrong[0].items) == len(set(train[2]) & set(lists("BRCA", "test")[2]))
    assert ("patient_in_train_and_test", 1) in kinds(
        found
    )  # the validation list of fold 0, as if it were trained on
    assert "fold 0" not in str(found)


def test_test_parts_that_are_shifted_by_one_are_wrong_in_every_fold(tmp_path):
    test = lists("GBM", "test")
    write_paired(tmp_path, lists("GBM", "train"), [*test[1:], test[0]])
    wrong = [leak for leak in audit(tmp_path).leaks if leak.kind == "folds_paired_wrongly"]
    assert [leak.fold for leak in wrong] == [0, 1, 2, 3, 4]
    for leak, before in zip(wrong, [4, 0, 1, 2, 3], strict=True):
        assert f"the test part of fold {before}:" in leak.what


def test_a_test_part_that_is_missed_by_chance_makes_no_wrong_pair(tmp_path):
    write_fold(tmp_path / "splits_0.csv", train=slides(1, 2), test=slides(1, 3))
    write_fold(tmp_path / "splits_1.csv", train=slides(1, 2), test=slides(4))
    assert {leak.kind for leak in audit(tmp_path).leaks} == {
        "patient_in_train_and_test",
        "slide_in_train_and_test",
    }


def test_folds_without_a_test_part_may_be_paired_wrongly_too(tmp_path):
    test = lists("GBM", "test")
    for fold, (one, other) in enumerate(zip(lists("GBM", "train"), [*test[1:], test[0]], strict=True)):
        write_fold(tmp_path / f"splits_{fold}.csv", train=one, val=other)
    wrong = [leak for leak in audit(tmp_path).leaks if leak.kind == "folds_paired_wrongly"]
    assert [leak.fold for leak in wrong] == [0, 1, 2, 3, 4]
    assert "of its val patients" in wrong[0].what


def test_patients_whose_names_are_written_otherwise_are_noted(tmp_path):
    rows = ["patient_id,fold_0", "007,train", "P8,train", "P9,train", "7,test", "p8,val"]
    (tmp_path / "s.csv").write_text("\n".join(rows) + "\n")
    found = audit(tmp_path / "s.csv")
    assert found.leaks == ()
    assert any("fold 0: 1 patient on two sides" in note and "7 and 007" in note for note in found.notes)


def test_training_on_everybody_is_a_leak_but_no_wrong_pair(tmp_path):
    everyone = list(published("GBM").roles.index)
    write_paired(tmp_path, [everyone] * 5, lists("GBM", "test"))
    assert kinds(audit(tmp_path)) == [("patient_in_train_and_test", fold) for fold in range(5)]


def test_slides_of_a_patient_on_both_sides_are_found_where_reading_refuses_them(tmp_path):
    write_fold(
        tmp_path / "splits_0.csv",
        train=slides(1, 2),
        val=slides(3),
        test=[*slides(2, extra=2), *slides(3, 4)],
    )
    with pytest.raises(InputError):
        read_splits(tmp_path)
    found = audit(tmp_path)
    assert [(leak.kind, leak.items) for leak in found.leaks] == [
        ("patient_in_train_and_test", ("TCGA-AA-0002",)),
        ("patient_in_val_and_test", ("TCGA-AA-0003",)),
        ("slide_in_val_and_test", (slides(3)[0],)),
    ]
    with pytest.raises(InputError, match="1 patient is in train and in test, and 2 more leaks") as raised:
        found.refuse_leaks()
    assert "TCGA-AA-0002" in raised.value.where


def test_samples_of_a_patient_in_our_own_table_are_one_patient(tmp_path):
    rows = [
        "patient_id,fold_0,fold_1",
        "TCGA-AA-0001-01,train,test",
        "TCGA-AA-0001-06,test,train",
        "TCGA-AA-0002,val,",
    ]
    (tmp_path / "s.csv").write_text("\n".join(rows) + "\n")
    assert kinds(audit(tmp_path / "s.csv")) == [("patient_in_train_and_test", fold) for fold in range(2)]


def test_one_file_of_flags_is_audited_as_well(tmp_path):
    rows = [",train,val,test", "S1,True,False,True", "S2,True,False,False"]
    (tmp_path / "splits_0_bool.csv").write_text("\n".join(rows) + "\n")
    found = audit(tmp_path / "splits_0_bool.csv", patients={"S1": "P1", "S2": "P2"})
    assert kinds(found) == [("patient_in_train_and_test", 0), ("slide_in_train_and_test", 0)]


def test_slides_of_nobody_count_as_their_own_patients_and_a_note_says_so(tmp_path):
    write_fold(tmp_path / "splits_0.csv", train=["S1.svs", "S2"], val=["S3"])
    found = audit(tmp_path)
    assert found.leaks == ()
    assert any("3 of 3 slides have no patient" in note for note in found.notes)
    assert any("only val is held out" in note for note in found.notes)


@settings(max_examples=20, deadline=None)
@given(st.integers(12, 60), st.integers(2, 5), st.integers(0, 9))
def test_drawn_splits_never_leak(n, n_folds, seed):
    splits = draw([f"P{i:02d}" for i in range(n)], n_folds=n_folds, seed=seed)
    assert audit_splits(splits).leaks == ()


@pytest.mark.parametrize("seed", range(3))
def test_a_patient_added_to_another_side_of_a_fold_is_found(tmp_path, seed):
    splits = draw([f"TCGA-AA-{i:04d}" for i in range(30)], n_folds=3, seed=seed)
    table = splits.to_frame()
    row = {
        "patient_id": f"{splits.patients(1, 'test')[0]}-01A",
        "fold_0": "",
        "fold_1": "train",
        "fold_2": "",
    }
    pd.concat([table, pd.DataFrame([row])]).to_csv(tmp_path / "s.csv", index=False)
    (leak,) = audit(tmp_path / "s.csv").leaks
    assert (leak.kind, leak.fold) == ("patient_in_train_and_test", 1)
    assert leak.items == (splits.patients(1, "test")[0],)


def test_many_folds_that_test_a_patient_are_no_leak_but_noted(tmp_path):
    for fold, (one, other) in enumerate(pairwise(range(4))):
        write_fold(tmp_path / f"splits_{fold}.csv", train=slides(8, 9), test=slides(one, other))
    found = audit(tmp_path)
    assert found.leaks == ()
    assert any("2 of 4 held-out patients are held out by several folds" in note for note in found.notes)
