"""Splits: one role per patient and fold; published, of other tools, and drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequoia_base.names import patient_of, tissue_source_site
from sequoia_model.errors import InputError
from sequoia_model.splits import ROLES, Splits, draw, published, published_cancers, read_splits

TEST_SLIDES = Path(__file__).parents[3] / "data" / "published_test_slides.csv.gz"
PATIENTS = [
    f"TCGA-{site}-{i:04d}"
    for site, n in zip(["A1", "A2", "A3", "A4", "A5", "A6", "A7"], (9, 7, 5, 4, 3, 2, 2), strict=True)
    for i in range(n)
]


def roles(*rows, folds=2):
    """Roles of P1, P2, …, a row each: "train test"; "-" is none."""
    words = [["" if word == "-" else word for word in row.split()] for row in rows]
    return pd.DataFrame(words, [f"P{i + 1}" for i in range(len(rows))], [f"fold_{i}" for i in range(folds)])


def write_lists(path, **names):
    """A fold as CLAM, MCAT and SurvPath write it: columns of different length behind one of row numbers."""
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


# --- the type -----------------------------------------------------------------------------------------------------


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
        (roles("train train", "test train"), ["fold 1 holds no patients out"]),
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


# --- the published ones --------------------------------------------------------------------------------------------


def test_there_are_16_cancers_of_6922_patients_each_tested_once():
    splits = [published(cancer) for cancer in published_cancers()]
    assert len(splits) == 16
    assert sum(len(split.roles) for split in splits) == 6922
    assert all(split.is_partition for split in splits)


def test_every_slide_of_the_published_list_is_tested_in_its_patients_fold():
    listed = pd.read_csv(TEST_SLIDES)
    fold = {p: s.test_fold(p) for s in map(published, published_cancers()) for p in s.roles.index}
    assert len(listed) == 7524
    assert listed["slide_id"].map(patient_of).equals(listed["patient_id"])
    assert (listed["slide_id"].map(patient_of).map(fold) == listed["fold"]).all()
    assert (
        listed["patient_id"].map(pd.concat([published(c).cohort for c in published_cancers()]))
        == listed["cancer"]
    ).all()


@pytest.mark.parametrize("name", ["BRCA", "brca", "TCGA-BRCA", "tcga_brca", " Brca "])
def test_a_cancer_may_be_written_in_several_ways(name):
    assert len(published(name).roles) == 1059


def test_an_unknown_cancer_is_refused_with_all_that_there_are():
    with pytest.raises(InputError, match="no published splits of 'OV'") as raised:
        published("OV")
    assert [cancer for cancer in published_cancers() if cancer not in raised.value.fix] == []


def test_published_splits_cannot_be_changed_by_accident():
    roles = published("GBM").roles
    roles[:] = "train"
    assert published("GBM").is_partition


# --- files ---------------------------------------------------------------------------------------------------------


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
    with pytest.raises(InputError, match="1 of 2 slides have no patient") as raised:
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
    with pytest.raises(InputError, match="already name patients"):
        read_splits(text("patient_id,fold_0\nP1,train\nP2,test\n")(tmp_path), {"S1": "P1"})


# --- drawn ---------------------------------------------------------------------------------------------------------


@given(st.integers(10, 60), st.integers(2, 6), st.integers(0, 3), st.floats(0, 0.5))
def test_drawn_folds_test_each_patient_once_and_are_balanced(n, n_folds, seed, val):
    splits = draw([f"P{i}" for i in range(n)], n_folds=n_folds, seed=seed, val=val)
    sizes = splits.sizes
    assert splits.is_partition
    assert np.ptp(sizes["test"]) <= 1
    outside = n - sizes["test"]
    assert (abs(sizes["val"] - val * outside) <= 1).all()


def test_shares_are_those_of_the_published_splits():
    theirs = published("BRCA")
    assert draw(theirs.roles.index).sizes.equals(theirs.sizes)


def test_a_share_that_is_whole_is_not_rounded_up_for_being_binary():
    assert set(draw([f"P{i}" for i in range(125)], val=0.07).sizes["val"]) == {
        7
    }  # 0.07 × 100 is 7.000000000000001


def test_the_seed_decides_and_the_order_of_patients_does_not():
    one = draw(PATIENTS, seed=1)
    assert draw([*PATIENTS[::-1], PATIENTS[0]], seed=1).to_frame().equals(one.to_frame())
    assert not draw(PATIENTS, seed=2).roles.equals(one.roles)


def test_cohorts_are_spread_over_test_and_val():
    cohorts = {f"P{i:02d}": "A" if i < 40 else "B" for i in range(60)}
    splits = draw(cohorts, cohorts=cohorts, val=0.25)
    counts = splits.roles.groupby(splits.cohort).agg(lambda fold: tuple(fold.value_counts()[list(ROLES)]))
    assert set(counts.loc["A"]) == {(24, 8, 8)}
    assert set(counts.loc["B"]) == {(12, 4, 4)}


def site_parts(splits, site):
    """How many roles the patients of each site have in each fold."""
    return splits.roles.groupby(splits.roles.index.map(site)).nunique()


@pytest.mark.parametrize("seed", range(5))
def test_sites_stay_whole_in_test_and_val(seed):
    splits = draw(PATIENTS, n_folds=3, sites=True, seed=seed)
    assert splits.is_partition
    assert (site_parts(splits, tissue_source_site) == 1).all(axis=None)
    assert (splits.sizes["val"] > 0).all()


def test_a_site_validates_where_all_are_larger_than_the_share():
    site = {f"P{i:02d}": f"S{i // 5}" for i in range(15)}
    assert draw(site, n_folds=3, sites=site).sizes.to_numpy().tolist() == [[5, 5, 5]] * 3


@pytest.mark.parametrize("seed", range(4))
def test_a_site_that_is_larger_than_the_share_does_not_validate_where_small_ones_can(seed):
    site = {f"P{i:02d}": "large" if i < 12 else f"S{i // 4}" for i in range(40)}
    splits = draw(site, n_folds=2, val=0.3, sites=site, seed=seed)
    validating = (splits.roles == "val").any(axis=1)
    assert validating.any()
    assert "large" not in splits.roles.index[validating].map(site)


def test_sites_are_dealt_so_that_test_parts_are_alike_and_the_note_gives_their_sizes():
    splits = draw(PATIENTS, n_folds=3, sites=True)
    assert sorted(splits.sizes["test"]) == [10, 11, 11]
    assert splits.note.startswith("7 tissue source sites")
    assert splits.note.count("11 patients") == 2


def test_whole_sites_of_a_published_cancer_are_nearly_as_balanced():
    splits = draw(published("BRCA").roles.index, sites=True)
    assert (site_parts(splits, tissue_source_site) == 1).all(axis=None)
    assert splits.sizes["test"].between(205, 219).all()
    assert splits.sizes["val"].between(70, 90).all()


def test_sites_of_others_are_given():
    site = {f"P{i}": "ABCD"[i % 4] for i in range(12)}
    splits = draw(site, n_folds=2, sites=site)
    assert (site_parts(splits, site) == 1).all(axis=None)


def test_whole_sites_are_dealt_within_cohorts():
    cohorts = {patient: "A" if patient < "TCGA-A4" else "B" for patient in PATIENTS}
    splits = draw(PATIENTS, n_folds=3, sites=True, cohorts=cohorts)
    tested = (splits.roles == "test").groupby(splits.cohort).sum()
    assert sorted(tested.loc["A"]) == [5, 7, 9]
    assert sorted(tested.loc["B"]) == [3, 4, 4]


def test_whole_sites_validate_in_every_cohort():
    cohort = pd.concat([published(cancer).cohort for cancer in ("BRCA", "GBM", "HNSC")])
    splits = draw(cohort.index, sites=True, cohorts=cohort.to_dict())
    share = (splits.roles == "val").groupby(cohort).sum() / (splits.roles != "test").groupby(cohort).sum()
    assert share.stack().between(0.07, 0.12).all()


DRAWS = {
    "one fold": ({"n_folds": 1}, "folds must be 2 or more, but is 1"),
    "all validate": ({"val": 1.0}, "from 0 to below 1, but is 1.0"),
    "a negative share": ({"val": -0.1}, "from 0 to below 1, but is -0.1"),
    "a negative seed": ({"seed": -1}, "seed must be 0 or more, but is -1"),
    "few patients": ({"patients": ["P1", "P2"], "n_folds": 3}, "2 patients are too few for 3 folds"),
    "nobody to train": ({"patients": ["P1", "P2"], "n_folds": 2}, "2 patients are too few for 2 folds"),
    "a blank": ({"patients": ["P1", " "]}, "a patient has no name"),
    "no barcode": ({"patients": [*PATIENTS, "P1"], "sites": True}, "1 of 33 patients have no TCGA barcode"),
    "no site": ({"sites": {PATIENTS[0]: "A1"}}, "31 of 32 patients have no site"),
    "no cohort": ({"cohorts": {PATIENTS[0]: "A"}}, "31 of 32 patients have no cohort"),
    "few sites": ({"sites": True, "n_folds": 8}, "7 sites are too few for 8 folds"),
    "one site outside": (
        {"patients": PATIENTS[:16], "sites": True, "n_folds": 2},
        "only the site A. is left to train",
    ),
}


@pytest.mark.parametrize(("options", "words"), DRAWS.values(), ids=DRAWS)
def test_what_cannot_be_drawn_is_refused(options, words):
    with pytest.raises(InputError, match=words):
        draw(**{"patients": PATIENTS} | options)


def test_two_patients_can_be_drawn_without_val():
    assert draw(["P1", "P2"], n_folds=2, val=0).sizes["train"].tolist() == [1, 1]


def test_samples_of_one_patient_are_not_two_patients():
    names = [f"TCGA-3C-A{i:03d}-01Z-00-DX{j}" for i in range(10) for j in (1, 2)]
    with pytest.raises(InputError, match="20 names belong to 10 patients"):
        draw(names)


def test_flags_may_be_ones_and_zeros(tmp_path):
    path = tmp_path / "splits_0_bool.csv"
    path.write_text(",train,val,test\nTCGA-AA-0001,1,0,0\nTCGA-AA-0002,0,1,0\nTCGA-AA-0003,0,0,1\n")
    assert read_splits(path).roles["fold_0"].tolist() == ["train", "val", "test"]
