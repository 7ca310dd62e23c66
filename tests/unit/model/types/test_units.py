"""What values a unit of expression allows."""

from __future__ import annotations

import pytest

from sequoia_model.types.units import EXPRESSION, NOT_STATED, looks_counted, measured_contradiction


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
    assert looks_counted(1e6) and not looks_counted(22.0)
