"""Bad input of `predict`: what is wrong, and the words of the error.

A builder gets an empty folder, writes its files there and returns the arguments of the command; outputs are called
``out.*``. A user's bug becomes a row.
"""

from __future__ import annotations

import os
import shutil

import anndata
import h5py
import numpy as np
import pytest
import torch

from sequoia_model.splits import draw
from sequoia_model.types.bag import EncoderId
from tests.build.calibration import write_calibration
from tests.build.commands import left_in, sequoia_model
from tests.build.damaged import write_damaged
from tests.build.features import make_features, write_clam, write_ours, write_sequoia
from tests.build.networks import TOY_GENES, write_folds, write_genes
from tests.build.weights import run_folder

pytestmark = pytest.mark.slow


def command(folder, *options, genes=TOY_GENES, weights="sequoia-brca", encoder=None):
    """`predict` of the folder of features, after weights and genes are written."""
    write_folds(folder / "weights", weights)
    write_genes(folder / "genes.txt", genes)
    words = ["predict", folder / "features", "--weights", folder / "weights", "--genes", folder / "genes.txt"]
    words += ["-o", folder / "out.h5ad", *(["--encoder", encoder] if encoder else [])]
    return [*words, *(str(word).replace("HERE", str(folder)) for word in options)]


def bad(change, **made):
    """A slide whose file is made by a function of its path."""

    def build(folder):
        path = folder / "features" / "S1.h5"
        path.parent.mkdir(parents=True)
        change(path)
        return command(folder, **made)

    return build


def options(*words, change=lambda folder: None, **made):
    """A good slide, further options, and a change to the files that are there."""

    def build(folder):
        write_ours(folder / "features" / "S1.h5", tiles=130, dim=32)
        built = command(folder, *words, **made)
        change(folder)
        return built

    return build


def dataset(values, name="features"):
    """A file with one dataset, by UNI."""

    def change(path):
        with h5py.File(path, "w") as file:
            file[name] = values
            file.attrs["encoder"] = "uni"

    return change


def truncated(path):
    write_ours(path, tiles=130, dim=32)
    path.write_bytes(path.read_bytes()[:4000])


def with_nan(path):
    features = make_features(130, 32)
    features[7, 3] = np.nan
    write_clam(path, features=features)


def never_written(path):
    features = make_features(130, 32)
    features[[7, 9]] = 0
    write_clam(path, features=features)


def pipe(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)


def named(name):
    return lambda path: write_ours(path, tiles=130, dim=32, encoder=EncoderId(name))


FILES = {
    "0 bytes": (bad(lambda p: p.write_bytes(b"")), ["S1.h5", "0 bytes"]),
    "truncated": (bad(truncated), ["S1.h5", "truncated"]),
    "no HDF5": (bad(lambda p: p.write_text("features")), ["S1.h5", "not HDF5"]),
    "an array": (bad(lambda p: p.write_bytes(b"\x93NUMPY\x01\x00v")), ["S1.h5", "a NumPy array", "h5_files"]),
    "HDF5 crashes": (
        bad(lambda p: write_damaged("crash_features", p)),
        ["S1.h5", "the HDF5 library stopped reading the file", "get a new copy"],
    ),
    "no features": (bad(dataset(np.arange(4), "other")), ["S1.h5", "features"]),
    "NaN": (bad(with_nan, encoder="uni"), ["S1.h5", "1 of 130 rows of features holds NaN"]),
    "never written": (
        bad(never_written, encoder="uni"),
        ["S1.h5", "2 of 130 rows of features are all zero", "rows 7, 9"],
    ),
    "a pipe": (bad(pipe), ["S1.h5", "neither a file nor a folder"]),
    "an empty dataset": (bad(dataset(h5py.Empty("f4"))), ["S1.h5", "the dataset features is empty"]),
    "one dimension": (bad(dataset(np.ones(32, np.float32))), ["S1.h5", "(32,)"]),
    "text": (bad(dataset(np.array([[b"a", b"b"]]))), ["S1.h5", "features"]),
    "another encoder": (bad(named("resnet50-trunc")), ["S1.h5", "are of resnet50-trunc", "those of uni"]),
    "another encoder than asserted": (
        bad(named("virchow2"), weights="mine", encoder="uni"),
        ["S1.h5", "are of virchow2", "those of uni"],
    ),
    "an encoder of nobody": (
        bad(lambda p: write_clam(p, 130, 32)),
        ["S1.h5", "does not name its encoder", "--encoder uni"],
    ),
    "99 cluster means": (
        bad(lambda p: write_sequoia(p, 130, 32, clusters=99)),
        ["S1.h5", "99 cluster means, but the networks take 100"],
    ),
    "another dimension": (
        bad(lambda p: write_ours(p, tiles=130, dim=16)),
        ["S1.h5", "16 columns, but the networks take 32"],
    ),
    "no tile": (bad(dataset(np.ones((0, 32), np.float32))), ["S1.h5", "(0, 32)"]),
    "all of several": (
        options(change=lambda f: [(f / "features" / name).write_bytes(b"") for name in ("S1.h5", "S2.h5")]),
        ["none of the 2 slides could be predicted", "0 bytes"],
    ),
}  # fmt: skip


