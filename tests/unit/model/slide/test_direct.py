"""Direct decoding gives the pixels of OpenSlide, or leaves the reading to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from sequoia_model.errors import InputError
from sequoia_model.slide import Slide, open_slide
from sequoia_model.slide.sources._direct import DirectSource, Page, tiled_pages
from tests.build.slides import damage_tile, empty_tile, make_picture, make_ring, write_slide

DATA = Path(__file__).parents[3] / "data" / "slides"


def noisy(size: tuple[float, float] = (700, 500)) -> np.ndarray:
    """A noisy picture, which reveals every misplaced pixel."""
    picture = make_picture(size, ((10, 10, 690, 490),)).astype(np.int16)
    noise = np.random.default_rng(0).integers(-9, 10, size=picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


KINDS = {
    "jpeg": {"compression": "jpeg", "levels": (1, 2, 4)},
    "jpeg, small tiles": {"compression": "jpeg", "levels": (1, 4), "tile": 112},
    "deflate": {"levels": (1, 2, 4)},
    "aperio": {"compression": "jpeg", "levels": (1, 4), "aperio": True, "power": 20.0},
    "jpeg 2000": {"compression": "aperio_jp2000_rgb", "levels": (1, 4), "aperio": True, "power": 20.0},
}


@pytest.fixture(scope="module", params=KINDS)
def both(request, tmp_path_factory) -> Iterator[tuple[Slide, Slide]]:
    """A slide opened with both readers."""
    path = write_slide(tmp_path_factory.mktemp("both") / "S.svs", noisy(), **KINDS[request.param])
    with open_slide(path, reader="openslide") as behind, open_slide(path, reader="direct") as direct:
        yield behind, direct


@pytest.fixture(scope="module")
def real() -> Iterator[tuple[Slide, Slide]]:
    path = DATA / "CMU-1-Small-Region.svs"
    with open_slide(path, reader="openslide") as behind, open_slide(path) as direct:
        yield behind, direct


@given(
    x=st.integers(-300, 1500), y=st.integers(-300, 1100),
    side=st.integers(1, 1300), size=st.sampled_from([1, 7, 64, 224, 256]),
)  # fmt: skip
@settings(max_examples=40)
def test_both_readers_give_the_same_pixels_at_every_place_and_scale(both, x, y, side, size):
    behind, direct = both
    assert direct.reader == "direct"
    np.testing.assert_array_equal(direct.read(x, y, side, size), behind.read(x, y, side, size))


def test_thumbnails_are_the_same(both):
    behind, direct = both
    np.testing.assert_array_equal(direct.thumbnail(8)[0], behind.thumbnail(8)[0])


def test_a_level_with_a_rounded_downsample_is_left_to_openslide(tmp_path):
    picture = noisy()[:999, :1397]
    with open_slide(write_slide(tmp_path / "S.tif", picture, levels=(1, 2))) as slide:
        assert slide.reader == "direct"
        assert slide.reader_of(1) == "openslide"
        assert list(tiled_pages(slide.path, slide.levels)) == [0]


def test_a_ring_of_directories_is_left_to_openslide(tmp_path):
    path = write_slide(tmp_path / "S.svs", levels=(1, 2), aperio=True)
    with open_slide(path) as slide:
        levels = slide.levels
    assert tiled_pages(make_ring(path), levels) == {}


def altered(self: DirectSource, page: Page, index: int) -> np.ndarray:
    """A tile, changed by one grey level if it is the fullest one."""
    tile = read_tile(self, page, index)
    return tile ^ np.uint8(index == np.argmax(page.counts))


read_tile = DirectSource._read_tile


def test_a_reader_that_gives_other_pixels_where_there_is_most_to_see_is_not_used(tmp_path, monkeypatch):
    picture = make_picture((1024, 768))
    picture[600:700, 900:1000] = np.random.default_rng(0).integers(256, size=(100, 100, 3))
    path = write_slide(tmp_path / "S.tif", picture, compression="jpeg", levels=(1,))
    monkeypatch.setattr(DirectSource, "_read_tile", altered)
    with open_slide(path) as slide:
        assert slide.reader == "openslide"
    with pytest.raises(InputError, match="does not give the same pixels as OpenSlide"):
        open_slide(path, reader="direct")


def test_a_missing_tile_is_white_by_both(tmp_path):
    path = empty_tile(write_slide(tmp_path / "S.tif", noisy(), compression="jpeg", levels=(1,)), index=7)
    with open_slide(path, reader="openslide") as behind, open_slide(path, reader="direct") as direct:
        np.testing.assert_array_equal(direct.read(100, 100, 600), behind.read(100, 100, 600))
        assert (direct.read(256, 256, 256) == 255).all()


def test_a_coarse_level_with_gaps_is_left_to_openslide_which_fills_them(tmp_path):
    path = write_slide(tmp_path / "S.svs", noisy(), aperio=True, levels=(1, 2), compression="jpeg", power=20)
    empty_tile(path, index=1, level=1)
    with open_slide(path) as slide:
        assert (slide.reader_of(0), slide.reader_of(1)) == ("direct", "openslide")
        assert list(tiled_pages(slide.path, slide.levels)) == [0]
        assert slide.read(512, 0, 512).min() < 200


def test_a_tile_that_cannot_be_decoded_is_judged_by_openslide(tmp_path, monkeypatch):
    path = damage_tile(write_slide(tmp_path / "S.tif", noisy(), levels=(1,), compression="jpeg"), 7, "half")
    with open_slide(path) as slide:
        behind = slide._shared._source._fallback
        monkeypatch.setattr(behind, "region", lambda *_: np.zeros((256, 256, 3), np.uint8))
        assert not slide.read(256, 256, 256).any()


@pytest.mark.parametrize("how", ["zeros", "half", "ended"])
def test_damage_that_the_decoder_would_fill_with_grey_is_an_error(tmp_path, how):
    path = write_slide(tmp_path / "S.tif", compression="jpeg", levels=(1,))
    with open_slide(path) as slide:
        damage_tile(path, index=15, how=how)  # at (1792, 256), which no comparison at opening has seen
        assert slide.reader == "direct"
        with pytest.raises(InputError, match="is damaged and cannot be read at this place") as error:
            slide.read(1792, 256, 256)
        assert slide.read(512, 256, 256).min() < 200
    assert "(1792, 256)" in error.value.where


@pytest.mark.parametrize("change", ["grey", "16 bits", "alpha", "planes", "strips"])
def test_other_tiffs_are_left_to_other_readers(tmp_path, change):
    picture = noisy((300, 300))
    tile = {"tile": (256, 256), "photometric": "rgb"}
    made = {
        "grey": (picture[..., 0], tile | {"photometric": "minisblack"}),
        "16 bits": (picture.astype(np.uint16) * 257, tile),
        "alpha": (np.dstack([picture, picture[..., :1]]), tile | {"extrasamples": ["unassalpha"]}),
        "planes": (np.moveaxis(picture, 2, 0), tile | {"planarconfig": "separate"}),
        "strips": (picture, {"photometric": "rgb", "rowsperstrip": 64}),
    }
    pixels, options = made[change]
    tifffile.imwrite(tmp_path / "S.tif", pixels, **options)
    with open_slide(tmp_path / "S.tif", mpp=0.5) as slide:
        assert slide.reader != "direct"
        assert slide.read(0, 0, 256).shape == (256, 256, 3)


def test_kept_tiles_stay_within_their_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("sequoia_model.slide.sources._direct._CACHE", 500_000)
    path = write_slide(tmp_path / "S.tif", noisy(), levels=(1,))
    with open_slide(path, reader="direct") as slide, open_slide(path, reader="openslide") as behind:
        row = [np.array_equal(slide.read(x, 130, 256), behind.read(x, 130, 256)) for x in range(0, 1100, 100)]
        source = slide._shared._source
        assert 0 < sum(tile.nbytes for tile in source._kept.values()) == source._bytes <= 500_000
    assert all(row)


@given(x=st.integers(0, 2100), y=st.integers(0, 2900), side=st.integers(200, 900))
@settings(max_examples=30)
def test_a_real_slide_is_read_alike(real, x, y, side):
    behind, direct = real
    assert (behind.reader, direct.reader) == ("openslide", "direct")
    np.testing.assert_array_equal(direct.read(x, y, side), behind.read(x, y, side))
