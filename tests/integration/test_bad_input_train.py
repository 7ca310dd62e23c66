"""Bad input of `train`: what is wrong, and the words of the error.

A builder gets an empty folder, writes its files there and returns the arguments of the command; the run folder is
called ``run``. A user's bug becomes a row.
"""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

from sequoia_model.splits import draw
from tests.build.commands import finished, sequoia_model
from tests.build.processes import start
from tests.build.training import make_slides, write_measured, write_training_set

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def command(folder, *more, drawn=("--folds", 3, "--val", 0.25)):
    """`train` of the training set in a folder."""
    words = ["train", folder / "features", "--measured", folder / "measured.h5ad", "-o", folder / "run"]
    words += ["--patients", folder / "patients.csv", "--architecture", "tile_mlp", "--epochs", 2, *drawn]
    return [*words, *(str(word).replace("HERE", str(folder)) for word in more)]


def options(*words, n=12, change=lambda folder: None):
    """A good training set, further options, and a change to the files that are there."""

    def build(folder):
        write_training_set(folder, n=n)
        change(folder)
        return command(folder, *words)

    return build


def splits(change):
    """Splits of the patients, changed."""

    def build(folder):
        write_training_set(folder, n=12)
        table = draw([f"P{i:02}" for i in range(12)], n_folds=3, val=0.2).to_frame().set_index("patient_id")
        change(table).to_csv(folder / "splits.csv")
        return command(folder, "--splits", folder / "splits.csv", drawn=())

    return build


def one_trains(table):
    return table.assign(fold_0=[role if role != "train" else "" for role in table["fold_0"][:-1]] + ["train"])


def big_site(folder):
    table = pd.read_csv(folder / "patients.csv")
    table.assign(site=["H0"] * 10 + ["H1", "H2"]).to_csv(folder / "patients.csv", index=False)


ROWS = {
    "architecture": (options("--architecture", "resnet"), "'resnet' is not a valid architecture"),
    "recipe": (options("--recipe", "papre"), "'papre' is not a valid recipe"),
    "size": (options("--size", "tiny"), "'tiny' is not a valid size"),
    "precision": (options("--precision", "float16"), "'float16' is not a valid precision"),
    "epochs": (options("--epochs", 0), "epochs must be a whole number, 1 or more, but is 0"),
    "lr": (options("--lr", 0), "lr must be a number above 0 and up to 1"),
    "sample": (options("--sample-percent", 0), "sample_percent must be a number above 0 and up to 100"),
    "jobs": (options("--jobs", 0), "jobs must be a whole number, 1 or more"),
    "device": (options("--device", "tpu"), "'tpu' is not a valid device"),
    "batches without a correlation": (
        options("--recipe", "published-code", "--batch-size", 1), "there is none in a batch of one slide"
    ),
    "freeze without init": (options("--freeze", "transformer"), "parts are frozen, but"),
    "no such fold": (options("--fold", 3), "there is no fold 3: the folds are 0 to 2"),
    "small without dimensions": (options("--size", "small"), "128 principal components cannot be fitted"),
    "three slides": (options("--folds", 5, n=3), "3 patients are too few for 5 folds"),
    "site column without a table": (options("--site", "hospital"), "the column 'hospital' is not in the table"),
    "a site that fills a fold": (options("--site", "site", change=big_site), "H0"),
    "an empty validation part": (
        splits(lambda table: table.replace({"fold_1": {"val": "train"}})),
        "the val part of fold 1 has 0 slides",
    ),
    "one training patient": (splits(one_trains), "the train part of fold 0 has 1 slide"),
    "no test part": (
        splits(lambda table: table.replace({"fold_2": {"test": "train"}})),
        "the test part of fold 2 has 0 slides",
    ),
    "folds of given splits": (
        options("--splits", "HERE/splits.csv", change=lambda folder: draw(
            [f"P{i:02}" for i in range(12)], n_folds=3, val=0.2).save(folder / "splits.csv")),
        "--folds, --val cannot be used with given splits",
    ),
    "splits of others": (
        splits(lambda table: table.rename(index=lambda name: f"X{name}")),
        "none of the patients is in the splits",
    ),
    "weights that do not exist": (options("--init", "HERE/weights"), "does not exist"),
    "features that do not exist": (
        options(change=lambda folder: shutil.rmtree(folder / "features")), "features"
    ),
    "an output that is a file": (
        options(change=lambda folder: (folder / "run").write_text("mine")), "run"
    ),
    "a folder of other files": (
        options(change=lambda folder: [(folder / "run").mkdir(), (folder / "run" / "mine.txt").write_text("")]),
        "the folder holds mine.txt, but no run.json",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("build", "words"), ROWS.values(), ids=ROWS)
def test_bad_input_is_refused_by_name_and_leaves_nothing_behind(capsys, tmp_path, build, words):
    built = build(tmp_path)
    before = sorted(path for path in tmp_path.glob("run/**/*"))
    answer = sequoia_model(capsys, *built)
    assert answer.code == 2, answer
    assert words in answer.err and "Traceback" not in answer.err and "internal error" not in answer.err
    assert sorted(path for path in tmp_path.glob("run/**/*")) == before


def test_a_run_with_other_settings_is_refused_with_the_difference(capsys, tmp_path):
    assert sequoia_model(capsys, *options()(tmp_path)).code == 0
    before = (tmp_path / "run" / "fold_0" / "model.safetensors").read_bytes()
    answer = sequoia_model(capsys, *command(tmp_path, "--lr", 0.01))
    assert answer.code == 2
    assert "lr is 0.001, not 0.01" in answer.err and "--force" in answer.err
    assert (tmp_path / "run" / "fold_0" / "model.safetensors").read_bytes() == before
    assert sequoia_model(capsys, *command(tmp_path, "--lr", 0.01, "--force")).code == 0
    assert (tmp_path / "run" / "fold_0" / "model.safetensors").read_bytes() != before


def test_a_loss_that_is_not_finite_ends_its_fold_alone(capsys, tmp_path):
    write_training_set(tmp_path, n=12)
    _, y = make_slides(12)
    made = draw([f"P{i:02}" for i in range(12)], n_folds=3, val=0.2)
    y[int(made.patients(1, "test")[0][1:]), 2] = 3e38  # its square is infinite where it is learnt
    write_measured(tmp_path / "measured.h5ad", y, [f"P{i:02}" for i in range(12)], units=None)
    made.save(tmp_path / "splits.csv")
    words = command(tmp_path, "--splits", tmp_path / "splits.csv", "--json", drawn=())
    answer = sequoia_model(capsys, *words)
    assert answer.code == 3, answer.err
    folds = answer.json["folds"]
    assert [fold["state"] for fold in folds] == ["failed", "done", "failed"]
    assert folds[0]["failure"]["what"] == "the loss is inf"
    assert folds[0]["failure"]["where"] == "fold 0, epoch 0"
    assert answer.json["missing"] == [0, 2]
    assert (tmp_path / "run" / "fold_1" / "model.safetensors").is_file()


def limited() -> None:
    """No file may become larger than 100 KiB, as on a disk that is full."""
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100 * 2**10, 100 * 2**10))


