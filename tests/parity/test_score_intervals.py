"""Intervals of a score equal those from R's lm, hatvalues and sort."""

from __future__ import annotations

import pandas as pd
import pytest

from sequoia_stats.conformal import score_intervals
from tests.parity.reference import assert_matches, inputs, reference

WANT = reference("score_intervals/half_widths")
LEVELS = (0.5, 0.8, 0.9, 0.95)


def half_widths(known: pd.DataFrame, new: pd.DataFrame, level: float) -> pd.DataFrame:
    frames = {
        kind: score_intervals(known, new, level=level, width=kind).frame for kind in ("constant", "predicted")
    }
    halves = {kind: (frame["upper"] - frame["lower"]) / 2 for kind, frame in frames.items()}
    return pd.DataFrame({"centre": frames["constant"]["centre"], **halves})


@pytest.mark.parametrize("case", ["even", "uneven", "level_tied"])
def test_centres_and_half_widths_equal_r(case):
    known, new = inputs(f"score_intervals/{case}"), inputs("score_intervals/new")
    got = [
        half_widths(known, new, level).rename(lambda patient, at=level: f"{case} {at:g} {patient}")
        for level in LEVELS
    ]
    want = WANT[WANT.index.str.startswith(f"{case} ")]
    assert_matches(pd.concat(got).rename_axis("case"), want, rtol=1e-10)
