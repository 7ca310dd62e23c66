"""Settings of a run: refused in time, compared in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sequoia_model.embedding._settings import differences, encoder_settings, only_more_tiles
from sequoia_model.errors import InputError
from sequoia_model.tiles import TileOptions
from sequoia_model.types.bag import EncoderId

VECTOR = np.random.default_rng(0).normal(size=64).astype(np.float32)


def embedded(vector=VECTOR, **changes):
    return {"made_by": "embed", "seed": 0} | encoder_settings(EncoderId("tiny", fingerprint=vector)) | changes


def test_the_same_settings_do_not_differ():
    assert differences(embedded(), embedded()) == []


def test_last_digits_of_a_fingerprint_are_no_difference():
    assert differences(embedded(), embedded(VECTOR + np.float32(1e-3))) == []


def test_another_fingerprint_is_one():
    assert differences(embedded(), embedded(VECTOR[::-1].copy())) == ["the encoder has other weights"]


def test_differences_are_told_in_words():
    told = differences(embedded(), embedded(seed=1, annotation="0123"))
    assert told == ["seed is 0, not 1", "content of the annotation is none, not 0123"]


def test_another_command_is_the_one_difference_that_counts():
    assert differences(embedded(), {"made_by": "tile", "seed": 1}) == ["command is embed, not tile"]


@pytest.mark.parametrize(
    ("made", "wanted", "more"),
    [(40, 50, True), (40, None, True), (50, 40, False), (None, 50, False), (4, 4, False)],
)
def test_more_tiles_are_told_from_fewer(made, wanted, more):
    assert only_more_tiles(embedded(max_tiles=made), embedded(max_tiles=wanted)) == more


def test_more_tiles_with_another_seed_are_not_only_more():
    assert not only_more_tiles(embedded(max_tiles=4), embedded(max_tiles=5, seed=1))


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