def test_a_disk_that_is_full_at_a_checkpoint_is_told_and_nothing_half_written(capsys, tmp_path):
    words = options()(tmp_path)
    answer = finished(start("from sequoia_model.cli.app import main; main()", *words, prepare=limited))
    assert answer.code == 2, answer
    assert "the checkpoint cannot be written" in answer.err and "Traceback" not in answer.err
    assert not list(tmp_path.glob("run/**/*.safetensors")) and not list(tmp_path.glob("run/**/*.new"))
    assert sequoia_model(capsys, *words).code == 0


def test_splits_that_leak_are_refused_with_the_patients(capsys, tmp_path):
    write_training_set(tmp_path, n=12)
    (tmp_path / "leak").mkdir()
    for fold, test in enumerate((["P00", "P01"], ["P02", "P03"])):
        train = [f"P{i:02}" for i in range(2, 10)]
        rows = zip(train, [*test, *[""] * 6], ["P10", "P11", *[""] * 6], strict=True)
        table = pd.DataFrame(rows, columns=["train", "test", "val"])
        table.to_csv(tmp_path / "leak" / f"splits_{fold}.csv")
    answer = sequoia_model(capsys, *command(tmp_path, "--splits", tmp_path / "leak", drawn=()))
    assert answer.code == 2
    assert "P02, P03" in answer.err and "fold 1" in answer.err


def test_numbers_are_what_make_slides_says() -> None:
    x, y = make_slides(7, dim=5, genes=3)
    assert x.shape == (7, 100, 5) and y.shape == (7, 3) and np.isfinite(x).all()


def test_a_validation_part_without_any_difference_is_refused(capsys, tmp_path):
    write_training_set(tmp_path, n=12)
    _, y = make_slides(12)
    made = draw([f"P{i:02}" for i in range(12)], n_folds=3, val=0.25)
    y[[int(patient[1:]) for patient in made.patients(1, "val")]] = 5
    write_measured(tmp_path / "measured.h5ad", y, [f"P{i:02}" for i in range(12)])
    made.save(tmp_path / "splits.csv")
    answer = sequoia_model(capsys, *command(tmp_path, "--splits", tmp_path / "splits.csv", drawn=()))
    assert answer.code == 2 and not (tmp_path / "run").exists()
    assert "the val part of fold 1 has the same expression in all 2 slides" in answer.err


def test_tensorboard_that_is_not_installed_is_told_before_anything_is_read(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("sequoia_model.training.crossval.find_spec", lambda name: None)
    answer = sequoia_model(capsys, *options("--tensorboard")(tmp_path))
    assert answer.code == 2
    assert "TensorBoard is not installed" in answer.err and not (tmp_path / "run").exists()
