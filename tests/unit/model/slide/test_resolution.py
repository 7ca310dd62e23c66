from __future__ import annotations

import math
from pathlib import Path

import pytest

from sequoia_model.errors import InputError
from sequoia_model.slide.resolution import Resolution, resolve
from sequoia_model.slide.sources.levels import Facts, PyramidLevel

NAME = Path("S1.svs")


def resolved(
    given: float | None = None, *, unused: tuple[str, ...] = (), kind: str = "made", **claims: float
) -> Resolution:
    """The resolution of a slide that claims mpp, tags (x and y alike unless given as mpp_x …) or power."""
    names = {"power": "objective power"}
    said = {names.get(name, name.replace("_", " ")): value for name, value in claims.items()}
    for name, short in (("mpp", "mpp"), ("TIFF resolution", "tags"), ("OME pixel size", "ome")):
        if short in said:
            value = said.pop(short)
            said |= {f"{name} x": value, f"{name} y": value}
    return resolve(Facts(kind, (PyramidLevel((10, 10), 1.0),), said, unused), NAME, given)


@pytest.mark.parametrize(
    ("claims", "mpp", "source"),
    [
        ({"mpp": 0.25, "tags": 0.26, "power": 40}, 0.25, "mpp"),
        ({"tags": 0.26, "power": 40}, 0.26, "TIFF resolution"),
        ({"power": 40}, 0.25, "objective power"),
        ({"ome": 0.5, "tags": 0.51}, 0.5, "OME pixel size"),
        ({"mpp": 0.08}, 0.08, "mpp"),
        ({"tags": 10.0}, 10.0, "TIFF resolution"),
        ({"mpp_x": 0.25}, 0.25, "mpp"),
        ({"mpp_x": 0.24, "mpp_y": 0.25}, 0.245, "mpp"),
    ],
)
def test_the_most_credible_statement_is_believed(claims, mpp, source):
    got = resolved(**claims)
    assert got.mpp == pytest.approx(mpp) and got.source == source
    assert [note for note in got.notes if "enlarged" not in note] == []


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        (
            {"mpp": 0.25, "power": 20},
            "contradicts itself: its mpp is 0.25 µm/px, but its objective power is 20x",
        ),
        ({"mpp": 0.5, "power": 40}, "objective power is 40x, about 0.25 µm/px"),
        ({"mpp": 0.25, "tags": 0.5}, "TIFF resolution is 0.5 µm/px"),
        ({"tags": 0.25, "power": 20}, "contradicts itself: its TIFF resolution"),
        ({"mpp_x": 0.25, "mpp_y": 0.27}, "0.25 µm/px in x and 0.27 in y"),
    ],
)
def test_contradictions_are_refused_and_the_option_named(claims, words):
    with pytest.raises(InputError, match=r"--slide-mpp") as error:
        resolved(**claims)
    assert words in error.value.what and "S1.svs" in error.value.where


@pytest.mark.parametrize("claims", [{"mpp": 0.25, "power": 20}, {"mpp_x": 0.25, "mpp_y": 0.4}])
def test_a_given_resolution_settles_a_contradiction(claims):
    assert resolved(0.25, **claims).source == "given"


def test_a_given_resolution_wins_and_a_note_says_what_the_file_says():
    got = resolved(0.5, mpp=0.25, power=20)
    assert (got.mpp, got.source) == (0.5, "given")
    assert got.notes == ("the file's mpp says 0.25 µm/px, but 0.5 was given",)
    assert got.found == {"mpp x": 0.25, "mpp y": 0.25, "objective power": 20}


@pytest.mark.parametrize("power", [20 / 1.49, 20 * 1.49])
def test_power_and_mpp_may_differ_by_less_than_a_half(power):
    assert resolved(mpp=0.5, power=power).mpp == 0.5


@pytest.mark.parametrize("factor", [1.51, 1 / 1.51])
def test_power_and_mpp_may_not_differ_by_more(factor):
    with pytest.raises(InputError, match="contradicts itself"):
        resolved(mpp=0.5, power=20 * factor)


@pytest.mark.parametrize("dpi", [72, 96, 300, 600])
def test_the_resolution_of_a_screen_or_printer_means_nothing(dpi):
    with pytest.raises(InputError, match="nothing that the file says about its scale can be used") as error:
        resolved(tags=25_400 / dpi)
    assert f"({dpi} dpi)" in error.value.what and "implausible for a slide" in error.value.what
    assert "--slide-mpp" in error.value.fix and "--mpp-table" in error.value.fix


@pytest.mark.parametrize("nonsense", [0.0, -0.25, math.nan, math.inf])
def test_a_nonsensical_mpp_of_the_file_is_ignored_with_a_note(nonsense):
    got = resolved(mpp=nonsense, power=20)
    assert got.mpp == 0.5 and got.source == "objective power"
    assert "was not used" in got.notes[0]


@pytest.mark.parametrize("power", [0.0, -20.0, 1000.0, math.nan])
def test_a_nonsensical_power_is_not_used(power):
    with pytest.raises(InputError, match="implausible for a microscope"):
        resolved(power=power)


@pytest.mark.parametrize("given", [0.0, -1.0, math.nan, math.inf, 100.1, 0.049, 0.00025])
def test_a_given_resolution_must_be_valid(given):
    with pytest.raises(InputError, match="is not a valid resolution"):
        resolved(given, mpp=0.5)


@pytest.mark.parametrize(
    "claims", [{"tags": 0.0274}, {"mpp": 0.0274, "power": 40}, {"ome": 250}, {"mpp": 10.1}]
)
def test_a_scale_of_no_microscope_is_refused_with_the_way_out(claims):
    with pytest.raises(InputError, match=r"implausible for a slide: a microscope has 0\.08 to 10") as error:
        resolved(**claims)
    assert f"{next(iter(claims.values())):g}" in error.value.what and "--slide-mpp" in error.value.fix
    assert resolved(0.25, **claims).mpp == 0.25


def test_the_print_density_of_a_slide_that_states_its_scale_is_only_noted():
    got = resolved(mpp=0.25, power=40, tags=25_400 / 72)
    assert got.mpp == 0.25 and "(72 dpi) is that of a screen or printer" in got.notes[0]


def test_what_cannot_be_used_is_named_and_a_given_resolution_settles_it():
    with pytest.raises(InputError, match="the file's ImageJ unit is 'pixel', which is not a length"):
        resolved(unused=("ImageJ unit is 'pixel', which is not a length",))
    assert resolved(0.25, unused=("ImageJ unit is 'pixel', which is not a length",)).notes == ()


def test_a_file_that_says_nothing_is_told_so():
    with pytest.raises(InputError, match="the file does not state its µm per pixel"):
        resolved()


def test_a_level_that_states_another_scale_is_a_contradiction():
    with pytest.raises(InputError, match=r"its TIFF resolution of level 1 is 0\.5"):
        resolved(tags=0.25, TIFF_resolution_of_level_1_x=0.5)
    assert resolved(TIFF_resolution_of_level_1_x=0.5).source == "TIFF resolution"


def test_a_scanner_with_a_camera_adapter_has_20x_and_a_quarter_um():
    assert resolved(mpp=0.2325, power=20, kind="mirax").mpp == 0.2325


def test_a_slide_coarser_than_tiles_is_enlarged_and_says_so():
    assert resolved(mpp=0.5).notes == ()
    assert "its tiles are enlarged" in resolved(mpp=1.0).notes[-1]