def pickled(folder):
    """A whole pickled model instead of parameters."""
    path = folder / "weights" / "sequoia-brca-0"
    (path / "model.safetensors").unlink()
    torch.save(torch.nn.Linear(2, 2), path / "model_best.pt")


def other_shapes(folder):
    config = folder / "weights" / "sequoia-brca-1" / "config.json"
    config.write_text(config.read_text().replace('"depth": 2', '"depth": 3'))


WEIGHTS = {
    "no folder": (options("--weights", "HERE/no"), ["no"]),
    "without config": (
        options(change=lambda f: (f / "weights" / "sequoia-brca-0" / "config.json").unlink()),
        ["config.json"],
    ),
    "of other shapes": (options(change=other_shapes), ["sequoia-brca-1"]),
    "a pickled model": (options(change=pickled), ["model_best.pt"]),
    "a missing fold": (
        options(change=lambda f: shutil.rmtree(f / "weights" / "sequoia-brca-2")),
        ["fold", "2"],
    ),
    "an empty folder": (
        options("--weights", "HERE/empty", change=lambda f: (f / "empty").mkdir()),
        ["empty"],
    ),
    "of an unknown encoder": (options(weights="mine"), ["do not name the encoder", "--encoder NAME"]),
    "of another encoder": (options("--encoder", "resnet50"), ["take features of uni", "resnet50"]),
}


def trained(change):
    """A good slide, and the folder of a training run after a change."""

    def build(folder):
        built = options("--weights", "HERE/brca")(folder)
        run_folder(folder / "brca", [f"P{i}" for i in range(6)])
        change(folder)
        return built

    return build


def measured_h5ad(units):
    """Measured expression of the slide, in a unit."""

    def change(folder):
        adata = anndata.AnnData(np.ones((1, 1), np.float32), uns={"units": units})
        adata.obs_names, adata.var_names = ["S1"], ["G1"]
        adata.write_h5ad(folder / "ref.h5ad")

    return change


RUNS = {
    "a training that is not finished": (
        trained(lambda f: shutil.rmtree(f / "brca" / "fold_1")),
        ["the training is not finished: fold 1 of 3 is missing", "brca", "it continues"],
    ),
    "splits that are gone": (trained(lambda f: (f / "brca" / "splits.csv").unlink()), ["splits.csv", "does not exist"]),
    "splits of fewer folds": (
        trained(lambda f: draw([f"P{i}" for i in range(6)], n_folds=2).save(f / "brca" / "splits.csv")),
        ["a network of fold 2, but the splits have 2 folds", "brca"],
    ),
    "expression in another unit": (
        options("--measured", "HERE/ref.h5ad", change=measured_h5ad("log2(TPM+1)")),
        ["is in log2(TPM+1), but the weights predict log2(FPKM-UQ+1)", "ref.h5ad"],
    ),
}  # fmt: skip


def calibrated(*words, n=20, weights="brca", change=lambda path: None):
    """A good slide, the folder of a training run with predictions of n patients after a change, and options."""

    def build(folder):
        built = options("--weights", f"HERE/{weights}", "--intervals", "0.9", *words)(folder)
        people = [f"P{i}" for i in range(n)]
        run_folder(folder / "brca", people)
        write_calibration(folder / "brca" / "predictions.h5ad", people, [i % 3 for i in range(n)])
        change(folder / "brca" / "predictions.h5ad")
        return built

    return build


