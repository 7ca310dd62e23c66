"""Squares of slides with a known picture, at two resolutions and in three kinds of pyramids."""

from __future__ import annotations

import multiprocessing
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from sequoia_model.errors import InputError
from sequoia_model.slide import PyramidLevel, open_slide
from sequoia_model.slide.sources.levels import cheapest
from sequoia_model.slide.sources.openslide import OpenSlideSource
from sequoia_model.types.grid import tile_side
from tests.build.slides import make_picture, write_image, write_slide

PYRAMIDS = [(1,), (1, 2, 4, 8), (1, 3, 7)]
READERS = ["openslide", "direct"]


def smooth(mpp: float, size: tuple[int, int] = (601, 457)) -> np.ndarray:
    """A picture of waves 60 to 90 µm long, the same at any scale."""
    width, height = (round(side / mpp) for side in size)
    x, y = (np.arange(width) + 0.5) * mpp, (np.arange(height)[:, None] + 0.5) * mpp
    waves = [np.sin(x / 11) + np.cos(y / 13), np.sin((x + y) / 15) * 2, np.cos(x / 12) * np.sin(y / 14) * 2]
    return np.stack([127.5 + 50 * wave for wave in np.broadcast_arrays(*waves)], axis=2).astype(np.uint8)


def furthest(one: np.ndarray, other: np.ndarray) -> int:
    """The largest difference between two pictures, in grey levels."""
    assert one.shape == other.shape
    return int(np.abs(one.astype(int) - other.astype(int)).max())


@pytest.mark.parametrize("levels", PYRAMIDS)
@pytest.mark.parametrize("reader", READERS)
def test_a_square_at_the_scale_of_level_0_is_exactly_the_picture(tmp_path, levels, reader):
    picture = make_picture((601, 457), ((50, 40, 500, 400),))
    with open_slide(write_slide(tmp_path / "S.tif", picture, levels=levels), reader=reader) as slide:
        got = slide.read(513, 301, 256)
    np.testing.assert_array_equal(got, picture[301:557, 513:769])


@pytest.mark.parametrize("levels", PYRAMIDS)
@pytest.mark.parametrize("mpp", [0.5, 0.25])
@pytest.mark.parametrize(("x", "y"), [(0, 0), (201, 117), (473, 329)])
def test_a_square_shows_the_same_place_at_every_scale_and_pyramid(tmp_path, levels, mpp, x, y):
    path = write_slide(tmp_path / "S.tif", smooth(mpp), mpp=mpp, levels=levels)
    with open_slide(path) as slide:
        got = slide.read(round(x / mpp), round(y / mpp), tile_side(mpp))
    assert furthest(got, smooth(0.5)[y * 2 : y * 2 + 256, x * 2 : x * 2 + 256]) <= 4


@pytest.mark.parametrize("levels", PYRAMIDS)
@pytest.mark.parametrize("reader", ["auto", "openslide"])
@pytest.mark.parametrize("side", [640, 896])
def test_coarse_levels_are_not_shifted(tmp_path, levels, reader, side):
    """Sizes of coarser levels are rounded up from 1202 × 914, and OpenSlide reads between their pixels."""
    picture = smooth(0.5)
    with open_slide(write_slide(tmp_path / "S.tif", picture, levels=levels), reader=reader) as slide:
        got = slide.read(101, 13, side, 128)
    box = (101, 13, 101 + side, 13 + side)
    wanted = Image.fromarray(picture).resize((128, 128), Image.Resampling.BICUBIC, box=box)
    assert furthest(got, np.asarray(wanted)) <= 8


def test_openslide_reads_between_the_pixels_of_a_rounded_level_at_the_stated_start(tmp_path):
    path = write_slide(tmp_path / "S.tif", smooth(0.5), levels=(1, 3))
    page = tifffile.imread(path, key=1).astype(float)
    source = OpenSlideSource(path)
    got, (x, y) = source.region(1, 303, 203, 64, 64), source.start(1, 303, 203)
    source.close()
    (column, right), (row, down) = divmod(x, 1), divmod(y, 1)
    assert min(right, 1 - right) > 0.02 and min(down, 1 - down) > 0.02
    part = page[int(row) : int(row) + 65, int(column) : int(column) + 65]
    across = part[:, :-1] * (1 - right) + part[:, 1:] * right
    assert np.abs(across[:-1] * (1 - down) + across[1:] * down - got).max() < 2


def test_the_published_reduction_is_kept_to_the_byte(tmp_path):
    picture = make_picture((512, 384), mpp=0.25)
    with open_slide(write_slide(tmp_path / "S.tif", picture, mpp=0.25, levels=(1,))) as slide:
        got = slide.read(512, 0, 512)
    wanted = Image.fromarray(picture[:512, 512:1024]).resize((256, 256))
    np.testing.assert_array_equal(got, np.asarray(wanted))


@pytest.mark.parametrize("reader", READERS)
def test_beyond_the_border_it_is_white(tmp_path, reader):
    picture = np.full((300, 400, 3), 90, np.uint8)
    with open_slide(write_slide(tmp_path / "S.tif", picture, levels=(1,)), reader=reader) as slide:
        got, far = slide.read(-10, 200, 256), slide.read(5000, 0, 256)
    assert (got[:100, 10:] == 90).all() and (got[:, :10] == 255).all() and (got[100:] == 255).all()
    assert (far == 255).all()


