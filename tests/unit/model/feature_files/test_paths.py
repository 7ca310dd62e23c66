"""Feature files in folders, and the slide that each belongs to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sequoia_base.search import PassedOver
from sequoia_model.errors import InputError
from sequoia_model.feature_files import find, read, slide_name
from tests.build.features import (
    SLIDE,
    write_ours,
)


@pytest.mark.parametrize(
    ("name", "slide"),
    [
        ("A.h5", "A"),
        ("A.hdf5", "A"),
        ("A.H5", "A"),
        ("A.svs.h5", "A"),
        ("A.ome.tif.h5", "A"),
        ("A.NDPI.h5", "A"),
        ("A.svs", "A"),
        ("A.part.1.h5", "A.part.1"),
        (f"{SLIDE}.h5", SLIDE),
        (f"{SLIDE}.svs.h5", SLIDE),
        ("A_patches.h5", "A_patches"),
    ],
)
def test_a_slide_is_called_like_its_file_without_suffixes(name, slide):
    assert slide_name(Path("any") / name) == slide


def test_a_renamed_file_is_another_slide(tmp_path):
    write_ours(tmp_path / "A.h5").rename(tmp_path / "B.h5")
    assert read(tmp_path / "B.h5").slide == "B"


@pytest.fixture
def folder(tmp_path):
    """Feature files at several depths, among other files."""
    for name in ("TCGA/C/C.h5", "TCGA/A/A.HDF5", "D.h5", ".hidden.h5", ".cache/E.h5", "A.pt", "A.h5.lock"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "F.h5").mkdir()
    (tmp_path / "F.h5" / "B.h5").touch()
    return tmp_path


def test_subfolders_are_searched_and_slides_come_in_order(folder):
    assert find([folder]) == [folder / name for name in ("TCGA/A/A.HDF5", "F.h5/B.h5", "TCGA/C/C.h5", "D.h5")]


def test_files_come_as_they_are_and_once(folder):
    other = folder / "features.bin"
    other.touch()
    twice = [folder / "D.h5", other, folder / "TCGA", folder / "TCGA" / ".." / "D.h5", folder / "TCGA" / "C"]
    assert [slide_name(path) for path in find(twice)] == ["A", "C", "D", "features.bin"]


def test_links_are_followed_and_may_lead_back(folder, tmp_path_factory, monkeypatch):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "G.h5").touch()
    (folder / "linked").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(folder)
    entered = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: entered.append(path) or scandir(path))
    assert [slide_name(path) for path in find([folder])] == ["A", "B", "C", "D", "G"]
    assert len(entered) == 7  # six folders, and the first one again by the way back


def test_two_files_of_one_slide_are_refused_and_named(folder):
    (folder / "A.svs.h5").touch()
    with pytest.raises(InputError, match="two files for the slide A") as caught:
        find([folder])
    assert str(folder / "A.svs.h5") in caught.value.where
    assert str(folder / "TCGA" / "A" / "A.HDF5") in caught.value.where


def test_a_folder_without_feature_files_is_refused(folder):
    (folder / "TCGA" / "A" / "A.HDF5").unlink()
    with pytest.raises(InputError, match="holds no feature file") as caught:
        find([folder / "D.h5", folder / "TCGA" / "A"])
    assert caught.value.where == str(folder / "TCGA" / "A")


@pytest.mark.parametrize("name", ["Z.h5", "Z" * 300])
def test_a_path_that_does_not_exist_is_refused(folder, name):
    with pytest.raises(InputError, match="does not exist") as caught:
        find([folder, folder / name])
    assert caught.value.where == str(folder / name)


def test_a_folder_that_may_not_be_searched_is_refused(folder, monkeypatch):
    def denied(path, *args):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", denied)  # root may search anything
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        find([folder])


def test_a_path_as_text_is_one_path(tmp_path):
    file = write_ours(tmp_path / "S1.h5")
    assert find(str(tmp_path)) == [file]


def test_what_a_search_for_features_passes_over_is_counted(tmp_path):
    for name in ("S1.h5", "pt_files/S1.pt", "._S1.h5", "S2.h5.part", "notes.txt", "reference.csv.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    passed = PassedOver()
    assert find(tmp_path, passed) == [tmp_path / "S1.h5"]
    assert passed == {
        (".pt", "only HDF5 files of features are read"): 1,
        (".h5", "hidden"): 1,
        (".part", "the download is not finished"): 1,
    }


def test_a_folder_of_other_features_names_what_it_holds(tmp_path):
    (tmp_path / "S1.pt").touch()
    with pytest.raises(InputError, match=r"no feature file .*passed over: 1 file \.pt"):
        find(tmp_path)


def test_only_what_lies_in_a_folder_is_named_when_it_holds_no_features(folder):
    (folder / "TCGA" / "A" / "A.HDF5").rename(folder / "TCGA" / "A" / "A.npy")
    with pytest.raises(InputError, match=r"passed over: 1 file \.npy \([^,]*\)\n"):
        find([folder / "F.h5", folder / "TCGA" / "C", folder, folder / "TCGA" / "A"], PassedOver())


def test_the_table_of_a_run_is_not_counted(tmp_path):
    write_ours(tmp_path / "A.h5")
    (tmp_path / ".runs").mkdir()
    for name in ("runs.csv", "other.csv"):
        (tmp_path / name).touch()
    passed = PassedOver()
    assert find(tmp_path, passed) == [tmp_path / "A.h5"]
    assert passed.total() == 1


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("a.h5.gz", ".h5.gz"), ("a.safetensors", ".safetensors"), ("a.parquet", ".parquet"), ("a.csv", ".csv"),
        ("a.mat", ".mat"), ("a.zarr/0/0", ".zarr"),
    ],
)  # fmt: skip
def test_other_files_of_features_are_counted(tmp_path, name, ending):
    write_ours(tmp_path / "A.h5")
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()
    passed = PassedOver()
    assert find(tmp_path, passed) == [tmp_path / "A.h5"]
    assert [(each["ending"], each["files"]) for each in passed.to_list()] == [(ending, 1)]


def test_a_broken_link_is_called_one(tmp_path):
    (tmp_path / "A.h5").symlink_to(tmp_path / "nowhere.h5")
    with pytest.raises(InputError, match="broken symbolic link"):
        read(tmp_path / "A.h5")
    with pytest.raises(InputError, match="broken symbolic link"):
        find(tmp_path / "A.h5")


def test_a_folder_of_features_in_another_format_has_a_way_out(tmp_path):
    (tmp_path / "pt_files").mkdir()
    (tmp_path / "pt_files" / "A.pt").write_bytes(b"")
    with pytest.raises(InputError, match="holds no feature file") as raised:
        find(tmp_path)
    assert "h5_files, beside pt_files" in raised.value.fix