INTERVALS = {
    "published weights": (
        options("--intervals", "0.9"),
        ["the weights have no calibration", "--calibration FILE"],
    ),
    "a single fold": (calibrated(weights="brca/fold_1"), ["single network", "--calibration FILE"]),
    "a run without predictions": (calibrated(change=lambda f: f.unlink()), ["there is no predictions.h5ad"]),
    "damaged predictions": (
        calibrated(change=lambda f: f.write_bytes(f.read_bytes()[:5000])),
        ["predictions.h5ad"],
    ),
    "a percentage": (options("--intervals", "90"), ["level must be a number between 0 and 1", "90"]),
    "a level of 0": (options("--intervals", "0"), ["between 0 and 1"]),
    "too few patients": (
        calibrated(n=8),
        ["8 calibration patients", "9 patients with measured values are needed", "at most 0.888"],
    ),
    "another method": (calibrated("--intervals-method", "jackknife"), ["'jackknife'", "pooled, cv+"]),
    "cv+ with weights": (
        calibrated("--intervals-method", "cv+", "--intervals-weighted"),
        ["cv+ cannot be weighted", "pooled"],
    ),
    "no level": (options("--intervals-normalised"), ["not their level", "--intervals 0.9"]),
    "a calibration without a level": (
        options("--calibration", "HERE/c.h5ad"),
        ["no intervals are asked for", "--intervals 0.9"],
    ),
    "no calibration": (calibrated("--calibration", "HERE/c.h5ad"), ["does not exist", "c.h5ad"]),
    "no table of groups": (
        calibrated("--intervals-within", "er"),
        ["no table with the column 'er'", "--patients"],
    ),
}


def reference(text):
    return lambda folder: (folder / "ref.csv").write_text(text)


HEADER = "wsi_file_name,patient_id,tcga_project,rna_G1,rna_G2\n"
MEASURED = ("--measured", "HERE/ref.csv")
PATIENTS = ("--patients", "HERE/patients.csv")

TABLES = {
    "a gene list of another length": (
        options(genes=TOY_GENES[:39]),
        ["39 gene names, but the networks predict 40", "genes.txt"],
    ),
    "a gene twice": (options(genes=(*TOY_GENES[:39], "G1")), ["duplicated name: G1 (gene 1)", "genes.txt"]),
    "a gene that is a date": (options(genes=(*TOY_GENES[:39], "1-Mar")), ["a date as its name: 1-Mar (gene 40)"]),
    "no gene list": (options("--genes", "HERE/no.txt"), ["list of genes does not exist", "no.txt"]),
    "no reference": (options("--measured", "HERE/no.csv"), ["does not exist", "no.csv"]),
    "a reference of others": (
        options(*MEASURED, change=reference(HEADER + "S7,P7,TCGA-BRCA,1,2\n")),
        ["the slide is not in the measured expression", "S7, P7", "slides: S1", "ref.csv"],
    ),
    "a reference of other genes": (
        options(*MEASURED, change=reference("wsi_file_name,rna_X\nS1,1\n")),
        ["none of the 40 genes is in the measured expression", "ref.csv"],
    ),
    "a reference without names": (
        options(*MEASURED, change=reference("a,rna_G1\n1,1\n")),
        ["neither slides nor patients", "ref.csv"],
    ),
    "text in the reference": (
        options(*MEASURED, change=reference(HEADER + "S1,P1,TCGA-BRCA,1,low\n")),
        ["'low' is not a number", "row 2, column 'rna_G2'", "ref.csv"],
    ),
    "infinity in the reference": (
        options(*MEASURED, change=reference(HEADER + "S1,P1,TCGA-BRCA,1,inf\n")),
        ["1 measured value is infinite", "S1, gene G2", "ref.csv"],
    ),
    "genes in the rows of the reference": (
        options(*MEASURED, change=reference("gene,S1,S2\nG1,1,2\n")),
        ["has its genes in rows", "ref.csv, columns S1", "transpose it"],
    ),
    "a short row in the reference": (
        options(*MEASURED, change=reference(HEADER + "S1,P1\n")),
        ["a row has 2 fields, but the header has 5", "ref.csv"],
    ),
    "no patients": (options("--patients", "HERE/no.csv"), ["does not exist", "no.csv"]),
    "patients of others": (
        options(*PATIENTS, change=lambda f: (f / "patients.csv").write_text("slide,patient_id\nS7,P7\n")),
        ["the slide is not in the given list of patients", "there: S7", "patients.csv"],
    ),
    "patients without a column": (
        options(*PATIENTS, change=lambda f: (f / "patients.csv").write_text("slide,name\nS1,P7\n")),
        ["patient_id", "patients.csv"],
    ),
    "a slide of two patients": (
        options(*PATIENTS, change=lambda f: (f / "patients.csv").write_text("slide,patient_id\nS1,P1\nS1,P2\n")),
        ["S1", "P1", "P2", "patients.csv"],
    ),
}  # fmt: skip


