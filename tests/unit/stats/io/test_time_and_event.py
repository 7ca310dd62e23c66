"""Units and codes of outcomes: known or given, never guessed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError
from sequoia_stats.io._time_and_event import make_outcome, parse_event, parse_time
from sequoia_stats.types.outcome import MONTH_DAYS

IDS = ["P1", "P2", "P3", "P4"]


def events(*codes, name="status", **options):
    return parse_event(pd.Series(codes, name=name, dtype=object), "clinical.csv", **options)


def usable(times, codes, *, drop_invalid):
    flow = Flow()
    time, event = (pd.Series(values, IDS, dtype=float) for values in (times, codes))
    outcome, kept = make_outcome(time, event, "OS", where="c.csv", drop_invalid=drop_invalid, flow=flow)
    return outcome, list(kept), list(flow)


@given(st.floats(0.1, 50))
def test_days_months_and_years_mean_the_same(years):
    days, months, in_years = (
        parse_time(pd.Series([value]), unit, "c.csv")[0]
        for value, unit in ((years * 365.25, "days"), (years * 12, "months"), (years, "years"))
    )
    assert days == pytest.approx(months, rel=1e-12)
    assert in_years == pytest.approx(months, rel=1e-12)


def test_a_month_has_365_25_twelfths_of_a_day():
    assert parse_time(pd.Series(["365.25", "30.4375"]), "days", "c.csv").tolist() == [12.0, 1.0]
    assert MONTH_DAYS == 30.4375


def test_a_missing_time_stays_missing():
    assert parse_time(pd.Series(["5", np.nan]), "months", "c.csv").isna().tolist() == [False, True]


def test_a_time_in_words_is_an_error_with_its_row():
    times = pd.Series(["5", "long"], pd.Index([2, 3], name="row"))
    with pytest.raises(InputError, match=r"1 time is not numeric: long\n.*c.csv, rows 3"):
        parse_time(times, "months", "c.csv")


def test_an_unknown_unit_is_refused():
    with pytest.raises(InputError, match=r"--time-unit days|months|years"):
        parse_time(pd.Series([1.0]), "weeks", "c.csv")


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ((0, 1), [0, 1]),
        (("0", "1"), [0, 1]),
        (("0.0", "1.0"), [0, 1]),
        ((False, True), [0, 1]),
        (("false", "TRUE"), [0, 1]),
        (("0:LIVING", "1:DECEASED"), [0, 1]),
        (("0:DiseaseFree", "1:Recurred/Progressed"), [0, 1]),
        (("0:CENSORED", "1:PROGRESSION"), [0, 1]),
        (("0:Not Recurred", "1:Recurred"), [0, 1]),
    ],
)
def test_plain_codes_are_read_without_a_note(codes, expected):
    parsed, note = events(*codes)
    assert (parsed.tolist(), note) == (expected, "")


@pytest.mark.parametrize("name", ["censorship", "censored", "Censoring", "os_censored", "censorship.months"])
def test_a_censorship_column_is_turned_and_the_turn_is_stated(name):
    parsed, note = events(0, 1, 1, name=name)
    assert parsed.tolist() == [1, 0, 0]
    assert note == f"event = 1 - {name}"


def test_uncensored_is_an_event():
    assert events(0, 1, name="uncensored")[0].tolist() == [0, 1]


@pytest.mark.parametrize("name", ["censor", "cens", "is_cens", "CNSR"])
def test_a_column_called_censor_may_mean_either_and_is_asked_about(name):
    with pytest.raises(InputError, match="does not say whether 1 is an event"):
        events(0, 1, name=name)


def test_a_declared_value_is_the_event_and_others_are_not():
    parsed, note = events("dead", "alive", "lost", np.nan, event_value="dead")
    assert parsed.tolist()[:3] == [1, 0, 0]
    assert parsed.isna().tolist() == [False, False, False, True]
    assert note == "event where status is 'dead'"


def test_a_declared_number_need_not_be_spelt_alike():
    assert events("2.0", "1.0", event_value="2")[0].tolist() == [1, 0]


def test_a_declared_value_wins_over_a_censorship_name():
    assert events(0, 1, name="censored", event_value="1")[0].tolist() == [0, 1]


@pytest.mark.parametrize(
    "codes", [("dead", "alive"), (1, 2), ("DECEASED", "0"), (0.5, 1), ("2:OTHER", "0:NO")]
)
def test_other_codes_are_an_error_that_names_the_option(codes):
    with pytest.raises(InputError, match="--event-value") as caught:
        events(*codes)
    assert "neither 0 nor 1" in str(caught.value)


def test_other_codes_are_listed_with_their_rows():
    codes = pd.Series(["0", "dead", "1", "lost"], pd.Index([2, 3, 4, 5], name="row"), name="status")
    with pytest.raises(InputError, match=r"2 events .*: dead, lost\n.*rows 3, 5"):
        parse_event(codes, "c.csv")


def test_a_declared_value_that_no_patient_has_is_an_error():
    with pytest.raises(InputError, match="no patient has the event value 'died'; the values are dead, alive"):
        events("dead", "alive", event_value="died")


def test_a_good_outcome_adds_no_line():
    outcome, kept, steps = usable([1, 2, 3, 4], [0, 1, 0, 1], drop_invalid=False)
    assert (outcome.n_events, kept, steps) == (2, IDS, [])


def test_unusable_outcomes_are_listed_by_reason():
    with pytest.raises(InputError) as caught:
        usable([np.nan, 0, 3, -4], [0, 1, np.nan, 1], drop_invalid=False)
    text = str(caught.value)
    assert "4 of 4" in text and "--drop-invalid" in text
    assert "time missing: P1" in text and "time not positive: P2, P4" in text and "event missing: P3" in text


def test_dropped_outcomes_are_counted_by_reason():
    outcome, kept, steps = usable([np.nan, 0, 3, 4], [0, 1, np.nan, 1], drop_invalid=True)
    assert (outcome.time.tolist(), kept) == ([4.0], ["P4"])
    assert steps == [
        ("patients: usable OS", 4, 3, "time missing"),
        ("patients: usable OS", 3, 2, "time not positive"),
        ("patients: usable OS", 2, 1, "event missing"),
    ]


def test_dropping_everybody_is_an_error():
    with pytest.raises(InputError, match="no patient has a usable OS"):
        usable([0, 0, 0, 0], [1, 1, 1, 1], drop_invalid=True)
