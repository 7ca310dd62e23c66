"""Feature files of every tool: read in one shape, refused if they cannot be used."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequoia_model.errors import InputError
from sequoia_model.feature_files import look, read
from sequoia_model.feature_files.reader import read_here
from tests.build.features import (
    WRITERS,
    make_coords,
    make_features,
    refused,
    write_clam,
    write_ours,
    write_sequoia,
    write_stamp,
    write_trident,
)

every_layout = pytest.mark.parametrize(("layout", "writer"), WRITERS.items(), ids=WRITERS)


@pytest.mark.parametrize("shape", [(1, 12, 8), (12, 1, 8)])
@pytest.mark.parametrize("writer", [write_stamp, write_trident])
def test_a_third_dimension_of_one_is_removed(tmp_path, writer, shape):
    bag = read(writer(tmp_path / "A.h5", features=make_features().reshape(shape)))
    np.testing.assert_array_equal(bag.features, make_features())


def test_coords_lose_the_third_dimension_too(tmp_path):
    path = write_trident(tmp_path / "A.h5", features=make_features()[None], coords=make_coords()[None])
    np.testing.assert_array_equal(read(path).coords, make_coords())


def test_several_vectors_per_tile_are_refused(tmp_path):
    path = write_stamp(tmp_path / "A.h5", features=np.zeros((12, 5, 8), np.float16))
    assert "several vectors for each tile" in refused(path).what


def test_one_tile_of_several_tokens_is_not_taken_for_tiles(tmp_path):
    path = write_stamp(tmp_path / "A.h5", features=np.zeros((1, 5, 8)), coords=make_coords(1))
    assert "coords have the shape (1, 2), but there are 5 tiles" in refused(path).what


def test_tiles_stay_on_the_disk_if_there_are_means(tmp_path, monkeypatch):
    path = write_ours(tmp_path / "A.h5", cluster_features=make_features(100))
    taken = []
    get = h5py.Dataset.__getitem__
    monkeypatch.setattr(
        h5py.Dataset, "__getitem__", lambda self, key: taken.append(self.name) or get(self, key)
    )
    bag = read_here(path, tiles=False, encoder=None)
    assert taken == ["/cluster_features"]
    assert bag.n_tiles == 12


def test_without_means_the_features_are_read_without_coords(tmp_path):
    bag = read(write_trident(tmp_path / "A.h5"), tiles=False)
    np.testing.assert_array_equal(bag.features, make_features())
    assert bag.coords is None


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert refused(tmp_path / "A.h5").what == "the file does not exist"


def test_a_name_that_no_file_can_have_is_refused(tmp_path):
    assert "cannot be read: File name too long" in refused(tmp_path / f"{'A' * 300}.h5").what


def test_a_folder_called_like_a_file_is_refused(tmp_path):
    (tmp_path / "A.h5").mkdir()
    assert "a folder was given" in refused(tmp_path / "A.h5").what


def test_a_pipe_called_like_a_file_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "A.h5")
    assert "neither a file nor a folder" in refused(tmp_path / "A.h5").what


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "A.h5").touch()
    assert "0 bytes" in refused(tmp_path / "A.h5").what


def test_a_file_that_may_not_be_read_is_refused(tmp_path, monkeypatch):
    path = write_ours(tmp_path / "A.h5")

    def denied(*args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)  # root may read anything
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        read_here(path, tiles=True, encoder=None)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"slide,patient\n", "not HDF5"),
        (b"PK\x03\x04 a checkpoint", "a zip archive, as torch.save"),
        (b"\x80\x02\x8a\nl\xfc\x9c", "a pickle, as old versions of torch.save"),
        (b"\x93NUMPY\x01\x00", "a NumPy array"),
    ],
)
def test_other_formats_are_refused_by_their_names(tmp_path, content, words):
    (tmp_path / "A.h5").write_bytes(content)
    assert words in refused(tmp_path / "A.h5").what


@every_layout
@given(share=st.floats(0.001, 0.999))
def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path_factory, layout, writer, share):
    path = writer(tmp_path_factory.mktemp(layout) / "A.h5")
    whole = path.read_bytes()
    path.write_bytes(whole[: max(1, int(share * len(whole)))])
    assert "truncated or damaged" in (what := refused(path).what) or "not HDF5" in what


@pytest.mark.parametrize(
    ("signature", "at"), [(b"TREE", 0), (b"HEAP", 0), (b"SNOD", 0), (b"TREE", 24)]
)  # 24: the first name by which a dataset is looked up; those that are listed remain
def test_a_file_with_a_damaged_directory_is_refused(tmp_path, signature, at):
    path = write_stamp(tmp_path / "A.h5")
    content = bytearray(path.read_bytes())
    at += content.index(signature)
    content[at : at + 4] = b"\xff" * 4
    path.write_bytes(content)
    assert "truncated or damaged" in refused(path).what


def test_a_file_that_is_too_large_for_the_memory_is_not_called_damaged(tmp_path):
    with h5py.File(tmp_path / "A.h5", "w") as file:
        file.create_dataset("features", shape=(2**40, 1024), dtype="f4", chunks=(1, 1024))
    assert "more memory" in refused(tmp_path / "A.h5").what


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "it holds nothing"),
        (["coords"], "it holds coords"),
        (["imgs", "coords"], "it holds coords, imgs"),
    ],
)
def test_a_file_without_features_says_what_it_holds(tmp_path, names, words):
    with h5py.File(tmp_path / "A.h5", "w") as file:
        file.update({name: np.zeros((3, 2)) for name in names})
    assert words in refused(tmp_path / "A.h5").what


def test_a_dataset_without_a_shape_is_called_empty(tmp_path):
    with h5py.File(tmp_path / "A.h5", "w") as file:
        file["features"] = h5py.Empty("f4")
    assert refused(tmp_path / "A.h5").what == "the dataset features is empty"


def test_a_group_of_datasets_is_refused(tmp_path):
    with h5py.File(tmp_path / "A.h5", "w") as file:
        file.create_group("features")
    assert "is a group of datasets" in refused(tmp_path / "A.h5").what


text = np.array([["a", "b"]] * 12, dtype=h5py.string_dtype())
record = np.zeros((12, 1), dtype=[("x", "f4"), ("y", "f4")])
broken = make_features()
broken[[3, 7], 2] = [np.nan, np.inf]


@pytest.mark.parametrize(
    ("features", "words"),
    [
        (np.zeros(768, np.float32), "one vector, as for a whole slide"),
        (np.zeros((0, 8), np.float32), "have the shape (0, 8)"),
        (np.zeros((12, 3, 2, 8), np.float32), "have the shape (12, 3, 2, 8)"),
        (np.zeros((12, 8), "S4"), "must be numbers, but are text"),
        (text, "must be numbers, but are text"),
        (text[:, 0], "must be numbers, but are text"),
        (record, "must be numbers, but are records"),
        (broken, "2 of 12 rows of features hold NaN or infinite values"),
        (np.full((12, 8), 1e300), "12 of 12 rows of features hold NaN or infinite values"),
    ],
    ids=["1-d", "no tile", "4-d", "bytes", "text", "texts", "records", "NaN", "beyond float32"],
)
@pytest.mark.parametrize("writer", [write_clam, write_trident, write_stamp])
def test_features_that_cannot_be_used_are_refused(tmp_path, writer, features, words):
    path = writer(tmp_path / "A.h5", features=features, coords=make_coords(12))
    assert words in refused(path).what


def without_rows(path, *rows):
    """A file of TRIDENT in some rows of which nothing was ever written."""
    write_trident(path)
    with h5py.File(path, "a") as file:
        values = file["features"][:]
        about = dict(file["features"].attrs)
        del file["features"]
        made = file.create_dataset("features", values.shape, values.dtype, chunks=(1, values.shape[1]))
        made.attrs.update(about)
        for i in set(range(len(values))) - set(rows):
            made[i] = values[i]
    return path


@pytest.mark.parametrize(
    ("rows", "words"), [([4], "1 of 12 rows of features is"), (range(12), "12 of 12 rows")]
)
def test_rows_that_were_never_written_are_refused_and_named(tmp_path, rows, words):
    error = refused(without_rows(tmp_path / "A.h5", *rows))
    assert words in error.what and "all zero, as if never written" in error.what
    assert f"rows {rows[0]}" in error.where and "again" in error.fix


def test_means_that_were_never_written_are_refused(tmp_path):
    means = make_features(100)
    means[99] = 0
    error = refused(write_sequoia(tmp_path / "A.h5", clusters=means), tiles=False)
    assert "1 of 100 rows of cluster_features is all zero" in error.what


def test_a_zero_among_other_numbers_is_a_number(tmp_path):
    features = make_features()
    features[:, 1:] = 0
    features[:, 0] = 1
    assert read(write_trident(tmp_path / "A.h5", features=features)).n_tiles == 12


def virtual(path, source):
    layout = h5py.VirtualLayout((12, 8), "f4")
    layout[:] = h5py.VirtualSource(source, "features", (12, 8))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("features", layout)


def linked(path, source):
    with h5py.File(path, "w") as file:
        file["features"] = h5py.ExternalLink(source, "features")


def raw(path, source):
    with h5py.File(path, "w") as file:
        file.create_dataset("features", (12, 8), "f4", external=[(source, 0, h5py.h5f.UNLIMITED)])


@pytest.mark.parametrize("write", [virtual, linked, raw])
def test_features_in_another_file_that_is_not_there_are_refused_by_its_name(tmp_path, write):
    write(tmp_path / "A.h5", str(tmp_path / "other.h5"))
    error = refused(tmp_path / "A.h5")
    assert "features are in 1 other file that is not there" in error.what and "other.h5" in error.what


@pytest.mark.parametrize("write", [virtual, linked])
def test_features_in_another_file_that_is_there_are_read(tmp_path, write):
    write_clam(tmp_path / "other.h5", dim=8)
    write(tmp_path / "A.h5", "other.h5")  # beside it
    np.testing.assert_array_equal(read(tmp_path / "A.h5").features, make_features())


def test_rows_that_hold_nan_are_named(tmp_path):
    assert "A, rows 3, 7" in refused(write_clam(tmp_path / "A.h5", features=broken)).where


@pytest.mark.parametrize("tiles", [True, False])
@pytest.mark.parametrize(
    ("coords", "words"),
    [
        (make_coords(11), "coords have the shape (11, 2), but there are 12 tiles"),
        (make_coords(18).reshape(12, 3), "coords have the shape (12, 3)"),
        (np.zeros(12), "coords have the shape (12,)"),
    ],
)
def test_coords_that_do_not_fit_the_tiles_are_refused(tmp_path, coords, words, tiles):
    path = write_trident(tmp_path / "A.h5", coords=coords)
    assert words in refused(path, tiles=tiles).what


@pytest.mark.parametrize("tiles", [True, False])
def test_means_of_another_dimension_are_refused(tmp_path, tiles):
    path = write_sequoia(tmp_path / "A.h5", clusters=make_features(100, 9))
    assert "8 columns, but cluster_features have 9" in refused(path, tiles=tiles).what


def test_means_that_hold_nan_are_refused(tmp_path):
    path = write_sequoia(tmp_path / "A.h5", clusters=np.full((100, 8), np.nan, np.float32))
    assert "rows of cluster_features hold NaN" in refused(path).what


@every_layout
def test_a_look_tells_what_reading_tells(tmp_path, layout, writer):
    path = writer(tmp_path / "features_uni" / "A.h5", dim=16)
    kind, bag = look(path), read(path)
    assert (kind.dimension, kind.encoder_hint) == (bag.dimension, bag.encoder_hint)
    assert kind.encoder == ("" if bag.encoder is None else bag.encoder.name)


def test_a_look_at_cluster_means_alone_tells_their_length(tmp_path):
    assert look(write_sequoia(tmp_path / "A.h5", kinds=(), dim=16)).dimension == 16


def test_a_look_at_what_is_no_feature_file_is_refused(tmp_path):
    (tmp_path / "A.h5").write_bytes(b"")
    with pytest.raises(InputError, match="0 bytes") as error:
        look(tmp_path / "A.h5")
    assert "A.h5" in error.value.where
