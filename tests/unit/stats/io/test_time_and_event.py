"""Units and codes of outcomes: known or given, never guessed."""

from __future__ import annotations

import datetime
import shlex

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError
from sequoia_stats.io._time_and_event import (
    codes_of_missing_times,
    make_outcome,
    note_implausible,
    parse_event,
    parse_time,
)
from sequoia_stats.types.durations import MONTH_DAYS
from sequoia_stats.types.outcome import Outcome

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


@pytest.mark.parametrize("unit", ["days", "months", "years"])
@pytest.mark.parametrize(
    "times",
    [
        pd.Series(pd.to_timedelta([365.25, 30.4375], unit="D")),
        pd.Series(pd.to_timedelta([365.25, 30.4375], unit="D")).astype("timedelta64[s]"),
        pd.Series([datetime.timedelta(days=365.25), datetime.timedelta(days=30.4375)], dtype=object),
    ],
)
def test_durations_have_their_own_unit_whatever_is_declared(unit, times):
    np.testing.assert_allclose(parse_time(times, unit, "c.csv"), [12, 1], rtol=1e-12)


def test_a_missing_duration_stays_missing():
    times = pd.Series(pd.to_timedelta(["365.25 days", None]), ["P1", "P2"])
    assert parse_time(times, "days", "c.csv").isna().to_dict() == {"P1": False, "P2": True}


@pytest.mark.parametrize("times", [pd.to_datetime(["2020-01-01"]), [datetime.date(2020, 1, 1)]])
def test_dates_as_times_are_refused_with_their_place(times):
    with pytest.raises(InputError, match=r"the times are dates(.|\n)*c.csv"):
        parse_time(pd.Series(times), "days", "c.csv")


@pytest.mark.parametrize(
    "odd", ["12 months", "3y", "5 days", "1,250", "2020-01-01", "1_000", True, "True", "inf"]
)
def test_a_time_that_is_not_a_plain_number_is_refused_with_its_row(odd):
    times = pd.Series(["5", odd], pd.Index([2, 3], name="row"), dtype=object)
    with pytest.raises(
        InputError, match=rf"1 time is not numeric: {odd}\n.*c.csv, rows 3\n.*the number of days alone"
    ):
        parse_time(times, "days", "c.csv")


def test_an_unknown_unit_is_refused():
    with pytest.raises(InputError, match=r"choose days\|months\|years"):
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


@pytest.mark.parametrize("name", ["censorship", "censored", "Censoring", "is_censored", "Censored?"])
@pytest.mark.parametrize(
    "codes", [(0, 1, 1), ("0.0", "1", "1.0"), (False, True, True), ("FALSE", "true", "TRUE")]
)
def test_a_censorship_column_is_turned_and_the_turn_is_stated(name, codes):
    parsed, note = events(*codes, name=name)
    assert parsed.tolist() == [1, 0, 0]
    assert note.startswith(f"event = 1 - {name}: 1 of 3 patients has it; taken as censored: ")


def test_uncensored_is_an_event():
    assert events(0, 1, name="uncensored")[0].tolist() == [0, 1]


HEADERS = [
    "status",
    "censored",
    "status (1=dead, 0=censored)",
    "dead/censored",
    "Not censored",
    "overall_survival",
    "cens",
]
CODES = {
    "0/1": (1, 1, 0),
    "text": ("1.0", "1", "0"),
    "truth": (True, True, False),
    "words": ("yes", "yes", "no"),
    "label": ("1:DECEASED", "1:DECEASED", "0:LIVING"),
    "1/2": (1, 1, 2),
    "dead": ("dead", "dead", "alive"),
    "turned": ("1:LIVING", "1:LIVING", "0:DECEASED"),
}
AS_SAID, TURNED = [1, 1, 0], [0, 0, 1]
#: What is read, header by header, without an event value; what is not here is asked about.
READ = {
    **{("status", codes): AS_SAID for codes in ("0/1", "text", "truth", "label")},
    **{("censored", codes): TURNED for codes in ("0/1", "text", "truth")},
    **{(header, "label"): AS_SAID for header in HEADERS[2:]},
}


def read_or_asked(header, codes, **options):
    try:
        return events(*CODES[codes], name=header, **options)[0].tolist()
    except InputError as error:
        return error


@pytest.mark.parametrize("codes", CODES)
@pytest.mark.parametrize("header", HEADERS)
def test_every_header_with_every_coding_is_read_right_or_asked_about(header, codes):
    got = read_or_asked(header, codes)
    assert got == READ[header, codes] if (header, codes) in READ else "--event-value" in str(got)


@pytest.mark.parametrize("codes", CODES)
@pytest.mark.parametrize("header", HEADERS)
def test_a_declared_value_is_the_event_whatever_the_header(header, codes):
    first, _, last = CODES[codes]
    assert read_or_asked(header, codes, event_value=str(first)) == [1, 1, 0]
    assert read_or_asked(header, codes, event_value=[str(last)]) == [0, 0, 1]


