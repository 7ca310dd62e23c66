"""Sections of Spatial Transcriptomics: counts and spots joined, the scale from the lattice."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.io import read_truth
from tests.build.truth import st_tables, write_st


def test_a_section_has_the_counts_and_centres_of_its_tables(tmp_path):
    counts, spots = st_tables()
    truth = read_truth(write_st(tmp_path, counts, spots))
    assert truth.spots == tuple(counts.index) and truth.genes == tuple(counts.columns)
    np.testing.assert_array_equal(truth.counts.toarray(), counts)
    np.testing.assert_array_equal(truth.totals, counts.sum(axis=1))
    np.testing.assert_array_equal(truth.centres_px, spots[["pixel_x", "pixel_y"]])
    assert (truth.name, truth.platform) == ("S1", "spatial-transcriptomics")
    assert (truth.spot_um, truth.pitch_um) == (100, 200)


def test_spots_and_counts_are_joined_by_the_place_on_the_array(tmp_path):
    counts, spots = st_tables()
    truth = read_truth(write_st(tmp_path, counts.iloc[::-1], spots.drop(index=[3])))
    assert truth.spots == tuple(counts.index.drop("4x1"))
    np.testing.assert_array_equal(truth.counts.toarray(), counts.drop("4x1"))
    assert [tuple(step) for step in truth.flow] == [
        ("spots: place", 30, 29, "1 spot with counts but no place")
    ]


@pytest.mark.parametrize("mpp", [0.25, 0.688])
def test_the_scale_is_that_of_the_lattice(tmp_path, mpp):
    truth = read_truth(write_st(tmp_path, *st_tables(mpp=mpp)))
    assert truth.mpp == pytest.approx(mpp, rel=1e-4)
    assert truth.notes == (f"{mpp:g} µm per pixel, as the pitch of 200 µm says.",)


def test_spots_that_are_not_selected_are_left_out_and_counted(tmp_path):
    counts, spots = st_tables()
    spots.loc[:4, "selected"] = 0
    truth = read_truth(write_st(tmp_path, counts, spots))
    assert truth.spots == tuple(counts.index[5:])
    assert truth.flow.to_frame().loc[0, ["step", "n_before", "n_after"]].to_list() == [
        "spots: selected",
        30,
        25,
    ]


def test_swapped_axes_are_refused_unless_an_option_settles_them(tmp_path):
    counts, spots = st_tables()
    right = read_truth(write_st(tmp_path, counts, spots))
    spots[["pixel_x", "pixel_y"]] = spots[["pixel_y", "pixel_x"]].to_numpy()
    path = write_st(tmp_path, counts, spots)
    with pytest.raises(InputError, match="x and y seem to be swapped"):
        read_truth(path)
    np.testing.assert_array_equal(read_truth(path, swap_xy=True).centres_px, right.centres_px)
    np.testing.assert_array_equal(read_truth(path, swap_xy=False).centres_px, right.centres_px[:, ::-1])


def test_a_truncated_file_is_refused(tmp_path):
    path = write_st(tmp_path, *st_tables())
    path.write_bytes(gzip.compress(b"a" * 9999)[:-9])
    with pytest.raises(InputError, match="truncated or damaged"):
        read_truth(path)
