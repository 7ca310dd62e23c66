"""`splits` and `convert-results`: from all kinds of sources to files that the next step reads, or an error."""

from __future__ import annotations

import errno
import pickle
import zipfile

import anndata
import numpy as np
import pandas as pd
import pytest

from sequoia_model.splits import published, read_splits
from sequoia_stats.io import read_predictions
from sequoia_stats.selection import well_predicted
from tests.build.cohorts import make_predictions
from tests.build.commands import left_in, sequoia_model
from tests.build.damaged import deep_key_pickle, deep_pickle

GENES = [f"G{j + 1}" for j in range(12)]


def write_patients(folder, n=30, columns=("cancer", "site")):
    """A table of patients of two cancers and six sites."""
    table = pd.DataFrame(
        {
            "patient_id": [f"P{i:02d}" for i in range(n)],
            "cancer": ["BRCA" if i < n / 2 else "GBM" for i in range(n)],
            "site": [f"S{i % 6}" for i in range(n)],
        }
    )
    table[["patient_id", *columns]].to_csv(folder / "p.csv", index=False)
    return folder / "p.csv"


def write_clam(folder):
    """Two folds of CLAM, of three slides."""
    (folder / "clam").mkdir()
    names = ["S1.svs", "S2.svs", "S3.svs"]
    for fold in range(2):
        part = names[fold:] + names[:fold]
        table = pd.DataFrame(dict(zip(["train", "val", "test"], ([name] for name in part), strict=True)))
        table.to_csv(folder / "clam" / f"splits_{fold}.csv")
    (folder / "p.csv").write_text("slide_id,case_id\nS1,P1\nS2,P2\nS3,P3\n")
    return folder / "clam"


def write_results(folder, change=lambda content: None, **made):
    """A pickle of the published code, with simulated predictions."""
    data = make_predictions(**{"n": 20, "slides": 2, "folds": 2} | made)
    names = np.array([f"TCGA-AA-{1000 + i // 2}-01Z-00-DX{i % 2 + 1}" for i in range(data.n)])
    content = {"genes": [f"rna_{gene}" for gene in GENES]}
    for fold, rows in data.obs.groupby("fold").indices.items():
        content[f"split_{fold}"] = {
            "real": data.measured[rows],
            "preds": data.predicted[rows],
            "random": data.untrained[0][rows],
            "wsi_file_name": names[rows],
            "tcga_project": np.full(len(rows), "TCGA-BRCA"),
        }
    change(content)
    (folder / "r.pkl").write_bytes(pickle.dumps(content))
    return folder / "r.pkl"


# --- splits --------------------------------------------------------------------------------------------------------


def test_published_splits_are_written_and_read_back(capsys, tmp_path):
    answer = sequoia_model(capsys, "splits", "--from", "published:brca", "-o", tmp_path / "s.csv")
    assert answer.code == 0, answer.err
    assert "published BRCA: 1,059 patients" in answer.out
    assert answer.out.splitlines()[2].split() == ["0", "762", "85", "212"]
    assert read_splits(tmp_path / "s.csv").to_frame().equals(published("BRCA").to_frame())


def test_folds_are_drawn_within_cohorts_and_the_seed_gives_the_same_bytes(capsys, tmp_path):
    patients = write_patients(tmp_path)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        command = ["splits", "--from", "draw", "--patients", patients, "--folds", 3, "--seed", seed]
        assert sequoia_model(capsys, *command, "-o", tmp_path / f"{name}.csv").code == 0
    files = [(tmp_path / f"{name}.csv").read_bytes() for name in "abc"]
    assert files[0] == files[1] != files[2]
    table = pd.read_csv(tmp_path / "a.csv")
    assert set(table.groupby("cancer")["fold_0"].agg(lambda fold: (fold == "test").sum())) == {5}


