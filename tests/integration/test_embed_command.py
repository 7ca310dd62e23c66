"""`sequoia-model embed`: what scripts rely on."""

from __future__ import annotations

import subprocess
import sys

import h5py
import numpy as np
import pandas as pd
import pytest

from sequoia_model import encoders
from sequoia_model.feature_files import read
from tests.build.commands import left_in, sequoia_model
from tests.build.runs import TinyEncoder, write_slides
from tests.build.slides import make_picture, write_image, write_slide

pytestmark = pytest.mark.slow

JSON_KEYS = {
    "output",
    "slides",
    "counts",
    "left_out",
    "passed_over",
    "seconds",
    "tiles",
    "tiles_per_second",
    "waiting_share",
}
SLIDE_KEYS = {
    "name", "state", "file", "tiles", "left_out", "seconds", "attempts", "reason", "computed",
}  # fmt: skip


@pytest.fixture(autouse=True)
def encoder(monkeypatch):
    """The small encoder, whatever name is given; it remembers its batches."""
    made = TinyEncoder()
    monkeypatch.setattr(encoders, "get_encoder", lambda name, device: made, raising=False)
    monkeypatch.setattr(encoders, "known_id", lambda name: None)
    return made


@pytest.fixture
def folder(tmp_path):
    write_slides(tmp_path / "slides", 2)
    return tmp_path


def embed(capsys, folder, *options, slides="slides", output="out"):
    return sequoia_model(capsys, "embed", folder / slides, "-o", folder / output, *options)


def test_slides_become_features(capsys, folder):
    answer = embed(capsys, folder)
    assert answer.code == 0, answer.err
    bag = read(folder / "out" / "S00.h5")
    assert (bag.layout, bag.n_tiles, bag.dimension, bag.cluster_features.shape) == ("ours", 12, 12, (100, 12))
    assert (bag.encoder.name, bag.mpp, bag.tile_size, bag.rule, bag.seed) == ("tiny", 0.5, 256, "paper", 0)
    assert bag.encoder.fingerprint.shape == (12,) and not bag.encoder.asserted
    assert bag.coords.tolist() == [[x, y] for y in (256, 512, 768) for x in (512, 768, 1024, 1280)]


def test_the_file_says_how_its_tiles_were_chosen(capsys, folder):
    embed(capsys, folder)
    with h5py.File(folder / "out" / "S00.h5") as file:
        about = dict(file.attrs)
    assert (about["patch_size_level0"], about["level0_width"], about["level0_height"]) == (256, 2048, 1536)
    assert (about["slide_mpp"], about["max_tiles"], about["n_places"]) == (pytest.approx(0.5), 4000, 48)
    assert about["left_out"] == '{"background": 36, "low contrast": 0, "not drawn": 0}'
    assert about["slide_mpp_source"] and about["mask"] == "otsu"
    assert about["cluster_note"].startswith("12 distinct tiles, fewer than 100 clusters")


def test_the_tiles_lie_on_the_slide_in_micrometres_without_the_slide(capsys, folder):
    embed(capsys, folder)
    bag = read(folder / "out" / "S00.h5")
    assert bag.geometry.slide_size == (2048, 1536)
    assert bag.tile_side_um == pytest.approx(128)
    np.testing.assert_allclose(bag.coords_um[[0, -1]], [[256, 128], [640, 384]])
    assert len(bag.tried) >= bag.n_tiles


def test_the_result_is_told_to_people(capsys, folder):
    answer = embed(capsys, folder)
    assert answer.out.startswith("2 slides: 2 done, 0 done before, 0 failed\n")
    assert "  S00  done  12 tiles  left out: background 36\n" in answer.out
    assert "left out in total: background 72\n24 tiles, " in answer.out
    assert "of the time waiting for pixels" in answer.out
    assert "S01: 12 distinct tiles, fewer than 100 clusters" in answer.err
    assert answer.err.endswith(f"written to {folder / 'out'}\n")


def test_and_to_scripts(capsys, folder):
    content = embed(capsys, folder, "--json").json
    assert set(content) == JSON_KEYS and set(content["slides"][0]) == SLIDE_KEYS
    assert content["counts"] == {"done": 2, "already_done": 0, "failed": 0}
    assert content["slides"][1]["left_out"] == {"background": 36, "low contrast": 0, "not drawn": 0}
    assert content["tiles"] == 24 and content["tiles_per_second"] > 0 and 0 <= content["waiting_share"] <= 1


def test_the_folder_has_a_table(capsys, folder):
    embed(capsys, folder)
    table = pd.read_csv(folder / "out" / "runs.csv")
    assert table.columns.tolist() == ["slide", "state", "attempts", "tiles", "seconds", "reason"]
    assert table.iloc[:, :4].to_numpy().tolist() == [["S00", "done", 1, 12], ["S01", "done", 1, 12]]


