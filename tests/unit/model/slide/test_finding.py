from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from PIL import Image

from sequoia_model.errors import InputError
from sequoia_model.slide import find_slides, is_slide, open_slide, read_mpp_table, search_slides
from tests.build.dicom import write_dicom, write_dicom_slide
from tests.build.slides import make_picture, write_slide


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


def test_the_files_of_a_dicom_slide_are_one_slide_with_the_name_of_their_folder(tmp_path):
    for name, series in (("one", "1.2.3"), ("two", "1.2.4")):
        write_dicom_slide(tmp_path / name, make_picture(), series=series)
    touch(tmp_path, "S1.svs")
    assert find_slides(tmp_path) == [tmp_path / "S1.svs", tmp_path / "one", tmp_path / "two"]
    assert find_slides(tmp_path / "one") == [tmp_path / "one"]
    file = tmp_path / "one" / "level0.dcm"
    assert find_slides(file) == [file]
    with open_slide(tmp_path / "one") as slide:
        assert (slide.name, slide.format, slide.mpp, len(slide.levels)) == ("one", "dicom", 0.5, 2)
        assert slide.path == tmp_path / "one"
        again = pickle.loads(pickle.dumps(slide))
    assert again.name == "one"
    again.close()


def test_several_dicom_slides_in_a_folder_are_named_by_their_files(tmp_path):
    write_dicom_slide(tmp_path, make_picture(), series="1.2.3", names=("a0.dcm", "a1.dcm"))
    write_dicom_slide(tmp_path, make_picture(), series="1.2.4", names=("b0.dcm",))
    assert [path.name for path in find_slides(tmp_path)] == ["a0.dcm", "b0.dcm"]
    with pytest.raises(InputError, match="a folder was given"):
        open_slide(tmp_path)


def test_a_dicom_slide_beside_other_slides_is_named_by_its_file(tmp_path):
    write_dicom_slide(tmp_path, make_picture(), names=("a0.dcm", "a1.dcm"))
    touch(tmp_path, "S1.svs")
    assert [path.name for path in find_slides(tmp_path)] == ["S1.svs", "a0.dcm"]


def test_dicom_that_is_no_slide_is_counted(tmp_path):
    write_dicom(tmp_path / "ct.dcm")
    touch(tmp_path, "S1.svs", "empty.dcm")
    search = search_slides(tmp_path)
    assert [path.name for path in search.slides] == ["S1.svs"]
    assert search.passed_over.to_list() == [{"ending": ".dcm", "files": 2, "reason": "not a DICOM slide"}]
    with pytest.raises(InputError, match="the DICOM file is not a slide"):
        open_slide(tmp_path / "ct.dcm")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a.vsi", "Olympus VSI is not read"),
        ("a.VSI", "Olympus VSI is not read"),
        ("a.isyntax", "Philips iSyntax is not read"),
        ("a.zvi", "Zeiss ZVI is not read"),
        ("a.lif", "Leica LIF is not read"),
        ("a.ndpis", "Hamamatsu NDPIS is not read"),
        ("a.jp2", "JPEG 2000 is not read"),
        ("a.btf", "the file is not a TIFF, as its name says"),
        ("a.qptiff", "the file is not a TIFF, as its name says"),
        ("a.zip", "the file is an archive"),
        ("a.svs.gz", "the file is an archive"),
        ("a.svs.partial", "the download is not finished"),
        ("a.svs.aria2", "the download is not finished"),
        ("a.ndpi.tmp", "a temporary file or a backup, by its name"),
        ("a.tif.bak", "a temporary file or a backup, by its name"),
        ("a.svs~", "a temporary file or a backup, by its name"),
        ("a.oib", "Olympus OIB is not read"),
        ("a.vmic", "PreciPoint VMIC is not read"),
        ("a.ets", "Olympus ETS is not read"),
        ("._a.svs", "hidden"),
    ],
)
def test_what_looks_like_a_slide_and_is_not_taken_is_counted_with_the_reason(tmp_path, name, reason):
    touch(tmp_path, "S1.svs", f"x/{name}")
    search = search_slides(tmp_path)
    assert [path.name for path in search.slides] == ["S1.svs"]
    ending = Path(name).suffix.lower()
    assert search.passed_over == {(ending, reason): 1}


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "a.geojson.gz",
        "table.csv.gz",
        "a.xml",
        "Data0001.dat",
        "a.json",
        "S1.svs.json",
        "x.tmp",
        "x.bak",
    ],
)
def test_other_files_are_not_counted(tmp_path, name):
    touch(tmp_path, "S1.svs", name, f"S1/{name}")
    assert not search_slides(tmp_path).passed_over


