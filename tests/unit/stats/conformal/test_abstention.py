"""Abstention: groups by the interval, the share decided at a level, and the formula for normal scores."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sequoia_stats.conformal import (
    ABSTENTION_LEVELS,
    expected_share,
    interval_groups,
    score_intervals,
    share_decided,
)
from sequoia_stats.errors import InputError
from tests.build.scores import make_scores

#: Correlation, level, and the share of patients decided, in percent.
STATED = [(0.5, 0.9, 0.4), (0.7, 0.9, 9), (0.5, 0.8, 2.6), (0.7, 0.8, 19)]


# --- groups --------------------------------------------------------------------------------------------------------


def test_an_interval_that_holds_the_cutoff_is_uncertain():
    got = interval_groups([1.1, 0.9, -3.0, -np.inf], [2.0, 2.0, 0.9, np.inf], 1.0)
    assert got.tolist() == ["high", "uncertain", "low", "uncertain"]


def test_a_tie_with_the_cutoff_is_low():
    assert interval_groups([0.0, -1.0], [1.0, 0.0], 0.0).tolist() == ["uncertain", "low"]


def test_each_patient_may_have_a_cutoff_of_his_own():
    assert interval_groups([1.0, 1.0], [2.0, 2.0], [0.0, 3.0]).tolist() == ["high", "low"]


# --- the share that is expected --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("r", "level", "percent"), STATED)
def test_the_formula_gives_the_shares_that_were_stated(r, level, percent):
    assert 100 * expected_share(r, level) == pytest.approx(percent, abs=0.5 if percent > 5 else 0.05)


@pytest.mark.parametrize(("r", "level", "percent"), STATED)
def test_many_normal_scores_are_decided_as_the_formula_says(r, level, percent):
    known, new = make_scores(20_000, r), make_scores(100_000, r, named="N")
    frame = score_intervals(known, new, level=level).frame
    share = (interval_groups(frame["lower"], frame["upper"], 0.0) != "uncertain").mean()
    error = np.sqrt(share * (1 - share) / len(new))
    assert share == pytest.approx(expected_share(r, level), abs=4 * error + 0.05 * share)


@pytest.mark.parametrize("cutoff", [-1.0, 0.3, 2.0])
def test_the_formula_integrates_the_density_where_the_interval_misses_the_cutoff(cutoff):
    r, level = 0.6, 0.8
    predicted = np.linspace(-12, 12, 2_000_001)
    outside = np.abs(r * predicted - cutoff) > stats.norm.ppf((1 + level) / 2) * np.sqrt(1 - r**2)
    want = np.trapezoid(stats.norm.pdf(predicted) * outside, predicted)
    assert expected_share(r, level, cutoff) == pytest.approx(want, abs=1e-5)


@given(r=st.floats(0.01, 0.99), level=st.floats(0.01, 0.99), cutoff=st.floats(-3, 3))
def test_the_formula_has_no_sides_and_falls_with_the_level(r, level, cutoff):
    share = expected_share(r, level, cutoff)
    assert share == pytest.approx(expected_share(r, level, -cutoff))
    assert share >= expected_share(r, min(level + 0.005, 0.999), cutoff)


@pytest.mark.parametrize("r", [0.0, -0.5, float("nan")])
def test_a_score_that_says_nothing_decides_nobody(r):
    assert expected_share(r, 0.5) == 0


# --- the table -----------------------------------------------------------------------------------------------------


def test_the_table_counts_the_groups_of_each_level():
    known = make_scores(n=200, r=0.8)
    table = share_decided(known, known, 0.1, levels=[0.8, 0.5])
    frame = score_intervals(known, known, level=0.8).frame
    groups = interval_groups(frame["lower"], frame["upper"], 0.1)
    want = {"n": 200, "n_low": (groups == "low").sum(), "n_high": (groups == "high").sum()}
    assert table.iloc[0][list(want)].to_dict() == want
    assert table["share"].tolist() == (table["n_decided"] / 200).tolist()


def test_patients_on_the_measured_side_are_counted_one_by_one():
    known = make_scores(n=200, r=0.8)
    row = share_decided(known, known, 0.1, levels=[0.7]).iloc[0]
    frame = score_intervals(known, known, level=0.7).frame
    right = (frame["lower"] > 0.1) & (known["measured"] > 0.1) | (frame["upper"] <= 0.1) & (
        known["measured"] <= 0.1
    )
    assert row["n_right"] == right.sum() and row["n_measured"] == row["n_decided"]
    assert row["error"] == pytest.approx(1 - right.sum() / row["n_decided"])


def test_patients_that_were_not_measured_are_decided_but_not_judged():
    known, new = make_scores(n=200, r=0.9), make_scores(n=50, r=0.9, named="N")
    row = share_decided(known, new[["predicted"]], 0.0, levels=[0.5]).iloc[0]
    assert row["n_decided"] > 10 and row["n_measured"] == 0 and np.isnan(row["error"])


def test_the_expected_share_takes_the_cutoff_in_sds_of_the_measured_score():
    known = make_scores(n=500, r=0.7)
    r = known["measured"].corr(known["predicted"])
    standard = (1.0 - known["measured"].mean()) / known["measured"].std()
    row = share_decided(known, known, 1.0, levels=[0.8]).iloc[0]
    assert row["expected"] == pytest.approx(expected_share(r, 0.8, standard))


def test_a_cutoff_for_each_patient_moves_with_the_scores():
    known = make_scores(n=200, r=0.8)
    moved = known.assign(measured=known["measured"] + 5)
    cuts = pd.Series(5.0, known.index)
    want = share_decided(known, known, 0.0, levels=[0.7, 0.5])
    pd.testing.assert_frame_equal(share_decided(moved, moved, cuts, levels=[0.7, 0.5]), want)


@pytest.mark.parametrize("level", [0.95, 0.9, 0.8])
def test_of_the_decided_no_more_are_on_the_wrong_side_than_miss_their_interval(level):
    known = make_scores(n=2000, r=0.7)
    row = share_decided(known, known, 0.0, levels=[level]).iloc[0]
    assert row["error"] < (1 - level) / 2 + 0.02


def test_a_patient_without_a_cutoff_is_refused():
    known = make_scores(n=20)
    with pytest.raises(InputError, match="1 of 20 patients has no cut-off"):
        share_decided(known, known, pd.Series(0.0, known.index[1:]))


def test_the_page_of_intervals_shows_what_the_formula_gives():
    lines = (Path(__file__).parents[4] / "docs" / "intervals.md").read_text().splitlines()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if line.startswith(("| level |", "| 9", "| 5", "| 7", "| 8"))
    ]
    correlations = [float(cell.removeprefix("r = ")) for cell in rows[0][1:]]
    want = [
        [f"{level:.0%}", *(f"{100 * expected_share(r, level):.1f}%" for r in correlations)]
        for level in ABSTENTION_LEVELS
    ]
    assert rows[1:] == want
