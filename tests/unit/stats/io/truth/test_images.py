"""What the headers of images say of size and scale."""

from __future__ import annotations

from pathlib import Path

import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.io.truth._images import full_size, image_facts
from tests.build.truth import write_image

SLIDES = Path(__file__).parents[4] / "data" / "slides"


@pytest.mark.parametrize(
    ("tags", "mpp"),
    [
        ({"dpi": (50_800, 50_800)}, 0.5),
        ({"resolution_unit": 3, "x_resolution": 20_000, "y_resolution": 20_000}, 0.5),
        ({"dpi": (72, 72)}, 0.0),
        ({"resolution_unit": 1, "x_resolution": 20_000, "y_resolution": 20_000}, 0.0),
        ({}, 0.0),
    ],
)
def test_a_tiff_has_the_scale_of_its_tags_if_a_microscope_can_have_it(tmp_path, tags, mpp):
    facts = image_facts(write_image(tmp_path / "a.tif", (30, 20), **tags))
    assert facts.size == (30, 20) and facts.mpp == pytest.approx(mpp)


def test_a_slide_of_aperio_has_the_scale_of_its_description():
    facts = image_facts(SLIDES / "CMU-1-Small-Region.svs")
    assert facts.size == (2220, 2967) and facts.mpp == pytest.approx(0.499)


@pytest.mark.parametrize("name", ["broken.svs", "absent.png"])
def test_what_is_no_image_is_refused(name):
    with pytest.raises(InputError, match=r"not an image that can be read|does not exist"):
        image_facts(SLIDES / name)


def test_a_full_size_is_rounded_up_and_may_be_unknown():
    assert full_size({"hires": ((2000, 1861), 0.24414062)}, "here") == (8193, 7623)
    assert full_size({}, "here") is None
