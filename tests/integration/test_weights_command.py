"""``sequoia-model weights show``."""

from __future__ import annotations

import torch

from sequoia_model.nets import TileMLP
from sequoia_model.weights.loading import save_weights
from tests.build.commands import sequoia_model
from tests.build.weights import five, run_folder, side_file, toy, toys


def test_weights_are_shown_for_people(capsys, tmp_path):
    answer = sequoia_model(capsys, "weights", "show", five(tmp_path))
    assert answer.code == 0
    assert "16,616 per network" in answer.out and "BRCA: its published splits apply" in answer.out
    assert "fold 4        sha256 ff6fbaf17678" in answer.out


def test_weights_are_shown_as_json(capsys, tmp_path):
    folder = side_file(toys(tmp_path, "0", "1"), note="trained on 12 slides")
    shown = sequoia_model(capsys, "weights", "show", folder, "--json").json
    assert shown["folds"] == [0, 1] and shown["encoder"] is None and shown["cancer"] is None
    assert (shown["n_parameters"], shown["n_genes"], shown["input_dim"]) == (16_616, 40, 32)
    assert shown["notes"] == ["trained on 12 slides"] and len(shown["digests"]) == 2


def test_weights_that_cannot_be_used_end_with_2(capsys, tmp_path):
    answer = sequoia_model(capsys, "weights", "show", toy(tmp_path / "mine", nheads=5), "--json")
    assert answer.code == 2
    assert "do not fit the configuration" in answer.json["error"]["what"]


def test_the_folder_of_a_run_shows_its_splits_unit_and_encoder(capsys, tmp_path):
    folder = run_folder(tmp_path / "brca", [f"P{i}" for i in range(9)])
    answer = sequoia_model(capsys, "weights", "show", folder)
    assert "splits        the splits of brca: 9 patients, 3 folds" in answer.out
    assert "predict       log2(TPM+1)" in answer.out and "encoder       uni" in answer.out
    shown = sequoia_model(capsys, "weights", "show", folder, "--json").json
    assert (shown["splits"], shown["n_patients_in_splits"], shown["pca"]) == ("the splits of brca", 9, None)


def test_a_pca_is_shown(capsys, tmp_path):
    network = TileMLP(input_dim=4, num_outputs=3).with_pca(torch.zeros(12), torch.eye(12)[:, :4])
    save_weights(network, tmp_path / "w")
    assert (
        "PCA           of 12-d features to 4" in sequoia_model(capsys, "weights", "show", tmp_path / "w").out
    )
    shown = sequoia_model(capsys, "weights", "show", tmp_path / "w", "--json").json
    assert shown["pca"] == {"input_dim": 12} and shown["input_dim"] == 12
