"""Attributes of feature files, however a tool stores them."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from sequoia_model.feature_files import read
from tests.build.features import (
    refused,
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
        ({"patch_size": 256.5}, "'patch_size' must be a whole number, but is '256.5'"),
        ({"patch_size": "large"}, "'patch_size' must be a whole number, but is 'large'"),
        ({"patch_size": [256, 256]}, "'patch_size' must hold one value, but holds 2 values"),
    ],
)
def test_attributes_that_cannot_be_used_are_named(tmp_path, more, words):
    assert words in refused(write_trident(tmp_path / "A.h5", more=more)).what


def test_attributes_that_are_not_counts_are_refused(tmp_path):
    with h5py.File(write_ours(tmp_path / "A.h5"), "a") as file:
        file.attrs["left_out"] = '{"no tissue": "many"}'
    assert "'left_out' must be JSON of names and whole numbers" in refused(tmp_path / "A.h5").what