def test_sites_of_the_table_stay_together_and_are_reported(capsys, tmp_path):
    patients = write_patients(tmp_path)
    command = ["splits", "--from", "draw", "--patients", patients, "--folds", 3, "--sites"]
    answer = sequoia_model(capsys, *command, "-o", tmp_path / "s.csv")
    assert answer.code == 0, answer.err
    assert "6 tissue source sites, each whole in one part of a fold" in answer.err
    roles = read_splits(tmp_path / "s.csv").roles
    assert (roles.groupby(pd.read_csv(patients, index_col=0)["site"]).nunique() == 1).all(axis=None)


def test_whole_sites_are_balanced_by_events_and_the_same_seed_gives_the_same_bytes(capsys, tmp_path):
    rows = [f"P{i:02d},H{int(i**0.5)},{int(i % 7 == 0)},{40 + i}" for i in range(80)]
    (tmp_path / "t.csv").write_text("\n".join(["patient_id,hospital,event,age", *rows]) + "\n")
    command = [
        "splits",
        "--from",
        "draw",
        "--patients",
        tmp_path / "t.csv",
        "--site",
        "hospital",
        "--folds",
        3,
    ]
    for name, by in (("a", "events"), ("b", "events"), ("c", "age")):
        answer = sequoia_model(capsys, *command, "--balance", by, "-o", tmp_path / f"{name}.csv", "--json")
        assert answer.code == 0, answer.err
    assert "age (numeric)" in answer.json["note"] and "gap" in answer.json["note"]
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    event = pd.read_csv(tmp_path / "t.csv", index_col=0)["event"]
    splits = read_splits(tmp_path / "a.csv")
    assert {int(event[splits.patients(fold, "test")].sum()) for fold in range(3)} == {4}


def test_files_of_clam_become_patients_of_the_table(capsys, tmp_path):
    folder = write_clam(tmp_path)
    command = [
        "splits",
        "--from",
        folder,
        "--patients",
        tmp_path / "p.csv",
        "-o",
        tmp_path / "s.csv",
        "--json",
    ]
    answer = sequoia_model(capsys, *command)
    assert answer.json["n_patients"] == 3
    assert answer.json["sizes"] == [{"fold": k, "train": 1, "val": 1, "test": 1} for k in range(2)]
    assert answer.json["is_partition"] is False
    assert answer.json["note"] == "1 of 3 patients is never tested"


# --- convert-results -----------------------------------------------------------------------------------------------


def test_old_results_are_read_and_judged_by_the_statistics(capsys, tmp_path):
    answer = sequoia_model(
        capsys, "convert-results", write_results(tmp_path), "-o", tmp_path / "p.h5ad", "--json"
    )
    assert answer.code == 0, answer.err
    assert answer.json["n_slides"] == 40
    assert answer.json["n_patients"] == 20
    assert answer.json["folds"] == [0, 1]
    assert answer.json["layers"] == ["measured", "std", "untrained"]
    assert answer.json["warnings"] == []
    data = read_predictions(tmp_path / "p.h5ad")
    assert list(data.genes) == GENES
    assert data.note.startswith("converted from cross-validation results")
    assert data.obs.groupby("fold", observed=True)["patient_id"].nunique().tolist() == [10, 10]
    judged = well_predicted(data, rule="strict")
    assert len(judged.table) == len(GENES)
    assert well_predicted(data, by="cohort").table["cohort"].unique().tolist() == ["TCGA-BRCA"]


def test_results_without_untrained_or_fold_are_judged_too(capsys, tmp_path):
    def change(content):
        alone = content.pop("split_0") | {"random": None, "genes": content.pop("genes")}
        content.clear()
        content.update(alone)

    answer = sequoia_model(
        capsys, "convert-results", write_results(tmp_path, change), "-o", tmp_path / "p.h5ad"
    )
    assert answer.code == 0, answer.err
    assert "warning: the file does not say which fold" in answer.err
    data = read_predictions(tmp_path / "p.h5ad")
    assert len(well_predicted(data, rule="strict").table) == len(GENES)


