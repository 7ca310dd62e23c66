"""Sections of Spatial Transcriptomics: counts and spots joined, the scale from the lattice."""

from __future__ import annotations

import gzip
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.spatial import KDTree

from sequoia_stats.errors import InputError
from sequoia_stats.io import read_truth
from tests.build.truth import st_tables, write_image, write_st

DATA = Path(__file__).parents[4] / "data"
C2, SLIDE = DATA / "spatial" / "HER2ST_C2.tsv.gz", DATA / "slides" / "HER2ST_C2.jpg"


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


def test_the_real_section_has_its_measured_values():
    truth = read_truth(C2)
    assert (truth.n, len(truth.genes)) == (186, 156)
    first = truth.spots.index("25x13")
    np.testing.assert_array_equal(truth.centres_px[first], [6930.58, 3510.24])
    np.testing.assert_array_equal(truth.counts_of(["ERBB2", "ACTB"])[first], [7, 7])


def test_the_pitch_of_the_real_section_gives_its_scale_where_nearest_spots_would_not():
    truth = read_truth(C2)
    nearest = 200 / np.median(KDTree(truth.centres_px).query(truth.centres_px, 2)[0][:, 1])
    assert truth.mpp == pytest.approx(0.688, abs=0.0005) and nearest > 0.7


def test_the_resolution_of_a_jpeg_is_no_scale():
    truth = read_truth(C2, image=SLIDE)
    assert truth.image_size == (9274, 9911) and truth.mpp == pytest.approx(0.688, abs=0.0005)


def repeated_gene(counts, spots):
    return counts.set_axis(["A", "A", "B", "C"], axis=1), spots


def negative(counts, spots):
    return counts.assign(G1=-1), spots


def fractions(counts, spots):
    return counts + 0.5, spots


def transposed(counts, spots):
    return counts.T, spots


def other_section(counts, spots):
    return counts.set_axis("9" + counts.index), spots


def mostly_of_another_section(counts, spots):
    return counts.set_axis([*counts.index[:14], *("9" + counts.index[14:])]), spots


def repeated_row(counts, spots):
    return counts.iloc[[0, *range(30)]], spots


def repeated_spot(counts, spots):
    return counts, spots.iloc[[0, *range(30)]]


def shuffled(counts, spots):
    x = spots["pixel_x"].sample(frac=1, random_state=0).to_numpy()
    return counts, spots.assign(pixel_x=x)


def stretched(counts, spots):
    return counts, spots.assign(pixel_x=spots["pixel_x"] * 1.3)


def without_pixels(counts, spots):
    return counts, spots.drop(columns="pixel_x")


def between_places(counts, spots):
    return counts, spots.assign(x=spots["x"] + 0.5)


def no_spots(counts, spots):
    return counts, spots.iloc[:0]


def none_selected(counts, spots):
    return counts, spots.assign(selected=0)


def nothing_counted(counts, spots):
    return counts * 0, spots


BAD = [
    (negative, "30 values are not counts"),
    (fractions, "120 values are not counts"),
    (transposed, "the rows are not spots"),
    (other_section, "no spot has both counts and a place"),
    (
        mostly_of_another_section,
        "14 of 30 spots have both counts and a place: they seem to be of two sections",
    ),
    (repeated_row, "1 spot is duplicated: 1x1"),
    (repeated_spot, "1 spot is duplicated: 1x1"),
    (shuffled, "not on the lattice"),
    (stretched, "the image is stretched"),
    (without_pixels, "the column 'pixel_x' is not in the table"),
    (between_places, "30 spots have no place"),
    (no_spots, "a header and no rows"),
    (none_selected, "the section is empty"),
    (nothing_counted, "nothing was counted"),
]


@pytest.mark.parametrize(("spoil", "words"), BAD, ids=[spoil.__name__ for spoil, _ in BAD])
def test_tables_that_cannot_be_right_are_refused(tmp_path, spoil, words):
    with pytest.raises(InputError, match=words):
        read_truth(write_st(tmp_path, *spoil(*st_tables())))


def test_symbols_that_repeat_are_summed(tmp_path):
    counts, spots = st_tables()
    truth = read_truth(write_st(tmp_path, *repeated_gene(counts, spots)))
    np.testing.assert_array_equal(truth.gene("A"), counts["G0"] + counts["G1"])
    assert truth.genes == ("A", "B", "C")