def twice(folder):
    write_ours(folder / "features" / "b" / "S1.h5", tiles=130, dim=32)


PLACES = {
    "two files of one slide": (options(change=twice), ["features/S1.h5", "features/b/S1.h5"]),
    "a folder without files": (
        options(change=lambda f: (f / "features" / "S1.h5").unlink()), ["features"],
    ),
    "a folder that is not there": (options(change=lambda f: shutil.rmtree(f / "features")), ["features"]),
    "an output that exists": (
        options(change=lambda f: (f / "out.h5ad").write_text("old")),
        ["the output already exists", "out.h5ad", "--force"],
    ),
    "an output in no folder": (options("-o", "HERE/no/out.h5ad"), ["folder of the output does not exist"]),
    "an output of another kind": (options("-o", "HERE/out.csv"), [".h5ad", "out.csv"]),
    "a folder as output": (
        options("--force", change=lambda f: (f / "out.h5ad").mkdir()), ["out.h5ad"],
    ),
}  # fmt: skip

WORDS = {
    "an ensemble": (options("--ensemble", "mean"), ["'mean'", "held-out|all"]),
    "a device": (options("--device", "gpu"), ["'gpu'", "auto|cpu|cuda"]),
    "no GPU": (options("--device", "cuda:99"), ["cuda:99", "this machine has", "--device auto"]),
    "no jobs": (options("--jobs", "0"), ["--jobs"]),
    "negative jobs": (options("--jobs", "-2"), ["--jobs"]),
    "no batch": (options("--batch-size", "0"), ["--batch-size"]),
    "a negative seed": (options("--seed", "-1"), ["--seed"]),
    "fewer than no networks": (options("--untrained", "-1"), ["--untrained"]),
    "an option": (options("--colour", "red"), ["--colour"]),
    "no weights": (lambda folder: ["predict", folder, "-o", folder / "out.h5ad"], ["--weights"]),
    "no output": (lambda folder: ["predict", folder, "--weights", folder], ["--output"]),
    "no features": (lambda folder: ["predict", "--weights", folder, "-o", folder / "out.h5ad"], ["FEATURES"]),
}

TABLE = [
    pytest.param(build, words, id=f"{title}: {name}")
    for title, rows in {
        "file": FILES,
        "weights": WEIGHTS,
        "run": RUNS,
        "intervals": INTERVALS,
        "table": TABLES,
        "place": PLACES,
        "word": WORDS,
    }.items()
    for name, (build, words) in rows.items()
]


@pytest.mark.parametrize(("build", "words"), TABLE)
def test_bad_input_ends_with_2_and_says_what_and_where(capsys, tmp_path, build, words):
    arguments = build(tmp_path)
    before = left_in(tmp_path)
    answer = sequoia_model(capsys, *arguments)
    assert answer.code == 2, answer.err
    assert [word for word in words if word not in answer.err] == [], answer.err
    assert "Traceback" not in answer.err
    assert answer.out == ""
    assert left_in(tmp_path) == before


@pytest.mark.parametrize(("build", "words"), FILES.values(), ids=FILES)
def test_beside_a_good_slide_a_bad_file_fails_alone(capsys, tmp_path, build, words):
    arguments = build(tmp_path)
    write_ours(tmp_path / "features" / "good.h5", tiles=130, dim=32)
    answer = sequoia_model(capsys, *arguments, "--json")
    assert answer.code == 3, answer.err
    assert answer.json["n_slides"] == 1 and answer.json["failed"][0]["slide"] == "S1"


def test_the_hub_that_cannot_be_reached_is_an_error(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    arguments = options("--weights", "hub:gevaertlab/sequoia-nowhere")(tmp_path)
    answer = sequoia_model(capsys, *arguments)
    assert answer.code == 2, answer.err
    assert "gevaertlab/sequoia-nowhere" in answer.err and "Traceback" not in answer.err


def test_an_error_under_json_is_one_object(capsys, tmp_path):
    answer = sequoia_model(capsys, *options("--ensemble", "mean", "--json")(tmp_path))
    assert answer.code == 2
    assert set(answer.json["error"]) == {"what", "where", "fix"}
