"""Feature files of every tool: read as one type, refused where they cannot be used, written as ours."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sequoia_model.errors import InputError
from sequoia_model.feature_files import find, read, slide_name, write
from sequoia_model.types.bag import EncoderId, FeatureBag, TileGeometry
from tests.build.features import (
    SLIDE,
    make_bag,
    make_coords,
    make_features,
    make_geometry,
    write_clam,
    write_ours,
    write_sequoia,
    write_stamp,
    write_trident,
)

WRITERS = {
    "ours": write_ours,
    "clam": write_clam,
    "trident": write_trident,
    "stamp": write_stamp,
    "sequoia": write_sequoia,
}
every_layout = pytest.mark.parametrize(("layout", "writer"), WRITERS.items(), ids=WRITERS)


def assert_same(got: FeatureBag, wanted: FeatureBag, *, but: tuple[str, ...] = ()) -> None:
    """Every field, arrays with their types."""
    for field in fields(FeatureBag):
        one, other = getattr(got, field.name), getattr(wanted, field.name)
        if field.name in but:
            continue
        if isinstance(other, np.ndarray):
            np.testing.assert_array_equal(one, other, err_msg=field.name, strict=True)
        elif isinstance(other, EncoderId):
            assert (one.name, one.asserted) == (other.name, other.asserted)
            np.testing.assert_array_equal(one.fingerprint, other.fingerprint)
        else:
            assert one == other, field.name


def refused(path: Path, **options) -> InputError:
    """The error of reading, which names the file."""
    with pytest.raises(InputError) as caught:
        read(path, **options)
    assert str(path) in caught.value.where
    return caught.value


# --- what each tool writes ----------------------------------------------------------------------------------------


def test_trident_is_read_with_its_encoder_and_size_of_tiles(tmp_path):
    bag = read(write_trident(tmp_path / "20x_256px" / "features_uni_v1" / "A.h5"))
    wanted = FeatureBag(
        "A",
        make_features(),
        make_coords(),
        encoder=EncoderId("uni"),
        tile_size=256,
        layout="trident",
        geometry=TileGeometry(side=512, slide_size=(20000, 16000)),
    )
    assert_same(bag, wanted)


def test_trident_of_half_precision_is_read_as_float32(tmp_path):
    bag = read(write_trident(tmp_path / "A.h5", features=make_features().astype(np.float16)))
    np.testing.assert_array_equal(bag.features, make_features(), strict=True)


def test_trident_tells_its_scale_where_it_writes_mpp_and_never_by_magnification(tmp_path):
    assert read(write_trident(tmp_path / "A.h5", more={"mpp": 0.5})).mpp == 0.5
    assert read(write_trident(tmp_path / "A.h5")).mpp is None


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("uni_v2", "uni2-h"),
        ("conch_v15", "conch-v15"),
        ("virchow2", "virchow2"),
        ("hoptimus0", "h-optimus-0"),
        ("resnet50", "resnet50-trunc"),
        ("ctranspath", "chief-ctranspath"),
        ("kaiko-vitb8", "kaiko-vitb8"),
    ],
)
def test_trident_means_by_a_word_what_its_loader_builds(tmp_path, word, name):
    assert read(write_trident(tmp_path / "A.h5", encoder=word)).encoder.name == name


@pytest.mark.parametrize("options", [{"old": True}, {"encoder": None}], ids=["older file", "custom encoder"])
def test_a_folder_called_after_an_encoder_is_a_hint_and_no_identity(tmp_path, options):
    bag = read(write_trident(tmp_path / "features_uni_v1" / "A.h5", **options))
    assert bag.layout == "trident"
    assert bag.encoder is None
    assert bag.encoder_hint == "uni"


def test_clam_names_no_encoder_though_its_vectors_are_as_long_as_those_of_uni(tmp_path):
    bag = read(write_clam(tmp_path / "FEATURES" / "h5_files" / "A.h5", tiles=70))
    wanted = FeatureBag("A", make_features(70, 1024), make_coords(70, dtype=np.int32), layout="clam")
    assert_same(bag, wanted)


LEVELS = {
    "copied from the patches": (
        {"patch_size": 256, "patch_level": 1, "downsample": (4.0, 4.0), "level_dim": (5000, 4001)},
        TileGeometry(side=1024, slide_size=(20000, 16004)),
    ),
    "one scale": ({"patch_size": 256, "downsample": 2}, TileGeometry(side=512)),
    "level 0": (
        {"patch_size": 512, "patch_level": 0, "level_dim": (20000, 16000)},
        TileGeometry(side=512, slide_size=(20000, 16000)),
    ),
    "another level": ({"patch_size": 256, "patch_level": 1, "level_dim": (5000, 4001)}, TileGeometry()),
}


@pytest.mark.parametrize(("attrs", "geometry"), LEVELS.values(), ids=LEVELS)
def test_clam_tells_the_side_of_a_tile_where_the_level_is_known(tmp_path, attrs, geometry):
    bag = read(write_clam(tmp_path / "A.h5", attrs=attrs))
    assert (bag.layout, bag.tile_size, bag.geometry) == ("clam", attrs["patch_size"], geometry)


def test_features_of_trident_with_their_scale_lie_in_micrometres(tmp_path):
    bag = read(write_trident(tmp_path / "A.h5", more={"mpp": 0.5}))
    assert (bag.slide_mpp, bag.tile_side_um) == (0.25, 128)
    np.testing.assert_array_equal(bag.coords_um, make_coords() * 0.25)


def test_stamp_is_read_in_micrometres_and_as_float32(tmp_path):
    bag = read(write_stamp(tmp_path / "mahmood-uni-77ffbca1-d41d8cd9" / "A.h5"))
    wanted = FeatureBag(
        "A",
        make_features(),
        make_coords(side=256, dtype=np.float32),
        encoder=EncoderId("uni"),
        mpp=256 / 224,
        tile_size=224,
        coords_unit="um",
        layout="stamp",
        geometry=TileGeometry(side_um=256),
    )
    assert_same(bag, wanted)


@pytest.mark.parametrize(
    ("attrs", "unit_known"),
    [
        ({"extractor": "mahmood-uni", "tile_size": 256.0, "unit": "um"}, True),
        ({"extractor": "mahmood-uni", "tile_size_um": 256.0}, True),
        ({"extractor": "mahmood-uni"}, False),
    ],
    ids=["2.0", "2.0 early", "1"],
)
def test_older_stamp_has_no_scale_and_coords_only_where_their_unit_is_known(tmp_path, attrs, unit_known):
    bag = read(write_stamp(tmp_path / "A.h5", attrs=attrs))
    assert bag.encoder.name == "uni"
    assert (bag.mpp, bag.tile_size) == (None, None)
    assert bag.geometry == TileGeometry(side_um=256 if unit_known else None)
    assert (bag.coords is not None) is unit_known
    np.testing.assert_array_equal(bag.features, make_features(), strict=True)


@pytest.mark.parametrize(
    ("extractor", "name"),
    [
        ("virchow2", "virchow2-cls"),
        ("virchow-dab38abe", "virchow-cls"),
        ("virchow_full", "virchow"),
        ("mahmood-uni2", "uni2-h"),
        ("h_optimus_0", "h-optimus-0"),
        ("conch1_5", "conch-v15"),
        ("xiyuewang-ctranspath-7c998680", "ctranspath"),
        ("chief_ctranspath-dab38abe", "chief-ctranspath"),
    ],
)
def test_stamp_means_by_a_word_what_its_extractor_returns(tmp_path, extractor, name):
    assert read(write_stamp(tmp_path / "A.h5", extractor=extractor)).encoder.name == name


@pytest.mark.parametrize("kind", ["slide", "patient"])
def test_stamp_features_of_more_than_a_tile_are_refused(tmp_path, kind):
    attrs = {"extractor": "virchow2", "encoder": "cobra", "feat_type": kind}
    path = write_stamp(tmp_path / "A.h5", features=np.zeros(768, np.float16), attrs=attrs)
    assert f"features of a {kind}" in refused(path).what


@pytest.mark.parametrize("shape", [(1, 12, 8), (12, 1, 8)])
@pytest.mark.parametrize("writer", [write_stamp, write_trident])
def test_a_third_dimension_of_one_is_taken_off(tmp_path, writer, shape):
    bag = read(writer(tmp_path / "A.h5", features=make_features().reshape(shape)))
    np.testing.assert_array_equal(bag.features, make_features())


def test_coords_lose_the_third_dimension_too(tmp_path):
    path = write_trident(tmp_path / "A.h5", features=make_features()[None], coords=make_coords()[None])
    np.testing.assert_array_equal(read(path).coords, make_coords())


def test_several_vectors_a_tile_are_refused(tmp_path):
    path = write_stamp(tmp_path / "A.h5", features=np.zeros((12, 5, 8), np.float16))
    assert "several vectors for each tile" in refused(path).what


def test_one_tile_of_several_tokens_is_not_taken_for_tiles(tmp_path):
    path = write_stamp(tmp_path / "A.h5", features=np.zeros((1, 5, 8)), coords=make_coords(1))
    assert "coords have the shape (1, 2), but there are 5 tiles" in refused(path).what


def test_the_published_layout_names_its_encoder_and_cohort(tmp_path):
    bag = read(write_sequoia(tmp_path / "TCGA-BRCA" / SLIDE / f"{SLIDE}.h5"))
    wanted = FeatureBag(
        SLIDE,
        make_features(),
        cluster_features=make_features(100, seed=1),
        encoder=EncoderId("uni"),
        layout="sequoia",
        cohort="TCGA-BRCA",
    )
    assert_same(bag, wanted)


def test_a_folder_that_is_not_called_after_the_slide_lies_in_no_cohort(tmp_path):
    assert read(write_sequoia(tmp_path / "TCGA-BRCA" / "features" / "A.h5")).cohort == ""


def test_the_published_resnet_is_the_whole_one(tmp_path):
    bag = read(write_sequoia(tmp_path / "A.h5", kinds=["resnet"], dim=2048, clusters=None))
    assert bag.encoder.name == "resnet50"
    assert bag.dimension == 2048


@pytest.mark.parametrize("cohort", [True, False])
def test_cluster_means_alone_are_readable_and_name_no_encoder(tmp_path, cohort):
    bag = read(write_sequoia(tmp_path / "A.h5", kinds=[], clusters=100), tiles=cohort)
    assert (bag.features, bag.encoder, bag.n_tiles) == (None, None, None)
    assert bag.cluster_features.shape == (100, 8)


def test_a_file_of_two_encoders_asks_whose_features_are_wanted(tmp_path):
    path = write_sequoia(tmp_path / "A.h5", kinds=["uni", "resnet"])
    error = refused(path)
    assert "two encoders: uni, resnet50" in error.what
    assert "--encoder" in error.fix
    assert "two encoders" in refused(path, encoder="phikon").what


@pytest.mark.parametrize(("said", "dim", "keeps_means"), [("UNI_v1", 4, True), ("resnet50", 6, False)])
def test_of_two_encoders_the_means_go_with_the_one_that_has_their_dimension(tmp_path, said, dim, keeps_means):
    both = {"uni": make_features(dim=4), "resnet": make_features(dim=6)}
    path = write_sequoia(tmp_path / "A.h5", features=both, kinds=[], clusters=make_features(100, 4))
    bag = read(path, tiles=False, encoder=said)
    assert bag.dimension == dim
    assert (bag.cluster_features is not None) is keeps_means


def test_an_encoder_that_is_said_changes_nothing_where_there_is_one(tmp_path):
    assert_same(
        read(write_trident(tmp_path / "A.h5"), encoder="resnet50"), read(write_trident(tmp_path / "A.h5"))
    )


def test_means_that_were_added_to_a_file_of_clam_are_read(tmp_path):
    means = make_features(100, 16)
    bag = read(write_clam(tmp_path / "A.h5", dim=16, clusters=means), tiles=False)
    np.testing.assert_array_equal(bag.cluster_features, means)
    assert (bag.features, bag.coords, bag.n_tiles) == (None, None, 12)


def test_tiles_stay_on_the_disk_where_there_are_means(tmp_path, monkeypatch):
    path = write_ours(tmp_path / "A.h5", cluster_features=make_features(100))
    taken = []
    get = h5py.Dataset.__getitem__
    monkeypatch.setattr(
        h5py.Dataset, "__getitem__", lambda self, key: taken.append(self.name) or get(self, key)
    )
    bag = read(path, tiles=False)
    assert taken == ["/cluster_features"]
    assert bag.n_tiles == 12


def test_without_means_the_features_are_read_without_coords(tmp_path):
    bag = read(write_trident(tmp_path / "A.h5"), tiles=False)
    np.testing.assert_array_equal(bag.features, make_features())
    assert bag.coords is None


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
def test_attributes_that_say_nothing_are_not_there(tmp_path, word):
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


# --- ours ---------------------------------------------------------------------------------------------------------


@every_layout
@pytest.mark.parametrize("tiles", [True, False])
def test_what_any_tool_wrote_is_the_same_bag_after_we_wrote_it(tmp_path, layout, writer, tiles):
    bag = read(writer(tmp_path / "TCGA-BRCA" / "A" / "A.h5"), tiles=tiles)
    write(bag, tmp_path / "A.h5")
    again = read(tmp_path / "A.h5", tiles=True)
    assert bag.layout == layout
    assert_same(again, bag, but=("layout",))


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
    assert_same(read(tmp_path / "A.h5"), bag)


def test_means_alone_keep_the_number_of_tiles(tmp_path):
    bag = make_bag("A", features=None, coords=None, cluster_features=make_features(100), n_tiles=4711)
    write(bag, tmp_path / "A.h5")
    assert_same(read(tmp_path / "A.h5"), bag)


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
    features=arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 4)), elements=finite),
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
    assert_same(again, bag)
    assert again.features.tobytes() == features.tobytes()


def test_the_candidates_that_were_tried_are_read_back(tmp_path):
    bag = make_bag(tried=np.array([[512, 0], [0, 256]]))
    write(bag, tmp_path / f"{SLIDE}.h5")
    assert_same(read(tmp_path / f"{SLIDE}.h5"), bag)
    assert read(tmp_path / f"{SLIDE}.h5", tiles=False).tried is None


def test_the_same_bag_gives_the_same_bytes(tmp_path):
    bag = make_bag(cluster_features=make_features(100), rule="all", seed=3)
    write(bag, tmp_path / "one.h5")
    command = [
        sys.executable,
        "-c",
        "import sys; from sequoia_model.feature_files import *; write(read(sys.argv[1]), sys.argv[2])",
    ]
    subprocess.run([*command, tmp_path / "one.h5", tmp_path / "two.h5"], check=True)
    write(replace(read(tmp_path / "two.h5"), slide=bag.slide), tmp_path / "three.h5")
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "three.h5").read_bytes()


def test_features_lie_in_one_piece_as_float32(tmp_path):
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


def test_attributes_that_are_not_counts_are_refused(tmp_path):
    with h5py.File(write_ours(tmp_path / "A.h5"), "a") as file:
        file.attrs["left_out"] = '{"no tissue": "many"}'
    assert "'left_out' must be JSON of names and whole numbers" in refused(tmp_path / "A.h5").what


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
    with pytest.raises(InputError, match="exists already"):
        write(make_bag("A", tiles=3), path)
    write(make_bag("A", tiles=3), path, force=True)
    assert read(path).n_tiles == 3
    assert os.listdir(tmp_path) == ["A.h5"]


@pytest.mark.parametrize("limit", [0, 3000, 40_000])
def test_a_disk_that_takes_no_more_is_said_and_leaves_nothing(tmp_path, limit):
    """The limit on the size of files stands for a full disk."""
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


# --- what cannot be used ------------------------------------------------------------------------------------------


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert refused(tmp_path / "A.h5").what == "the file does not exist"


def test_a_name_that_no_file_can_have_is_refused(tmp_path):
    assert "cannot be read: File name too long" in refused(tmp_path / f"{'A' * 300}.h5").what


def test_a_folder_called_like_a_file_is_refused(tmp_path):
    (tmp_path / "A.h5").mkdir()
    assert "a folder was given" in refused(tmp_path / "A.h5").what


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "A.h5").touch()
    assert "0 bytes" in refused(tmp_path / "A.h5").what


def test_a_file_that_may_not_be_read_is_refused(tmp_path, monkeypatch):
    path = write_ours(tmp_path / "A.h5")

    def denied(*args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)  # root may read anything
    assert "cannot be read: Permission denied" in refused(path).what


@pytest.mark.parametrize("content", [b"PK\x03\x04 a checkpoint", b"slide,patient\n"])
def test_other_formats_are_refused(tmp_path, content):
    (tmp_path / "A.h5").write_bytes(content)
    assert "not HDF5" in refused(tmp_path / "A.h5").what


@every_layout
@given(share=st.floats(0.001, 0.999))
def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path_factory, layout, writer, share):
    path = writer(tmp_path_factory.mktemp(layout) / "A.h5")
    whole = path.read_bytes()
    path.write_bytes(whole[: max(1, int(share * len(whole)))])
    assert "truncated or damaged" in (what := refused(path).what) or "not HDF5" in what


@pytest.mark.parametrize("signature", [b"TREE", b"HEAP", b"SNOD"])
def test_a_file_with_a_damaged_directory_is_refused(tmp_path, signature):
    path = write_stamp(tmp_path / "A.h5")
    path.write_bytes(path.read_bytes().replace(signature, bytes(4)))
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
        (np.zeros((12, 8), "S4"), "must be numbers"),
        (text, "must be numbers"),
        (record, "must be numbers"),
        (broken, "2 of 12 rows of features hold NaN or infinite values"),
        (np.full((12, 8), 1e300), "12 of 12 rows of features hold NaN or infinite values"),
    ],
    ids=["1-d", "no tile", "4-d", "bytes", "text", "records", "NaN", "beyond float32"],
)
@pytest.mark.parametrize("writer", [write_clam, write_trident, write_stamp])
def test_features_that_cannot_be_used_are_refused(tmp_path, writer, features, words):
    path = writer(tmp_path / "A.h5", features=features, coords=make_coords(12))
    assert words in refused(path).what


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


# --- which files there are ----------------------------------------------------------------------------------------


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
    """Files at several depths, among others that are none."""
    for name in ("TCGA/C/C.h5", "TCGA/A/A.HDF5", "D.h5", ".hidden.h5", ".cache/E.h5", "A.pt", "A.h5.lock"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "F.h5").mkdir()
    (tmp_path / "F.h5" / "B.h5").touch()
    return tmp_path


def test_folders_are_searched_in_depth_and_slides_come_in_order(folder):
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
    with pytest.raises(InputError, match="cannot be searched: Permission denied"):
        find([folder])


def test_a_path_as_text_is_one_path(tmp_path):
    file = write_ours(tmp_path / "S1.h5")
    assert find(str(tmp_path)) == [file]
