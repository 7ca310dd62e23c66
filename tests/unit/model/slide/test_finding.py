from __future__ import annotations

from pathlib import Path

import pytest

from sequoia_model.errors import InputError
from sequoia_model.slide import find_slides, is_slide, read_mpp_table


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def table(folder: Path, text: str) -> Path:
    (folder / "mpp.csv").write_text(text)
    return folder / "mpp.csv"


def test_folders_are_searched_with_their_subfolders_and_sorted_by_name(tmp_path):
    touch(tmp_path, "b/S1.svs", "a/S3.tif", "a/deep/S2.NDPI", "a/notes.txt", "a/S4.h5")
    assert [path.name for path in find_slides(tmp_path)] == ["S1.svs", "S2.NDPI", "S3.tif"]


def test_hidden_files_and_folders_are_left_out(tmp_path):
    touch(tmp_path, "S1.svs", "._S1.svs", ".hidden/S2.svs", ".S3.svs")
    assert [path.name for path in find_slides(tmp_path)] == ["S1.svs"]


def test_the_many_files_of_a_dicom_slide_are_not_taken_for_slides(tmp_path):
    touch(tmp_path, "S1.svs", "dicom/1.dcm", "dicom/2.dcm")
    assert [path.name for path in find_slides(tmp_path)] == ["S1.svs"]
    assert find_slides(tmp_path / "dicom" / "1.dcm") == [tmp_path / "dicom" / "1.dcm"]


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path, monkeypatch):
    def failing(folder: str) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    touch(tmp_path, "S1.svs")
    monkeypatch.setattr("os.scandir", failing)
    with pytest.raises(InputError, match="the folder cannot be read: Permission denied") as error:
        find_slides(tmp_path)
    assert str(tmp_path) in error.value.where


def test_folders_of_our_own_output_are_not_entered(tmp_path):
    touch(tmp_path, "S1.svs", "out/.runs/S1.json", "out/S1_mask.png")
    assert [path.name for path in find_slides(tmp_path)] == ["S1.svs"]


def test_slides_beside_our_own_output_are_found_and_its_pictures_are_not(tmp_path):
    touch(tmp_path, "S1.svs", ".runs/S1.json", "S1_mask.png", "S1_overlay.png", "S2.png")
    assert [path.name for path in find_slides(tmp_path)] == ["S1.svs", "S2.png"]


def test_files_are_taken_as_they_are(tmp_path):
    touch(tmp_path, "slide.bin")
    assert find_slides([tmp_path / "slide.bin", str(tmp_path / "absent.svs")]) == [
        tmp_path / "absent.svs",
        tmp_path / "slide.bin",
    ]


def test_a_folder_named_like_a_slide_is_listed_and_not_entered(tmp_path):
    touch(tmp_path, "S1.svs/S2.svs", "S3.svs")
    assert find_slides(tmp_path) == [tmp_path / "S1.svs", tmp_path / "S3.svs"]
    assert find_slides(tmp_path / "S1.svs") == [tmp_path / "S1.svs"]


def test_one_slide_given_twice_is_one(tmp_path):
    touch(tmp_path, "S1.svs")
    assert find_slides([tmp_path, tmp_path / "S1.svs"]) == [tmp_path / "S1.svs"]


@pytest.mark.parametrize("other", ["b/S1.svs", "S1.ndpi", "S1.ome.tif", "S1.png"])
def test_two_slides_of_the_same_name_are_refused(tmp_path, other):
    touch(tmp_path, "S1.svs", other)
    with pytest.raises(InputError, match="two slides are named S1") as error:
        find_slides(tmp_path)
    assert other in error.value.where


def test_a_folder_without_slides_is_refused(tmp_path):
    with pytest.raises(InputError, match="contains no slides"):
        find_slides(tmp_path)


def test_links_in_a_circle_end(tmp_path):
    touch(tmp_path, "a/S1.svs")
    (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a" / "round.svs").symlink_to(tmp_path / "a" / "round.svs")
    assert [path.name for path in find_slides(tmp_path)] == ["S1.svs", "round.svs"]


def test_suffixes_count_in_any_case():
    assert is_slide("a/S1.SVS") and is_slide(Path("x.jpeg")) and not is_slide("S1.h5") and not is_slide("svs")


def test_a_table_gives_the_resolution_by_bare_name(tmp_path):
    path = table(tmp_path, "mpp,Slide\n0.25,S1.svs\n0.5,folder/S2\n0.688,C2_HE.jpg\n")
    assert read_mpp_table(path) == {"S1": 0.25, "S2": 0.5, "C2_HE": 0.688}


def test_a_table_without_its_columns_is_refused_with_those_it_needs(tmp_path):
    with pytest.raises(InputError, match="2 columns are missing: slide, mpp") as error:
        read_mpp_table(table(tmp_path, "name,size\nS1,1\n"))
    assert error.value.fix == "give a CSV with the columns slide and mpp"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("slide,size\nS1,1\n", "1 column is missing: mpp"),
        ("slide,mpp\nS1,fine\n", "'fine' is not a number"),
        ("slide,mpp\nS1,0\n", "0 µm per pixel is not a valid resolution"),
        ("slide,mpp\nS1,nan\n", "nan µm per pixel is not a valid resolution"),
        ("slide,mpp\n,0.5\n", "does not name a slide"),
        ("slide,mpp\nS1,0.5\nS1.svs,0.25\n", "S1 has two different resolutions"),
        ("slide,mpp\nS1\n", "a row has 1 field,"),
        ("", "the file is empty"),
    ],
)
def test_a_table_that_cannot_be_used_names_file_and_row(tmp_path, text, words):
    with pytest.raises(InputError) as error:
        read_mpp_table(table(tmp_path, text))
    assert words in error.value.what and "mpp.csv" in error.value.where
