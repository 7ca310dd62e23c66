"""Risk sets: counts at every time against their definition, and step functions over the times."""

import numpy as np
from hypothesis import given

from sequoia_stats.survival.risk_sets import RiskSets
from sequoia_stats.types.outcome import Outcome
from tests.build.strategies import outcomes

#: Times 2, 1, 2, 2, 3: an event and a censoring at 2, besides another event.
SMALL = Outcome([2.0, 1.0, 2.0, 2.0, 3.0], [True, False, False, True, True], "OS")


def test_events_and_censorings_are_counted_at_every_time():
    sets = RiskSets.of(SMALL)
    counts = (sets.times, sets.at_risk, sets.events, sets.censored)
    assert [c.tolist() for c in counts] == [[1.0, 2.0, 3.0], [5, 4, 1], [0, 2, 1], [1, 1, 0]]


def test_events_come_before_censorings_at_the_same_time():
    assert RiskSets.of(SMALL).order.tolist() == [1, 0, 3, 2, 4]


def test_risk_sets_at_events_leave_out_times_with_censorings_alone():
    sets = RiskSets.of(SMALL, at_events=True)
    assert (sets.times.tolist(), sets.at_risk.tolist(), sets.events.tolist()) == ([2.0, 3.0], [4, 1], [2, 1])


@given(outcomes())
def test_a_risk_set_holds_those_whose_time_is_not_over(outcome):
    sets = RiskSets.of(outcome)
    expected = (outcome.time[None, :] >= sets.times[:, None]).sum(axis=1)
    np.testing.assert_array_equal(sets.at_risk, expected)
    assert (outcome.time[sets.order[sets.first]] == sets.times).all()


@given(outcomes())
def test_everybody_leaves_once(outcome):
    sets = RiskSets.of(outcome)
    assert sets.events.sum() == outcome.n_events
    np.testing.assert_array_equal(sets.at_risk - sets.events - sets.censored, np.append(sets.at_risk[1:], 0))


def test_a_step_function_changes_at_the_times_of_events_themselves():
    sets = RiskSets.of(SMALL, at_events=True)
    assert sets.steps([0.1, 0.2], before=9.0).tolist() == [0.1, 9.0, 0.1, 0.1, 0.2]


def test_an_outcome_without_an_event_has_no_risk_set_at_events():
    assert not RiskSets.of(Outcome([1.0, 2.0], [False, False], "OS"), at_events=True).times.size