def test_slides_that_are_done_are_passed_over(capsys, folder, encoder):
    embed(capsys, folder)
    (folder / "out" / "S01.h5").unlink()
    encoder.batches.clear()
    answer = embed(capsys, folder, "--json")
    assert answer.json["counts"] == {"done": 1, "already_done": 1, "failed": 0}
    assert sum(shape[0] for shape in encoder.batches) == 12
    assert pd.read_csv(folder / "out" / "runs.csv")["attempts"].tolist() == [1, 2]


def test_force_does_them_again(capsys, folder, encoder):
    embed(capsys, folder)
    encoder.batches.clear()
    assert embed(capsys, folder, "--force", "--json").json["counts"]["done"] == 2
    assert sum(shape[0] for shape in encoder.batches) == 24


OTHER = {
    "seed": (["--seed", 1], "seed is 0, not 1"),
    "rule": (["--rule", "published-code"], "rule is paper, not published-code"),
    "number": (["--max-tiles", 5], "tile limit is 4000, not 5"),
    "mpp": (["--slide-mpp", 0.5], "given µm per pixel is none, not 0.5"),
}


@pytest.mark.parametrize(("options", "words"), OTHER.values(), ids=OTHER)
def test_slides_done_with_other_settings_are_neither_kept_nor_replaced(capsys, folder, options, words):
    embed(capsys, folder)
    before = (folder / "out" / "S00.h5").read_bytes(), (folder / "out" / "runs.csv").read_bytes()
    answer = embed(capsys, folder, *options)
    assert answer.code == 2 and words in answer.err and "use --force to redo it" in answer.err
    assert str(folder / "out" / "S00.h5") in answer.err
    assert before == ((folder / "out" / "S00.h5").read_bytes(), (folder / "out" / "runs.csv").read_bytes())
    assert embed(capsys, folder, *options, "--force").code == 0


def test_so_are_those_of_another_encoder(capsys, folder, encoder):
    embed(capsys, folder)
    encoder.id = TinyEncoder("other").id
    assert "encoder is tiny, not other" in embed(capsys, folder).err
    encoder.id = TinyEncoder(seed=1).id
    assert "the encoder has different weights" in embed(capsys, folder).err


def test_and_those_of_a_slide_file_that_has_changed(capsys, folder):
    embed(capsys, folder)
    write_slides(folder / "slides", 1, size=(1024, 1024))
    answer = embed(capsys, folder)
    assert answer.code == 3 and "size of the slide file" in answer.err


def test_a_file_that_no_run_made_is_not_replaced(capsys, folder):
    (folder / "out").mkdir()
    (folder / "out" / "S00.h5").write_text("mine")
    answer = embed(capsys, folder)
    assert answer.code == 3 and "made with other settings: unknown" in answer.err
    assert (folder / "out" / "S00.h5").read_text() == "mine"


def test_a_folder_of_tiles_is_no_folder_of_features(capsys, folder):
    assert sequoia_model(capsys, "tile", folder / "slides", "-o", folder / "out").code == 0
    answer = embed(capsys, folder)
    assert answer.code == 2 and "command is tile, not embed" in answer.err


_FINISHED = """
import sys
import numpy as np
from sequoia_model import encoders
from sequoia_model.cli.app import run
from sequoia_model.types.bag import EncoderId
fingerprint = np.random.default_rng(0).normal(size=12).astype(np.float32)
encoders.known_id = lambda name: EncoderId("tiny", fingerprint=fingerprint)
code = run(["embed", *sys.argv[1:]])
print(code, sorted({"torch", "numba", "scipy", "pandas", "h5py"} & set(sys.modules)))
"""


def test_a_finished_folder_is_reported_without_torch_and_without_the_compiler(capsys, folder):
    embed(capsys, folder)
    command = [sys.executable, "-c", _FINISHED, str(folder / "slides"), "-o", str(folder / "out")]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "2 done before" in answer.stdout and answer.stdout.endswith("0 []\n"), answer.stderr


def test_neither_neighbours_nor_threads_have_an_influence_on_the_bytes(capsys, folder):
    embed(capsys, folder)
    embed(capsys, folder, "--jobs", 1, output="one")
    embed(capsys, folder, "--workers", 5, slides="slides/S01.tif", output="alone")
    made = {(folder / name / "S01.h5").read_bytes() for name in ("out", "one", "alone")}
    assert len(made) == 1


def test_batches_are_full_and_of_one_slide(capsys, folder, encoder):
    embed(capsys, folder, "--batch-size", 5)
    assert [shape[0] for shape in encoder.batches] == [5, 5, 2] * 2


