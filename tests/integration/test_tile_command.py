"""`sequoia-model tile`: what scripts rely on."""

from __future__ import annotations

import os

import h5py
import numpy as np
import pytest
from PIL import Image

from tests.build.commands import left_in, sequoia_model
from tests.build.runs import state_of, write_slides

pytestmark = pytest.mark.slow

FILES = ["S00.geojson", "S00.h5", "S00_mask.png", "S00_overlay.png"]


@pytest.fixture
def folder(tmp_path):
    write_slides(tmp_path / "slides", 1)
    return tmp_path


def tile(capsys, folder, *options, output="out"):
    return sequoia_model(capsys, "tile", folder / "slides", "-o", folder / output, *options)


def test_a_slide_becomes_four_files_and_a_row(capsys, folder):
    answer = tile(capsys, folder)
    assert answer.code == 0, answer.err
    assert sorted(os.listdir(folder / "out")) == sorted([".runs", *FILES, "runs.csv"])
    assert left_in(folder / "out" / ".runs") == ["S00.json", "S00.lock", "table"]
    with h5py.File(folder / "out" / "S00.h5") as file:
        assert file["coords"].shape == (12, 2) and file["coords"].attrs["patch_size_level0"] == 256
    with Image.open(folder / "out" / "S00_mask.png") as mask:
        assert set(np.asarray(mask.convert("L")).ravel().tolist()) == {0, 255}


def test_the_counts_by_reason_are_reported(capsys, folder):
    assert "  S00  done  12 tiles  left out: background 36\n" in tile(capsys, folder).out
    content = tile(capsys, folder, "--json").json
    assert content["slides"][0]["left_out"] == {"background": 36, "low contrast": 0, "not drawn": 0}
    assert content["counts"] == {"done": 0, "already_done": 1, "failed": 0}
    assert content["waiting_share"] is None


def test_the_same_slide_gives_the_same_bytes(capsys, folder):
    tile(capsys, folder)
    tile(capsys, folder, "--jobs", 1, output="again")
    made = [[(folder / name / file).read_bytes() for file in FILES] for name in ("out", "again")]
    assert made[0] == made[1]


def test_the_rules_differ_and_are_told_apart(capsys, folder):
    tile(capsys, folder)
    answer = tile(capsys, folder, "--rule", "published-code")
    assert answer.code == 2 and "rule is paper, not published-code" in answer.err
    forced = tile(capsys, folder, "--rule", "published-code", "--force", "--json")
    assert forced.code == 0 and "little tissue" in forced.json["slides"][0]["left_out"]
    assert state_of(folder / "out")["made"]["rule"] == "published-code"


def test_a_slide_of_which_a_file_is_lost_is_done_again(capsys, folder):
    tile(capsys, folder)
    (folder / "out" / "S00_overlay.png").unlink()
    assert tile(capsys, folder, "--json").json["counts"]["done"] == 1
    assert (folder / "out" / "S00_overlay.png").exists()


def test_the_pictures_in_the_folder_of_the_slides_are_no_slides(capsys, folder):
    assert tile(capsys, folder, output="slides").code == 0
    assert len(tile(capsys, folder, "--json", output="slides").json["slides"]) == 1


def test_a_users_own_file_is_not_replaced(capsys, folder):
    (folder / "slides" / "S00.geojson").write_text("mine")
    answer = tile(capsys, folder, output="slides")
    assert answer.code == 2 and str(folder / "slides" / "S00.geojson") in answer.err
    assert (folder / "slides" / "S00.geojson").read_text() == "mine"