def test_the_same_results_give_the_same_bytes(capsys, tmp_path):
    results = write_results(tmp_path)
    for name in "ab":
        assert sequoia_model(capsys, "convert-results", results, "-o", tmp_path / f"{name}.h5ad").code == 0
    assert (tmp_path / "a.h5ad").read_bytes() == (tmp_path / "b.h5ad").read_bytes()


def test_slides_of_nobody_are_their_own_patients_and_a_table_names_others(capsys, tmp_path):
    def change(content):
        for fold in range(2):
            names = content[f"split_{fold}"]["wsi_file_name"]
            content[f"split_{fold}"]["wsi_file_name"] = [
                name.removeprefix("TCGA-") + ".svs" for name in names
            ]

    results = write_results(tmp_path, change)
    answer = sequoia_model(capsys, "convert-results", results, "-o", tmp_path / "a.h5ad")
    assert "warning: 40 of 40 slides have no patient" in answer.err
    slides = read_predictions(tmp_path / "a.h5ad").obs.index
    pd.DataFrame({"slide": slides, "patient": [slide[:7] for slide in slides]}).to_csv(tmp_path / "p.csv")
    command = ["convert-results", results, "--patients", tmp_path / "p.csv", "-o", tmp_path / "b.h5ad"]
    assert sequoia_model(capsys, *command).code == 0
    assert read_predictions(tmp_path / "b.h5ad").patients.nunique() == 20


# --- bad input -----------------------------------------------------------------------------------------------------


def splits(*words):
    """`splits` of words; HERE is the folder, p.csv a table of patients."""

    def build(folder):
        write_patients(folder)
        return [
            "splits",
            "--from",
            *(str(w).replace("HERE", str(folder)) for w in words),
            "-o",
            folder / "out.csv",
        ]

    return build


def kept_as(name, write):
    """Splits as published code keeps them, which are not tables."""

    def build(folder):
        write(folder / name)
        return ["splits", "--from", folder / name, "-o", folder / "out.csv"]

    return build