def test_so_many_tiles_are_drawn_with_the_seed(capsys, folder):
    embed(capsys, folder, "--max-tiles", 6, output="a")
    embed(capsys, folder, "--max-tiles", 6, "--seed", 1, output="b")
    embed(capsys, folder, "--all-tiles", output="c")
    a, b, c = (read(folder / name / "S00.h5") for name in "abc")
    assert (a.n_tiles, b.n_tiles, c.n_tiles, b.seed) == (6, 6, 12, 1)
    assert a.coords.tolist() != b.coords.tolist() and a.coords.tolist() == sorted(
        a.coords.tolist(), key=lambda c: c[::-1]
    )
    rows = [c.coords.tolist().index(corner) for corner in a.coords.tolist()]
    np.testing.assert_array_equal(a.features, c.features[rows])


def test_all_tiles_complete_what_was_embedded_of_few(capsys, folder, encoder):
    embed(capsys, folder, "--max-tiles", 6)
    encoder.batches.clear()
    content = embed(capsys, folder, "--all-tiles", "--json").json
    assert [slide["tiles"] for slide in content["slides"]] == [12, 12] and content["counts"]["done"] == 2
    assert sum(shape[0] for shape in encoder.batches) == 12
    assert embed(capsys, folder, "--all-tiles", "--json").json["counts"]["already_done"] == 2


def test_plain_images_need_a_scale(capsys, folder):
    write_image(folder / "plain" / "P.png", make_picture())
    answer = embed(capsys, folder, slides="plain")
    assert answer.code == 2 and "--slide-mpp" in answer.err and "--mpp-table" in answer.err
    (folder / "mpp.csv").write_text("slide,mpp\nP.png,0.5\n")
    assert embed(capsys, folder, "--mpp-table", folder / "mpp.csv", slides="plain").code == 0
    assert read(folder / "out" / "P.h5").n_tiles == 12


def test_annotations_are_taken_from_a_folder_by_name(capsys, folder):
    square = [[512, 256], [1024, 256], [1024, 768], [512, 768], [512, 256]]
    (folder / "marks").mkdir()
    text = f'{{"type": "Polygon", "coordinates": [{square}]}}'
    (folder / "marks" / "S00.geojson").write_text(text)
    answer = embed(capsys, folder, "--annotation", folder / "marks", "--json")
    assert answer.code == 3 and answer.json["slides"][0]["tiles"] == 4
    assert answer.json["slides"][0]["left_out"]["outside the annotation"] == 44
    assert "there is no annotation for the slide" in answer.json["slides"][1]["reason"]
    assert left_in(folder / "out")[-2:] == ["S00.h5", "runs.csv"]


def test_where_all_slides_fail_nothing_is_said_to_be_written(capsys, folder):
    for name in ("S00", "S01"):
        write_slide(folder / "slides" / f"{name}.tif", np.full((512, 512, 3), 255, dtype=np.uint8))
    answer = embed(capsys, folder, "--json")
    assert answer.code == 2 and "written to" not in answer.err
    assert f"failed: {folder / 'slides' / 'S00.tif'}: no tile of the slide holds tissue" in answer.err
    failed = answer.json["slides"][0]
    assert set(failed) == SLIDE_KEYS | {"what", "where", "fix"} and "--annotation" in failed["fix"]


REFUSED = {
    "both scales": (
        ["--slide-mpp", 1, "--mpp-table", "mpp.csv"],
        "--slide-mpp and --mpp-table were both given",
    ),
    "both numbers": (["--max-tiles", 3, "--all-tiles"], "--max-tiles and --all-tiles were both given"),
    "rule": (["--rule", "papr"], "'papr' is not a valid rule"),
    "scale": (["--slide-mpp", "nan"], "nan µm per pixel is not a valid resolution"),
    "annotation": (["--annotation", "absent"], "the annotation does not exist"),
    "one annotation": (["--annotation", __file__], "one annotation was given for 2 slides"),
    "seed": (["--seed", -1], "'--seed'"),
    "jobs": (["--jobs", 0], "'--jobs'"),
    "batches": (["--batch-size", 0], "'--batch-size'"),
}


@pytest.mark.parametrize(("options", "words"), REFUSED.values(), ids=REFUSED)
def test_options_that_cannot_be_used_stop_it_before_it_begins(capsys, folder, options, words):
    answer = embed(capsys, folder, *options)
    assert answer.code == 2 and words in answer.err
    assert not (folder / "out").exists()


def test_features_may_be_beside_their_slides(capsys, folder):
    assert embed(capsys, folder, output="slides").code == 0
    assert embed(capsys, folder, "--json", output="slides").json["counts"]["already_done"] == 2


@pytest.mark.parametrize("command", ["embed", "tile"])
def test_the_help_says_how_a_run_of_failed_slides_ends(capsys, command):
    words = " ".join(sequoia_model(capsys, command, "--help").out.split())
    assert "Exit code 3: some slides failed" in words and "Exit code 2: all slides failed" in words
