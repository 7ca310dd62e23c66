"""The files of chosen tiles: read by the conventions of the tools that use them, and equal byte for byte."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from sequoia_model.errors import InputError
from sequoia_model.slide import Slide, open_slide
from sequoia_model.tiles import (
    TILE_RULES,
    TileChoice,
    TileOptions,
    find_candidates,
    tile_grid,
    write_coords,
    write_geojson,
    write_mask,
    write_overlay,
)
from sequoia_model.tissue import read_annotation
from sequoia_model.types.grid import TileGrid
from tests.build.slides import make_picture, write_slide

BOX = (128, 128, 896, 640)


@pytest.fixture(scope="module")
def slide(tmp_path_factory) -> Iterator[Slide]:
    """A slide at 40x with a hole in its tissue."""
    picture = make_picture(tissue=[BOX], mpp=0.25)
    picture[700:2300, 1200:2800] = (243, 242, 244)
    path = tmp_path_factory.mktemp("slides") / "a.svs"
    write_slide(path, picture, mpp=0.25, power=40, aperio=True, levels=(1, 4))
    with open_slide(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def choice(slide) -> TileChoice:
    return find_candidates(slide, TileOptions(max_tiles=5, seed=2)).examine()


@pytest.fixture(scope="module")
def grid(choice) -> TileGrid:
    return choice.grid


def attributes(path: Path) -> dict:
    with h5py.File(path) as file:
        return dict(file["coords"].attrs)


def written(grid: TileGrid, choice: TileChoice, slide: Slide, folder: Path) -> list[bytes]:
    folder.mkdir()
    write_coords(grid, folder / "a.h5", slide=slide)
    write_mask(choice.candidates.mask, folder / "a_mask.png")
    write_overlay(slide, grid, choice.candidates.mask, folder / "a_overlay.png")
    write_geojson(grid, choice.candidates.mask, folder / "a.geojson")
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def test_the_same_tiles_give_the_same_bytes(grid, choice, slide, tmp_path):
    again = find_candidates(slide, TileOptions(max_tiles=5, seed=2)).examine()
    first = written(grid, choice, slide, tmp_path / "first")
    assert first == written(again.grid, again, slide, tmp_path / "second")
    assert len(first) == 4


def test_coords_are_kept_as_trident_keeps_them(grid, slide, tmp_path):
    write_coords(grid, tmp_path / "a.h5", slide=slide)
    about = attributes(tmp_path / "a.h5")
    trident = {
        "patch_size": 256,
        "patch_size_level0": 512,
        "level0_width": 4096,
        "level0_height": 3072,
        "level0_magnification": 40,
        "target_magnification": 20,
        "overlap": 0,
        "name": "a",
    }
    assert {name: about[name] for name in trident} == trident
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["coords"].dtype == np.int64
        np.testing.assert_array_equal(file["coords"], grid.coords)


def test_coords_say_how_they_were_chosen(grid, tmp_path):
    write_coords(grid, tmp_path / "a.h5")
    about = attributes(tmp_path / "a.h5")
    assert (about["rule"], about["seed"], about["mpp"], about["level0_mpp"]) == ("paper", 2, 0.5, 0.25)
    assert json.loads(about["left_out"]) == dict(grid.left_out)
    assert about["n_places"] == 48
    assert "level0_magnification" not in about


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mpp", "levels", "level"), [(0.5, (1, 4), 0), (0.25, (1, 2), 1), (0.125, (1, 2, 4), 2)]
)
def test_clam_reads_the_level_at_which_tiles_have_their_size(tmp_path, mpp, levels, level):
    with open_slide(write_slide(tmp_path / "b.tif", mpp=mpp, levels=levels)) as slide:
        write_coords(tile_grid(slide, TileOptions(max_tiles=2)), tmp_path / "b.h5", slide=slide)
    about = attributes(tmp_path / "b.h5")
    assert (about["patch_level"], about["patch_size"]) == (level, 256)


def test_clam_gets_no_level_if_none_has_that_scale(grid, slide, tmp_path):
    write_coords(grid, tmp_path / "a.h5", slide=slide)
    assert "patch_level" not in attributes(tmp_path / "a.h5")


def test_the_mask_is_white_where_there_is_tissue(choice, tmp_path):
    write_mask(choice.candidates.mask, tmp_path / "mask.png")
    with Image.open(tmp_path / "mask.png") as image:
        assert image.mode == "L"
        np.testing.assert_array_equal(np.asarray(image), choice.candidates.mask.mask * np.uint8(255))


def test_the_mask_is_read_back_as_an_annotation(choice, slide, tmp_path):
    write_mask(choice.candidates.mask, tmp_path / "mask.png")
    np.testing.assert_array_equal(
        read_annotation(tmp_path / "mask.png", slide).mask, choice.candidates.mask.mask
    )


def test_geojson_has_what_qupath_asks_for(grid, choice, tmp_path):
    write_geojson(grid, choice.candidates.mask, tmp_path / "a.geojson")
    found = json.loads((tmp_path / "a.geojson").read_text())
    assert found["type"] == "FeatureCollection"
    kinds = [feature["properties"]["objectType"] for feature in found["features"]]
    assert kinds == ["annotation", *["tile"] * 5]
    classes = [feature["properties"]["classification"] for feature in found["features"]]
    assert all(set(named) == {"name", "color"} and len(named["color"]) == 3 for named in classes)


def test_geojson_has_closed_squares_for_tiles(grid, choice, tmp_path):
    write_geojson(grid, choice.candidates.mask, tmp_path / "a.geojson")
    found = json.loads((tmp_path / "a.geojson").read_text())["features"][1:]
    [x, y] = grid.coords[0].tolist()
    square = [[x, y], [x + 512, y], [x + 512, y + 512], [x, y + 512], [x, y]]
    assert found[0]["geometry"] == {"type": "Polygon", "coordinates": [square]}


@pytest.mark.parametrize("rule", TILE_RULES)
def test_geojson_is_read_back_as_the_tissue(slide, tmp_path, rule):
    choice = find_candidates(slide, TileOptions(rule=rule, max_tiles=3)).examine()
    write_geojson(choice.grid, choice.candidates.mask, tmp_path / "a.geojson")
    back = read_annotation(tmp_path / "a.geojson", slide)
    want = choice.candidates.mask.coarse(8.0)
    x, y = ((np.arange(n) + 0.5) * back.scale[i] for i, n in enumerate(back.mask.shape[::-1]))
    corners = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    assert (want.holds(corners) == back.mask.ravel()).mean() > 0.999
    assert back.area_mm2 == pytest.approx(choice.candidates.mask.area_mm2, rel=0.05)


def test_the_hole_of_the_tissue_is_one_of_the_polygon(grid, choice, tmp_path):
    write_geojson(grid, choice.candidates.mask, tmp_path / "a.geojson")
    found = json.loads((tmp_path / "a.geojson").read_text())["features"][0]
    [outer, hole] = found["geometry"]["coordinates"]
    assert outer[0] == outer[-1] and hole[0] == hole[-1]
    assert np.min(hole, axis=0) == pytest.approx([1200, 700], abs=70)


def overlay(grid: TileGrid, choice: TileChoice, slide: Slide, path: Path) -> np.ndarray:
    write_overlay(slide, grid, choice.candidates.mask, path)
    with Image.open(path) as image:
        return np.asarray(image)


def test_the_overlay_dims_the_background(grid, choice, slide, tmp_path):
    picture = overlay(grid, choice, slide, tmp_path / "a.png")
    assert picture.shape == (1500, 2000, 3)
    assert picture[5, 5].max() < 160


def test_the_overlay_draws_the_chosen_tiles_and_the_outline(grid, choice, slide, tmp_path):
    colours = overlay(grid, choice, slide, tmp_path / "a.png").reshape(-1, 3)
    n_tile, n_outline = ((colours == colour).all(axis=1).sum() for colour in ((20, 30, 160), (0, 170, 60)))
    assert 500 * 5 < n_tile < 1100 * 5
    assert n_outline > 2000


def test_an_overlay_of_many_pieces_has_no_outlines(grid, choice, slide, tmp_path, monkeypatch):
    monkeypatch.setattr("sequoia_model.tiles.files._MOST_OUTLINES", 1)
    colours = overlay(grid, choice, slide, tmp_path / "a.png").reshape(-1, 3)
    assert not (colours == (0, 170, 60)).all(axis=1).any()


def test_a_small_slide_is_not_enlarged(tmp_path):
    with open_slide(write_slide(tmp_path / "b.tif", size=(300, 300), tissue=[(0, 0, 300, 300)])) as slide:
        choice = find_candidates(slide).examine()
        assert overlay(choice.grid, choice, slide, tmp_path / "b.png").shape == (600, 600, 3)


def test_a_folder_that_is_missing_is_named(grid, choice, tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        write_geojson(grid, choice.candidates.mask, tmp_path / "none" / "a.geojson")
