"""`embed` on slides that cannot be used: each is named, the others are done, and nothing is left behind."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sequoia_model import encoders
from sequoia_model.embedding import _work as work
from tests.build.commands import left_in, sequoia_model
from tests.build.runs import TinyEncoder, start_embed, write_slides
from tests.build.slides import cut_off, make_picture, make_ring, write_image, write_slide, write_tiff

pytestmark = pytest.mark.slow


def plain(shade, size=(512, 512)):
    return np.full((*size, 3), shade, dtype=np.uint8)


PICTURE = make_picture((256, 256))
FADING = (np.arange(512 * 512) // 2048).astype(np.uint8).reshape(512, 512)  # at most half opaque
STAINS = np.repeat(PICTURE[None, ..., 0], 5, axis=0).astype(np.uint16)


def write_truncated(path: Path) -> None:
    write_slide(path, aperio=True, compression="jpeg")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


#: For each slide: a writer, and words of its reason in addition to its name.
SLIDES = {
    "broken.svs": (lambda path: path.write_bytes(bytes(range(256)) * 40), ""),
    "text.svs": (lambda path: path.write_text("this is not a slide\n"), ""),
    "empty.svs": (lambda path: path.write_bytes(b""), "empty"),
    "truncated.svs": (write_truncated, ""),
    "no_mpp.tif": (lambda path: write_slide(path, mpp=None), "--slide-mpp"),
    "contradictory.svs": (lambda path: write_slide(path, aperio=True, mpp=0.25, power=20), "--slide-mpp"),
    "too_fine.tif": (
        lambda path: write_tiff(path, PICTURE, mpp=0.0274),
        "0.0274 × 0.0274 µm/px is implausible",
    ),
    "print.tif": (
        lambda path: write_tiff(path, PICTURE, mpp=84.67, tile=0),
        "(300 dpi) is that of a screen or printer",
    ),
    "fluorescence.ome.tif": (
        lambda path: write_tiff(path, STAINS, mpp=0.5, photometric="minisblack", metadata={"axes": "CYX"}),
        "5 grey images of 512 × 512 px",
    ),
    "float.tif": (
        lambda path: write_tiff(path, PICTURE / np.float32(255), mpp=0.5, tile=0),
        "floating-point",
    ),
    "faded.tif": (
        lambda path: write_tiff(path, np.dstack([PICTURE, FADING]), mpp=0.5, extrasamples=["unassalpha"]),
        "the transparency would hide or fade nearly all of the slide: 0% of the pixels are opaque",
    ),
    "ring.tif": (lambda path: make_ring(write_slide(path, mpp=0.5)), "leads back to itself"),
    "ring_aperio.svs": (lambda path: make_ring(write_slide(path, aperio=True)), "leads back to itself"),
    "incomplete.svs": (
        lambda path: cut_off(write_slide(path, aperio=True), 0.5),
        "the Aperio slide is incomplete or damaged",
    ),
    "white.tif": (lambda path: write_slide(path, plain(255)), "no tile"),
    "black.tif": (lambda path: write_slide(path, plain(0)), "no tile"),
    "grey.tif": (lambda path: write_slide(path, plain(128)), "no tile"),
    "small.tif": (lambda path: write_slide(path, make_picture((20, 20)), levels=(1,)), "smaller than a tile"),
    "plain.png": (write_image, "--slide-mpp"),
    "folder.svs": (lambda path: path.mkdir(), "folder"),
}


@pytest.fixture
def small_encoder(monkeypatch):
    monkeypatch.setattr(encoders, "get_encoder", lambda name, device: TinyEncoder(), raising=False)
    monkeypatch.setattr(encoders, "known_id", lambda name: None)


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    """One of every kind that cannot be used, and one good slide."""
    folder = tmp_path_factory.mktemp("slides")
    for name, (write, _) in SLIDES.items():
        write(folder / name)
    write_slide(folder / "good.tif")
    return folder


@pytest.fixture
def answer(capsys, tmp_path, slides, small_encoder):
    return sequoia_model(capsys, "embed", slides, "-o", tmp_path / "out", "--json")


def test_the_good_slide_is_done_and_the_others_leave_nothing(answer, tmp_path):
    assert answer.code == 3 and "Traceback" not in answer.err
    assert answer.json["counts"] == {"done": 1, "already_done": 0, "failed": len(SLIDES)}
    assert sorted(os.listdir(tmp_path / "out")) == [".runs", "good.h5", "runs.csv"]
    assert not [name for name in left_in(tmp_path / "out" / ".runs") if ".part" in name or ".new" in name]


def test_each_reason_says_what_is_wrong_and_is_told_after_the_file(answer, slides):
    reasons = {
        slide["file"]: slide["reason"] for slide in answer.json["slides"] if slide["state"] == "failed"
    }
    assert reasons.keys() == {str(slides / name) for name in SLIDES}
    wrong = [
        reasons[str(slides / name)]
        for name, (_, words) in SLIDES.items()
        if words not in reasons[str(slides / name)]
    ]
    assert wrong == []
    told = answer.err.splitlines()
    assert [file for file, reason in reasons.items() if f"failed: {file}: {reason}" not in told] == []
    assert [file for file, reason in reasons.items() if reason.startswith(file)] == []


def test_the_table_holds_the_reasons(answer, tmp_path):
    table = pd.read_csv(tmp_path / "out" / "runs.csv", index_col="slide")
    assert len(table) == len(SLIDES) + 1 and (table["attempts"] == 1).all()
    reasons = {
        slide["name"]: (f"{slide['file']}: " if slide["state"] == "failed" else "")
        + " ".join(slide["reason"].split())
        for slide in answer.json["slides"]
    }
    assert table["reason"].to_dict() == reasons


def test_slides_that_failed_are_tried_again_and_no_other(answer, capsys, tmp_path, slides):
    again = sequoia_model(capsys, "embed", slides, "-o", tmp_path / "out", "--json")
    assert again.code == 3 and again.json["counts"]["already_done"] == 1
    attempts = pd.read_csv(tmp_path / "out" / "runs.csv", index_col="slide")["attempts"]
    assert attempts.pop("good") == 1 and (attempts == 2).all()


@pytest.mark.parametrize("name", ["empty.svs", "white.tif"])
def test_a_single_slide_that_cannot_be_used_ends_in_2(capsys, tmp_path, slides, small_encoder, name):
    answer = sequoia_model(capsys, "embed", slides / name, "-o", tmp_path / "out")
    assert answer.code == 2 and f"failed: {slides / name}: " in answer.err
    assert sorted(os.listdir(tmp_path / "out")) == [".runs", "runs.csv"]


def test_an_encoder_that_cannot_be_had_stops_it_before_it_begins(capsys, tmp_path, slides):
    answer = sequoia_model(capsys, "embed", slides, "-o", tmp_path / "out", "--encoder", "no-such-encoder")
    assert answer.code == 2 and "no-such-encoder" in answer.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("size", [600, 4000])
def test_a_disk_that_takes_no_more_fails_slides_and_leaves_no_file_half_written(tmp_path, size):
    """A limit on the size of files simulates a full disk: above or below that of a state."""

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    slides = write_slides(tmp_path / "slides", 2)
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    process = start_embed(slides, tmp_path / "out", prepare=limit, env=environment)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 2 and "2 failed" in out, err
    assert "S00.tif: " in err and "cannot be written: File too large" in err and "Traceback" not in err
    assert [
        name for name in left_in(tmp_path / "out") if ".h5" in name or ".part" in name or ".new" in name
    ] == []


def test_an_output_that_can_be_no_folder_is_refused(capsys, tmp_path, slides, small_encoder):
    (tmp_path / "file").write_text("")
    answer = sequoia_model(capsys, "embed", slides, "-o", tmp_path / "file")
    assert answer.code == 2 and "must be a folder, but is a file" in answer.err
    unwritable = sequoia_model(capsys, "embed", slides, "-o", "/proc/out")
    assert unwritable.code == 2 and "the output folder cannot be created" in unwritable.err


def test_no_slides_are_an_error(capsys, tmp_path, small_encoder):
    (tmp_path / "slides").mkdir()
    answer = sequoia_model(capsys, "embed", tmp_path / "slides", "-o", tmp_path / "out")
    assert answer.code == 2 and str(tmp_path / "slides") in answer.err
    assert not (tmp_path / "out").exists()


def test_slides_of_one_name_fail_and_the_rest_is_done(capsys, tmp_path, small_encoder):
    for name in ("a/S1.tif", "b/S1.tif", "S2.tif"):
        write_slide(tmp_path / "slides" / name)
    answer = sequoia_model(capsys, "embed", tmp_path / "slides", "-o", tmp_path / "out", "--json")
    assert answer.code == 3 and "2 slides have this name" in answer.err
    assert {slide["name"]: slide["state"] for slide in answer.json["slides"]} == {
        "S1": "failed",
        "S2": "done",
    }
    assert sorted(path.name for path in (tmp_path / "out").glob("*.h5")) == ["S2.h5"]


def test_a_table_of_scales_for_other_slides_is_refused(capsys, tmp_path, small_encoder):
    write_slide(tmp_path / "S1.tif")
    (tmp_path / "scales.csv").write_text("slide,mpp\nS11,0.5\n")
    options = ("-o", tmp_path / "out", "--mpp-table", tmp_path / "scales.csv")
    answer = sequoia_model(capsys, "embed", tmp_path / "S1.tif", *options)
    assert answer.code == 2 and "the table names none of the slides: it has S11" in answer.err
    assert not (tmp_path / "out").exists()


def test_a_slide_that_is_not_there_makes_no_folder(capsys, tmp_path, small_encoder):
    answer = sequoia_model(capsys, "embed", tmp_path / "S1.tif", "-o", tmp_path / "out")
    assert answer.code == 2 and "S1.tif" in answer.err
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("mpp", ["0", "-1", "0.00025", "250", "nan", "inf"])
def test_a_scale_that_no_slide_has_is_refused_with_the_limits(capsys, tmp_path, small_encoder, mpp):
    write_slide(tmp_path / "S1.tif")
    answer = sequoia_model(capsys, "embed", tmp_path / "S1.tif", "-o", tmp_path / "out", "--slide-mpp", mpp)
    assert answer.code == 2 and "at least 0.05 and at most 100" in answer.err


def test_a_library_that_fails_at_one_slide_leaves_the_others(capsys, tmp_path, small_encoder, monkeypatch):
    opened = work.open_slide

    def failing(path, **options):
        if path.stem == "bomb":
            raise Image.DecompressionBombError("Image size (256000000 pixels) exceeds limit")
        return opened(path, **options)

    monkeypatch.setattr(work, "open_slide", failing)
    for name in ("a", "bomb", "c"):
        write_slide(tmp_path / "in" / f"{name}.tif")
    answer = sequoia_model(capsys, "embed", tmp_path / "in", "-o", tmp_path / "out")
    assert answer.code == 3 and "Traceback" not in answer.err
    assert "bomb.tif: unforeseen error: DecompressionBombError: Image size" in answer.err
    assert str(tmp_path / "out" / "runs.log") in answer.err
    assert "in failing" in (tmp_path / "out" / "runs.log").read_text()
    assert sorted(os.listdir(tmp_path / "out")) == [".runs", "a.h5", "c.h5", "runs.csv", "runs.log"]
