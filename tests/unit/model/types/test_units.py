"""What values a unit of expression allows."""

from __future__ import annotations

import pytest

from sequoia_model.types.units import EXPRESSION, NOT_STATED, measured_contradiction, measured_doubt


@pytest.mark.parametrize(
    ("smallest", "largest", "words"),
    [
        (0.0, 5e5, "measured values reach 5e+05, which is not possible"),
        (-2.5, 9.0, "measured values fall to -2.5, which is not possible"),
    ],
)
def test_measured_values_out_of_the_range_of_their_unit_are_told(smallest, largest, words):
    doubt = measured_contradiction(EXPRESSION, smallest, largest)
    assert doubt is not None
    assert words in doubt


@pytest.mark.parametrize("units", [EXPRESSION, "log2(fpkm-uq + 1)"])
def test_values_within_the_range_are_no_contradiction(units):
    assert measured_contradiction(units, -1e-9, 21.5) is None


def test_of_other_units_nothing_is_known():
    assert measured_contradiction("z-score", -5, 5) is None
    assert measured_contradiction(NOT_STATED, -5, 1e6) is None


def test_a_million_is_no_logarithm():
    words = {"wrong": "the unit is wrong", "harm": "a few genes decide"}
    doubts = [measured_doubt(units, 0, 1e6, **words) for units in (EXPRESSION, "TPM", NOT_STATED)]
    assert (
        doubts[0] == f"measured values reach 1e+06, which is not possible in {EXPRESSION}: the unit is wrong"
    )
    assert doubts[1:] == ["measured values reach 1e+06, as without a logarithm: a few genes decide"] * 2
    assert measured_doubt(NOT_STATED, -5, 22.0, **words) is None
