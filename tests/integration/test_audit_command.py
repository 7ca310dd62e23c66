"""`splits audit` and `site`: what networks could know of their test patients; and bad input."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pandas as pd
import pytest

from sequoia_model.splits import draw
from tests.build.commands import left_in, sequoia_model
from tests.build.features import make_features, write_clam, write_sequoia
from tests.build.pickles import make_results, make_split, write_pickle

PATIENTS = [f"TCGA-{'AB'[i % 2]}1-{i:04d}" for i in range(24)]
SPLITS = draw(PATIENTS, n_folds=3)


def write_leaking(folder):
    """A fold of CLAM that trains on a slide of a test patient."""
    names = [f"{patient}-01Z-00-DX1" for patient in PATIENTS[:4]]
    columns = {"train": names[:2], "val": names[2:3], "test": [names[3], f"{PATIENTS[0]}-01Z-00-DX2"]}
    folder.mkdir()
    table = pd.DataFrame({role: pd.Series(column, dtype=object) for role, column in columns.items()})
    table.to_csv(folder / "splits_0.csv")
    return folder


def write_feature_folder(folder, shift=0.0, twins=()):
    """Features of a slide of each patient, which differ between the two sites by `shift`."""
    folder.mkdir()
    tiles = {i: make_features(6, 8, seed=i) + shift * np.eye(8, dtype=np.float32)[i % 2] for i in range(24)}
    for one, other in twins:
        tiles[other] = tiles[one]
    for i, patient in enumerate(PATIENTS):
        write_clam(folder / f"{patient}-01Z-00-DX1.h5", features=tiles[i].astype(np.float32))
    return folder


def test_splits_without_leaks_end_with_0_and_tell_what_test_parts_differ_in(capsys, tmp_path):
    SPLITS.save(tmp_path / "s.csv")
    pd.DataFrame({"patient_id": PATIENTS, "ER": ["positive", "negative"] * 12}).to_csv(tmp_path / "t.csv")
    answer = sequoia_model(capsys, "splits", "audit", tmp_path / "s.csv", "--patients", tmp_path / "t.csv")
    assert answer.code == 0, answer.err
    assert "24 patients, 3 folds" in answer.out and "no leaks" in answer.out
    assert "fold × site" in answer.out and "fold × ER" in answer.out


def test_leaks_end_with_2_and_json_names_them(capsys, tmp_path):
    answer = sequoia_model(capsys, "splits", "audit", write_leaking(tmp_path / "clam"), "--json")
    assert answer.code == 2
    assert [{key: leak[key] for key in ("kind", "fold", "items")} for leak in answer.json["leaks"]] == [
        {"kind": "patient_in_train_and_test", "fold": 0, "items": [PATIENTS[0]]}
    ]
    assert answer.json["kind"] == "splits" and answer.json["n_folds"] == 1
    assert "error: 1 leak" in answer.err
    assert "Traceback" not in answer.err


def test_near_duplicates_are_reported_and_not_refused(capsys, tmp_path):
    twin = next(i for i in range(1, 24) if SPLITS.test_fold(PATIENTS[i]) != SPLITS.test_fold(PATIENTS[0]))
    features = write_feature_folder(tmp_path / "features", twins=[(0, twin)])
    SPLITS.save(tmp_path / "s.csv")
    command = ["splits", "audit", tmp_path / "s.csv", "--features", features, "--json"]
    answer = sequoia_model(capsys, *command)
    assert answer.code == 0, answer.err
    assert answer.json["leaks"] == []
    (pair,) = answer.json["near_duplicates"]
    assert {pair["patient_a"], pair["patient_b"]} == {PATIENTS[0], PATIENTS[twin]}
    assert pair["cosine"] == pytest.approx(1)


def test_a_group_that_has_a_command_still_writes_splits(capsys, tmp_path):
    answer = sequoia_model(capsys, "splits", "--from", "published:GBM", "-o", tmp_path / "audit.csv")
    assert answer.code == 0, answer.err
    assert sequoia_model(capsys, "splits", "audit", tmp_path / "audit.csv").code == 0


def test_site_writes_a_table_and_json(capsys, tmp_path):
    features = write_feature_folder(tmp_path / "features", shift=6)
    command = ["site", features, "-o", tmp_path / "site", "--encoder", "uni", "--permutations", 19, "--json"]
    answer = sequoia_model(capsys, *command)
    assert answer.code == 0, answer.err
    assert answer.json["accuracy"] == 1 and answer.json["p"] == 1 / 20 and answer.json["encoder"] == "uni"
    assert left_in(tmp_path / "site") == ["site.csv", "site.json"]
    table = pd.read_csv(tmp_path / "site" / "site.csv")
    assert table["site"].tolist() == ["A1", "B1"] and table["n_patients"].tolist() == [12, 12]
    kept = json.loads((tmp_path / "site" / "site.json").read_text())
    assert kept == {key: value for key, value in answer.json.items() if key != "output"}


def test_the_same_features_give_the_same_bytes(capsys, tmp_path):
    features = write_feature_folder(tmp_path / "features", shift=1)
    for name in "ab":
        command = ["site", features, "-o", tmp_path / name, "--permutations", 9, "--jobs", 2]
        assert sequoia_model(capsys, *command).code == 0
    assert (tmp_path / "a" / "site.json").read_bytes() == (tmp_path / "b" / "site.json").read_bytes()


# --- bad input -----------------------------------------------------------------------------------------------------


def audited(*words, **files):
    """`splits audit` of words; HERE is the folder, in which files of text are written."""

    def build(folder):
        SPLITS.save(folder / "s.csv")
        for name, text in files.items():
            (folder / f"{name}.csv").write_text(text)
        return ["splits", "audit", *(str(word).replace("HERE", str(folder)) for word in words)]

    return build


def sites(*words, **files):
    """`site` of a folder of features."""

    def build(folder):
        write_feature_folder(folder / "features")
        for name, text in files.items():
            (folder / f"{name}.csv").write_text(text)
        words_ = [str(word).replace("HERE", str(folder)) for word in words]
        return ["site", folder / "features", "-o", folder / "out", *words_]

    return build


def audited_pickle(content):
    return lambda folder: ["splits", "audit", write_pickle(folder, content)]


def other_slides(folder):
    (folder / "a.csv").write_text("slide,patient_id\nS1,P1\n")
    return ["splits", "audit", write_leaking(folder / "clam"), "--patients", folder / "a.csv"]


def empty_folder(folder):
    (folder / "empty").mkdir()
    return ["splits", "audit", folder / "empty"]


def onto_others(folder):
    """An output folder that holds something else."""
    command = sites("--force")(folder)
    (folder / "out").mkdir()
    (folder / "out" / "mine.txt").write_text("mine")
    return command


BAD = {
    "options that write splits": (
        lambda folder: ["splits", "--from", "draw", "-o", folder / "z.csv", *audited("HERE/s.csv")(folder)[1:]],
        ["--from writes splits, and audit is another command", "after its name"],
    ),
    "no file": (audited("HERE/q.csv"), ["does not exist", "q.csv"]),
    "no splits": (audited("HERE/a.csv", a="x,y\n1,2\n"), ["does not hold splits", "a.csv"]),
    "a word that is no role": (
        audited("HERE/a.csv", a="patient_id,fold_0\nP1,train\nP2,tset\n"),
        ["1 role is not valid in fold_0", "P2 ('tset')", "a.csv"],
    ),
    "nobody": (audited("HERE/a.csv", a="patient_id,fold_0\nP1,\n"), ["nobody is in any fold", "a.csv"]),
    "an empty folder": (empty_folder, ["the folder has no files of splits", "empty"]),
    "no pickle": (audited_pickle(b"junk" * 9), ["not a readable pickle", "test_results.pkl"]),
    "another pickle": (audited_pickle(pickle.dumps({"a": 1})), ["not hold cross-validation results"]),
    "no features": (audited("HERE/s.csv", "--features", "HERE/q"), ["does not exist"]),
    "no table": (audited("HERE/s.csv", "--patients", "HERE/q.csv"), ["does not exist", "q.csv"]),
    "a slide of two patients": (
        audited("HERE/s.csv", "--patients", "HERE/a.csv", a="slide,patient_id\nS1,P1\nS1,P2\n"),
        ["1 slide has rows that contradict each other", "S1 (P1, P2)", "a.csv"],
    ),
    "a table of other slides": (other_slides, ["none of the 5 slides is in the given list", "given: S1", "by name"]),
    "a site of other slides": (
        sites("--patients", "HERE/a.csv", a="slide,patient_id,site\nS1,P1,A\n"),
        ["none of the 24 slides is in the given list of patients", "given: S1"],
    ),
    "splits beside splits": (
        audited("HERE/s.csv", "--splits", "published:BRCA"),
        ["says itself whom the folds trained on", "s.csv", "leave out --splits"],
    ),
    "features of other slides": (
        lambda folder: [
            *audited("HERE/s.csv")(folder), "--features", write_clam(folder / "TCGA-ZZ-0001.h5", dim=8)
        ],
        ["none of the 1 slide of the features is in a fold", "TCGA-ZZ-0001"],
    ),
    "a table of other patients": (
        audited("HERE/s.csv", "--patients", "HERE/a.csv", a="patient_id,er\nP1,+\n"),
        ["none of the patients is in the splits", "given table: P1", "TCGA-A1-0000"],
    ),
    "a cosine above 1": (audited("HERE/s.csv", "--near", 2), ["near must be a number above 0 and at most 1"]),
    "a seed": (audited("HERE/s.csv", "--seed", -1), ["seed must be a whole number, 0 or more"]),
    "small sites": (sites("--folds", 13), ["0 sites have 13 patients or more", "A1 (12)", "use --folds 12"]),
    "sites of nobody": (
        sites("--patients", "HERE/a.csv", a="patient_id,site\nP1,A\nP2,B\n"),
        ["the site of none of the 24 patients is known", "a.csv, column 'site'", "TCGA-A1-0000"],
    ),
    "unknown sites": (
        sites("--patients", "HERE/a.csv", a="patient_id,site\n" + "".join(f"{p},NA\n" for p in PATIENTS)),
        ["the site of none of the 24 patients is known", "a.csv, column 'site'"],
    ),
    "tiles alone and cluster means alone": (
        lambda folder: [*sites()(folder), write_sequoia(folder / "means.h5", dim=8, kinds=())],
        ["1 of 25 files holds cluster means alone, and 24 tiles alone", "means.h5"],
    ),
    "one fold": (sites("--folds", 1), ["n_folds must be a whole number, 2 or more"]),
    "no column": (
        sites("--patients", "HERE/a.csv", "--site", "place", a="patient_id,site\nP1,A\n"),
        ["there is no column 'place'", "a.csv; its columns are site"],
    ),
    "a column in other capitals": (
        sites("--patients", "HERE/a.csv", "--site", "Place", a="patient_id,place\nP1,A\n"),
        ["there is no column 'Place'", "write the title as in the table: place"],
    ),
    "a column of no table": (sites("--site", "place"), ["there is no table with the column 'place'", "--patients"]),
    "another encoder's length": (
        lambda folder: [*sites()(folder), write_clam(folder / "wide.h5", dim=16)],
        ["different lengths: 8, 16", "wide.h5"],
    ),
    "an output that holds more": (onto_others, ["out", "mine.txt"]),
}  # fmt: skip


@pytest.mark.parametrize(("build", "words"), BAD.values(), ids=BAD)
def test_bad_input_ends_with_2_and_leaves_nothing(capsys, tmp_path, build, words):
    command = build(tmp_path)
    before = left_in(tmp_path)
    answer = sequoia_model(capsys, *command)
    assert answer.code == 2, answer.err
    assert [word for word in words if word not in answer.err] == [], answer.err
    assert "Traceback" not in answer.err
    assert answer.out == ""
    assert left_in(tmp_path) == before


def test_results_of_the_published_code_are_audited(capsys, tmp_path):
    answer = sequoia_model(capsys, "splits", "audit", write_pickle(tmp_path, make_results()), "--json")
    assert answer.code == 0, answer.err
    assert answer.json["kind"] == "results" and answer.json["n_patients"] == 4
    assert answer.json["looked_at"] == ["repeats"]


def test_results_beside_the_splits_of_their_networks_end_with_2_if_they_leak(capsys, tmp_path):
    names = [f"{patient}-01Z-00-DX1" for patient in SPLITS.patients(0, "train")[:2]]
    results = write_pickle(tmp_path, make_results(make_split(0, wsi_file_name=np.array(names))))
    SPLITS.save(tmp_path / "s.csv")
    assert sequoia_model(capsys, "splits", "audit", results).code == 0
    answer = sequoia_model(capsys, "splits", "audit", results, "--splits", tmp_path / "s.csv", "--json")
    assert answer.code == 2
    assert [leak["kind"] for leak in answer.json["leaks"]] == ["predicted_by_training_fold"]
    assert answer.json["leaks"][0]["items"] == sorted(names)
