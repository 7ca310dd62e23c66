"""Places of tiles, from feature files of every tool."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequoia_model.errors import InputError
from sequoia_model.feature_files import read
from sequoia_model.spatial.tile_places import place_tiles
from tests.build.features import (
    make_bag,
    make_coords,
    make_features,
    make_geometry,
    write_clam,
    write_sequoia,
    write_stamp,
    write_trident,
)
from tests.build.windows import tissues


def placed_bag(corners, *, slide_mpp=None, features=None, **fields):
    """Places of tiles of 512 px with these corners."""
    n = len(corners)
    features = make_features(n) if features is None else features
    about = {"geometry": make_geometry(max_tiles=None, left_out={})} | fields
    bag = make_bag(features=features, coords=np.asarray(corners), **about)
    return place_tiles(bag, slide_mpp=slide_mpp)


def refusal(corners=None, **fields):
    """The words of a refusal."""
    with pytest.raises(InputError) as caught:
        placed_bag(make_coords() if corners is None else corners, **fields)
    return str(caught.value)


def test_places_of_ours_are_the_corners_in_sides():
    got = placed_bag(make_coords() + [1024, 512])

    np.testing.assert_array_equal(got.places, np.argwhere(np.ones((3, 4))) + [1, 2])
    assert (got.side_px, got.side_um, got.slide_mpp) == (512, 128, 0.25)


def test_centres_are_half_a_side_from_the_corners():
    got = placed_bag([[1024, 512]])

    np.testing.assert_array_equal(got.centres_px, [[1280, 768]])
    np.testing.assert_array_equal(got.centres_um, [[320, 192]])


def test_tiles_are_sorted_by_row_then_column_with_their_features():
    corners, order = make_coords(), np.random.default_rng(0).permutation(12)

    got = placed_bag(corners[order], features=make_features(12)[order])

    np.testing.assert_array_equal(got.bag.features, make_features(12))
    np.testing.assert_array_equal(got.bag.coords, corners)


@given(tissues(30), st.floats(20, 900), st.floats(0, 0.97), st.booleans())
def test_a_lattice_of_any_step_and_offset_is_found_from_rounded_corners(places, side, offset, rounded):
    exact = (places[:, ::-1] + offset) * side
    corners = np.round(exact) if rounded else exact

    got = placed_bag(corners, geometry=make_geometry(side=side, max_tiles=None, left_out={}, slide_size=None))

    moved = np.unique(got.places - places, axis=0)
    assert len(moved) == 1
    assert np.abs(moved).max() <= 1


def test_files_of_trident_say_all(tmp_path):
    got = place_tiles(
        read(write_trident(tmp_path / "S1.h5", coords=make_coords() + [100, 300])), slide_mpp=0.25
    )

    np.testing.assert_array_equal(got.places, np.argwhere(np.ones((3, 4))))
    assert got.side_um == 128


def test_files_of_stamp_are_in_um(tmp_path):
    got = place_tiles(read(write_stamp(tmp_path / "S1.h5")), slide_mpp=0.5)

    np.testing.assert_array_equal(got.places, np.argwhere(np.ones((3, 4))))
    assert (got.side_px, got.side_um) == (512, 256)
    np.testing.assert_array_equal(got.centres_um[0], [128, 128])
    np.testing.assert_array_equal(got.centres_px[0], [256, 256])


@pytest.mark.parametrize(
    ("write", "more", "words"),
    [
        (write_sequoia, {}, "the published code of SEQUOIA does not write them"),
        (write_sequoia, {"kinds": ()}, "only cluster means"),
        (
            write_stamp,
            {"attrs": {"extractor": "uni"}, "coords": make_coords(side=150)},
            "STAMP before version 2",
        ),
        (write_trident, {}, "--slide-mpp X"),
        (write_clam, {"attrs": {"patch_size": 256, "patch_level": 0}}, "--slide-mpp X"),
    ],
    ids=["sequoia", "cluster means", "stamp 1", "trident", "clam"],
)
def test_files_without_geometry_are_refused_with_what_to_do(tmp_path, write, more, words):
    bag = read(write(tmp_path / "S1.h5", **more))

    with pytest.raises(InputError) as caught:
        place_tiles(bag)

    assert words in str(caught.value)


def test_a_tile_of_unknown_size_is_refused(tmp_path):
    bag = read(write_clam(tmp_path / "S1.h5"))

    with pytest.raises(InputError, match="do not say how large a tile is"):
        place_tiles(bag, slide_mpp=0.5)


def test_a_scale_that_contradicts_the_features_is_refused():
    assert "has 0.25 µm, but --slide-mpp is 0.5" in refusal(slide_mpp=0.5)


@pytest.mark.parametrize("mpp", [0, -1, float("nan")])
def test_a_scale_that_is_no_size_is_refused(mpp):
    assert "must be a number above 0" in refusal(slide_mpp=mpp)


def test_the_same_place_twice_is_refused_as_two_slides():
    corners = np.vstack([make_coords(), make_coords(3)])

    assert "6 of 15 tiles have the corner of another: the features may be of two slides" in refusal(corners)


def test_overlapping_tiles_are_refused_with_their_step():
    assert "the smallest step is 256, the side 512 px" in refusal(make_coords(side=256))


def test_corners_off_the_lattice_are_refused():
    corners = np.vstack([make_coords(), make_coords() + [200, 5120]])

    assert "are off the lattice of the others" in refusal(corners)


def test_tiles_apart_by_other_than_their_side_are_refused():
    assert "the side of a tile is 512, the step 640" in refusal(make_coords(side=640))


@pytest.mark.parametrize("left_out", [{"not drawn": 7}, {}])
def test_tiles_that_were_drawn_are_refused(left_out):
    words = refusal(geometry=make_geometry(max_tiles=12, left_out=left_out))

    assert "the 12 tiles of the features were drawn from more, at most 12" in words
    assert "--all-tiles" in words


def test_a_limit_that_left_no_tile_out_is_none():
    got = placed_bag(make_coords(), geometry=make_geometry(max_tiles=12, left_out={"not drawn": 0}))

    assert len(got.places) == 12


def test_tiles_that_begin_outside_the_slide_are_counted():
    words = refusal(
        make_coords() + [512, 1024],
        geometry=make_geometry(max_tiles=None, left_out={}, slide_size=(2000, 1900)),
    )

    assert "6 of 12 tiles are outside the slide of 2,000 × 1,900 px" in words


def test_tiles_may_overhang_the_slide():
    got = placed_bag(
        make_coords(), geometry=make_geometry(max_tiles=None, left_out={}, slide_size=(1600, 1100))
    )

    assert len(got.places) == 12


@pytest.mark.parametrize("inside", [1, 8])
def test_a_tile_that_begins_just_inside_the_edge_is_on_the_slide(inside):
    corners = make_coords()
    size = (int(corners[:, 0].max()) + inside, int(corners[:, 1].max()) + inside)

    got = placed_bag(corners, geometry=make_geometry(max_tiles=None, left_out={}, slide_size=size))

    assert len(got.places) == 12


def test_corners_left_of_the_slide_are_refused():
    assert "3 of 12 tiles are outside the slide" in refusal(make_coords() - [512, 0])


def test_a_tile_outside_a_slide_in_um_is_refused(tmp_path):
    path = write_stamp(tmp_path / "S1.h5", coords=make_coords(side=256) - [256, 0])

    with pytest.raises(InputError, match="3 of 12 tiles are outside the slide"):
        place_tiles(read(path), slide_mpp=0.5)


def test_a_tile_farther_away_than_any_slide_is_named():
    words = refusal(
        np.vstack([make_coords(), [[512 * 500_000] * 2]]),
        features=make_features(13),
        geometry=make_geometry(max_tiles=None, left_out={}, slide_size=None),
    )

    assert "500,001 × 500,001 places" in words
    assert "at 256000000, 256000000 px" in words
