"""Splits from files: ours, and those of other tools."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sequoia_model.errors import InputError
from sequoia_model.splits import published, read_lists, read_splits


def write_lists(path, **names):
    """A fold as CLAM, MCAT and SurvPath write it: columns of different lengths after one of row numbers."""
    pd.DataFrame({role: pd.Series(list(column), dtype=object) for role, column in names.items()}).to_csv(path)
    return path


def write_flags(path, **names):
    """A fold as CLAM's ``_bool`` files have it: a row per slide."""
    rows = {slide: [role == other for other in names] for role, column in names.items() for slide in column}
    pd.DataFrame.from_dict(rows, orient="index", columns=list(names)).to_csv(path)
    return path


def slides(*patients):
    return [f"TCGA-AA-{patient}-01Z-00-DX1" for patient in patients]


def clam_folder(folder, write=write_lists, suffix=""):
    """Two folds of four patients, the last of whom has two slides."""
    last = [*slides("0004"), "TCGA-AA-0004-01Z-00-DX2.svs"]
    write(folder / f"splits_0{suffix}.csv", train=slides("0001", "0002"), val=slides("0003"), test=last)
    write(
        folder / f"splits_1{suffix}.csv",
        train=[*slides("0003"), *last],
        val=slides("0002"),
        test=slides("0001"),
    )
    return folder


def test_ours_read_back_are_identical(tmp_path):
    splits = published("GBM")
    splits.save(tmp_path / "s.csv")
    again = read_splits(tmp_path / "s.csv")
    again.save(tmp_path / "t.csv")
    assert again.roles.equals(splits.roles)
    assert again.cohort.equals(splits.cohort)
    assert (tmp_path / "s.csv").read_bytes() == (tmp_path / "t.csv").read_bytes()


def test_the_published_file_is_read_and_written_byte_for_byte(tmp_path):
    source = Path(published.__code__.co_filename).parents[1] / "data" / "published_splits.csv.gz"
    read_splits(source).save(tmp_path / "s.csv")
    assert (tmp_path / "s.csv").read_text() == pd.read_csv(source).to_csv(index=False)


@pytest.mark.parametrize(("write", "suffix"), [(write_lists, ""), (write_flags, "_bool")])
def test_clam_files_name_slides_and_become_patients(tmp_path, write, suffix):
    splits = read_splits(clam_folder(tmp_path, write, suffix))
    assert splits.roles.index.tolist() == [f"TCGA-AA-000{i}" for i in (1, 2, 3, 4)]
    assert splits.roles.to_numpy().tolist() == [
        ["train", "test"],
        ["train", "val"],
        ["val", "train"],
        ["test", "train"],
    ]


def test_clam_folders_hold_two_kinds_that_agree_and_a_summary(tmp_path):
    alone = read_splits(clam_folder(tmp_path))
    clam_folder(tmp_path, write_flags, "_bool")
    (tmp_path / "splits_0_descriptor.csv").write_text(",train,val,test\ntumour,1,0,0\n")
    assert read_splits(tmp_path).roles.equals(alone.roles)


def test_two_kinds_that_differ_are_refused(tmp_path):
    clam_folder(tmp_path)
    write_flags(tmp_path / "splits_1_bool.csv", train=slides("0003"), val=slides("0002"), test=slides("0001"))
    with pytest.raises(
        InputError, match="the two files for fold 1 differ in 2 slides: TCGA-AA-0004-01Z-00-DX1"
    ) as raised:
        read_splits(tmp_path)
    assert "splits_1_bool.csv" in raised.value.where


def test_without_a_test_part_val_stays_val_and_the_note_says_so(tmp_path):
    write_lists(tmp_path / "splits_0.csv", train=["TCGA-AA-0001", "TCGA-AA-0002"], val=["TCGA-AA-0003"])
    splits = read_splits(tmp_path / "splits_0.csv")
    assert splits.roles["fold_0"].tolist() == ["train", "train", "val"]
    assert "there is no test part" in splits.note
    assert splits.test_fold("TCGA-AA-0003") is None


def test_slides_with_endings_are_those_without(tmp_path):
    write_lists(
        tmp_path / "splits_0.csv", train=[f"{s}.svs" for s in slides("0001", "0002")], val=slides("0003")
    )
    assert len(read_splits(tmp_path).roles) == 3


def test_slides_of_a_patient_in_two_parts_are_refused(tmp_path):
    write_lists(tmp_path / "splits_0.csv", train=slides("0001", "0002"), val=["TCGA-AA-0002-01Z-00-DX2"])
    with pytest.raises(InputError, match="1 patient has two roles in fold 0") as raised:
        read_splits(tmp_path)
    assert raised.value.where == f"{tmp_path}: TCGA-AA-0002 (train, val)"


