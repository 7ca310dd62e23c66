"""Searching folders: links are followed once, and what is passed over is counted."""

from __future__ import annotations

import pytest

from sequoia_base.errors import InputError
from sequoia_base.search import PassedOver, walk


def visited(folder):
    return [(place.relative_to(folder).as_posix(), files) for place, _, files in walk(folder)]


def test_folders_and_files_come_in_the_order_of_their_names(tmp_path):
    for name in ("b/2", "b/1", "a/3", "0"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert visited(tmp_path) == [(".", ["0"]), ("a", ["3"]), ("b", ["1", "2"])]


def test_a_linked_folder_is_entered_once_and_a_circle_ends(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "out" / "file").touch()
    for link, target in (("in/one", "out"), ("in/two", "out"), ("in/deep/up", "in")):
        (tmp_path / link).symlink_to(tmp_path / target, target_is_directory=True)
    assert visited(tmp_path / "in") == [(".", []), ("deep", []), ("one", ["file"])]


def test_folders_that_are_removed_are_not_entered(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    seen = []
    for place, folders, _ in walk(tmp_path):
        seen.append(place.name)
        folders.clear()
    assert seen == [tmp_path.name]


def test_a_folder_that_cannot_be_read_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match="the folder cannot be read") as error:
        list(walk(tmp_path / "none"))
    assert error.value.where == str(tmp_path / "none")


def test_counts_are_told_by_ending_and_reason():
    passed = PassedOver()
    for name in ("b.ZIP", "a.vsi", "b.vsi"):
        passed.add(name, "not read")
    assert str(passed) == "2 files .vsi (not read), 1 file .zip (not read)"
    assert passed.to_list()[0] == {"ending": ".vsi", "files": 2, "reason": "not read"}
