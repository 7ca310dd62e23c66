"""A truth that does not lie on the tiles of a map is refused, with the option that settles it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError
from sequoia_stats.spatial.alignment import align_spots, usable_spots
from tests.build.judged import make_judged

#: A tissue that is not symmetric: the lower left half and a strip.
HALF = [(i, j) for i in range(12) for j in range(12) if j > i and i > 1]


#: A tissue without its lower right quarter, which stays away from tissue when x and y are exchanged.
CORNER = [(i, j) for i in range(6, 12) for j in range(6, 12)]


def section(absent=HALF):
    return make_judged(genes=1, absent=absent)


def partly_in_the_corner(truth, share):
    """The truth with a share of its spots in the quarter without tissue."""
    n = round(share * truth.n)
    corner = np.random.default_rng(0).uniform(1250, 2350, (n, 2))
    return replace(truth, centres_px=np.concatenate([corner, truth.centres_px[n:]]))


def moved(truth, centres_px, **fields):
    return replace(truth, centres_px=centres_px, **fields)


def test_spots_on_tiles_are_aligned():
    found = align_spots(*section()[::-1])
    assert found.overlap == 1.0 and found.overlap_swapped < 0.7 and found.notes == ()
    assert len(found.spots) == len(section()[1].spots)


def test_swapped_axes_are_found_and_the_option_named():
    map_, truth = section()
    with pytest.raises(InputError, match="100% with x and y exchanged") as error:
        align_spots(moved(truth, truth.centres_px[:, ::-1]), map_)
    assert "--swap-xy" in error.value.fix


def test_a_truth_elsewhere_is_refused():
    map_, truth = section(CORNER)
    with pytest.raises(
        InputError, match="only 40% of the spots are on tiles of the map: the truth is of another"
    ):
        align_spots(partly_in_the_corner(truth, 0.6), map_)


def test_a_truth_of_another_name_needs_more_of_its_spots_on_tiles():
    map_, truth = section(CORNER)
    doubtful = partly_in_the_corner(truth, 0.25)
    found = align_spots(doubtful, map_)
    assert found.overlap == 0.75 and found.notes == ("only 75% of the spots are on tiles of the map",)
    with pytest.raises(InputError, match="another slide") as error:
        align_spots(replace(doubtful, name="Q7"), map_)
    assert "Q7" in error.value.where


def test_another_scale_of_the_same_image_is_refused_and_the_option_named():
    map_, truth = section()
    with pytest.raises(InputError, match=r"0\.5 µm per pixel in the map and 0\.7 in the truth") as error:
        align_spots(replace(truth, mpp=0.7), map_)
    assert "--mpp 0.5" in error.value.fix


def test_images_of_one_size_have_one_scale():
    map_, truth = section()
    with pytest.raises(InputError, match="µm per pixel in the map"):
        align_spots(replace(truth, mpp=0.53, image_size=(2400, 2400)), map_)


def test_another_image_of_the_section_has_a_scale_of_its_own():
    map_, truth = section()
    finer = replace(truth, mpp=truth.mpp / 2, centres_px=truth.centres_px * 2, image_size=(4800, 4800))
    assert align_spots(finer, map_).overlap == 1.0


def test_few_spots_off_the_slide_are_left_out_and_counted():
    map_, truth = section()
    centres = truth.centres_px.copy()
    centres[3] = [5000, 10]
    found = align_spots(moved(truth, centres), map_)
    assert 3 not in found.spots and len(found.spots) == truth.n - 1
    assert found.flow.to_frame()["reason"].tolist() == ["1 spot is off the slide"]


def test_many_spots_off_the_slide_are_refused():
    map_, truth = section()
    centres = truth.centres_px.copy()
    centres[:10] = [5000, 10]
    with pytest.raises(InputError, match=r"10 of \d+ spots are off the slide"):
        align_spots(moved(truth, centres), map_)


def test_a_trusted_truth_is_used_as_it_is_and_the_reason_is_a_note():
    map_, truth = section()
    found = align_spots(moved(truth, truth.centres_px[:, ::-1]), map_, trust_positions=True)
    assert "x and y exchanged" in found.notes[0]


def test_both_scales_may_change_together():
    map_, truth = section()
    about = {**map_.about, "slide_mpp": 1.0, "slide_width": 1200, "slide_height": 1200}
    coarser = replace(map_, about=about, centres_px=map_.centres_px / 2)
    found = align_spots(replace(truth, mpp=1.0, centres_px=truth.centres_px / 2), coarser)
    assert found.overlap == align_spots(truth, map_).overlap


def test_axes_that_were_swapped_when_asked_are_to_be_left_as_they_are():
    map_, truth = section()
    swapped = moved(truth, truth.centres_px[:, ::-1], swapped=True)
    with pytest.raises(InputError) as error:
        align_spots(swapped, map_)
    assert error.value.fix.startswith("leave out --swap-xy")


def test_a_map_of_a_region_is_not_called_another_slide():
    _, truth = make_judged(genes=1)
    region, _ = section([(i, j) for i in range(12) for j in range(12) if i > 2 or j > 3])
    with pytest.raises(InputError, match="whose 12 tiles lie among them: the map is of a region") as error:
        align_spots(truth, region)
    assert error.value.fix == "if it is of a region, --trust-positions"
    assert align_spots(truth, region, trust_positions=True).overlap == pytest.approx(12 / 144)


def test_a_truth_of_a_part_of_the_map_is_noted():
    map_, truth = make_judged(genes=1)
    part = truth.subset(np.arange(truth.n) < 24, "a strip")
    assert align_spots(part, map_).notes == (
        "only 25% of the tiles of the map have a spot near: the truth is of a part of it",
    )


def test_spots_without_a_count_are_left_out_and_counted():
    map_, truth = make_judged()
    totals = truth.totals.copy()
    totals[:3] = 0
    flow = Flow()
    kept, (aligned,) = usable_spots(replace(truth, totals=totals), [map_], flow)
    assert kept.spots == truth.spots[3:] and len(aligned.spots) == truth.n
    assert flow.to_frame()["reason"].tolist() == ["3 spots without a count"]
    with pytest.raises(InputError, match="no spot has a count"):
        usable_spots(replace(truth, totals=0 * totals), [map_], flow)
