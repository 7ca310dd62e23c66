"""The side file of a run folder: written, read, and what it holds for one fold."""

from __future__ import annotations

import json
import shutil

import pytest

from sequoia_model.errors import InputError
from sequoia_model.splits import draw
from sequoia_model.weights.loading import load_weights
from sequoia_model.weights.side_file import read_side_file, write_side_file
from tests.build.weights import made_with, run_folder, side_file, toys

PATIENTS = [f"P{i}" for i in range(9)]


@pytest.fixture
def run(tmp_path):
    return run_folder(tmp_path / "brca", PATIENTS)


def test_what_is_written_is_read_again(tmp_path):
    splits = draw(PATIENTS, n_folds=3)
    write_side_file(
        tmp_path, encoder="uni", genes=["A", "B"], units="log2(TPM+1)", note="9 patients", splits=splits,
        slides={"S2": "P1", "S1": "P0"},
    )  # fmt: skip
    read = read_side_file(tmp_path)
    assert (read.encoder, read.genes, read.units, read.note) == (
        "uni",
        ("A", "B"),
        "log2(TPM+1)",
        "9 patients",
    )
    assert read.splits.roles.equals(splits.roles) and read.slides == {"S1": "P0", "S2": "P1"}
    assert read.cancer is None and read.says_cancer and len(read.digests) == 2


def test_the_file_is_plain_json_beside_plain_tables(tmp_path):
    write_side_file(tmp_path, encoder=None, genes=["A"], units="x", splits=draw(PATIENTS, n_folds=3))
    assert json.loads((tmp_path / "sequoia.json").read_text()) == {
        "schema": "sequoia-weights-1", "encoder": None, "cancer": None, "genes": "genes.csv", "units": "x",
        "splits": "splits.csv",
    }  # fmt: skip
    assert (tmp_path / "genes.csv").read_text() == "gene\nA\n"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["genes.csv", "sequoia.json", "splits.csv"]


def test_a_run_folder_is_an_ensemble_with_its_splits(run):
    weights = load_weights(run)
    assert (weights.folds, weights.encoder, weights.units) == ((0, 1, 2), "uni", "log2(TPM+1)")
    assert weights.splits.name == "the splits of brca" and sorted(weights.splits.roles.index) == PATIENTS
    assert weights.genes[39] == "G40" and weights.cancer is None


def test_one_fold_of_a_run_folder_keeps_its_number_and_the_side_file(run, monkeypatch):
    alone = load_weights(run / "fold_2")
    assert alone.folds == (2,) and alone.splits.n_folds == 3 and alone.encoder == "uni"
    assert load_weights(run / "fold_2" / "model.safetensors").folds == (2,)
    monkeypatch.chdir(run / "fold_1")
    assert load_weights(".").folds == (1,)


def test_a_folder_that_only_has_such_a_name_is_an_ensemble_of_one(tmp_path):
    assert load_weights(toys(tmp_path, "fold_2") / "fold_2").folds == (0,)


def test_folders_that_begin_with_a_point_are_no_folds(run):
    shutil.copytree(run / "fold_0", run / ".fold_0-ab_31")
    assert load_weights(run).folds == (0, 1, 2)


def test_a_training_that_is_not_finished_is_refused_with_the_folds_that_are_missing(run):
    shutil.rmtree(run / "fold_1")
    (run / "fold_2" / "model.safetensors").unlink()
    with pytest.raises(InputError, match="the training is not finished: fold 1, 2 of 3 is missing") as error:
        load_weights(run)
    assert "it continues" in error.value.fix and "fold_0" in error.value.fix
    assert load_weights(run / "fold_0").folds == (0,)


def test_a_training_without_a_finished_fold_is_refused(run):
    for fold in range(3):
        shutil.rmtree(run / f"fold_{fold}")
    with pytest.raises(InputError, match="the training is not finished: fold 0, 1, 2 of 3 is missing"):
        load_weights(run)


def test_more_networks_than_folds_of_the_splits_are_refused(run):
    draw(PATIENTS, n_folds=2).save(run / "splits.csv")
    with pytest.raises(InputError, match="there is a network of fold 2, but the splits have 2 folds"):
        load_weights(run)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"splits": "absent.csv"}, r"does not exist[\s\S]*absent.csv"),
        ({"splits": "genes.csv"}, r"genes.csv"),
        ({"splits": "splits.csv", "cancer": "BRCA"}, "a cancer whose published splits would apply"),
        ({"splits": 5}, "splits is 5 but must be text"),
        ({"slides": "genes.csv"}, "no column of patients"),
    ],
)
def test_splits_and_slides_that_cannot_be_used_are_refused(run, words, message):
    with pytest.raises(InputError, match=message):
        load_weights(side_file(run, **words))


def test_folds_of_other_splits_are_refused(tmp_path):
    toys(tmp_path, "0", "1")
    for fold, seed in enumerate((0, 1)):
        splits = draw(PATIENTS, n_folds=3, seed=seed)
        write_side_file(tmp_path / str(fold), encoder="uni", genes=["A"] * 40, units="x", splits=splits)
        (tmp_path / str(fold) / "genes.csv").write_text("".join(f"G{i}\n" for i in range(40)))
    with pytest.raises(InputError, match=r"the folds have different sequoia.json"):
        load_weights(tmp_path)
    draw(PATIENTS, n_folds=3, seed=0).save(tmp_path / "1" / "splits.csv")
    assert load_weights(tmp_path).splits.n_folds == 3


def test_folds_of_an_earlier_training_with_other_settings_are_missing(run):
    made_with(run, 2, epochs=3)
    with pytest.raises(InputError, match="the training is not finished: fold 2 of 3 is missing"):
        load_weights(run)
    with pytest.raises(InputError, match="of an earlier training, with other settings"):
        load_weights(run / "fold_2")
    assert load_weights(run / "fold_1").folds == (1,)


def test_a_copy_without_states_and_record_is_taken_as_it_is(run):
    shutil.rmtree(run / ".runs")
    assert load_weights(run).folds == (0, 1, 2)
    (run / "run.json").unlink()
    assert load_weights(run / "fold_2").folds == (2,)


def test_the_side_of_tiles_is_written_and_loaded_with_the_weights(tmp_path):
    run = run_folder(tmp_path / "brca", PATIENTS, tile_um=112.0)
    assert read_side_file(run).tile_um == 112 and load_weights(run).tile_um == 112
    assert json.loads((run / "sequoia.json").read_text())["tile_um"] == 112


def test_published_weights_are_of_tiles_of_128_um_and_others_do_not_say(tmp_path, run):
    assert load_weights(toys(tmp_path, "sequoia-brca-0") / "sequoia-brca-0").tile_um == 128
    assert load_weights(run).tile_um is None


@pytest.mark.parametrize("side", [0, -1, "128", True])
def test_a_side_of_tiles_that_is_no_length_is_refused(run, side):
    with pytest.raises(InputError, match=r"tile_um is .* but must be a number of µm above 0"):
        load_weights(side_file(run, tile_um=side))
