"""TileOptions: refused if they cannot be used, and their values for one slide."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sequoia_model.errors import InputError
from sequoia_model.tiles import TileOptions


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rule": "papr"}, "'papr' is not a valid rule"),
        ({"max_tiles": 0}, "max_tiles must be 1 or more, but is 0"),
        ({"seed": -1}, "seed must be 0 or more, but is -1"),
        ({"jobs": 0}, "jobs must be 1 or more, but is 0"),
        ({"slide_mpp": 0.5, "mpp_table": {"A": 0.5}}, "--slide-mpp and --mpp-table were both given"),
        ({"annotation": "absent.png"}, "the annotation does not exist"),
        ({"mpp_table": "absent.csv"}, "exist"),
        ({"annotation_class": "Tumor"}, "--annotation-class was given without an annotation"),
        ({"exclude_class": ["Tumor"]}, "--exclude-class was given without an annotation"),
        (
            {"annotation": __file__, "annotation_class": "Tumor,,Stroma"},
            "--annotation-class holds an empty name",
        ),
        ({"annotation": __file__, "annotation_class": ","}, "--annotation-class holds an empty name"),
        ({"annotation": __file__, "exclude_class": ["Tumor", " "]}, "--exclude-class holds an empty name"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        TileOptions(**options)


def test_a_changed_option_is_checked_again():
    with pytest.raises(InputError, match="seed must"):
        replace(TileOptions(), seed=-1)


def test_a_table_of_scales_is_read_once(tmp_path):
    (tmp_path / "mpp.csv").write_text("slide,mpp\nA.svs,0.25\n")
    options = TileOptions(mpp_table=tmp_path / "mpp.csv")
    (tmp_path / "mpp.csv").unlink()
    assert options.mpp_of(Path("A.svs")) == 0.25


def test_a_table_that_names_none_of_the_slides_is_refused():
    with pytest.raises(InputError, match="names none of the slides: it has A"):
        TileOptions(mpp_table={"A": 0.25}).check_slides([Path("B.svs")])


def test_one_annotation_is_for_one_slide():
    options = TileOptions(annotation=__file__)
    options.check_slides([Path("A.svs")])
    with pytest.raises(InputError, match="one annotation was given for 2 slides"):
        options.check_slides([Path("A.svs"), Path("B.svs")])


@pytest.fixture
def marks(tmp_path):
    for name in ("A.geojson", "B.png", "C.geojson", "C.png"):
        (tmp_path / name).write_text(name)
    return TileOptions(annotation=tmp_path)


def test_an_annotation_is_found_by_the_name_of_its_slide(marks, tmp_path):
    assert marks.annotation_of(tmp_path / "A.svs").name == "A.geojson"
    assert marks.annotation_of(tmp_path / "B.ome.tif").name == "B.png"


@pytest.mark.parametrize(("name", "words"), [("C.svs", "are two annotations"), ("D.svs", "is no annotation")])
def test_two_or_none_are_an_error_that_names_the_slide(marks, tmp_path, name, words):
    with pytest.raises(InputError, match=f"there {words}") as caught:
        marks.annotation_of(tmp_path / name)
    assert name in str(caught.value) and str(tmp_path) in caught.value.where


def test_a_class_that_no_annotation_has_is_refused_before_any_slide_is_opened(marks, tmp_path):
    area = {"type": "Polygon", "coordinates": [[[0, 0], [9, 0], [9, 9]]]}
    feature = {"type": "Feature", "geometry": area, "properties": {"classification": "Tumor"}}
    (tmp_path / "A.geojson").write_text(json.dumps(feature))
    slides = [tmp_path / "A.svs", tmp_path / "B.ome.tif", tmp_path / "D.svs"]
    replace(marks, annotation_class="tumor").check_slides(slides)
    with pytest.raises(InputError, match="no area of class Tumour") as error:
        replace(marks, annotation_class="Tumor,Tumour").check_slides(slides)
    assert "Tumor 1" in error.value.fix


def test_settings_hold_the_content_of_an_annotation_and_the_size_of_the_slide(marks, tmp_path):
    (tmp_path / "A.svs").write_bytes(b"12345")
    before = marks.settings(tmp_path / "A.svs")
    (tmp_path / "A.geojson").write_text("changed")
    after = marks.settings(tmp_path / "A.svs")
    assert before["slide_bytes"] == 5 and before["annotation"] != after["annotation"]


def test_a_scale_is_that_of_the_table_or_that_of_all():
    table, all_slides = TileOptions(mpp_table={"A": 0.25}), TileOptions(slide_mpp=1.0)
    assert [table.mpp_of(Path(name)) for name in ("x/A.svs", "B.png")] == [0.25, None]
    assert all_slides.mpp_of(Path("B.png")) == 1.0
