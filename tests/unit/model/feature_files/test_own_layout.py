"""Our own layout: everything in a bag is written and read back."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sequoia_model.errors import InputError
from sequoia_model.feature_files import read, write
from sequoia_model.types.bag import EncoderId, FeatureBag, TileGeometry
from tests.build.features import (
    SLIDE,
    WRITERS,
    assert_same_bag,
    make_bag,
    make_coords,
    make_features,
    make_geometry,
    refused,
    write_ours,
)

every_layout = pytest.mark.parametrize(("layout", "writer"), WRITERS.items(), ids=WRITERS)


@every_layout
@pytest.mark.parametrize("tiles", [True, False])
def test_what_any_tool_wrote_is_the_same_bag_after_we_wrote_it(tmp_path, layout, writer, tiles):
    bag = read(writer(tmp_path / "TCGA-BRCA" / "A" / "A.h5"), tiles=tiles)
    write(bag, tmp_path / "A.h5")
    again = read(tmp_path / "A.h5", tiles=True)
    assert bag.layout == layout
    assert_same_bag(again, bag, but=("layout",))


def test_all_that_a_bag_knows_is_kept(tmp_path):
    bag = make_bag(
        "A",
        coords=make_coords(side=127.5, dtype=np.float32),
        cluster_features=make_features(100),
        encoder=EncoderId("lite0", asserted=True, fingerprint=np.arange(2560, dtype=np.float32)),
        mpp=0.4992,
        rule="otsu, 50% tissue",
        seed=0,
        coords_unit="um",
        cohort="TCGA-BRCA",
        geometry=make_geometry(side_um=128.0),
    )
    write(bag, tmp_path / "A.h5")
    assert_same_bag(read(tmp_path / "A.h5"), bag)


def test_means_alone_keep_the_number_of_tiles(tmp_path):
    bag = make_bag("A", features=None, coords=None, cluster_features=make_features(100), n_tiles=4711)
    write(bag, tmp_path / "A.h5")
    assert_same_bag(read(tmp_path / "A.h5"), bag)


finite = st.floats(width=32, allow_nan=False, allow_infinity=False)


words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8).map(str.strip)
size, count = st.floats(0.01, 1e6), st.integers(0, 10**9)
said = words.filter(lambda word: word.lower() not in ("", "none", "nan"))
geometries = st.builds(
    TileGeometry,
    side=st.none() | size,
    side_um=st.none() | size,
    slide_mpp=st.none() | size,
    slide_mpp_source=st.none() | said,
    slide_size=st.none() | st.tuples(count, count),
    max_tiles=st.none() | count,
    mask=st.none() | said,
    n_places=st.none() | count,
    left_out=st.dictionaries(words, count, max_size=3),
)


@example(features=make_features(), seed=2**62 + 1, mpp=0.1, cohort="", geometry=TileGeometry(), tried=None)
@given(
    features=arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 4)), elements=finite).filter(
        lambda values: values.any(axis=1).all()  # rows of zeros were never written
    ),
    seed=st.none() | st.integers(0, 2**63 - 1),
    mpp=st.none() | st.floats(0.01, 100),
    cohort=st.just("") | said,
    geometry=geometries,
    tried=st.none() | arrays(np.int64, st.tuples(st.integers(1, 5), st.just(2))),
)
def test_any_bag_comes_back_to_the_last_bit(tmp_path_factory, features, seed, mpp, cohort, geometry, tried):
    bag = FeatureBag("A", features, seed=seed, mpp=mpp, cohort=cohort, geometry=geometry, tried=tried)
    path = tmp_path_factory.mktemp("any") / "A.h5"
    write(bag, path)
    again = read(path)
    assert_same_bag(again, bag)
    assert again.features.tobytes() == features.tobytes()


def test_the_candidates_that_were_tried_are_read_back(tmp_path):
    bag = make_bag(tried=np.array([[512, 0], [0, 256]]))
    write(bag, tmp_path / f"{SLIDE}.h5")
    assert_same_bag(read(tmp_path / f"{SLIDE}.h5"), bag)
    assert read(tmp_path / f"{SLIDE}.h5", tiles=False).tried is None


def test_the_same_bag_gives_the_same_bytes(tmp_path):
    bag = make_bag(cluster_features=make_features(100), rule="all", seed=3)
    assert bag.seed == 3
    write(bag, tmp_path / "one.h5")
    command = [
        sys.executable,
        "-c",
        "import sys; from sequoia_model.feature_files import *; write(read(sys.argv[1]), sys.argv[2])",
    ]
    subprocess.run([*command, tmp_path / "one.h5", tmp_path / "two.h5"], check=True)
    write(replace(read(tmp_path / "two.h5"), slide=bag.slide), tmp_path / "three.h5")
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "three.h5").read_bytes()


def test_features_are_contiguous_float32(tmp_path):
    with h5py.File(write_ours(tmp_path / "A.h5")) as file:
        assert file["features"].dtype == "<f4"
        assert file["features"].chunks is None
        assert dict(file.attrs) == {
            "schema_version": 1,
            "slide": "A",
            "encoder": "uni",
            "encoder_asserted": False,
            "mpp": 0.5,
            "tile_size": 256,
            "coords_unit": "px",
            "n_tiles": 12,
        }


def test_attributes_beside_those_of_the_bag_are_kept_where_the_bag_says_nothing(tmp_path):
    write(make_bag("A"), tmp_path / "A.h5", more={"level0_width": 20, "level0_height": 10, "mpp": 1.0})
    bag = read(tmp_path / "A.h5")
    assert (bag.geometry.slide_size, bag.mpp) == ((20, 10), 0.5)


def test_pixels_are_whole_numbers_and_nothing_left_out_is_written(tmp_path):
    write(make_bag("A", geometry=make_geometry(left_out={})), tmp_path / "A.h5")
    with h5py.File(tmp_path / "A.h5") as file:
        assert file.attrs["patch_size_level0"].dtype.kind == "i"
        assert file.attrs["left_out"] == "{}"


def test_a_file_of_a_later_version_is_refused(tmp_path):
    with h5py.File(write_ours(tmp_path / "A.h5"), "a") as file:
        file.attrs["schema_version"] = 2
    error = refused(tmp_path / "A.h5")
    assert "newer version: its schema is 2" in error.what
    assert "update" in error.fix


def test_a_file_is_replaced_only_by_force(tmp_path):
    path = write_ours(tmp_path / "A.h5")
    with pytest.raises(InputError, match="already exists"):
        write(make_bag("A", tiles=3), path)
    write(make_bag("A", tiles=3), path, force=True)
    assert read(path).n_tiles == 3
    assert os.listdir(tmp_path) == ["A.h5"]


@pytest.mark.parametrize("limit", [0, 3000, 40_000])
def test_a_full_disk_is_named_and_leaves_nothing(tmp_path, limit):
    """A limit on the size of files simulates a full disk."""
    code = """
import resource, signal, sys
from tests.build.features import make_bag
from sequoia_model.errors import InputError
from sequoia_model.feature_files import write
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
bag = make_bag(tiles=200, dim=64)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    write(bag, sys.argv[1])
except InputError as error:
    print(error)
"""
    command = [sys.executable, "-c", code, tmp_path / "A.h5", str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[4])
    assert "the output cannot be written" in done.stdout
    assert str(tmp_path / "A.h5") in done.stdout
    assert done.stderr == ""
    assert os.listdir(tmp_path) == []
