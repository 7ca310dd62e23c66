"""Attributes of feature files, however a tool stores them."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from sequoia_model.feature_files import read
from tests.build.features import (
    refused,
    write_clam,
    write_ours,
    write_trident,
)


@pytest.mark.parametrize(
    "word",
    [
        b"uni_v1",
        np.bytes_("uni_v1"),
        np.array(["uni_v1"], dtype="S6"),
        np.array([b"uni_v1"], dtype=object),
        "  UNI ",
    ],
    ids=["bytes", "numpy bytes", "one in an array", "one object", "blanks"],
)
def test_attributes_are_text_however_they_are_stored(tmp_path, word):
    assert read(write_trident(tmp_path / "A.h5", encoder=word)).encoder.name == "uni"


@pytest.mark.parametrize("word", ["None", "", "nan", h5py.Empty("S1")], ids=["None", "empty", "nan", "null"])
def test_empty_attributes_count_as_missing(tmp_path, word):
    bag = read(write_trident(tmp_path / "A.h5", encoder=word, more={"mpp": word, "patch_size": word}))
    assert (bag.encoder, bag.mpp, bag.tile_size) == (None, None, None)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"mpp": "half"}, "'mpp' must be a number above 0, but is 'half'"),
        ({"mpp": -0.5}, "'mpp' must be a number above 0, but is '-0.5'"),
        ({"mpp": np.inf}, "'mpp' must be a number above 0, but is 'inf'"),
    ],
)
def test_attributes_that_cannot_be_used_are_named(tmp_path, more, words):
    assert words in refused(write_trident(tmp_path / "A.h5", more=more)).what


@pytest.mark.parametrize(
    "more",
    [
        {"patch_size": 256.5},
        {"patch_size": "256px"},
        {"patch_size": [256, 256]},
        {"overlap": 0.5},
        {"level0_magnification": 0},
        {"level0_magnification": "unknown", "target_magnification": -1},
        {"patch_size_level0": "large"},
    ],
    ids=str,
)
def test_what_only_describes_tiles_of_other_tools_counts_as_not_said_if_it_cannot_be_used(tmp_path, more):
    bag = read(write_trident(tmp_path / "A.h5", more=more))
    assert bag.n_tiles == 12
    if "patch_size" in more:
        assert bag.tile_size is None


@pytest.mark.parametrize("name", ["patch_size", "patch_level", "downsample", "level_dim"])
def test_so_it_does_in_files_of_clam(tmp_path, name):
    path = write_clam(tmp_path / "A.h5")
    with h5py.File(path, "a") as file:
        file["coords"].attrs[name] = "odd"
    assert read(path).layout == "clam"


def test_attributes_that_are_not_counts_are_refused(tmp_path):
    with h5py.File(write_ours(tmp_path / "A.h5"), "a") as file:
        file.attrs["left_out"] = '{"no tissue": "many"}'
    assert "'left_out' must be JSON of names and whole numbers" in refused(tmp_path / "A.h5").what
