"""``sequoia-model info``: the facts about a slide that a run would use."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.build.commands import sequoia_model
from tests.build.slides import make_picture, write_image, write_slide, write_tiff

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[1] / "data" / "slides"


def slide_of(folder: Path, **made) -> Path:
    """A slide of 4,096 × 3,072 px at 0.25 µm/px whose tissue is 4 × 3 tiles of the grid."""
    options = {"aperio": True, "mpp": 0.25, "power": 40, "levels": (1, 4)} | made
    return write_slide(folder / "S1.svs", **options)


def test_everything_that_a_run_uses_is_shown(capsys, tmp_path):
    answer = sequoia_model(capsys, "info", slide_of(tmp_path))
    assert answer.code == 0 and answer.err == ""
    words = [
        "S1.svs",
        "aperio, 4,096 × 3,072 px",
        "1,024 × 768 (1:4)",
        "0.25 µm/px, from the file's mpp",
        "40x",
    ]
    words += [
        "128 µm wide: 512 px at level 0",
        "level 0, decoded directly",
        "up to 12 tiles in 48 places by rule paper",
    ]
    assert [word for word in words if word not in answer.out] == []


def test_the_picture_in_characters_shows_where_the_tissue_is(capsys, tmp_path):
    answer = sequoia_model(capsys, "info", slide_of(tmp_path))
    picture = answer.out.partition("\n\n")[2].splitlines()
    assert len(picture) == 15 and "\x1b" not in answer.out
    assert picture[6][10:30].isspace() is False and picture[6][:9].isspace()
    assert picture[0].strip() == "" and picture[14].strip() == ""


def test_the_same_as_one_json_object(capsys, tmp_path):
    shown = sequoia_model(capsys, "info", slide_of(tmp_path), "--json").json
    assert (shown["slide"], shown["format"], shown["size"]) == ("S1", "aperio", [4096, 3072])
    assert shown["levels"][1] == {"size": [1024, 768], "downsample": 4.0, "reader": "direct"}
    assert (shown["mpp"], shown["mpp_source"], shown["objective_power"]) == (0.25, "mpp", 40)
    assert (shown["tile_side"], shown["tile_level"], shown["reader"]) == (512, 0, "direct")
    assert (shown["n_places"], shown["n_tiles_estimated"]) == (48, 12)
    assert shown["tissue_mm2"] == pytest.approx(0.512 * 0.384, rel=0.1)


def test_a_real_slide(capsys):
    shown = sequoia_model(capsys, "info", DATA / "CMU-1-Small-Region.svs", "--json").json
    assert (shown["mpp"], shown["tile_side"], shown["n_places"]) == (0.499, 257, 88)
    assert 10 < shown["n_tiles_estimated"] < 40


@pytest.mark.parametrize("how", ["--slide-mpp", "--mpp-table"])
def test_an_image_takes_its_scale_from_the_user(capsys, tmp_path, how):
    path = write_image(tmp_path / "S1.png", make_picture(mpp=0.5))
    (tmp_path / "mpp.csv").write_text("slide,mpp\nS1.png,0.5\n")
    said = 0.5 if how == "--slide-mpp" else tmp_path / "mpp.csv"
    answer = sequoia_model(capsys, "info", path, how, said)
    assert answer.code == 0 and "0.5 µm/px, as given" in answer.out and "decoded as a whole" in answer.out


def test_a_table_without_the_slide_is_refused(capsys, tmp_path):
    (tmp_path / "mpp.csv").write_text("slide,mpp\nS2,0.5\n")
    answer = sequoia_model(capsys, "info", slide_of(tmp_path), "--mpp-table", tmp_path / "mpp.csv")
    assert answer.code == 2 and "the table names none of the slides: it has S2" in answer.err


def test_notes_are_shown(capsys, tmp_path):
    answer = sequoia_model(capsys, "info", slide_of(tmp_path), "--slide-mpp", 0.5)
    assert "note        the file's mpp says 0.25 µm/px, but 0.5 was given" in answer.out


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("S1.ome.tif", {"metadata": {"PhysicalSizeX": 500, "PhysicalSizeXUnit": "nm"}}, "OME pixel size"),
        ("S1.tif", {"description": "ImageJ=1\nunit=um\n", "resolution": (2, 2), "resolutionunit": 1}, "ImageJ scale"),
        ("S1.tif", {"mpp": 0.5, "tile": 0}, "TIFF resolution"),
    ],
)  # fmt: skip
def test_it_says_where_the_scale_comes_from(capsys, tmp_path, name, options, words):
    path = write_tiff(tmp_path / name, make_picture((512, 384)), **options)
    answer = sequoia_model(capsys, "info", path)
    assert answer.code == 0 and f"0.5 µm/px, from the file's {words}" in answer.out


@pytest.mark.parametrize("mpp", [0.0274, 15])
def test_the_way_out_of_an_unbelievable_scale_works(capsys, tmp_path, mpp):
    path = write_tiff(tmp_path / "S1.tif", make_picture((512, 384)), mpp=mpp)
    refused = sequoia_model(capsys, "info", path)
    assert refused.code == 2 and f"{mpp:g} × {mpp:g} µm/px" in refused.err and "--slide-mpp" in refused.err
    answer = sequoia_model(capsys, "info", path, "--slide-mpp", 0.5)
    assert answer.code == 0 and f"TIFF resolution of {mpp:g} × {mpp:g} µm/px" in answer.out


def test_a_thumbnail_is_written_and_not_replaced_unasked(capsys, tmp_path):
    slide, picture = slide_of(tmp_path), tmp_path / "thumbnail.png"
    assert sequoia_model(capsys, "info", slide, "--thumbnail", picture).code == 0
    assert np.asarray(Image.open(picture)).shape == (77, 102, 3)
    again = sequoia_model(capsys, "info", slide, "--thumbnail", picture)
    assert again.code == 2 and "already exists" in again.err
    assert sequoia_model(capsys, "info", slide, "--thumbnail", picture, "--force").code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["absent.svs"], "the file does not exist"),
        ([DATA / "broken.svs"], "neither a slide"),
        ([DATA / "HER2ST_C2.jpg"], "--slide-mpp"),
        ([DATA / "CMU-1-Small-Region.svs", "--slide-mpp", "0"], "0 µm per pixel is not a valid resolution"),
        (
            [DATA / "CMU-1-Small-Region.svs", "--slide-mpp", "1", "--mpp-table", "x.csv"],
            "were both given",
        ),
        ([DATA / "CMU-1-Small-Region.svs", "--mpp-table", "absent.csv"], "absent.csv"),
        ([DATA / "CMU-1-Small-Region.svs", "--rule", "papers"], "papers"),
    ],
)
def test_what_cannot_be_shown_ends_with_2_and_the_reason(capsys, arguments, words):
    answer = sequoia_model(capsys, "info", *arguments)
    assert answer.code == 2 and answer.out == ""
    assert words in answer.err and "Traceback" not in answer.err


def test_an_error_that_nobody_foresaw_ends_with_2_and_names_its_log(capsys, tmp_path, monkeypatch):
    def failing(*_, **__):
        raise struct.error("unpack requires a buffer of 8 bytes")

    monkeypatch.setattr("sequoia_model.slide.open_slide", failing)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    write_slide(tmp_path / "S.tif")
    answer = sequoia_model(capsys, "info", tmp_path / "S.tif")
    assert answer.code == 2 and "unforeseen error: error: unpack" in answer.err
    [log] = tmp_path.glob("sequoia-*.log")
    assert str(log) in answer.err and "in failing" in log.read_text()


def test_its_help_speaks_of_one_slide(capsys):
    answer = sequoia_model(capsys, "info", "--help")
    assert "µm per pixel of the slide" in answer.out and "every slide" not in answer.out