def test_a_companion_folder_is_not_counted_twice(tmp_path):
    touch(tmp_path, "S1.svs", "a.vsi", "_a_/stack1/frame_t.ets", "b.zarr/0/0/0", "b.zarr/a.tif")
    assert search_slides(tmp_path).passed_over == {
        (".vsi", "Olympus VSI is not read"): 1,
        (".zarr", "OME-Zarr is not read"): 1,
    }


def test_the_parts_of_a_slide_of_several_files_are_no_slides(tmp_path):
    (tmp_path / "a.vms").write_text("[Virtual Microscope Specimen]\nImageFile=a.jpg\r\nMapFile=a_map2.jpg\n")
    touch(tmp_path, "a.jpg", "a_map2.jpg", "b.jpg")
    assert [path.name for path in find_slides(tmp_path)] == ["a.vms", "b.jpg"]


def test_a_tiff_by_another_name_is_a_slide(tmp_path):
    write_slide(tmp_path / "a.tif").rename(tmp_path / "a.btf")
    assert [path.name for path in find_slides(tmp_path)] == ["a.btf"]
    with open_slide(tmp_path / "a.btf") as slide:
        assert slide.mpp == 0.5


@pytest.mark.parametrize(("name", "ending"), [("slide", "TIFF"), ("1.2.3", "TIFF"), ("a.tiff.txt", ".txt")])
def test_a_tiff_without_the_ending_of_a_slide_is_counted_and_may_be_renamed(tmp_path, name, ending):
    path = write_slide(tmp_path / "a.tif").rename(tmp_path / name)
    reason = "a TIFF without the ending of a slide"
    with pytest.raises(InputError, match=reason) as error:
        find_slides(tmp_path)
    assert "rename it" in error.value.fix
    touch(tmp_path, "S1.svs")
    assert search_slides(tmp_path).passed_over == {(ending, reason): 1}
    path.rename(tmp_path / f"{name}.tif")
    assert len(find_slides(tmp_path)) == 2


def test_a_folder_named_like_a_backup_is_entered(tmp_path):
    touch(tmp_path, "S1.svs.old/S1.svs")
    assert [path.name for path in find_slides(tmp_path)] == ["S1.svs"]


@pytest.mark.parametrize(
    ("name", "what", "fix"),
    [
        ("a.vsi", "Olympus VSI is not read", "convert it to a pyramid TIFF"),
        ("a.isyntax", "Philips iSyntax is not read", "convert"),
        ("a.czi", "Zeiss CZI is not read", "convert"),
        ("a.qptiff", "not a TIFF", "get a new copy"),
        ("a.svs.gz", "the file is an archive", "unpack"),
        ("a.svs", "neither a slide", "get a new copy"),
    ],
)
def test_a_file_that_cannot_be_read_gets_the_cause_by_its_name(tmp_path, name, what, fix):
    (tmp_path / name).write_bytes(b"x" * 500)
    with pytest.raises(InputError, match=what) as error:
        open_slide(tmp_path / name)
    assert fix in error.value.fix


def test_a_folder_of_what_is_not_read_names_it(tmp_path):
    touch(tmp_path, "a.vsi", "b.vsi", "c.zip")
    with pytest.raises(InputError, match=r"2 files \.vsi .*1 file \.zip") as error:
        find_slides(tmp_path)
    assert "convert" in error.value.fix and "unpack" in error.value.fix


def test_the_companion_folder_of_a_slide_names_the_slide(tmp_path):
    touch(tmp_path, "a.mrxs", "a/Slidedat.ini", "a/Data0000.dat")
    with pytest.raises(InputError, match="a part of a slide") as error:
        find_slides(tmp_path / "a")
    assert str(tmp_path / "a.mrxs") in error.value.fix


def test_linked_folders_are_searched(tmp_path):
    touch(tmp_path, "disk/S2.svs", "in/S1.svs")
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "disk", target_is_directory=True)
    assert [path.name for path in find_slides(tmp_path / "in")] == ["S1.svs", "S2.svs"]


def test_a_slide_that_is_linked_by_its_name_is_one(tmp_path):
    touch(tmp_path, "a/S1.svs", "b/x.txt")
    (tmp_path / "b" / "S1.svs").symlink_to(tmp_path / "a" / "S1.svs")
    assert find_slides(tmp_path) == [tmp_path / "a" / "S1.svs"]


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


