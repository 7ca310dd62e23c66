"""What each tool writes in its feature files, and what that means."""

from __future__ import annotations

import numpy as np
import pytest

from sequoia_model.feature_files import read
from sequoia_model.types.bag import EncoderId, FeatureBag, TileGeometry
from tests.build.features import (
    SLIDE,
    assert_same_bag,
    make_coords,
    make_features,
    refused,
    write_clam,
    write_sequoia,
    write_stamp,
    write_trident,
)


def test_trident_is_read_with_its_encoder_and_size_of_tiles(tmp_path):
    bag = read(write_trident(tmp_path / "20x_256px" / "features_uni_v1" / "A.h5"))
    wanted = FeatureBag(
        "A",
        make_features(),
        make_coords(),
        encoder=EncoderId("uni"),
        tile_size=256,
        layout="trident",
        geometry=TileGeometry(side=512, magnification=20, overlap=0, slide_size=(20000, 16000)),
    )
    assert_same_bag(bag, wanted)


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
def test_a_folder_called_after_an_encoder_is_a_hint_but_does_not_name_it(tmp_path, options):
    bag = read(write_trident(tmp_path / "features_uni_v1" / "A.h5", **options))
    assert bag.layout == "trident"
    assert bag.encoder is None
    assert bag.encoder_hint == "uni"


def test_clam_names_no_encoder_though_its_vectors_are_as_long_as_those_of_uni(tmp_path):
    bag = read(write_clam(tmp_path / "FEATURES" / "h5_files" / "A.h5", tiles=70))
    wanted = FeatureBag("A", make_features(70, 1024), make_coords(70, dtype=np.int32), layout="clam")
    assert_same_bag(bag, wanted)


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
    assert_same_bag(bag, wanted)


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
    assert_same_bag(bag, wanted)


def test_a_folder_that_is_not_called_after_the_slide_names_no_cohort(tmp_path):
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


def test_a_given_encoder_changes_nothing_if_there_is_only_one(tmp_path):
    assert_same_bag(
        read(write_trident(tmp_path / "A.h5"), encoder="resnet50"), read(write_trident(tmp_path / "A.h5"))
    )


def test_means_that_were_added_to_a_file_of_clam_are_read(tmp_path):
    means = make_features(100, 16)
    bag = read(write_clam(tmp_path / "A.h5", dim=16, clusters=means), tiles=False)
    np.testing.assert_array_equal(bag.cluster_features, means)
    assert (bag.features, bag.coords, bag.n_tiles) == (None, None, 12)