def test_other_slides_need_a_table_of_patients(tmp_path):
    write_lists(tmp_path / "splits_0.csv", train=["S1", "S2"], val=["S3"])
    with pytest.raises(InputError, match="3 of 3 slides have no patient"):
        read_splits(tmp_path)
    (tmp_path / "p.csv").write_text("slide,patient\nS1,P1\nS2.svs,P1\nS3,P2\n")
    assert read_splits(tmp_path, tmp_path / "p.csv").roles["fold_0"].to_dict() == {"P1": "train", "P2": "val"}


def test_given_patients_come_before_barcodes_and_may_be_named_directly(tmp_path):
    names = ["S1.svs", "TCGA-AA-0001-01Z", "P1", "TCGA-AA-0009-01Z"]
    write_lists(tmp_path / "splits_0.csv", train=names[:3], val=names[3:])
    found = read_splits(tmp_path, {"S1": "P1", "TCGA-AA-0001-01Z.svs": "P2"}).roles["fold_0"]
    assert found.to_dict() == {"P1": "train", "P2": "train", "TCGA-AA-0009": "val"}


@pytest.mark.parametrize(("given", "fix"), [(None, "--patients CSV"), ({"S1": "P1"}, "add them")])
def test_slides_without_a_patient_are_listed(tmp_path, given, fix):
    path = write_lists(tmp_path / "splits_0.csv", train=slides("0001"), val=["S9.svs"])
    with pytest.raises(InputError, match="1 of 2 slides has no patient") as raised:
        read_splits(path, given)
    assert raised.value.where == f"{path}: S9"
    assert fix in raised.value.fix


def fold_files(*names):
    def build(folder):
        for name in names:
            write_lists(folder / name, train=slides("0001"), test=slides("0002"))
        return folder

    return build


def text(content):
    def build(folder):
        (folder / "s.csv").write_text(content)
        return folder / "s.csv"

    return build


BAD = {
    "a missing fold": (fold_files("splits_0.csv", "splits_2.csv"), ["1 fold is missing", "splits_1.csv"]),
    "folds from 1 on": (fold_files("splits_1.csv"), ["1 fold is missing", "splits_0.csv"]),
    "a fold twice": (fold_files("splits_1.csv", "splits_01.csv", "splits_0.csv"), ["two files for fold 1"]),
    "an empty folder": (fold_files(), ["no files of splits", "splits_0.csv"]),
    "no such file": (lambda folder: folder / "no.csv", ["does not exist", "no.csv"]),
    "another table": (text("slide,age\nS1,3\n"), ["does not hold splits", "slide, age", "s.csv", "train, val"]),
    "train alone": (text(",train\n0,S1\n"), ["does not hold splits"]),
    "a column twice": (text(",train,train,val\n0,S1,S2,S3\n"), ["columns are duplicated: train"]),
    "a fold of ours twice": (text("patient_id,fold_0,fold_0\nP1,train,test\n"), ["columns are duplicated: fold_0"]),
    "flags without slides": (text("train,val\nTrue,False\n"), ["no column of slides"]),
    "a summary": (
        lambda folder: text(",train,val,test\ntumour,3,1,1\n")(folder).rename(folder / "splits_0_descriptor.csv"),
        ["counts slides, but does not name them", "give its folder"],
    ),
    "folds without patients": (text("id,fold_0\nP1,train\n"), ["no column of patients", "s.csv"]),
    "a role of ours": (text("patient_id,fold_0\nP1,train\nP2,held\n"), ["P2 ('held')", "s.csv"]),
    "a gap of ours": (text("patient_id,fold_0,fold_2\nP1,train,test\nP2,test,train\n"), ["fold_0, fold_2", "s.csv"]),
    "a patient of ours": (text("patient_id,fold_0\nP1,train\nP1,test\n"), ["fold 0", "s.csv: P1 (test, train)"]),
}  # fmt: skip


@pytest.mark.parametrize(("build", "words"), BAD.values(), ids=BAD)
def test_files_without_splits_are_refused(tmp_path, build, words):
    with pytest.raises(InputError) as raised:
        read_splits(build(tmp_path))
    assert [word for word in words if word not in str(raised.value)] == []


def test_patients_are_not_given_twice(tmp_path):
    (tmp_path / "p.csv").write_text("slide,patient_id\nS1,P1\n")
    splits = text("patient_id,fold_0\nP1,train\nP2,test\n")(tmp_path)
    with pytest.raises(InputError, match="already name patients"):
        read_splits(splits, tmp_path / "p.csv")
    assert read_splits(splits, {"S1": "P1"}).n_folds == 1