def test_a_column_that_may_mean_either_is_asked_about_with_its_values():
    with pytest.raises(
        InputError, match=r"'cens' does not say whether 1 is an event .* '1' \(2\), '0' \(1\)"
    ):
        events(0, 1, 1, name="cens")


def test_a_label_against_its_code_is_named_as_the_cause():
    with pytest.raises(InputError, match=r"contradict each other: '1:LIVING' \(2\)") as caught:
        events("1:LIVING", "0:OTHER", "1:LIVING")
    assert "patients 0, 2" in str(caught.value)


def test_a_declared_value_is_the_event_and_others_are_listed():
    parsed, note = events("dead", "alive", "lost", "alive", np.nan, event_value="dead")
    assert parsed.tolist()[:4] == [1, 0, 0, 0]
    assert parsed.isna().tolist() == [False] * 4 + [True]
    assert (
        note
        == "event where status is 'dead': 1 of 4 patients has it; taken as censored: 'alive' (2), 'lost' (1)"
    )


def test_several_values_may_be_declared():
    parsed, note = events("dead", "Dead", "alive", "DECEASED", event_value=["dead", "Dead", "DECEASED"])
    assert parsed.tolist() == [1, 1, 0, 1]
    assert note.startswith("event where status is 'dead', 'Dead', 'DECEASED': 3 of 4 patients have it")


@pytest.mark.parametrize(
    ("declared", "others"),
    [
        ("Dead", ["dead", "DEAD"]),
        ("Dead", ["Deceased"]),
        ("1:DECEASED", ["1"]),
        ("1", ["yes"]),
        ("Recurred", ["Recurred/Progressed"]),
    ],
)
def test_another_value_that_may_mean_the_event_is_an_error_whose_way_out_works(declared, others):
    codes = [declared, *others, "alive", "lost"]
    with pytest.raises(InputError, match="may mean the event too") as caught:
        events(*codes, event_value=declared)
    options = shlex.split(caught.value.fix.partition(": ")[2].partition(";")[0])
    assert all(f"{other!r} (1)" in str(caught.value) for other in others)
    assert events(*codes, event_value=options[1::2])[0].tolist() == [1.0] * (1 + len(others)) + [0, 0]


@pytest.mark.parametrize("cut", ['0"', '"0', '1"', '"dead'])
def test_a_value_with_one_quote_of_two_is_never_censored(cut):
    with pytest.raises(
        InputError, match=r"1 event has a quote that is opened or closed alone: .*\n.*patients 2"
    ):
        events("1", "0", cut, event_value="1")


def test_words_of_a_format_are_read_and_what_was_the_event_is_stated():
    parsed, note = events("DECEASED", "living", "1:DECEASED", word_code={"DECEASED": 1.0, "living": 0.0}.get)
    assert parsed.tolist() == [1, 0, 1]
    assert note.startswith(
        "event where status is 'DECEASED', '1:DECEASED': 2 of 3 patients have it; taken as"
    )
    _, note = events("living", "living", word_code={"living": 0.0}.get)
    assert note.endswith("is something else: 0 of 2 patients have it; taken as censored: 'living' (2)")


@pytest.mark.parametrize("value", [2, 2.0, "2", [2], ("2.0",), np.int64(2)])
def test_an_event_value_may_be_a_number(value):
    assert events(2, 1, 2, event_value=value)[0].tolist() == [1, 0, 1]


def test_an_empty_event_value_is_refused():
    with pytest.raises(InputError, match="an event value is empty"):
        events(0, 1, event_value=["1", " "])


@pytest.mark.parametrize("nothing", [[], (), set(), iter([])])
def test_an_empty_list_of_event_values_is_refused(nothing):
    with pytest.raises(InputError, match=r"the list of event values is empty(.|\n)*--event-value"):
        events(0, 1, event_value=nothing)


@pytest.mark.parametrize("value", ["1", 1, "DECEASED", "1:DECEASED"])
def test_a_code_or_a_label_stands_for_both(value):
    parsed, note = events("1:DECEASED", "0:LIVING", "1:DECEASED", event_value=value)
    assert parsed.tolist() == [1, 0, 1]
    assert (
        note == f"event where status is '{value}': 2 of 3 patients have it; taken as censored: '0:LIVING' (1)"
    )


def test_a_label_of_two_codes_stands_for_none():
    with pytest.raises(InputError, match="no patient has the event value 'Dead'"):
        events("1:Dead", "2:Dead", "0:Alive", event_value="Dead")