def test_a_folder_named_like_a_slide_is_entered_and_listed_if_it_holds_none(tmp_path):
    touch(tmp_path, "S1.svs/S1.svs", "S2.svs/x.txt", "S3.svs")
    inner = tmp_path / "S1.svs" / "S1.svs"
    assert find_slides(tmp_path) == [inner, tmp_path / "S2.svs", tmp_path / "S3.svs"]
    assert find_slides(tmp_path / "S1.svs") == [inner]
    assert find_slides(tmp_path / "S2.svs") == [tmp_path / "S2.svs"]


@pytest.mark.parametrize(
    "names", [("IM000001", "IM000002"), ("a.dicom", "b.DICOM"), ("1.2.3", "1.2.4"), ("a.ima", "b")]
)
def test_dicom_is_found_without_its_ending(tmp_path, names):
    write_dicom_slide(tmp_path / "case", make_picture(), names=names)
    write_dicom(tmp_path / "case" / "DICOMDIR")
    (tmp_path / "case" / "README").write_text("x")
    search = search_slides(tmp_path)
    assert search.slides == [tmp_path / "case"] and not search.passed_over
    with open_slide(tmp_path / "case") as slide:
        assert (slide.name, slide.format) == ("case", "dicom")


@pytest.mark.parametrize(("name", "ending"), [("CT01", "DICOM"), ("ct.dicom", ".dicom"), ("1.2.5", "DICOM")])
def test_dicom_without_its_ending_that_is_no_slide_is_counted(tmp_path, name, ending):
    write_dicom(tmp_path / name)
    touch(tmp_path, "S1.svs")
    assert search_slides(tmp_path).passed_over == {(ending, "not a DICOM slide"): 1}
    with pytest.raises(InputError, match="the DICOM file is not a slide"):
        open_slide(tmp_path / name)


@pytest.mark.parametrize("target", ["nowhere", "gone"])
def test_a_broken_link_is_counted(tmp_path, target):
    touch(tmp_path, "S1.svs")
    (tmp_path / "gone").symlink_to(tmp_path / target)
    assert search_slides(tmp_path).passed_over == {("gone", "broken link"): 1}


def jpeg(path: Path, kind: str = "JPEG") -> Path:
    Image.new("RGB", (300, 200), (200, 100, 150)).save(path, kind)
    return path


def test_an_mrxs_without_its_folder_is_refused_by_name(tmp_path):
    jpeg(tmp_path / "case7.mrxs")
    with pytest.raises(InputError, match=r"the slide's folder case7/ .* is missing beside it") as error:
        open_slide(tmp_path / "case7.mrxs", mpp=0.5)
    assert "copy case7.mrxs together with its folder" in error.value.fix
    touch(tmp_path, "case7/x.dat")
    with pytest.raises(InputError, match=r"case7/ holds no Slidedat\.ini"):
        open_slide(tmp_path / "case7.mrxs", mpp=0.5)
    touch(tmp_path, "case7/Slidedat.ini")
    with pytest.raises(InputError):
        open_slide(tmp_path / "case7.mrxs", mpp=0.5)


def test_the_folder_of_an_mrxs_names_the_missing_file(tmp_path):
    touch(tmp_path, "case7/Slidedat.ini", "case7/Data0000.dat")
    with pytest.raises(InputError, match=r"the slide's file case7\.mrxs is missing beside its folder"):
        find_slides(tmp_path / "case7")
    with pytest.raises(InputError, match=r"1 file case7\.mrxs \(missing beside its folder\)"):
        find_slides(tmp_path)
    touch(tmp_path, "S1.svs")
    assert search_slides(tmp_path).passed_over == {("case7.mrxs", "missing beside its folder"): 1}


@pytest.mark.parametrize(
    ("name", "kind"), [("a.svs", "JPEG"), ("a.ndpi", "JPEG"), ("a.scn", "PNG"), ("a.dcm", "PNG")]
)
def test_an_image_by_the_name_of_a_slide_is_refused_and_may_be_renamed(tmp_path, name, kind):
    path = jpeg(tmp_path / name, kind)
    with pytest.raises(InputError, match=f"the file is a {kind} image, not a slide") as error:
        open_slide(path, mpp=0.5)
    ending = ".png" if kind == "PNG" else ".jpg"
    assert f"ends in {ending}" in error.value.fix
    with open_slide(path.rename(tmp_path / f"a{ending}"), mpp=0.5) as slide:
        assert slide.size == (300, 200)


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