@pytest.mark.parametrize(
    ("downsample", "level"), [(0.5, 0), (1, 0), (1.9, 0), (1.99, 1), (2, 1), (3.9, 1), (3.97, 2), (100, 2)]
)
def test_the_coarsest_level_that_is_fine_enough_is_read(downsample, level):
    levels = [PyramidLevel((400, 400), 1.0), PyramidLevel((200, 200), 2.0), PyramidLevel((100, 100), 4.0)]
    assert cheapest(levels, downsample) == level


def test_tiles_are_read_from_the_level_of_their_scale(tmp_path):
    path = write_slide(tmp_path / "S.tif", mpp=0.125, levels=(1, 2, 4, 8), size=(512, 256))
    with open_slide(path) as slide:
        assert slide.tile_level == 2
        coarse = slide.levels[2].downsample
    assert coarse == 4


@pytest.mark.parametrize("levels", PYRAMIDS)
def test_a_thumbnail_shows_the_whole_slide_and_its_scale(tmp_path, levels):
    picture = smooth(0.5)
    with open_slide(write_slide(tmp_path / "S.tif", picture, levels=levels)) as slide:
        pixels, scale = slide.thumbnail(10)
    assert pixels.shape == (46, 60, 3)
    assert scale == (1202 / 60, 914 / 46)
    wanted = Image.fromarray(picture).resize((60, 46), Image.Resampling.BICUBIC)
    assert furthest(pixels, np.asarray(wanted)) <= 8


@pytest.mark.parametrize("levels", PYRAMIDS)
def test_a_thumbnail_read_in_blocks_has_no_seams(tmp_path, monkeypatch, levels):
    path = write_slide(tmp_path / "S.tif", make_picture((601, 457), ((50, 40, 500, 400),)), levels=levels)
    with open_slide(path) as slide:
        whole = slide.thumbnail(6)[0]
        monkeypatch.setattr("sequoia_model.slide.slide._BLOCK", 200)
        assert furthest(slide.thumbnail(6)[0], whole) <= 1


def test_a_thumbnail_finer_than_the_slide_is_the_slide(tmp_path):
    picture = make_picture((256, 256))
    with open_slide(write_slide(tmp_path / "S.tif", picture, levels=(1,))) as slide:
        pixels, scale = slide.thumbnail(0.1)
    np.testing.assert_array_equal(pixels, picture)
    assert scale == (1, 1)


@pytest.mark.parametrize("reader", READERS)
def test_threads_read_what_one_thread_reads(tmp_path, reader):
    path = write_slide(tmp_path / "S.tif", levels=(1, 2), compression="jpeg", tile=128)
    places = [(x, y) for y in range(0, 1200, 190) for x in range(0, 1700, 210)]
    with open_slide(path, reader=reader) as slide, ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda place: slide.read(*place, 300), places))
        alone = [slide.read(*place, 300) for place in places]
    assert all(map(np.array_equal, together, alone))


@pytest.mark.parametrize("reader", READERS)
def test_a_slide_survives_pickling_with_its_scale_and_reader(tmp_path, reader):
    path = write_slide(tmp_path / "S.tif", mpp=None)
    with open_slide(path, mpp=0.4, reader=reader) as slide, pickle.loads(pickle.dumps(slide)) as again:
        assert (again.mpp, again.reader) == (0.4, reader)
        np.testing.assert_array_equal(again.read(300, 200, 320), slide.read(300, 200, 320))


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("reader", READERS)
def test_a_forked_process_reads_with_a_file_of_its_own(tmp_path, reader):
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()

    def child() -> None:
        inherited = slide._shared._source
        answers.put((slide.read(300, 200, 256), slide._shared._source is inherited))

    with open_slide(write_slide(tmp_path / "S.tif"), reader=reader) as slide:
        wanted = slide.read(300, 200, 256)
        process = context.Process(target=child)
        process.start()
        got, shared = answers.get()
        process.join()
        np.testing.assert_array_equal(slide.read(300, 200, 256), wanted)
    assert np.array_equal(got, wanted) and not shared


@pytest.mark.parametrize("make", [write_slide, write_image])
def test_a_closed_slide_is_not_read_and_may_be_closed_again(tmp_path, make):
    slide = open_slide(make(tmp_path / "S.tif"), mpp=0.5)
    slide.close()
    slide.close()
    with pytest.raises(InputError, match="the slide is closed"):
        slide.read(0, 0, 256)


def test_closing_waits_for_the_reads_under_way(tmp_path):
    slide = open_slide(write_slide(tmp_path / "S.tif"))
    closing = threading.Thread(target=slide.close)
    with slide._shared.use() as source:
        closing.start()
        closing.join(0.1)
        assert closing.is_alive()
        source.region(0, 0, 0, 10, 10)
    closing.join(10)
    assert not closing.is_alive()


def test_a_slide_says_what_it_is(tmp_path):
    path = write_slide(tmp_path / "S1.svs", aperio=True, mpp=0.25, power=40, levels=(1, 4))
    with open_slide(path) as slide:
        assert (slide.name, slide.format, slide.power, slide.mpp) == ("S1", "aperio", 40, 0.25)
        assert slide.size == (4096, 3072) and slide.levels[1] == PyramidLevel((1024, 768), 4.0)
        assert repr(slide) == "<Slide S1: 4,096 × 3,072 px at 0.25 µm/px, aperio>"


def test_the_scale_of_a_tiff_is_that_of_its_tags(tmp_path):
    with open_slide(write_slide(tmp_path / "S1.tif", mpp=0.4)) as slide:
        assert slide.mpp == pytest.approx(0.4) and slide.resolution.source == "TIFF resolution"


def test_opening_takes_a_text_as_a_path(tmp_path):
    with open_slide(str(write_slide(tmp_path / "S1.tif"))) as slide:
        assert slide.path == Path(tmp_path / "S1.tif")