def test_a_death_of_another_cause_is_asked_about_for_overall_survival_only():
    codes = ["Died of Disease", "Died of Other Causes", "Living"]
    with pytest.raises(InputError, match=r"may mean the event too: 'Died of Other Causes' \(1\)"):
        events(*codes, event_value=codes[0], endpoint="OS")
    assert events(*codes, event_value=codes[:2], endpoint="OS")[0].tolist() == [1, 1, 0]
    assert events(*codes, event_value=codes[0], endpoint="DSS")[0].tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("codes", "value", "unknown"),
    [
        (["2", "1", "9"], "2", "9"),
        (["1", "0", "99"], "1", "99"),
        (["1", "0", "-9"], "1", "-9"),
        (["1", "0", "2", "88"], ["1", "2"], "88"),
        (["1", "0", "2", "9"], "1", "9"),
        ([1.0, 0.0, 9.0], 1, "9.0"),
        (["1", "0", "-1"], "1", "-1"),
        (["Dead", "Alive", "99"], "Dead", "99"),
        (["1", "0", "9"], None, "9"),
        (["1", "0", "-9"], None, "-9"),
    ],
)
def test_a_code_that_often_means_unknown_is_asked_about_and_never_censored(codes, value, unknown):
    with pytest.raises(InputError, match="may mean that the outcome is unknown") as caught:
        events(*codes, event_value=value)
    assert f"'{unknown}' (1)" in str(caught.value) and f"--missing {unknown}" in caught.value.fix


@pytest.mark.parametrize(
    ("codes", "value"), [(["1", "-1"], "1"), (["9", "0"], "9"), (["1", "6", "7", "9"], "1")]
)
def test_codes_of_other_columns_are_not_asked_about(codes, value):
    assert events(*codes, event_value=value)[0].tolist() == [1.0] + [0.0] * (len(codes) - 1)


@pytest.mark.parametrize(
    ("times", "missing", "codes"),
    [
        ([9, 12, 30, 60], ["9"], []),
        ([9, 12, 30, 99, 120], ["99"], []),
        ([12, 30, 80, 99], ["99"], []),
        ([12, 30, 40, 99], ["99"], ["99"]),
        ([12, 30, 80, 99, 99], ["99"], ["99"]),
        ([12, 800, 3000, 9999], ["9999"], ["9999"]),
        (["12,5", "30,4", 999], ["999"], ["999"]),
        (["12,5", "999,5", 999], ["999"], []),
        ([12, 30, -9], ["-9", "9"], ["-9"]),
        ([12, 30, ">60"], [">60", "12"], [">60"]),
        ([12, 30, 0], ["0"], ["0"]),
        ([12, 30, 500], ["500"], []),
    ],
)
def test_a_number_that_means_missing_elsewhere_is_a_time_wherever_it_can_be(times, missing, codes):
    assert codes_of_missing_times(pd.Series(list(map(str, times))), missing) == codes


def test_a_declared_number_need_not_be_spelt_alike():
    assert events("2.0", "1.0", event_value="2")[0].tolist() == [1, 0]


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
    with pytest.raises(
        InputError, match=r"no patient has the event value 'died'; .* 'dead' \(2\), 'alive' \(1\)"
    ):
        events("dead", "alive", "dead", event_value=["dead", "died"])


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


def implausible(times, unit, endpoint="OS"):
    flow = Flow()
    note_implausible(Outcome(np.array(times, float), np.ones(len(times)), endpoint), unit, flow)
    return [step.reason for step in flow]


def test_months_taken_as_years_are_noted_with_the_median_and_the_unit():
    [note] = implausible([600, 734, 1500], "years")
    assert note == (
        "median time to event or censoring 734 months (61 years), longest 1500 months (125 years): "
        "longer than almost any cohort is followed for OS; are the times really in years?"
    )


def test_the_length_of_a_short_follow_up_is_told_in_the_singular_where_it_is_one_year():
    [note] = implausible([3, 14, 17], "months")
    assert note.startswith(
        "median time to event or censoring 14 months (1 year), longest 17 months (1 year): "
    )


@pytest.mark.parametrize(
    ("times", "unit", "noted"),
    [
        ([12, 118, 299], "months", False),
        ([12, 27, 100], "months", False),
        ([1, 241, 242], "months", True),
        ([1, 239, 240], "months", False),
        ([1, 2, 421], "days", True),
        ([1, 2, 419], "days", False),
        ([0.5, 2, 23.9], "days", True),
        ([0.5, 2, 24], "days", False),
    ],
)
def test_times_beyond_what_any_cohort_has_are_noted_and_others_are_not(times, unit, noted):
    assert bool(implausible(times, unit)) is noted


@pytest.mark.parametrize(
    ("endpoint", "median"), [("OS", 20), ("DSS", 20), ("RFS", 15), ("DFI", 15), ("PFI", 10), ("pfs", 10)]
)
def test_the_longest_plausible_median_depends_on_the_endpoint(endpoint, median):
    assert implausible([1, 12 * median + 1, 300], "years", endpoint)
    assert not implausible([1, 12 * median - 1, 300], "years", endpoint)


@pytest.mark.parametrize("endpoint", ["OS", "PFI"])
def test_a_glioblastoma_cohort_in_another_unit_is_noted(endpoint):
    months = np.random.default_rng(0).exponential(9 / np.log(2), 200).clip(0.3, 40)
    assert not implausible(months, "months", endpoint)
    assert implausible(months * 12, "years", endpoint)
    assert implausible(months / 12, "months", endpoint)
