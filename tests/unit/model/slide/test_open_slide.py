"""Files that are not slides or are damaged: each fails with its name and the reason."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tifffile

from sequoia_model.errors import InputError
from sequoia_model.slide import open_slide
from tests.build.slides import damage_tile, write_image, write_slide

READERS = ["auto", "openslide"]


def written(content: bytes) -> Callable[[Path], object]:
    """Writes a file with this content."""
    return lambda path: path.write_bytes(content)


BAD = [
    (
        "broken.svs",
        written(b"IJrEr1vVVJCwCYMtcEJwkpHJUZFY0weM" * 30),
        "neither a slide that OpenSlide can read nor",
    ),
    ("text.svs", written(b"not a slide\n"), "neither a slide that OpenSlide can read nor"),
    ("empty.svs", written(b""), "the file is empty"),
    ("start.tif", written(b"II*\0"), "the image is damaged"),
    ("start.png", written(b"\x89PNG\r\n\x1a\n"), "the image is damaged"),
    ("start.jpg", written(b"\xff\xd8\xff\xe0"), "the image is damaged"),
    ("folder.svs", Path.mkdir, "a folder was given where a file is needed"),
    ("absent.svs", lambda path: None, "the file does not exist"),
    ("round.svs", lambda path: path.symlink_to(path), "broken symbolic link"),
    ("stale.svs", lambda path: path.symlink_to(path.with_name("gone")), "broken symbolic link"),
    ("x" * 300 + ".svs", lambda path: None, "the file does not exist"),
]


@pytest.mark.parametrize(("name", "make", "words"), BAD, ids=[name[:12] for name, _, _ in BAD])
@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_is_not_a_slide_fails_by_its_name(tmp_path, name, make, words, reader):
    make(tmp_path / name)
    with pytest.raises(InputError) as error:
        open_slide(tmp_path / name, mpp=0.5, reader=reader).close()
    assert words in error.value.what or "does not read plain images" in error.value.what
    assert name in error.value.where


@pytest.mark.parametrize("make", [write_slide, write_image])
def test_a_slide_without_a_scale_is_refused_and_the_options_named(tmp_path, make):
    path = make(tmp_path / "S1.tif", mpp=None) if make is write_slide else make(tmp_path / "S1.png")
    with pytest.raises(InputError, match="does not state its µm per pixel") as error:
        open_slide(path)
    assert "S1" in error.value.where and "--slide-mpp" in error.value.fix and "--mpp-table" in error.value.fix


def test_a_20x_slide_of_a_quarter_um_is_refused(tmp_path):
    path = write_slide(tmp_path / "S1.svs", aperio=True, mpp=0.25, power=20, size=(256, 128))
    with pytest.raises(InputError, match="contradicts itself") as error:
        open_slide(path)
    assert "S1.svs" in error.value.where
    with open_slide(path, mpp=0.5) as slide:
        assert slide.mpp == 0.5 and "the file's mpp says 0.25" in slide.resolution.notes[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_says_so(tmp_path):
    path = write_slide(tmp_path / "S1.tif")
    path.chmod(0)
    with pytest.raises(InputError, match="Permission denied") as error:
        open_slide(path)
    assert "S1.tif" in error.value.where


def test_a_failing_disk_is_an_error_of_the_file(tmp_path, monkeypatch):
    path = write_slide(tmp_path / "S1.tif")

    def failing(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", failing)
    with pytest.raises(InputError, match="the file cannot be read: Permission denied") as error:
        open_slide(path)
    assert "S1.tif" in error.value.where


def test_a_picture_of_40_pixels_opens(tmp_path):
    with open_slide(write_image(tmp_path / "S1.png", np.zeros((40, 40, 3), np.uint8)), mpp=0.5) as slide:
        assert slide.size == (40, 40) and slide.thumbnail(40)[0].shape == (1, 1, 3)
        assert slide.read(0, 0, 256)[40:].min() == 255


def test_a_tiled_tiff_that_openslide_refuses_is_decoded_tile_by_tile(tmp_path, monkeypatch):
    path = write_slide(tmp_path / "S1.tif")
    with open_slide(path, reader="openslide") as slide:
        wanted = slide.read(300, 200, 300)
    monkeypatch.setattr("sequoia_model.slide.sources.openslide.detect_format", lambda _: None)
    with open_slide(path) as slide:
        assert (slide.reader, slide.mpp, len(slide.levels)) == ("tiff", 0.5, 2)
        np.testing.assert_array_equal(slide.read(300, 200, 300), wanted)


def test_an_unknown_reader_is_refused(tmp_path):
    with pytest.raises(InputError, match="'fast' is not a valid reader") as error:
        open_slide(write_slide(tmp_path / "S1.tif"), reader="fast")
    assert all(name in error.value.fix for name in ("auto", "openslide", "direct"))


def test_the_direct_reader_refuses_what_it_cannot_read(tmp_path):
    with pytest.raises(InputError, match="'direct' does not read plain images"):
        open_slide(write_image(tmp_path / "S1.png"), mpp=0.5, reader="direct")


@pytest.mark.parametrize("how", ["zeros", "half", "ended"])
@pytest.mark.parametrize("reader", READERS)
def test_a_damaged_place_fails_with_file_and_place_and_others_are_read(tmp_path, reader, how):
    path = write_slide(tmp_path / "S1.tif", compression="jpeg", levels=(1,))
    with open_slide(path) as whole:
        wanted = whole.read(0, 0, 256)
    damage_tile(path, index=11, how=how)  # 8 tiles a row: at (768, 256)
    with open_slide(path, reader=reader) as slide:
        with pytest.raises(InputError, match="is damaged and cannot be read at this place") as error:
            slide.read(768, 256, 256)
        np.testing.assert_array_equal(slide.read(0, 0, 256), wanted)
    assert "S1.tif" in error.value.where and "(768, 256)" in error.value.where


def test_after_a_damaged_place_the_others_are_read_together_again(tmp_path, monkeypatch):
    path = damage_tile(write_slide(tmp_path / "S1.tif", compression="jpeg", levels=(1,)), index=11)
    with open_slide(path, reader="openslide") as slide:
        with pytest.raises(InputError, match="is damaged"):
            slide.read(768, 256, 256)
        monkeypatch.setattr(slide._shared._source, "_opened", None)
        assert slide.read(512, 512, 256).min() < 200


@pytest.mark.parametrize("reader", READERS)
def test_in_threads_only_the_damaged_places_fail(tmp_path, reader):
    path = damage_tile(
        write_slide(tmp_path / "S1.tif", compression="jpeg", levels=(1,)), index=11, how="zeros"
    )
    corners = [(x, y) for y in range(0, 1536, 256) for x in range(0, 2048, 256)]

    def damaged_at(slide, corner) -> bool:
        try:
            return slide.read(*corner, 256) is None
        except InputError as error:
            return str(corner) in error.where

    with open_slide(path, reader=reader) as slide, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda corner: damaged_at(slide, corner), corners * 3))
    assert [corner for corner, bad in zip(corners * 3, found, strict=True) if bad] == [(768, 256)] * 3


def test_a_slide_whose_last_level_was_cut_off_does_not_open(tmp_path):
    path = write_slide(tmp_path / "S1.tif", compression="jpeg")
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(
        InputError, match="damaged or incomplete: the file ends before its pixels do"
    ) as error:
        open_slide(path)
    assert "S1.tif" in error.value.where


@pytest.mark.parametrize("reader", READERS)
def test_a_slide_that_was_cut_off_fails_where_it_ends(tmp_path, reader):
    noise = np.random.default_rng(0).integers(
        256, size=(1536, 2048, 3), dtype=np.uint8
    )  # not hashed at opening
    path = write_slide(tmp_path / "S1.tif", noise, levels=(1,))
    path.write_bytes(path.read_bytes()[:-2000])
    with open_slide(path, reader=reader) as slide:
        np.testing.assert_array_equal(slide.read(0, 0, 256), noise[:256, :256])
        with pytest.raises(InputError, match="is damaged and cannot be read at this place") as error:
            slide.read(1792, 1280, 256)
        with pytest.raises(InputError, match="is damaged and cannot be read at this place"):
            slide.thumbnail(10)
    assert "S1.tif" in error.value.where and "(1792, 1280)" in error.value.where


def test_a_slide_cut_off_before_its_directory_is_refused(tmp_path):
    whole = Path(tmp_path / "whole.tif")
    tifffile.imwrite(whole, np.zeros((512, 512, 3), np.uint8), tile=(256, 256), photometric="rgb")
    (tmp_path / "S1.tif").write_bytes(whole.read_bytes()[:100])
    with pytest.raises(InputError) as error:
        open_slide(tmp_path / "S1.tif", mpp=0.5)
    assert "damaged" in str(error.value) and "S1.tif" in error.value.where
