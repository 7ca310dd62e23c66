"""Drawn areas: GeoJSON as QuPath exports it, and PNGs."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sequoia_model.errors import InputError
from sequoia_model.slide import Slide, open_slide
from sequoia_model.tissue import read_annotation
from tests.build.slides import make_picture, write_scn, write_slide

SQUARE = [[64, 32], [192, 32], [192, 160], [64, 160], [64, 32]]
HOLE = [[96, 64], [96, 96], [128, 96], [128, 64], [96, 64]]
FAR = [[256, 0], [384, 0], [384, 128], [256, 128], [256, 0]]


@pytest.fixture(scope="module")
def slide(tmp_path_factory) -> Iterator[Slide]:
    """512 × 256 pixels of 8 µm: a pixel of the slide is a pixel of the annotation's mask."""
    path = tmp_path_factory.mktemp("slides") / "a.tif"
    with open_slide(write_slide(path, size=(4096, 2048), mpp=8.0, levels=(1,)), mpp=8.0) as opened:
        yield opened


def feature(*rings: Any, shape: str = "Polygon", kind: str | None = "annotation") -> dict[str, Any]:
    properties = {"objectType": kind, "classification": {"name": "Tumor", "color": [200, 0, 0]}}
    geometry = {"type": shape, "coordinates": list(rings)}
    return {"type": "Feature", "id": "x", "geometry": geometry, "properties": properties if kind else {}}


def ignored(*rings: Any) -> dict[str, Any]:
    """A feature that QuPath marks as ignored."""
    made = feature(*rings)
    made["properties"]["classification"]["name"] = "Ignore*"
    return made


