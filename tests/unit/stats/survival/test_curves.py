"""Kaplan-Meier curves against a loop over times, and their values at the edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequoia_stats.errors import InputError
from sequoia_stats.survival import group_curves, kaplan_meier_curve, median_follow_up
from sequoia_stats.types.outcome import Outcome
from tests.build.cohorts import make_outcome
from tests.build.strategies import outcomes


def survival_by_loop(outcome: Outcome, time: float) -> float:
    """Product over event times up to `time` of the share that survives each."""
    value = 1.0
    for t in np.unique(outcome.time[outcome.event]):
        deaths = (outcome.event & (outcome.time == t)).sum()
        value *= 1 - deaths / (outcome.time >= t).sum() if t <= time else 1
    return value


@given(outcomes())
@settings(max_examples=30)
def test_survival_is_the_product_over_event_times(outcome):
    curve = kaplan_meier_curve(outcome)
    times = curve.frame["time"]
    np.testing.assert_allclose(curve.at(times), [survival_by_loop(outcome, t) for t in times], atol=1e-12)


@given(outcomes())
@settings(max_examples=30)
def test_numbers_at_risk_count_the_patients_still_under_observation(outcome):
    times = np.arange(0, 10, 0.5)
    assert kaplan_meier_curve(outcome).at_risk(times).tolist() == [
        int((outcome.time >= t).sum()) for t in times
    ]


@given(outcomes())
@settings(max_examples=30)
def test_events_and_censorings_add_up_to_the_patients(outcome):
    frame = kaplan_meier_curve(outcome).frame
    assert (frame["events"].sum(), frame["censored"].sum()) == (
        outcome.n_events,
        outcome.n - outcome.n_events,
    )


@given(outcomes(), st.sampled_from([1 / 12, 30.4375]))
@settings(max_examples=20)
def test_rescaling_time_rescales_the_median(outcome, factor):
    rescaled = Outcome(outcome.time * factor, outcome.event, outcome.endpoint)
    np.testing.assert_allclose(
        kaplan_meier_curve(rescaled).median, kaplan_meier_curve(outcome).median * factor
    )


@given(outcomes())
@settings(max_examples=30)
def test_the_band_holds_the_curve(outcome):
    frame = kaplan_meier_curve(outcome).frame.dropna()
    assert ((frame["low"] <= frame["survival"]) & (frame["survival"] <= frame["high"])).all()


def test_the_curve_is_constant_between_times_and_unknown_beyond_the_last():
    curve = kaplan_meier_curve(Outcome([2.0, 4.0], [True, False], "OS"))
    np.testing.assert_allclose(curve.at([0, 1.9, 2, 3.9, 4, 4.1]), [1, 1, 0.5, 0.5, 0.5, np.nan])


def test_without_events_survival_stays_one_and_the_median_is_undefined():
    curve = kaplan_meier_curve(make_outcome(events=0))
    assert (curve.frame["survival"] == 1).all()
    assert curve.to_dict()["median"] is None


def test_one_patient_has_a_curve():
    curve = kaplan_meier_curve(Outcome([5.0], [True], "OS"), "one")
    assert (curve.label, curve.n, curve.n_events, curve.median) == ("one", 1, 1, 5.0)


def test_no_patient_has_none():
    with pytest.raises(InputError, match="no patients"):
        kaplan_meier_curve(make_outcome()[:0], "high")


def test_follow_up_of_patients_without_any_event_is_the_median_of_their_times():
    assert median_follow_up(Outcome([10.0, 20.0, 30.0], [False] * 3, "OS")) == 20.0


def test_printing_shows_counts_and_leaves_the_table_out():
    text = str(kaplan_meier_curve(make_outcome(), "high risk"))
    assert "high risk" in text
    assert "at_risk" not in text


def test_the_median_is_the_middle_of_a_step_at_exactly_one_half():
    assert kaplan_meier_curve(Outcome([1.0, 2.0, 3.0, 4.0], [True] * 4, "OS")).median == 2.5


def test_groups_have_a_curve_each_in_a_fixed_order():
    outcome = make_outcome(n=90, events=40)
    groups = np.array(["uncertain", "high", "low"] * 30)
    curves = group_curves(outcome, groups)
    assert list(curves) == ["low", "high", "uncertain"]
    assert curves["high"].n_events == outcome.event[groups == "high"].sum()


def test_groups_without_patients_have_no_curve():
    assert list(group_curves(make_outcome(n=20, events=5), np.array(["uncertain"] * 20))) == ["uncertain"]
