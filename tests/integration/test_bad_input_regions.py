"""Annotations, ink, classes and folders that `tile` cannot use: what is wrong, and the way out.

A builder gets an empty folder, writes its files there and returns the arguments after ``tile``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.build.commands import left_in, sequoia_model
from tests.build.dicom import write_dicom, write_dicom_slide
from tests.build.slides import draw_pen, make_picture, write_scn, write_slide

pytestmark = pytest.mark.slow

BOX = (256, 128, 768, 512)  # µm
GREEN = (0, 140, 70)


def area(left: float, top: float, right: float, bottom: float, name: str | None = "Tumor") -> dict:
    """A drawn rectangle, in pixels."""
    ring = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
    about = {"objectType": "annotation", "classification": {"name": name} if name else None}
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": about}


def annotated(*areas, options=(), name="a.geojson"):
    """A slide and its annotation."""

    def build(folder: Path) -> list:
        write_slide(folder / "a.tif", tissue=[BOX])
        (folder / name).write_text(json.dumps({"type": "FeatureCollection", "features": areas}))
        return [folder / "a.tif", "--annotation", folder / name, *options]

    return build


def slide(picture, *options):
    """A slide with this picture."""

    def build(folder: Path) -> list:
        return [write_slide(folder / "a.tif", picture()), *options]

    return build


def files(*names):
    """A folder of files that are no slides."""

    def build(folder: Path) -> list:
        (folder / "slides").mkdir()
        for name in names:
            (folder / "slides" / name).write_bytes(b"x" * 300)
        return [folder / "slides"]

    return build


def file(name):
    """A file that is no slide."""

    def build(folder: Path) -> list:
        (folder / name).write_bytes(b"x" * 300)
        return [folder / name]

    return build


def self_linked(folder: Path) -> list:
    (folder / "a.svs").symlink_to(folder / "a.svs")
    return [folder / "a.svs"]


def mrxs_alone(folder: Path) -> list:
    Image.new("RGB", (900, 700), (200, 90, 150)).save(folder / "a.mrxs", "JPEG")
    return [folder / "a.mrxs", "--slide-mpp", "0.5"]


def radiology(folder: Path) -> list:
    return [write_dicom(folder / "ct.dcm")]


def folder_without_class(folder: Path) -> list:
    for name in ("a", "b"):
        write_slide(folder / "slides" / f"{name}.tif", tissue=[BOX])
        (folder / f"{name}.geojson").write_text(json.dumps(area(512, 256, 1536, 1024)))
    return [folder / "slides", "--annotation", folder, "--annotation-class", "Tumour"]


def all_ink():
    return draw_pen(make_picture(tissue=[BOX]), (0, 0, 1024, 768), GREEN, opacity=0.7)


def pale():
    picture = make_picture((2048, 1024), [(256, 128, 1792, 896)]).astype(float)
    return (243 - (243 - picture) * 0.15).round().astype(np.uint8)


ROWS = [
    (annotated(area(0, 0, 256, 256)), "in the annotation can be used", "flat or very pale"),
    (annotated(area(700, 400, 760, 460)), "no tile lies in the annotation", "draw larger areas"),
    (annotated(area(0, 0, 9e4, 9e4)), "most of the drawn area lies outside the slide", "full resolution"),
    (annotated(area(5, 5, 5, 5)), "only 1 outline without an area", "export the annotations"),
    (
        annotated(area(512, 256, 1536, 1024), options=["--annotation-class", "Stroma"]),
        "no area of class Stroma",
        "Tumor 1",
    ),
    (
        annotated(area(512, 256, 1536, 1024), options=["--exclude-class", "Necrosis"]),
        "no area of class Necrosis",
        "Tumor 1",
    ),
    (
        annotated(area(512, 256, 1536, 1024, "Ignore*")),
        "only ignored ones: Ignore* 1",
        "--annotation-class",
    ),
    (
        annotated(area(0, 0, 2048, 1536, "Fold"), options=["--exclude-class", "Fold"]),
        "nothing is left of the annotation",
        "check which classes",
    ),
    (
        annotated(area(512, 256, 1536, 1024), options=["--annotation-class", ""]),
        "--annotation-class holds an empty name",
        "separated by commas",
    ),
    (slide(make_picture, "--annotation-class", "Tumor"), "without an annotation", "--annotation"),
    (slide(make_picture, "--exclude-class", "Tumor"), "without an annotation", "--annotation"),
    (folder_without_class, "no area of class Tumour", "Tumor 2"),
    (slide(all_ink), "as ink", "--keep-ink"),
    (slide(pale), "all as background", "are pale and may be tissue"),
    (files("a.vsi", "b.vsi", "c.zip"), "2 files .vsi (Olympus VSI is not read)", "bfconvert"),
    (files("._a.svs"), "1 file .svs (hidden)", "slide files end in"),
    (file("a.isyntax"), "Philips iSyntax is not read", "convert it"),
    (file("a.svs.gz"), "the file is an archive", "unpack"),
    (self_linked, "a symbolic link is broken", "a.svs"),
    (mrxs_alone, "a/ (Slidedat.ini, Data*.dat) is missing beside it", "together with its folder"),
    (radiology, "the DICOM file is not a slide", "Whole Slide"),
]


@pytest.mark.parametrize(("build", "words", "fix"), ROWS)
def test_what_cannot_be_used_is_refused_with_a_way_out(capsys, tmp_path, build, words, fix):
    answer = sequoia_model(capsys, "tile", *build(tmp_path), "-o", tmp_path / "out")
    assert answer.code == 2 and "Traceback" not in answer.err
    assert words in answer.err and fix in answer.err
    assert [name for name in left_in(tmp_path) if name.endswith((".h5", "_mask.png"))] == []


def test_the_way_out_of_ink_works(capsys, tmp_path):
    answer = sequoia_model(
        capsys, "tile", *slide(all_ink)(tmp_path), "-o", tmp_path / "out", "--keep-ink", "--json"
    )
    assert answer.code == 0 and answer.json["slides"][0]["tiles"] >= 12


def test_ink_and_kept_ink_are_different_settings(capsys, tmp_path):
    def stroke():
        return draw_pen(make_picture(tissue=[BOX]), (0, 256, 1024, 384), GREEN, opacity=0.7)

    words = [*slide(stroke)(tmp_path), "-o", tmp_path / "out"]
    first = sequoia_model(capsys, "tile", *words, "--json")
    assert first.code == 0 and first.json["slides"][0]["left_out"]["ink"] > 0
    again = sequoia_model(capsys, "tile", *words, "--keep-ink")
    assert again.code == 2 and "ink is left out, not kept" in again.err


def test_tiles_of_a_class_are_counted_and_its_notes_printed(capsys, tmp_path):
    areas = [area(512, 256, 1024, 768), area(1024, 256, 1536, 768, "Stroma"), area(9, 9, 9, 9)]
    words = annotated(*areas, options=["--annotation-class", "tumor"])(tmp_path)
    answer = sequoia_model(capsys, "tile", *words, "-o", tmp_path / "out", "--json")
    assert answer.code == 0 and answer.json["slides"][0]["tiles"] == 4
    assert "areas used: Tumor 1; not used: Stroma 1" in answer.err
    assert "passed over in a.geojson: 1 outline without an area" in answer.err


def test_geojson_of_a_scanned_area_counts_from_its_corner_and_is_read_back(capsys, tmp_path):
    picture = make_picture(tissue=[BOX])
    path = write_scn(tmp_path / "a.scn", picture, (768, 512), (4096, 3072))
    whole = sequoia_model(capsys, "tile", path, "-o", tmp_path / "one", "--json")
    assert whole.code == 0 and "QuPath shows only the scanned area" in whole.err
    content = json.loads((tmp_path / "one" / "a.geojson").read_text())
    corners = np.concatenate([each["geometry"]["coordinates"][0] for each in content["features"]])
    assert corners.min() >= 0 and (corners.max(axis=0) <= (2048, 1536)).all()
    back = tmp_path / "one" / "a.geojson"
    again = sequoia_model(capsys, "tile", path, "-o", tmp_path / "two", "--annotation", back, "--json")
    assert again.json["slides"][0]["tiles"] == whole.json["slides"][0]["tiles"] == 12


def test_what_a_search_passed_over_is_printed(capsys, tmp_path):
    write_dicom_slide(tmp_path / "slides" / "case1", make_picture())
    write_slide(tmp_path / "disk" / "S2.tif")
    (tmp_path / "slides" / "link").symlink_to(tmp_path / "disk", target_is_directory=True)
    (tmp_path / "slides" / "x.vsi").write_bytes(b"x")
    answer = sequoia_model(capsys, "tile", tmp_path / "slides", "-o", tmp_path / "out")
    assert answer.code == 0 and "2 slides: 2 done" in answer.out
    assert "passed over: 1 file .vsi (Olympus VSI is not read)" in answer.out
    content = sequoia_model(capsys, "tile", tmp_path / "slides", "-o", tmp_path / "out", "--json").json
    assert content["passed_over"] == [{"ending": ".vsi", "files": 1, "reason": "Olympus VSI is not read"}]
    assert sorted(slide["name"] for slide in content["slides"]) == ["S2", "case1"]
