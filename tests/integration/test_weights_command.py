"""``sequoia-model weights show``."""

from __future__ import annotations

from tests.build.commands import sequoia_model
from tests.build.weights import five, side_file, toy, toys


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