def write_zip(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("splits_0.csv", "train,test\n")


def results(change=lambda content: None, *options):
    def build(folder):
        return ["convert-results", write_results(folder, change), *options, "-o", folder / "out.h5ad"]

    return build


def junk(data):
    def build(folder):
        (folder / "r.pkl").write_bytes(data)
        return ["convert-results", folder / "r.pkl", "-o", folder / "out.h5ad"]

    return build


def onto(output, *command):
    """A command whose output already exists."""

    def build(folder):
        write_patients(folder)
        write_results(folder)
        (folder / "old.csv").write_text("old")
        rows = [
            f"P{i},{'dead' if i == 3 else i % 2},x,{'AAAABC'[i]},{'unknown' if i == 2 else i}"
            for i in range(6)
        ]
        (folder / "e.csv").write_text("\n".join(["patient_id,event,same,place,maybe", *rows]) + "\n")
        words = [str(word).replace("HERE", str(folder)) for word in command]
        return [*words, "-o", folder / output]

    return build


def nan(content):
    content["split_1"]["preds"][3, 4] = np.nan


BAD = {
    "a pickle 100,000 deep": (junk(deep_pickle(100_000)), ["r.pkl", "nested too deeply"]),
    "a key 3 million deep": (junk(deep_key_pickle(3_000_000)), ["r.pkl", "stopped reading the file"]),
    "another cancer": (splits("published:OV"), ["no published splits of 'OV'", "BLCA", "UCEC"]),
    "no cancer": (splits("published:"), ["no published splits of ''"]),
    "published alone": (splits("published"), ["neither published:CANCER, nor draw", "published"]),
    "published with patients": (splits("published:BRCA", "--patients", "HERE/p.csv"), ["leave out --patients"]),
    "published with a seed": (splits("published:BRCA", "--seed", "3"), ["can only be used with --from draw"]),
    "published with sites": (splits("published:BRCA", "--sites"), ["can only be used with --from draw"]),
    "nobody to draw": (splits("draw"), ["no patients to draw from", "--patients CSV"]),
    "many folds": (splits("draw", "--patients", "HERE/p.csv", "--folds", 31), ["30 patients are too few", "p.csv"]),
    "many sites": (
        splits("draw", "--patients", "HERE/p.csv", "--sites", "--folds", 7),
        ["6 sites are too few for 7 folds", "S0, S1", "p.csv"],
    ),
    "a site of nobody": (
        splits("draw", "--patients", "HERE/p.csv", "--site", "hospital"),
        ["'hospital' is not", "p.csv"],
    ),
    "a site that is missing": (
        onto("out.csv", "splits", "--from", "draw", "--patients", "HERE/e.csv", "--site", "maybe"),
        ["1 of 6 patients has no site", "P2", "e.csv", "leave them out"],
    ),
    "a site in other capitals": (
        splits("draw", "--patients", "HERE/p.csv", "--site", "Site"),
        ["'Site' is not", "write the title as in the table: site"],
    ),
    "no events": (splits("draw", "--patients", "HERE/p.csv", "--balance", "events"), ["'event' is not", "p.csv"]),
    "events as words": (
        onto("out.csv", "splits", "--from", "draw", "--patients", "HERE/e.csv", "--balance", "events"),
        ["1 event is neither 0 nor 1", "P3 ('dead')", "e.csv"],
    ),
    "a column of one value": (
        onto("out.csv", "splits", "--from", "draw", "--patients", "HERE/e.csv", "--balance", "same"),
        ["same cannot be balanced: x is all that it holds", "e.csv"],
    ),
    "a solver": (
        splits("draw", "--patients", "HERE/p.csv", "--sites", "--solver", "best"),
        ["'best' is not a valid solver", "greedy, milp"],
    ),
    "a property that greedy ignores": (
        splits("draw", "--patients", "HERE/p.csv", "--sites", "--solver", "greedy", "--balance", "cancer"),
        ["the greedy solver does not balance cancer", "leave out --solver greedy"],
    ),
    "a solver without sites": (
        splits("draw", "--patients", "HERE/p.csv", "--solver", "milp"),
        ["only where sites are kept whole", "--sites"],
    ),
    "a site that fills folds": (
        onto("out.csv", "splits", "--from", "draw", "--patients", "HERE/e.csv", "--folds", 3, "--site", "place"),
        ["the site A has 4 of 6 patients", "e.csv"],
    ),
    "published and balanced": (splits("published:BRCA", "--balance", "events"), ["only be used with --from draw"]),
    "no source": (lambda folder: ["splits", "-o", folder / "out.csv"], ["Missing option '--from'"]),
    "no output": (lambda folder: ["splits", "--from", "published:BRCA"], ["Missing option '--output'"]),
    "a share": (splits("draw", "--patients", "HERE/p.csv", "--val", 1), ["from 0 to below 1, but is 1.0"]),
    "a negative seed": (splits("draw", "--patients", "HERE/p.csv", "--seed", -1), ["0 or more, but is -1"]),
    "a word for a number": (splits("draw", "--patients", "HERE/p.csv", "--folds", "x"), ["--folds"]),
    "no table": (splits("draw", "--patients", "HERE/q.csv"), ["does not exist", "q.csv"]),
    "no file": (splits("HERE/q.csv"), ["nor a file or folder that exists", "q.csv"]),
    "a name that is too long": (splits("x" * 9999), ["nor a file or folder that exists"]),
    "a long name of patients": (splits("draw", "--patients", "x" * 9999), ["does not exist"]),
    "an array": (
        kept_as("train_0.npy", lambda p: np.save(p, np.array(["TCGA-3C-AALI"]))),
        ["train_0.npy", "a NumPy array", "--from published:BRCA", "CSV"],
    ),
    "a pickle": (
        kept_as("test_wsis.pkl", lambda p: p.write_bytes(pickle.dumps({"split_0": ["TCGA-3C-AALI"]}))),
        ["test_wsis.pkl", "a pickle", "--from published:BRCA", "CSV"],
    ),
    "an archive": (kept_as("splits.zip", write_zip), ["splits.zip", "a zip archive", "unpack it"]),
    "no splits": (splits("HERE/p.csv"), ["does not hold splits", "p.csv"]),
    "no folder of splits": (splits("HERE"), ["no files of splits"]),
    "a split output that is there": (
        onto("old.csv", "splits", "--from", "published:GBM"),
        ["already exists", "--force"],
    ),
    "a table that is read": (
        onto("p.csv", "splits", "--from", "draw", "--patients", "HERE/p.csv", "--force"),
        ["would replace an input", "p.csv"],
    ),
    "an ending of splits": (onto("s.xlsx", "splits", "--from", "published:GBM"), [".csv, not .xlsx"]),
    "an ending of predictions": (onto("s.csv", "convert-results", "HERE/r.pkl"), [".h5ad, not .csv"]),
    "a pickle that is read": (
        onto("r.pkl", "convert-results", "HERE/r.pkl", "--force"),
        ["would replace an input", "r.pkl"],
    ),
    "no bytes": (junk(b""), ["not a readable pickle", "r.pkl"]),
    "no pickle": (junk(b"junk" * 99), ["not a readable pickle", "r.pkl"]),
    "a truncated pickle": (junk(pickle.dumps({"a": np.zeros(99)})[:-9]), ["not a readable pickle", "r.pkl"]),
    "a frame": (
        junk(pickle.dumps({"split_0": pd.DataFrame({"a": [1]})})),
        ["not hold cross-validation results", "pred and random, each one table", "r.pkl"],
    ),
    "a series": (
        junk(pickle.dumps({"pred": pd.Series([1.0])})),
        ["pred is an array of float64", "pred and random, each one table", "r.pkl"],
    ),
    "another structure": (junk(pickle.dumps({"a": 1})), ["not hold cross-validation results", "dictionary of a"]),
    "NaN predictions": (results(nan), ["1 value is NaN or infinite", "split_1, preds", "gene G5"]),
    "a key that lacks": (results(lambda content: content["split_0"].pop("real")), ["split_0 lacks real", "r.pkl"]),
    "no table of patients": (results(lambda content: None, "--patients", "q.csv"), ["does not exist", "q.csv"]),
    "no pickle at all": (lambda folder: ["convert-results", folder / "r.pkl", "-o", folder / "o.h5ad"], ["does not"]),
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


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left"), RuntimeError("unable to extend file")]
)
def test_a_full_disk_leaves_the_old_file_and_ends_with_2(capsys, tmp_path, monkeypatch, error):
    def full(self, path):
        path.write_bytes(b"half")
        raise error

    monkeypatch.setattr(anndata.AnnData, "write_h5ad", full)
    (tmp_path / "p.h5ad").write_text("old")
    answer = sequoia_model(
        capsys, "convert-results", write_results(tmp_path), "-o", tmp_path / "p.h5ad", "--force"
    )
    assert answer.code == 2
    assert "the output cannot be written" in answer.err
    assert (tmp_path / "p.h5ad").read_text() == "old"
    assert left_in(tmp_path) == ["p.h5ad", "r.pkl"]


def test_a_forced_output_is_replaced(capsys, tmp_path):
    (tmp_path / "s.csv").write_text("old")
    command = ["splits", "--from", "published:GBM", "-o", tmp_path / "s.csv", "--force"]
    assert sequoia_model(capsys, *command).code == 0
    assert read_splits(tmp_path / "s.csv").is_partition


def test_an_error_under_json_is_one_object(capsys, tmp_path):
    answer = sequoia_model(capsys, *results(nan, "--json")(tmp_path))
    assert answer.code == 2
    assert set(answer.json["error"]) == {"what", "where", "fix"}
