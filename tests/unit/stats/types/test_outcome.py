"""Outcome: which times are tied, and which are as given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.types.outcome import Outcome, as_outcome, unit_time

GAP = np.sqrt(np.finfo(float).eps)


def tied(times: list[float]) -> list[float]:
    return Outcome(times, np.ones(len(times), bool), "OS").tied_time.tolist()


def test_times_that_differ_by_rounding_are_the_smallest_of_them():
    assert tied([0.1 + 0.2, 0.3, 2.0]) == [0.3, 0.3, 2.0]


def test_a_chain_of_small_gaps_is_one_time_however_long():
    chain = [0.5 + 0.9 * GAP * link for link in range(6)]
    assert tied(chain[::-1]) == [0.5] * 6


def test_a_gap_above_the_tolerance_parts_two_times():
    assert tied([0.5, 0.5 + 1.1 * GAP]) == [0.5, 0.5 + 1.1 * GAP]


def test_the_tolerance_grows_with_the_mean_of_the_distinct_times():
    assert tied([1.0, 1.0 + 30 * GAP, 99.0]) == [1.0, 1.0, 99.0]
    repeated = [1.0, 1.0 + 30 * GAP] * 9 + [
        99.0
    ]  # the mean of all times is 10.8, that of the distinct ones 33.7
    assert tied(repeated) == [1.0] * 18 + [99.0]


def test_tiny_times_are_tied_by_the_absolute_gap():
    assert tied([1e-9, 1.2e-8, 4e-8]) == [1e-9, 1e-9, 4e-8]


def test_times_themselves_stay_as_given():
    outcome = Outcome([0.1 + 0.2, 0.3], [True, True], "OS")
    assert outcome.time.tolist() == [0.1 + 0.2, 0.3] != outcome.tied_time.tolist()


def test_times_without_near_ties_are_the_very_same_array():
    outcome = Outcome([2.0, 1.0, 2.0], [True, True, False], "OS")
    assert outcome.tied_time is outcome.time


def test_selected_patients_are_compared_among_themselves():
    outcome = Outcome([1.0, 1.0 + 1.8 * GAP, 1.0 + 0.9 * GAP], [True] * 3, "OS")
    assert outcome.tied_time.tolist() == [1.0] * 3
    assert outcome[:2].tied_time.tolist() == outcome.time[:2].tolist()


@pytest.mark.parametrize("largest", [3e-9, 0.7, 1.0, 280.0, 4e9])
def test_a_unit_below_one_keeps_every_digit(largest):
    times = np.array([largest / 3, np.nextafter(largest / 3, 1e10), largest])
    scaled = unit_time(times)
    assert 0.5 <= scaled.max() <= 1 and (np.diff(scaled) > 0).all()
    assert len({float(factor) for factor in times / scaled}) == 1


TIMES = np.array([1.0, 2.0, 3.0])
SECOND = np.array([False, True, False])


@pytest.mark.parametrize("make", [Outcome, lambda time, event, name: as_outcome(time, event, endpoint=name)])
@pytest.mark.parametrize("time", [TIMES, TIMES.astype(int), TIMES.astype("timedelta64[D]")], ids=str)
def test_masked_times_and_events_are_refused(make, time):
    with pytest.raises(
        InputError, match=r"1 of 3 patients has a missing, zero or negative time\n  where: positions 1"
    ):
        make(np.ma.masked_array(time, SECOND), [1, 0, 1], "OS")
    for event in (SECOND, SECOND.astype(int)):
        with pytest.raises(InputError, match=r"1 of 3 events is neither 0 nor 1\n  where: positions 1"):
            make(time, np.ma.masked_array(event, SECOND), "OS")


@pytest.mark.parametrize("form", [np.array, pd.Categorical, lambda texts: pd.array(texts, "string"), list])
@pytest.mark.parametrize("codes", [("0", "1"), ("0.0", "1.0"), ("False", "True")])
def test_codes_of_events_may_be_texts(form, codes):
    assert Outcome(TIMES, form([codes[1], codes[0], codes[1]]), "OS").event.tolist() == [True, False, True]


def test_other_texts_are_no_events():
    with pytest.raises(InputError, match="1 of 3 events is neither 0 nor 1\n  where: positions 1: '2'"):
        Outcome(TIMES, ["1", "2", "0"], "OS")


def test_a_structured_outcome_with_masked_fields_is_refused():
    pairs = np.ma.array([(True, 1.0), (False, 2.0)], dtype=[("event", bool), ("time", float)])
    assert as_outcome(pairs).n_events == 1
    pairs["time"] = np.ma.masked_greater(pairs["time"], 1)
    with pytest.raises(InputError, match="masked fields"):
        as_outcome(pairs)
