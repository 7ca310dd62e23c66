"""The log-rank test against the textbook's loop, and its symmetries."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequoia_stats.errors import InputError
from sequoia_stats.survival import logrank_test
from sequoia_stats.types.outcome import Outcome
from tests.build.cohorts import make_outcome
from tests.build.strategies import outcomes_with_groups


def two_groups_by_loop(outcome: Outcome, group: np.ndarray) -> float:
    """(observed - expected)^2 / hypergeometric variance, time by time."""
    difference = variance = 0.0
    for t in np.unique(outcome.time[outcome.event]):
        at_risk = outcome.time >= t
        died = outcome.event & (outcome.time == t)
        n, own, d = at_risk.sum(), (at_risk & group).sum(), died.sum()
        difference += (died & group).sum() - d * own / n
        variance += d * own / n * (1 - own / n) * (n - d) / max(n - 1, 1)
    return difference**2 / variance


@pytest.mark.parametrize("seed", range(5))
def test_two_groups_give_the_textbook_statistic(seed):
    outcome, group = make_outcome(seed=seed), np.random.default_rng(seed).random(60) < 0.4
    assert logrank_test(outcome, group).statistic == pytest.approx(
        two_groups_by_loop(outcome, group), rel=1e-10
    )


def test_masked_groups_are_missing():
    outcome, groups = make_outcome(), np.arange(60) % 3
    masked = logrank_test(outcome, np.ma.masked_equal(groups, 2))
    known = groups != 2
    assert (masked.n_missing, masked.df) == (20, 1)
    assert masked.statistic == logrank_test(outcome[known], groups[known]).statistic


@given(outcomes_with_groups())
@settings(max_examples=25)
def test_expected_events_add_up_to_the_observed(case):
    frame = logrank_test(*case).frame
    assert frame["expected"].sum() == pytest.approx(frame["observed"].sum())


@given(outcomes_with_groups(), st.permutations(["a", "b", "c"]))
@settings(max_examples=25)
def test_names_of_groups_do_not_matter(case, names):
    outcome, groups = case
    renamed = logrank_test(outcome, np.array(names)[groups])
    assert renamed.statistic == pytest.approx(logrank_test(outcome, groups).statistic, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("groups", "names"),
    [
        (["a", "a ", "b"], ["a", "b"]),
        (np.array([1, "1", 2], object), [2, "1"]),
        (pd.Categorical(["b", "b ", "a"], ["b ", "b", "a"]), ["b", "a"]),
        (pd.cut([1, 1, 9], 2), [*pd.cut([1, 9], 2).categories]),
    ],
    ids=["blank", "text", "Categorical", "intervals"],
)
def test_groups_that_print_alike_are_one(groups, names):
    outcome = make_outcome()
    result = logrank_test(outcome, groups[np.arange(60) % 3] if hasattr(groups, "dtype") else groups * 20)
    want = logrank_test(outcome, np.arange(60) % 3 == 2)
    assert (result.statistic, result.df) == (pytest.approx(want.statistic), 1)
    assert result.frame["group"].tolist() == names


@given(outcomes_with_groups(), st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_the_order_of_patients_does_not_matter(case, random):
    outcome, groups = case
    order = np.array(random.sample(range(outcome.n), outcome.n))
    moved = logrank_test(outcome[order], groups[order])
    assert moved.statistic == pytest.approx(logrank_test(outcome, groups).statistic, rel=1e-6, abs=1e-9)


@given(outcomes_with_groups(), st.sampled_from([1 / 12, 30.4375]))
@settings(max_examples=25)
def test_the_unit_of_time_does_not_matter(case, factor):
    outcome, groups = case
    rescaled = Outcome(outcome.time * factor, outcome.event, outcome.endpoint)
    expected = logrank_test(outcome, groups)
    assert logrank_test(rescaled, groups).statistic == pytest.approx(expected.statistic, rel=1e-6, abs=1e-9)


def test_a_tiny_p_value_does_not_become_zero():
    outcome = Outcome(np.arange(1.0, 401.0), np.ones(400, bool), "OS")
    result = logrank_test(outcome, np.arange(400) < 200)
    assert 0 < result.p_value < 1e-30


def test_a_group_that_left_before_the_first_event_counts_no_degree_of_freedom():
    outcome = Outcome([1.0, 2.0, 3.0, 4.0, 5.0], [False, True, True, True, True], "OS")
    with_it = logrank_test(outcome, ["gone", "a", "b", "a", "b"])
    without = logrank_test(outcome[1:], ["a", "b", "a", "b"])
    assert (with_it.df, with_it.statistic) == (1, pytest.approx(without.statistic))
    assert with_it.frame["group"].tolist() == ["a", "b", "gone"]


@pytest.mark.parametrize(
    ("events", "groups", "words"),
    [
        (20, ["a"] * 59, "59 groups were given for 60 patients"),
        (20, [None] * 60, "no patient has a group"),
        (20, [["a"], ["b"]] * 30, "a group is a list"),
        (20, np.array([["a", "b"]] * 60), r"shape \(60, 2\)"),
        (20, ["a"] * 60, "two groups"),
        (0, ["a", "b"] * 30, "there are none"),
    ],
)
def test_what_cannot_be_compared_is_refused(events, groups, words):
    with pytest.raises(InputError, match=words):
        logrank_test(make_outcome(events=events), groups)


@pytest.mark.parametrize("groups", [np.arange(60) % 2 + 0j, [(1,), 2] * 30, [1j, 2] * 30])
def test_groups_that_cannot_be_sorted_are_refused(groups):
    with pytest.raises(InputError, match=r"complex numbers|cannot be sorted"):
        logrank_test(make_outcome(), groups)