def collection(*features: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def write(path: Path, content: Any, name: str = "drawn.geojson") -> Path:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    (path / name).write_bytes(text)
    return path / name


def picture(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    mask = np.zeros((256, 512), dtype=bool)
    for left, top, right, bottom in boxes:
        mask[top:bottom, left:right] = ~mask[top:bottom, left:right]
    return mask


BOX, HOLE_BOX, FAR_BOX = (64, 32, 192, 160), (96, 64, 128, 96), (256, 0, 384, 128)


FRAME = [[[32, 0], [224, 0], [224, 192], [32, 192]], [[48, 16], [208, 16], [208, 176], [48, 176]]]


@pytest.mark.parametrize(
    ("content", "boxes"),
    [
        (collection(feature(SQUARE)), [BOX]),
        (feature(SQUARE), [BOX]),
        (feature(SQUARE, kind=None), [BOX]),
        ([feature(SQUARE), feature(FAR)], [BOX, FAR_BOX]),
        ({"type": "Polygon", "coordinates": [SQUARE]}, [BOX]),
        ([{"type": "Polygon", "coordinates": [SQUARE]}], [BOX]),
        (collection(feature(SQUARE, HOLE)), [BOX, HOLE_BOX]),
        (collection(feature([SQUARE, HOLE], [FAR], shape="MultiPolygon")), [BOX, HOLE_BOX, FAR_BOX]),
        (collection(feature(SQUARE), feature(SQUARE)), [BOX]),
        (collection(feature(SQUARE), feature(*FRAME)), [BOX, (32, 0, 224, 192), (48, 16, 208, 176)]),
        (collection(feature(SQUARE), feature([5, 5], shape="Point")), [BOX]),
        (collection(feature(SQUARE), feature(FAR, kind="tile"), feature(FAR, kind="detection")), [BOX]),
        (collection(feature(SQUARE), feature(FAR, kind="cell")), [BOX]),
        (collection(feature(SQUARE[:-1])), [BOX]),
        (collection(feature([[x, y, 0] for x, y in SQUARE])), [BOX]),
        (collection({"type": "Feature", "geometry": None, "properties": None}, feature(SQUARE)), [BOX]),
        (
            {"type": "GeometryCollection", "geometries": [{"type": "Polygon", "coordinates": [SQUARE]}]},
            [BOX],
        ),
    ],
)
def test_polygons_are_the_area_however_they_are_wrapped(tmp_path, slide, content, boxes):
    mask = read_annotation(write(tmp_path, content), slide)
    np.testing.assert_array_equal(mask.mask, picture(*boxes))
    assert mask.source == "annotation drawn.geojson"


def test_what_is_to_be_ignored_is_not_tissue(tmp_path, slide):
    alone, beside = (collection(feature(SQUARE), *more) for more in ((), (ignored(*FRAME),)))
    one, two = (read_annotation(write(tmp_path, content), slide).mask for content in (alone, beside))
    np.testing.assert_array_equal(one, two)


def test_a_zipped_annotation_is_read(tmp_path, slide):
    content = gzip.compress(json.dumps(feature(SQUARE)).encode())
    mask = read_annotation(write(tmp_path, content, "drawn.geojson.gz"), slide)
    np.testing.assert_array_equal(mask.mask, picture(BOX))


def test_a_byte_order_mark_does_no_harm(tmp_path, slide):
    mask = read_annotation(write(tmp_path, b"\xef\xbb\xbf" + json.dumps(feature(SQUARE)).encode()), slide)
    np.testing.assert_array_equal(mask.mask, picture(BOX))


def test_an_outline_that_crosses_itself_is_tolerated(tmp_path, slide):
    bow_tie = [[64, 32], [192, 160], [192, 32], [64, 160]]
    mask = read_annotation(write(tmp_path, feature(bow_tie)), slide)
    assert mask.mask.sum() == pytest.approx(128 * 128 / 2, rel=0.02)


def test_a_small_area_counts(tmp_path):
    with open_slide(write_slide(tmp_path / "a.tif", mpp=0.5)) as fine:
        mask = read_annotation(
            write(tmp_path, feature([[100, 100], [140, 100], [140, 140], [100, 140]])), fine
        )
    assert mask.area_mm2 == pytest.approx(0.02**2, rel=0.5)


def test_what_is_drawn_a_little_over_the_border_is_cut_off(tmp_path, slide):
    over = [[-1, -1], [100, -1], [100, 100], [-1, 100]]
    np.testing.assert_array_equal(
        read_annotation(write(tmp_path, feature(over)), slide).mask, picture((0, 0, 100, 100))
    )


def test_what_reaches_beyond_the_slide_is_clipped_with_a_note(tmp_path, slide):
    mask = read_annotation(write(tmp_path, feature([[-60, -60], [100, -60], [100, 100], [-60, 100]])), slide)
    np.testing.assert_array_equal(mask.mask, picture((0, 0, 100, 100)))
    assert mask.notes == ("1 outline that reaches beyond the slide was clipped in drawn.geojson",)


NOT_NUMBERS = "whose coordinates are not pairs of numbers"
NOT_FINITE = "whose coordinates are not finite or far too large"


def bad(value: Any) -> list:
    """An outline with one bad coordinate."""
    return [[256, 0], [value, 0], [384, 128], [256, 128]]


CLICK = [[9, 9], [9, 9], [10, 9], [9, 9]]
TINY = [[9, 9], [9.2, 9], [9.2, 9.2], [9, 9.2]]
OUTSIDE = [[600, 300], [610, 300], [610, 310], [600, 310]]


@pytest.mark.parametrize(
    ("others", "note"),
    [
        ([feature(CLICK)], "1 outline without an area"),
        ([feature(CLICK), feature([[1, 1], [5, 5], [9, 9]])], "2 outlines without an area"),
        ([feature([]), feature(*[])], "2 outlines without an area"),
        ([feature(shape="MultiPolygon")], "1 outline without an area"),
        ([feature([TINY], shape="MultiPolygon")], "1 outline too small to matter"),
        ([feature(OUTSIDE)], "1 outline outside the slide"),
        ([feature([5, 5], shape="Point"), feature([[5, 5]], shape="MultiPoint")], "1 point, 1 set of points"),
        ([feature([[1, 1], [5, 5]], shape="LineString")] * 2, "2 lines"),
        ([feature(FAR, kind="detection")] * 2, "2 objects of type detection"),
        ([{**feature(FAR, kind=None), "id": "PathCellObject"}], "1 object of type cell"),
        ([{**feature(FAR, kind=None), "id": "TMACoreObject"}], "1 object of type tma_core"),
        ([{**feature(FAR, kind=None), "id": "PathRootObject"}], "1 object of type root"),
        ([ignored(FAR)], "1 area of class Ignore*"),
        ([feature(bad(float("nan"))), feature(bad(float("-inf")))], f"2 outlines {NOT_FINITE}"),
        ([feature(bad(10**400)), feature(bad(1e308)), feature(bad(-1e13))], f"3 outlines {NOT_FINITE}"),
        ([feature(FAR, bad(float("nan")))], f"1 outline {NOT_FINITE}"),
        ([feature(bad("a")), feature(bad("1")), feature(bad(True))], f"3 outlines {NOT_NUMBERS}"),
        ([feature(bad(None)), feature(bad([1])), feature("abc")], f"3 outlines {NOT_NUMBERS}"),
        (
            [feature(FAR) | {"geometry": {"type": "Polygon", "coordinates": None}}],
            "1 outline without coordinates",
        ),
        ([{"type": "MultiPolygon", "coordinates": None}], "1 outline without coordinates"),
        ([None, 5, [], {}, {"type": 5}], "5 objects without a valid type"),
        ([{"geometry": {"type": "Polygon", "coordinates": [FAR]}}], "1 object without a valid type"),
        ([feature(FAR) | {"geometry": [1, 2]}], "1 object without a valid type"),
        ([feature(3, shape="Circle")], "1 shape of type Circle"),
        (
            [
                {
                    "type": "GeometryCollection",
                    "geometries": [{"type": "GeometryCollection", "geometries": []}],
                }
            ],
            "1 shape of type GeometryCollection",
        ),
    ],
)
def test_what_is_no_area_is_passed_over_with_a_note(tmp_path, slide, others, note):
    mask = read_annotation(write(tmp_path, collection(*others, feature(SQUARE))), slide)
    np.testing.assert_array_equal(mask.mask, picture(BOX))
    assert f"passed over in drawn.geojson: {note}" in mask.notes


def test_the_other_parts_of_a_multipolygon_count(tmp_path, slide):
    content = feature([SQUARE], [bad("x")], shape="MultiPolygon")
    mask = read_annotation(write(tmp_path, content), slide)
    np.testing.assert_array_equal(mask.mask, picture(BOX))
    assert mask.notes == (f"passed over in drawn.geojson: 1 outline {NOT_NUMBERS}",)


AWAY = [[20000, 20000], [24000, 20000], [24000, 24000], [20000, 24000]]
AROUND = [[-5000, -5000], [24000, -5000], [24000, 24000], [-5000, 24000]]


@pytest.mark.parametrize(
    ("areas", "box", "note"),
    [
        ([SQUARE, AWAY], BOX, "passed over in drawn.geojson: 1 outline outside the slide"),
        ([SQUARE, FAR, AWAY, OUTSIDE], None, "passed over in drawn.geojson: 2 outlines outside the slide"),
        ([AROUND], (0, 0, 512, 256), "1 outline that reaches beyond the slide was clipped in drawn.geojson"),
    ],
)
def test_a_stray_area_and_a_frame_around_the_slide_do_no_harm(tmp_path, slide, areas, box, note):
    mask = read_annotation(write(tmp_path, collection(*map(feature, areas))), slide)
    np.testing.assert_array_equal(mask.mask, picture(*([box] if box else [BOX, FAR_BOX])))
    assert mask.notes == (note,)


@pytest.mark.parametrize("areas", [[AWAY], [SQUARE, AWAY, AWAY]])
def test_areas_of_which_most_lie_outside_are_refused(tmp_path, slide, areas):
    with pytest.raises(InputError, match="most of the drawn area lies outside"):
        read_annotation(write(tmp_path, collection(*map(feature, areas))), slide)


def test_a_hole_without_an_area_is_no_hole(tmp_path, slide):
    mask = read_annotation(write(tmp_path, feature(SQUARE, CLICK, HOLE)), slide)
    np.testing.assert_array_equal(mask.mask, picture(BOX, HOLE_BOX))


def classed(ring: Any, classification: Any) -> dict[str, Any]:
    return {**feature(ring), "properties": {"objectType": "annotation", "classification": classification}}


TUMOR, STROMA = {"name": "Tumor", "colorRGB": -3670016}, {"names": ["Stroma"], "color": [1, 2, 3]}
POSITIVE = {"names": ["Tumor", "Positive"]}
INNER = [[96, 64], [128, 64], [128, 96], [96, 96]]


@pytest.mark.parametrize(
    ("options", "boxes"),
    [
        ({}, [BOX, FAR_BOX]),
        ({"include": ["Tumor"]}, [BOX]),
        ({"include": ["tumor", "STROMA"]}, [BOX, FAR_BOX]),
        ({"include": ["Stroma"]}, [FAR_BOX]),
        ({"include": ["Tumor"], "exclude": ["Necrosis"]}, [BOX, HOLE_BOX]),
        ({"include": ["Tumor", "Stroma"], "exclude": ["necrosis"]}, [BOX, HOLE_BOX, FAR_BOX]),
        ({"exclude": ["Necrosis"]}, [(0, 0, 512, 256), HOLE_BOX]),
        ({"exclude": ["Necrosis", "Stroma"]}, [(0, 0, 512, 256), HOLE_BOX, FAR_BOX]),
    ],
)
def test_classes_are_used_and_taken_away(tmp_path, slide, options, boxes):
    content = collection(classed(SQUARE, TUMOR), classed(FAR, STROMA), classed(INNER, "Necrosis"))
    mask = read_annotation(write(tmp_path, content), slide, **options)
    np.testing.assert_array_equal(mask.mask, picture(*boxes))


@pytest.mark.parametrize(
    ("name", "boxes"),
    [("Tumor", [BOX, FAR_BOX]), ("Tumor: Positive", [FAR_BOX]), ("tumor:positive", [FAR_BOX])],
)
def test_a_class_holds_the_classes_within_it(tmp_path, slide, name, boxes):
    content = collection(classed(SQUARE, TUMOR), classed(FAR, POSITIVE))
    mask = read_annotation(write(tmp_path, content), slide, include=[name])
    np.testing.assert_array_equal(mask.mask, picture(*boxes))


@pytest.mark.parametrize("nothing", [None, {}, {"name": None}, "", {"names": []}])
def test_areas_without_a_class_can_be_named(tmp_path, slide, nothing):
    path = write(tmp_path, collection(classed(SQUARE, nothing), classed(FAR, TUMOR)))
    np.testing.assert_array_equal(read_annotation(path, slide, include=["Unclassified"]).mask, picture(BOX))


def test_a_class_that_is_usually_ignored_can_be_named(tmp_path, slide):
    path = write(tmp_path, collection(classed(SQUARE, {"name": "Region*"}), classed(FAR, TUMOR)))
    np.testing.assert_array_equal(read_annotation(path, slide, include=["Region"]).mask, picture(BOX))


def test_classes_that_are_laid_together_are_listed(tmp_path, slide):
    content = [classed(SQUARE, TUMOR), classed(FAR, STROMA), classed(SQUARE, TUMOR), feature(FAR, kind=None)]
    mask = read_annotation(write(tmp_path, content), slide)
    assert mask.notes == ("areas of 3 classes are used together: Tumor 2, Stroma 1, unclassified 1",)


def test_classes_that_were_chosen_are_listed(tmp_path, slide):
    content = [classed(SQUARE, TUMOR), classed(FAR, STROMA), classed(INNER, "Necrosis")]
    mask = read_annotation(write(tmp_path, content), slide, include=["Tumor"], exclude=["Necrosis"])
    assert mask.notes == ("areas used: Tumor 1; taken away: Necrosis 1; not used: Stroma 1",)


@pytest.mark.parametrize(
    "options", [{"include": ["Tumour"]}, {"include": ["Tumor"], "exclude": ["Necrosiss"]}]
)
def test_a_class_that_does_not_occur_is_refused_with_those_that_do(tmp_path, slide, options):
    path = write(tmp_path, [classed(SQUARE, TUMOR), classed(FAR, STROMA), classed(FAR, STROMA)])
    with pytest.raises(InputError, match=r"has no area of class (Tumour|Necrosiss)") as error:
        read_annotation(path, slide, **options)
    assert "Stroma 2, Tumor 1" in error.value.fix


def test_one_of_several_annotations_need_not_have_every_class(tmp_path, slide):
    path = write(tmp_path, [classed(SQUARE, TUMOR)])
    mask = read_annotation(path, slide, include=["Tumor"], exclude=["Necrosis"], partly=True)
    np.testing.assert_array_equal(mask.mask, picture(BOX))
    assert "drawn.geojson has no area of class Necrosis" in mask.notes
    with pytest.raises(InputError, match="no area of class Stroma"):
        read_annotation(path, slide, include=["Stroma"], partly=True)


def test_an_annotation_that_is_taken_away_wholly_is_refused(tmp_path, slide):
    path = write(tmp_path, [classed(INNER, TUMOR), classed(SQUARE, "Necrosis")])
    with pytest.raises(InputError, match="nothing is left of the annotation"):
        read_annotation(path, slide, include=["Tumor"], exclude=["Necrosis"])


def test_a_png_has_no_classes(tmp_path, slide):
    Image.new("L", (512, 256), 1).save(tmp_path / "drawn.png")
    with pytest.raises(InputError, match="a PNG has no classes"):
        read_annotation(tmp_path / "drawn.png", slide, include=["Tumor"])


@pytest.mark.parametrize(
    "others",
    [
        feature([5, 5], shape="Point"),
        feature([[1, 1], [5, 5]], shape="LineString"),
        feature(FAR, kind="cell"),
    ],
)
def test_what_is_no_area_is_to_be_drawn_with_another_tool(tmp_path, slide, others):
    with pytest.raises(InputError) as error:
        read_annotation(write(tmp_path, collection(others)), slide)
    assert "polygon, brush or wand tool" in error.value.fix


def test_tiles_beside_areas_are_not_worth_a_note(tmp_path, slide):
    content = collection(feature(SQUARE), feature(FAR, kind="tile"))
    assert read_annotation(write(tmp_path, content), slide).notes == ()


def test_a_class_may_be_a_text_and_a_comma_is_quoted_in_the_list(tmp_path, slide):
    path = write(tmp_path, [classed(SQUARE, TUMOR), classed(FAR, "Tumor, invasive")])
    np.testing.assert_array_equal(read_annotation(path, slide, include="Tumor").mask, picture(BOX))
    with pytest.raises(InputError, match="no area of class Fold") as error:
        read_annotation(path, slide, exclude="Fold")
    assert '"Tumor, invasive" 1' in error.value.fix


@pytest.fixture(scope="module")
def scanned(tmp_path_factory) -> Iterator[Slide]:
    """A slide of 1024 × 512 pixels of 8 µm, of which 512 × 256 at (256, 128) were scanned."""
    path = tmp_path_factory.mktemp("scanned") / "a.scn"
    drawn = make_picture((4096, 2048), [(0, 0, 4096, 2048)], mpp=8.0)
    with open_slide(write_scn(path, drawn, (256, 128), (1024, 512), mpp=8.0), mpp=8.0) as opened:
        yield opened


def test_coordinates_count_from_the_corner_of_the_scanned_area(tmp_path, scanned):
    mask = read_annotation(write(tmp_path, feature(SQUARE)), scanned)
    assert scanned.scanned == (256, 128, 512, 256)
    moved = np.zeros((512, 1024), dtype=bool)
    moved[128:384, 256:768] = picture(BOX)
    np.testing.assert_array_equal(mask.mask, moved)


def wide(x, y):
    """An area of 260 × 130 pixels."""
    return feature([[x, y], [x + 260, y], [x + 260, y + 130], [x, y + 130]])


def test_an_area_that_only_fits_from_level_0_counts_from_there(tmp_path, scanned):
    mask = read_annotation(write(tmp_path, wide(404, 220)), scanned)
    rows, columns = np.nonzero(mask.mask)
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == (404, 220, 663, 349)
    assert mask.notes == (
        "drawn.geojson was taken to count from the corner of level 0, as it lies within the scanned area only "
        "then; QuPath counts from the corner of the scanned area, at 256, 128",
    )


def test_an_area_that_fits_both_ways_or_neither_counts_as_in_qupath(tmp_path, scanned):
    assert read_annotation(write(tmp_path, wide(252, 126)), scanned).notes == ()
    clipped = read_annotation(write(tmp_path, wide(300, 100)), scanned)
    assert clipped.notes == ("1 outline that reaches beyond the slide was clipped in drawn.geojson",)
    with pytest.raises(InputError, match="outside the slide"):
        read_annotation(write(tmp_path, wide(404, 300)), scanned)


@pytest.fixture
def all_scanned() -> np.ndarray:
    """The scanned area in the mask of that slide."""
    mask = np.zeros((512, 1024), dtype=bool)
    mask[128:384, 256:768] = True
    return mask


def test_areas_are_clipped_to_the_scanned_area(tmp_path, scanned, all_scanned):
    mask = read_annotation(
        write(tmp_path, feature([[-60, -60], [540, -60], [540, 280], [-60, 280]])), scanned
    )
    np.testing.assert_array_equal(mask.mask, all_scanned)
    assert mask.notes == ("1 outline that reaches beyond the slide was clipped in drawn.geojson",)
    with pytest.raises(InputError, match="outside the slide, which has 512 × 256 pixels"):
        read_annotation(write(tmp_path, feature([[-250, 0], [-250, 250], [-20, 0]])), scanned)


def test_the_rest_of_what_is_excluded_is_clipped_too(tmp_path, scanned, all_scanned):
    mask = read_annotation(write(tmp_path, feature(SQUARE)), scanned, exclude=["Tumor"])
    all_scanned[160:288, 320:448] = False
    np.testing.assert_array_equal(mask.mask, all_scanned)


@pytest.mark.parametrize("size", [(1024, 512), (200, 100)])
def test_a_png_that_fits_twice_is_that_of_the_slide_with_a_note(tmp_path, scanned, all_scanned, size):
    Image.new("L", size, 1).save(tmp_path / "a.png")
    mask = read_annotation(tmp_path / "a.png", scanned)
    assert mask.area_mm2 == pytest.approx(4.096 * 2.048, rel=0.03)
    assert mask.notes == ("a.png fits the slide and its scanned area; it was taken as the whole slide",)
    if size == (1024, 512):
        np.testing.assert_array_equal(mask.mask, all_scanned)


def test_a_png_of_the_scanned_area_lies_there(tmp_path_factory, tmp_path):
    path = tmp_path_factory.mktemp("scanned") / "b.scn"
    drawn = make_picture((4096, 2048), [(0, 0, 4096, 2048)], mpp=8.0)
    with open_slide(write_scn(path, drawn, (256, 128), (1024, 1024), mpp=8.0), mpp=8.0) as slide:
        Image.new("L", (256, 128), 1).save(tmp_path / "a.png")
        mask = read_annotation(tmp_path / "a.png", slide)
    rows, columns = np.nonzero(mask.mask)
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == (256, 128, 767, 383)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the annotation is empty"),
        (b"  \n", "the annotation is empty"),
        (b"x,y\n1,2\n", "not valid JSON"),
        (feature([[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]), "from 0.1 to 0.9 .*: these are not pixels"),
        (feature([[10.1, 51.2], [10.2, 51.2], [10.2, 51.9]]), "from 10.1 to 10.2 .*: these are not pixels"),
        (b'{"type": "FeatureColl', "not valid JSON"),
        (b"\x80\x81 binary", "not a text file"),
        (b"[" * 200_000, "nested too deeply"),
        (b"3", "is not GeoJSON"),
        (b"[]", "contains no polygon"),
        ({"features": []}, "is not GeoJSON"),
        (collection(), "contains no polygon"),
        (collection(3), "only 1 object without a valid type"),
        ({"type": "FeatureCollection", "features": 5}, "is not GeoJSON"),
        (collection(feature([5, 5], shape="Point")), "only 1 point"),
        (collection(feature([[1, 1], [5, 5]], shape="LineString")), "only 1 line"),
        (collection(feature(SQUARE, kind="tile")), "only 1 object of type tile"),
        (collection(ignored(SQUARE)), "ignored"),
        (collection(feature([[1, 1], [2, 2], [1, 1]])), "only 1 outline without an area"),
        (collection(feature([[1, 1], [5, 5], [9, 9]])), "only 1 outline without an area"),
        (collection(feature([]), feature(*[])), "only 2 outlines without an area"),
        (
            feature(None, shape="Polygon") | {"geometry": {"type": "Polygon"}},
            "only 1 outline without coordinates",
        ),
        (collection(feature([[1, 1], [2, "x"], [3, 1]])), "not pairs of numbers"),
        (collection(feature([[1, 1], [2], [3, 1]])), "not pairs of numbers"),
        (collection(feature([1, 2, 3])), "not pairs of numbers"),
        (collection(feature([["1", "1"], ["9", "1"], ["9", "9"]])), "not pairs of numbers"),
        (collection(feature([[1, 1], [float("nan"), 5], [3, 1]])), "not finite"),
        (collection(feature([[1, 1], [float("inf"), 5], [3, 1]])), "not finite"),
        (
            collection(feature([[0, 0], [9000, 0], [9000, 9000]])),
            "outside the slide, which has 512 × 256 pixels",
        ),
        (collection(feature([[-500, 0], [90, 0], [-500, 90]])), "x from -500 to 90"),
        (collection(feature(3, shape="Circle")), "only 1 shape of type Circle"),
        (collection(feature(shape="MultiPolygon") | {"geometry": 5}), "only 1 object without a valid type"),
        ({"type": "MultiPolygon"}, "only 1 outline without coordinates"),
        (
            {"type": "GeometryCollection", "geometries": [{"type": "GeometryCollection"}]},
            "only 1 shape of type GeometryCollection",
        ),
    ],
)
def test_an_annotation_that_cannot_be_used_is_refused_by_name(tmp_path, slide, content, words):
    with pytest.raises(InputError, match=words) as error:
        read_annotation(write(tmp_path, content), slide)
    assert "drawn.geojson" in error.value.where


def test_a_damaged_zip_is_refused(tmp_path, slide):
    with pytest.raises(InputError, match="cannot be read"):
        read_annotation(write(tmp_path, b"no gzip", "a.geojson.gz"), slide)


def test_a_giant_text_is_refused(tmp_path, slide, monkeypatch):
    monkeypatch.setattr("sequoia_model.tissue._drawn._LARGEST", 100)
    with pytest.raises(InputError, match="more than 1 GiB"):
        read_annotation(write(tmp_path, b" " * 200), slide)


def test_a_missing_annotation_and_a_folder_are_refused(tmp_path, slide):
    with pytest.raises(InputError, match="does not exist"):
        read_annotation(tmp_path / "none.geojson", slide)
    with pytest.raises(InputError, match="a folder was given"):
        read_annotation(tmp_path, slide)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_a_png_is_inside_where_it_is_not_zero(tmp_path, slide, mode):
    grey = Image.fromarray(picture(BOX).astype(np.uint8) * 255)
    image = Image.fromarray(picture(BOX).astype(np.uint16) * 700) if mode == "I;16" else grey.convert(mode)
    image.save(tmp_path / "drawn.png")
    np.testing.assert_array_equal(read_annotation(tmp_path / "drawn.png", slide).mask, picture(BOX))


def test_what_is_transparent_is_outside(tmp_path, slide):
    values = np.full((256, 512, 4), 255, dtype=np.uint8)
    values[..., 3] = picture(BOX) * 255
    Image.fromarray(values).save(tmp_path / "drawn.png")
    np.testing.assert_array_equal(read_annotation(tmp_path / "drawn.png", slide).mask, picture(BOX))


@pytest.mark.parametrize("size", [(64, 32), (100, 50), (101, 50), (1024, 512), (7, 4)])
def test_a_png_may_have_any_resolution(tmp_path, slide, size):
    Image.new("L", size, 1).save(tmp_path / "drawn.png")
    mask = read_annotation(tmp_path / "drawn.png", slide)
    assert mask.area_mm2 == pytest.approx(4.096 * 2.048)


@pytest.mark.parametrize("size", [(32, 64), (99, 48), (100, 40), (512, 250), (1024, 500)])
def test_a_png_of_another_shape_is_refused(tmp_path, slide, size):
    Image.new("L", size, 1).save(tmp_path / "drawn.png")
    with pytest.raises(InputError, match="does not fit the slide") as error:
        read_annotation(tmp_path / "drawn.png", slide)
    assert f"{size[0]} × {size[1]} pixels, the slide 512 × 256" in error.value.what


def test_an_empty_mask_is_refused(tmp_path, slide):
    Image.new("L", (512, 256), 0).save(tmp_path / "drawn.png")
    with pytest.raises(InputError, match="all its pixels are 0"):
        read_annotation(tmp_path / "drawn.png", slide)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"text"])
def test_a_file_that_is_not_a_png_is_refused(tmp_path, slide, content):
    with pytest.raises(InputError, match="not a readable PNG"):
        read_annotation(write(tmp_path, content, "drawn.png"), slide)


def test_a_truncated_png_is_refused(tmp_path, slide):
    noise = np.random.default_rng(0).integers(0, 255, size=(256, 512), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.png")
    with pytest.raises(InputError, match="not a readable PNG"):
        read_annotation(write(tmp_path, (tmp_path / "whole.png").read_bytes()[:9000], "drawn.png"), slide)


def test_a_giant_png_is_refused(tmp_path, slide, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    Image.new("L", (512, 256), 1).save(tmp_path / "drawn.png")
    with pytest.raises(InputError, match="the mask is too large"):
        read_annotation(tmp_path / "drawn.png", slide)