def test_flags_may_be_ones_and_zeros(tmp_path):
    path = tmp_path / "splits_0_bool.csv"
    path.write_text(",train,val,test\nTCGA-AA-0001,1,0,0\nTCGA-AA-0002,0,1,0\nTCGA-AA-0003,0,0,1\n")
    assert read_splits(path).roles["fold_0"].tolist() == ["train", "val", "test"]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("s.xlsx", b"PK\x03\x04", ["an Excel workbook", "save its sheet as CSV"]),
        ("s.zip", b"PK\x03\x04", ["a zip archive", "unpack it"]),
        ("s.parquet", b"PAR1", ["a Parquet file", "write its slides or patients as a CSV"]),
        ("s.json", b"{}", ["JSON", "write its slides or patients as a CSV"]),
    ],
)
def test_files_that_are_no_csv_are_named(tmp_path, name, data, words):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError) as raised:
        read_splits(tmp_path / name)
    assert [word for word in words if word not in str(raised.value)] == []


def test_a_folder_without_splits_is_told_with_what_is_in_it(tmp_path):
    (tmp_path / "train_0.npy").write_bytes(b"")
    with pytest.raises(InputError, match="no files of splits") as raised:
        read_splits(tmp_path)
    assert "which holds train_0.npy" in raised.value.where and "as a CSV" in raised.value.fix


# --- folds counted from 1, and one column of folds ------------------------------------------------------------------


def test_folds_may_be_counted_from_one(tmp_path):
    content = "patient_id,fold_1,fold_2\nP1,test,train\nP2,train,test\n"
    splits = read_splits(text(content)(tmp_path))
    assert list(splits.patients(0, "test")) == ["P1"]
    assert splits.note == "the file counts folds from 1: its fold_1 is fold 0 here"
    assert read_lists(tmp_path / "s.csv").folds[0] == (("P1", "test"), ("P2", "train"))


@pytest.mark.parametrize(
    ("titles", "cells"),
    [
        ("Patient,Fold_1,Fold_2", ("test,train", "train,test")),
        ("patient_id,Fold", "12"),
        ("Patient,FOLD", "12"),
    ],
)
def test_titles_of_folds_may_have_capitals(tmp_path, titles, cells):
    splits = read_splits(text(f"{titles}\nP1,{cells[0]}\nP2,{cells[1]}\n")(tmp_path))
    assert [splits.test_fold(patient) for patient in ("P1", "P2")] == [0, 1]


def test_titles_of_folds_that_differ_in_capitals_alone_are_refused(tmp_path):
    with pytest.raises(InputError, match="columns are duplicated: fold_1"):
        read_splits(text("patient_id,Fold_1,fold_1,fold_2\nP1,test,test,train\n")(tmp_path))


@pytest.mark.parametrize(
    "content", ["patient,fold\nP1,0\nP2,1\nP3,\n", "patient,fold_0\nP1,train\nP2,test\nP3,\n"]
)
def test_rows_in_no_fold_are_counted_for_an_audit(tmp_path, content):
    assert "1 of 3 rows is in no fold: P3" in read_lists(text(content)(tmp_path)).notes


@pytest.mark.parametrize("first", [0, 1])
def test_one_column_may_say_which_fold_tests_the_patient(tmp_path, first):
    rows = [f"P{i},{i % 3 + first}" for i in range(9)]
    splits = read_splits(text("\n".join(["patient,fold", *rows, "P9,"]))(tmp_path))
    assert [splits.test_fold(f"P{i}") for i in range(9)] == [0, 1, 2] * 3
    assert splits.sizes.loc[0].to_dict() == {"train": 6, "val": 0, "test": 3}
    assert "nobody validates" in splits.note and ("counts folds from 1" in splits.note) == (first == 1)
    assert "1 of 10 patients is never tested" in splits.note
    assert len(read_lists(tmp_path / "s.csv").folds) == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("patient,fold\nP1,a\nP2,1\n", "1 fold is no whole number, 0 or more: a"),
        ("patient,fold\nP1,1.5\nP2,1\n", "1 fold is no whole number"),
        ("patient,fold\nP1,\n", "no row has a fold"),
        ("patient,fold\nP1,0\nP2,3\n", "nobody is tested by fold 1, 2"),
        ("patient,fold\nP1,2\nP2,3\n", "nobody is tested by fold 1"),
        ("patient,fold\nP1,0\nP2,1\nP1,1\n", "two roles"),
    ],
)
def test_numbers_of_folds_that_make_no_sense_are_refused(tmp_path, content, words):
    with pytest.raises(InputError, match=words):
        read_splits(text(content)(tmp_path))