@pytest.mark.parametrize(("absent", "n_questions"), [(2, 0), (4, 2)])
def test_tables_that_both_lose_more_than_a_tenth_are_doubted(tmp_path, absent, n_questions):
    counts, spots = st_tables()
    truth = read_truth(write_st(tmp_path, counts.iloc[absent:], spots.iloc[: 30 - absent]))
    reasons = truth.flow.to_frame()["reason"]
    assert len(reasons) == 2 and reasons.str.endswith("; are both of this section?").sum() == n_questions


def test_each_loss_of_spots_has_a_name_of_its_own(tmp_path):
    counts, spots = st_tables()
    counts.iloc[4] = 0
    flow = read_truth(write_st(tmp_path, counts.iloc[1:], spots)).flow
    assert [tuple(step)[:3] for step in flow] == [("spots: counts", 30, 29), ("spots: not empty", 29, 28)]


def test_a_spot_on_which_nothing_was_counted_is_left_out(tmp_path):
    counts, spots = st_tables()
    counts.iloc[4] = 0
    truth = read_truth(write_st(tmp_path, counts, spots))
    assert truth.n == 29 and [tuple(step) for step in truth.flow] == [
        ("spots: not empty", 30, 29, "1 spot has no count")
    ]


@pytest.mark.parametrize(("mpp", "is_right"), [(0.51, True), (0.25, False), (1.0, False)])
def test_a_scale_that_the_lattice_contradicts_is_refused(tmp_path, mpp, is_right):
    path = write_st(tmp_path, *st_tables(mpp=0.5))
    with nullcontext() if is_right else pytest.raises(InputError, match="contradicts everything"):
        assert read_truth(path, mpp=mpp).mpp == mpp


def test_an_image_whose_tag_contradicts_the_lattice_is_refused_unless_the_scale_is_given(tmp_path):
    path = write_st(tmp_path, *st_tables(mpp=0.5))
    image = write_image(tmp_path / "slide.tif", (3000, 3000), dpi=(25_400, 25_400))
    with pytest.raises(InputError, match="contradictory") as error:
        read_truth(path, image=image)
    assert "the image's tag says 1" in error.value.where and "--mpp" in error.value.fix
    assert read_truth(path, image=image, mpp=0.5).mpp == 0.5


def test_spots_off_the_image_are_refused(tmp_path):
    image = write_image(tmp_path / "slide.png", (900, 3000))
    with pytest.raises(InputError, match="off the image of 900 × 3,000 pixels"):
        read_truth(write_st(tmp_path, *st_tables()), image=image)


def test_the_table_of_spots_may_be_named(tmp_path):
    path = write_st(tmp_path, *st_tables())
    elsewhere = (tmp_path / "S1_selection.tsv").rename(tmp_path / "other.tsv")
    with pytest.raises(InputError, match="the format is not recognised"):
        read_truth(path)
    with pytest.raises(InputError, match="the table of spots is not found"):
        read_truth(path, format="st")
    assert read_truth(path, format="st", spots=elsewhere).n == 30


def test_another_pitch_gives_another_scale(tmp_path):
    truth = read_truth(write_st(tmp_path, *st_tables(mpp=0.5)), pitch=100)
    assert truth.mpp == pytest.approx(0.25, rel=1e-3) and truth.spot_um == 0


def test_a_file_that_is_not_utf_8_is_refused(tmp_path):
    path = write_st(tmp_path, *st_tables())
    path.write_bytes(gzip.compress(b"\tG\xe9\n1x1\t1\n"))
    with pytest.raises(InputError, match="not UTF-8"):
        read_truth(path)


def test_programmes_are_read_beside_counts(tmp_path):
    counts, spots = st_tables()
    table = pd.DataFrame({"spot": counts.index[:29], "OPC": 0.5, "kind": "x"})
    table.to_csv(tmp_path / "scores.csv", index=False)
    truth = read_truth(write_st(tmp_path, counts, spots), programmes=tmp_path / "scores.csv")
    assert list(truth.programmes) == ["OPC"] and truth.programmes["OPC"].isna().sum() == 1
    assert [step.reason for step in truth.flow] == ["of text: kind", "1 spot has none"]


def test_an_option_of_another_format_is_refused(tmp_path):
    with pytest.raises(InputError, match="--section is not an option of a table of counts"):
        read_truth(write_st(tmp_path, *st_tables()), section="C2")
