"""The content of a bag of features, and when two encoders are the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequoia_model.errors import InputError
from sequoia_model.types.bag import EncoderId, FeatureBag, TileGeometry, canonical_encoder, is_known_encoder
from tests.build.features import make_bag, make_coords, make_features, make_geometry


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("uni_v1", "uni"),
        ("UNI", "uni"),
        ("hf-hub:MahmoodLab/UNI", "uni"),
        ("hf_hub:MahmoodLab/uni", "uni"),
        ("mahmood-uni-77ffbca1", "uni"),
        ("vit_large_patch16_224.dinov2.uni_mass100k", "uni"),
        ("uni_v2", "uni2-h"),
        ("MahmoodLab/UNI2-h", "uni2-h"),
        ("mahmood-uni2-0a1b2c3d", "uni2-h"),
        ("resnet50_trunc", "resnet50-trunc"),
        ("resnet50", "resnet50"),
        ("hoptimus0", "h-optimus-0"),
        ("h_optimus_0", "h-optimus-0"),
        ("virchow2-dab38abe", "virchow2"),
        ("conch_v15", "conch-v15"),
        ("mahmood-conch1_5", "conch-v15"),
        ("conch_v1", "conch-v1"),
        ("xiyuewang-ctranspath-7c998680", "ctranspath"),
        ("chief_ctranspath-dab38abe", "chief-ctranspath"),
        ("prov-gigapath", "gigapath"),
        ("phikon_v2", "phikon-v2"),
        ("lite0", "lite0"),
        ("my-encoder-0a1b2c3d", "my-encoder-0a1b2c3d"),
    ],
)
def test_spellings_of_an_encoder_become_one_name(spelling, name):
    assert canonical_encoder(spelling) == name


def test_encoders_of_one_dimension_keep_different_names():
    names = {canonical_encoder(name) for name in ("uni_v1", "resnet50_trunc", "phikon_v2")}  # all 1024-d
    assert len(names) == 3


@given(
    st.lists(st.sampled_from(["hf_hub:", "UNI", "_v1", "-0a1b2c3d", "@main", " ", "é"]), max_size=6).map(
        "".join
    )
)
def test_a_canonical_name_is_its_own(word):
    name = canonical_encoder(word)
    assert canonical_encoder(name) == name


def test_any_other_word_is_not_a_known_encoder():
    assert is_known_encoder("UNI_v1")
    assert not is_known_encoder("features")


def test_encoders_of_one_name_are_the_same_where_a_fingerprint_is_missing():
    print_ = np.array([1, 0, 0], np.float32)
    assert EncoderId("uni_v1", fingerprint=print_).is_same(EncoderId("UNI", asserted=True))


@pytest.mark.parametrize(
    ("fingerprint", "same"),
    [([2, 0, 0], True), ([1, 0.01, 0], True), ([1, 0.1, 0], False), ([1, 0], False), ([0, 0, 0], False)],
)
def test_fingerprints_tell_encoders_of_one_name_apart(fingerprint, same):
    one = EncoderId("uni", fingerprint=np.array([1, 0, 0], np.float32))
    assert one.is_same(EncoderId("uni", fingerprint=np.array(fingerprint, np.float32))) is same


def test_encoders_of_two_names_are_never_the_same():
    fingerprint = np.ones(3, np.float32)
    assert not EncoderId("uni", fingerprint=fingerprint).is_same(EncoderId("uni2", fingerprint=fingerprint))


@pytest.mark.parametrize("dtype", ["<f2", ">f4", "<f8", "i4"])
def test_features_become_float32_in_rows(dtype):
    given = np.arange(6).reshape(3, 2).T.astype(dtype)
    bag = FeatureBag("A", given)
    assert bag.features.dtype == np.float32
    assert bag.features.flags.c_contiguous
    np.testing.assert_array_equal(bag.features, given)


def test_float32_features_are_not_copied():
    features = make_features()
    assert FeatureBag("A", features).features is features


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "neither features nor cluster means"),
        ({"features": np.zeros(5)}, "have the shape (5,)"),
        ({"features": np.zeros((0, 5))}, "have the shape (0, 5)"),
        ({"features": np.zeros((5, 0))}, "have the shape (5, 0)"),
        ({"features": np.array([["a"]])}, "features must be numbers, but are <U1"),
        ({"features": np.array([[True]])}, "features must be numbers, but are bool"),
        ({"features": np.array([[1j]])}, "features must be numbers, but are complex128"),
        ({"features": np.array([[1.0], [np.nan]])}, "1 of 2 rows of features holds NaN"),
        ({"features": np.array([[1e300]])}, "1 of 1 row of features holds NaN or infinite"),
        ({"cluster_features": np.array([[np.inf]])}, "of cluster_features holds NaN or infinite"),
        (
            {"features": np.zeros((2, 3)), "cluster_features": np.zeros((2, 4))},
            "3 columns, but cluster_features have 4",
        ),
        (
            {"features": np.zeros((2, 3)), "coords": np.zeros((3, 2))},
            "coords have the shape (3, 2), but there are 2",
        ),
        ({"features": np.zeros((2, 3)), "coords": np.zeros((2, 3))}, "coords have the shape (2, 3)"),
        ({"features": np.zeros((1, 3)), "coords": np.array([["1", "2"]])}, "some coords are not numbers"),
        ({"features": np.zeros((1, 3)), "coords": np.array([[1, np.nan]])}, "some coords are not numbers"),
        ({"features": np.zeros((1, 3)), "tried": np.zeros((4, 3), int)}, "int64 of the shape (4, 3)"),
        ({"features": np.zeros((1, 3)), "tried": np.zeros((4, 2))}, "float64 of the shape (4, 2)"),
    ],
)
def test_a_bag_refuses_what_cannot_be_used_and_names_the_slide(fields, words):
    with pytest.raises(InputError) as caught:
        FeatureBag("A17", **fields)
    assert words in caught.value.what
    assert "A17" in caught.value.where


def test_rows_with_nan_are_named():
    features = make_features(tiles=6)
    features[[2, 5], 0] = np.nan
    with pytest.raises(InputError, match="2 of 6 rows") as caught:
        make_bag(features=features, coords=make_coords(6))
    assert "rows 2, 5" in caught.value.where


def test_a_bag_tells_its_size_and_encoder():
    assert repr(make_bag("A", tiles=3, dim=4)) == "<FeatureBag A: 3 tiles × 4 by uni>"
    means = FeatureBag("A", cluster_features=np.zeros((100, 4)))
    assert repr(means) == "<FeatureBag A: ? tiles × 4 by an unnamed encoder, 100 cluster means>"
    assert means.dimension == 4


def test_corners_in_pixels_become_micrometres_of_the_slide():
    bag = make_bag(geometry=make_geometry(slide_mpp=0.2485, side=515))
    np.testing.assert_allclose(bag.coords_um, make_coords() * 0.2485)
    assert bag.tile_side_um == pytest.approx(515 * 0.2485)


def test_corners_in_micrometres_stay_as_they_are():
    bag = make_bag(coords=make_coords(side=112.5, dtype=np.float32), coords_unit="um")
    np.testing.assert_array_equal(bag.coords_um, make_coords(side=112.5, dtype=np.float64), strict=True)


def test_the_size_of_a_tile_in_both_pixels_gives_the_scale_of_the_slide():
    assert make_bag(geometry=TileGeometry(side=514)).slide_mpp == 0.5 * 256 / 514
    assert make_bag(mpp=None, geometry=TileGeometry(side=514)).slide_mpp is None


@pytest.mark.parametrize(
    ("fields", "side"),
    [
        ({"geometry": TileGeometry(side_um=112.0)}, 112),
        ({"geometry": make_geometry(side=514, slide_mpp=0.5)}, 257),
        ({"geometry": TileGeometry()}, 128),
    ],
)
def test_the_side_of_a_tile_is_that_on_the_slide_before_that_as_read(fields, side):
    assert make_bag(**fields).tile_side_um == side


@pytest.mark.parametrize(
    ("fields", "what", "words"),
    [
        ({"coords": None}, "coords_um", "no coords"),
        ({}, "coords_um", "how many µm a pixel"),
        ({"mpp": None}, "tile_side_um", "how large a tile is in µm"),
    ],
)
def test_what_nothing_says_in_micrometres_is_refused(fields, what, words):
    with pytest.raises(InputError, match=words) as caught:
        getattr(make_bag("A17", **fields), what)
    assert caught.value.where == "A17"
