"""Where tiles may lie: not on ink, not in excluded areas, and in the same places for QuPath and for us."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from sequoia_model.errors import InputError
from sequoia_model.slide import open_slide
from sequoia_model.tiles import TileOptions, find_candidates, tile_grid, write_geojson
from tests.build.slides import TILE, draw_pen, make_picture, write_scn, write_slide

BOX = (256, 128, 768, 512)  # columns 2 to 5 and rows 1 to 3 of 8 × 6 places
INSIDE = set(itertools.product(range(2, 6), range(1, 4)))
GREEN = (0, 140, 70)
#: Pens, and how opaque they are.
PENS = {"green": (GREEN, 0.7), "black": ((25, 25, 28), 0.9), "grey": ((110, 110, 115), 1.0)}


def places(grid) -> set[tuple[int, int]]:
    """Column and row of each tile."""
    return {(x // grid.side, y // grid.side) for x, y in grid.coords.tolist()}


def box(left: float, top: float, right: float, bottom: float, name: str | None = None) -> dict:
    """A drawn rectangle, in tiles of 256 px."""
    ring = (np.array([[left, top], [right, top], [right, bottom], [left, bottom]]) * 256).tolist()
    about = {"objectType": "annotation", "classification": {"name": name}}
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": about}


def drawn(folder: Path, *areas: dict) -> Path:
    (folder / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": areas}))
    return folder / "a.geojson"


@pytest.fixture(params=PENS.values(), ids=PENS)
def inked(request, tmp_path):
    """Tissue whose second row of tiles lies under a pen mark that goes from edge to edge."""
    colour, opacity = request.param
    picture = draw_pen(make_picture(tissue=[BOX]), (0, 2 * TILE, 8 * TILE, 3 * TILE), colour, opacity=opacity)
    return write_slide(tmp_path / "inked.tif", picture)


def test_tiles_on_ink_are_left_out_and_counted(inked):
    grid = tile_grid(inked)
    assert places(grid) == {(x, y) for x, y in INSIDE if y != 2} and grid.left_out["ink"] == 8


def test_ink_can_be_kept(inked):
    with open_slide(inked) as slide:
        kept = find_candidates(slide, TileOptions(keep_ink=True))
    assert {(x // kept.side, y // kept.side) for x, y in kept.coords.tolist()} >= INSIDE
    assert "ink" not in kept.left_out


@pytest.mark.parametrize("turned", [0, 5])
def test_the_black_border_of_a_scan_is_background_and_ink_within_it_is_ink(tmp_path, turned):
    inner = make_picture((1024, 768), tissue=[BOX])
    inner[:, :4] = 130  # as a border of 24 µm would be blurred
    end = 128 if turned else 0
    stroke = draw_pen(inner, (400, end, 528, 768 - end), (25, 25, 28), opacity=1.0)
    found = []
    for picture in (inner, stroke):
        framed = np.pad(picture, ((48, 0), (256, 48), (0, 0)), constant_values=5)
        if turned:
            framed = np.asarray(Image.fromarray(framed).rotate(turned, expand=True, fillcolor=(5, 5, 5)))
        with open_slide(write_slide(tmp_path / "a.tif", framed)) as slide:
            found.append([find_candidates(slide, TileOptions(keep_ink=kept)) for kept in (False, True)])
    (clean, kept), (apart, beside) = found
    np.testing.assert_array_equal(clean.coords, kept.coords)
    assert "ink" not in clean.left_out
    assert 0 < len(apart) < len(clean) and apart.left_out["ink"] >= 4
    assert len(beside) == len(apart) + apart.left_out["ink"]


def test_the_published_rule_does_not_look_for_ink(inked):
    options = TileOptions(rule="published-code")
    assert (
        tile_grid(inked, options).left_out
        == tile_grid(inked, TileOptions("published-code", keep_ink=True)).left_out
    )
    assert "ink" not in tile_grid(inked, options).left_out


def test_ink_in_a_drawn_area_is_left_out_too(inked, tmp_path):
    grid = tile_grid(inked, annotation=drawn(tmp_path, box(2, 1, 6, 4)))
    assert places(grid) == {(x, y) for x, y in INSIDE if y != 2} and grid.left_out["ink"] == 4


def test_a_slide_under_ink_names_the_way_out(tmp_path):
    picture = draw_pen(make_picture(tissue=[BOX]), (0, 0, 1024, 768), GREEN, opacity=0.7)
    path = write_slide(tmp_path / "a.tif", picture)
    with pytest.raises(InputError, match="as ink") as error:
        tile_grid(path)
    assert "--keep-ink" in error.value.fix
    assert places(tile_grid(path, TileOptions(keep_ink=True))) >= INSIDE


def test_without_ink_nothing_is_said_about_it(tmp_path):
    grid = tile_grid(write_slide(tmp_path / "a.tif", tissue=[BOX]))
    assert grid.left_out == {"background": 36, "low contrast": 0, "not drawn": 0}


@pytest.mark.parametrize("rule", ["paper", "published-code"])
def test_excluded_areas_are_taken_out_of_the_tissue(tmp_path, rule):
    path = write_slide(tmp_path / "a.tif", tissue=[BOX])
    whole = tile_grid(path, TileOptions(rule=rule))
    areas = drawn(tmp_path, box(3, 0, 4, 6, "Necrosis"), box(0, 0, 3, 2, "Tumor"))
    grid = tile_grid(path, TileOptions(rule=rule, annotation=areas, exclude_class="Necrosis"))
    assert places(grid) == places(whole) - {(3, y) for y in range(6)}
    assert grid.left_out["in an excluded area"] == len(whole) - len(grid)
    assert grid.left_out["background"] == whole.left_out["background"]


def test_brown_is_noted_unless_it_is_excluded(tmp_path):
    picture = draw_pen(make_picture(tissue=[BOX]), (512, 128, 1024, 512), (110, 70, 40), opacity=1.0)
    areas = drawn(tmp_path, box(4, 0, 8, 6, "Ink"))
    with open_slide(write_slide(tmp_path / "a.tif", picture)) as slide:
        options = TileOptions(), TileOptions(annotation=areas, exclude_class="Ink")
        noted, quiet = (find_candidates(slide, each).mask.notes for each in options)
    assert "are brown" in "".join(noted) and "are brown" not in "".join(quiet)


def test_classes_are_given_with_commas(tmp_path):
    path = write_slide(tmp_path / "a.tif", tissue=[BOX])
    areas = drawn(tmp_path, box(2, 1, 3, 2, "Tumor"), box(4, 1, 5, 2, "Stroma"), box(5, 3, 6, 4, "a, b"))
    options = [
        TileOptions(annotation=areas, annotation_class=name) for name in ("Tumor, Stroma,", '"a, b",stroma')
    ]
    assert [places(tile_grid(path, each)) for each in options] == [{(2, 1), (4, 1)}, {(5, 3), (4, 1)}]


@pytest.mark.parametrize(
    ("rows", "words", "fix"),
    [
        (
            [box(0, 0, 1, 1)],
            "no tile in the annotation can be used: .* 1 as low contrast",
            "flat or very pale",
        ),
        ([box(3.4, 1.4, 3.6, 1.6)], "no tile lies in the annotation", "draw larger areas"),
    ],
)
def test_an_annotation_without_tiles_is_not_told_to_annotate(tmp_path, rows, words, fix):
    path = write_slide(tmp_path / "a.tif", tissue=[BOX])
    with pytest.raises(InputError, match=words) as error:
        tile_grid(path, annotation=drawn(tmp_path, *rows))
    assert fix in error.value.fix and "--annotation" not in error.value.fix


def test_tissue_too_pale_to_be_found_is_mentioned(tmp_path):
    picture = make_picture((2048, 1024), [(256, 128, 1792, 896)])
    pale = 243 - (243 - picture.astype(float)) * 0.15
    path = write_slide(tmp_path / "a.tif", pale.round().astype(np.uint8))
    with open_slide(path) as slide:
        notes = find_candidates(slide).mask.notes
    assert len(notes) == 1 and "are pale and may be tissue" in notes[0]
    with pytest.raises(InputError, match="no tile of the slide holds tissue") as error:
        tile_grid(path)
    assert "may be tissue" in error.value.fix


def test_a_pale_section_beside_a_strong_one_is_mentioned(tmp_path):
    picture = make_picture((2048, 1024), [(64, 128, 400, 512), (700, 128, 1900, 900)]).astype(float)
    picture[:, 1100:] = 243 - (243 - picture[:, 1100:]) * 0.12
    with open_slide(write_slide(tmp_path / "a.tif", picture.round().astype(np.uint8))) as slide:
        assert "may be tissue" in "".join(find_candidates(slide).mask.notes)


@pytest.mark.parametrize("noise", [0, 1, 3])
def test_glass_alone_and_ordinary_tissue_are_not_called_pale(tmp_path, noise):
    rng = np.random.default_rng(0)
    for name, tissue in (("glass", []), ("tissue", [BOX])):
        picture = make_picture(tissue=tissue) + rng.normal(0, noise, (1536, 2048, 3))
        with open_slide(
            write_slide(tmp_path / f"{name}.tif", picture.clip(0, 255).astype(np.uint8))
        ) as slide:
            assert find_candidates(slide).mask.notes == ()


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(left=st.integers(0, 4), top=st.integers(0, 3), corner=st.tuples(st.integers(0, 5), st.integers(0, 5)))
def test_tiles_shown_in_qupath_are_the_same_when_read_back(tmp_path, left, top, corner):
    """What is exported is read as an annotation: the same tiles, with a scanned area and without."""
    tissue = [((left + 1) * TILE, (top + 1) * TILE, (left + 4) * TILE, (top + 3) * TILE)]
    picture = make_picture(tissue=tissue)
    path = write_scn(tmp_path / "a.scn", picture, (corner[0] * 256, corner[1] * 256), (4096, 4096))
    grids = []
    for each in (path, write_slide(tmp_path / "b.tif", picture)):
        with open_slide(each) as slide:
            choice = find_candidates(slide).examine()
            write_geojson(choice.grid, choice.candidates.mask, tmp_path / "back.geojson")
            again = tile_grid(slide, annotation=tmp_path / "back.geojson")
            np.testing.assert_array_equal(again.coords, choice.grid.coords)
            shown = np.array(
                json.loads((tmp_path / "back.geojson").read_text())["features"][-1]["geometry"]["coordinates"]
            )
            np.testing.assert_array_equal(shown[0, 0], choice.grid.coords[-1] - slide.scanned[:2])
            grids.append(choice.grid.coords - slide.scanned[:2])
    np.testing.assert_array_equal(*grids)  # QuPath shows the tiles of both slides at the same places
