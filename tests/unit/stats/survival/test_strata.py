"""Cox models, the log-rank test and concordance within strata: from the definition, and their symmetries."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequoia_stats.errors import InputError
from sequoia_stats.survival import (
    breslow_log_likelihood,
    cox_regression,
    harrell_c,
    likelihood_ratio,
    logrank_test,
    proportional_hazards_test,
)
from sequoia_stats.types.outcome import Outcome
from tests.build.cohorts import make_cohort, make_outcome
from tests.build.strategies import outcomes_with_groups, outcomes_with_risk

MADE = make_cohort(n=120, events=60, genes=2, ties=True, planted={"G1": 0.8})
STRATA = np.array(list("abcd"))[np.arange(120) % 4]


def statistics(outcome: Outcome, x: pd.DataFrame, groups: np.ndarray, strata: object) -> list[float]:
    """Everything that knows strata, in numbers."""
    fit = cox_regression(outcome, x, strata=strata)
    test = logrank_test(outcome, groups, strata=strata)
    c = harrell_c(outcome, x["G1"], strata=strata)
    zph = proportional_hazards_test(fit).frame["chi2"]
    return [
        *fit.frame["coef"],
        *fit.frame["se"],
        fit.log_likelihood,
        test.statistic,
        test.df,
        c.c_index,
        *zph,
    ]


def of_made(strata: object, order: np.ndarray | None = None) -> list[float]:
    order = np.arange(MADE.n) if order is None else order
    groups = (np.arange(MADE.n) % 3)[order]
    return statistics(MADE.outcome[order], MADE.expression.iloc[order], groups, strata)


def test_one_stratum_is_none():
    assert of_made(["all"] * 120) == of_made(None)


def test_names_of_strata_do_not_matter():
    renamed = pd.Series(STRATA).map({"a": 7, "b": 2, "c": 9, "d": 1}).to_numpy()
    assert of_made(renamed) == pytest.approx(of_made(STRATA), rel=1e-9)


@given(st.randoms(use_true_random=False))
@settings(max_examples=10)
def test_the_order_of_patients_does_not_matter(random):
    order = np.array(random.sample(range(120), 120))
    assert of_made(STRATA[order], order) == pytest.approx(of_made(STRATA), rel=1e-8)


def test_strata_are_matched_by_their_labels():
    labelled = pd.Series(STRATA, MADE.patients).sample(frac=1, random_state=1)
    assert of_made(labelled) == of_made(STRATA)


def test_a_stratum_may_have_a_clock_of_its_own():
    faster = Outcome(
        np.where(STRATA == "b", MADE.outcome.time * 1000, MADE.outcome.time), MADE.outcome.event, "OS"
    )
    groups = np.arange(120) % 3
    models = [cox_regression(y, MADE.expression, strata=STRATA).frame["coef"] for y in (faster, MADE.outcome)]
    tests = [logrank_test(y, groups, strata=STRATA).statistic for y in (faster, MADE.outcome)]
    c = [harrell_c(y, MADE.expression["G1"], strata=STRATA).c_index for y in (faster, MADE.outcome)]
    assert models[0].tolist() == pytest.approx(models[1].tolist(), rel=1e-9)
    assert tests[0] == pytest.approx(tests[1]) and c[0] == c[1]


def test_the_likelihood_is_the_sum_over_strata_and_the_estimate_its_maximum():
    fit = cox_regression(MADE.outcome, MADE.expression, ties="breslow", strata=STRATA)
    parts = [np.flatnonzero(stratum == STRATA) for stratum in "abcd"]

    def total(coef: np.ndarray) -> float:
        eta = MADE.expression.to_numpy() @ coef
        return float(sum(breslow_log_likelihood(eta[part], MADE.outcome[part]) for part in parts))

    best = fit.frame["coef"].to_numpy()
    assert fit.log_likelihood == pytest.approx(total(best), rel=1e-12)
    steps = [total(best + step) for step in 1e-3 * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])]
    assert max(steps) < fit.log_likelihood


@given(outcomes_with_groups(), st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_events_expected_within_strata_are_those_of_each_stratum(case, seed):
    outcome, groups = case
    strata = np.random.default_rng(seed).integers(0, 2, outcome.n)
    strata[np.argsort(outcome.time)[-2:]] = 0  # two groups are at risk there
    frame = logrank_test(outcome, groups, strata=strata).frame.set_index("group")
    expected = dict.fromkeys(range(3), 0.0)
    for s, t in itertools.product(range(2), np.unique(outcome.time)):
        at_risk = (strata == s) & (outcome.time >= t)
        died = (outcome.event & (outcome.time == t) & at_risk).sum()
        for g in range(3):
            expected[g] += died * (at_risk & (groups == g)).sum() / max(at_risk.sum(), 1)
    assert frame["expected"].tolist() == pytest.approx([expected[g] for g in frame.index])


def test_two_strata_give_the_mantel_haenszel_statistic():
    outcome, group = make_outcome(seed=3), np.arange(60) % 2 == 0
    strata = np.arange(60) % 3 == 0
    parts = [logrank_test(outcome[strata == s], group[strata == s]) for s in (True, False)]
    difference = [part.frame["observed"][1] - part.frame["expected"][1] for part in parts]
    variance = [d**2 / part.statistic for d, part in zip(difference, parts, strict=True)]
    got = logrank_test(outcome, group, strata=strata)
    assert got.statistic == pytest.approx(sum(difference) ** 2 / sum(variance), rel=1e-9)


def test_a_stratum_with_one_group_or_without_events_adds_nothing():
    outcome, group = make_outcome(seed=3), np.arange(60) % 2
    strata = np.where(group == 0, np.arange(60) % 5, 0)  # strata 1 to 4 hold group 0 alone
    alone = logrank_test(outcome[strata == 0], group[strata == 0])
    got = logrank_test(outcome, group, strata=strata)
    assert (got.statistic, got.df) == (pytest.approx(alone.statistic), 1)


def test_groups_that_share_no_stratum_are_not_compared():
    outcome, group = make_outcome(seed=3), np.arange(60) % 4
    parts = [logrank_test(outcome[group // 2 == s], group[group // 2 == s]) for s in (0, 1)]
    got = logrank_test(outcome, group, strata=group // 2)
    assert (got.df, got.statistic) == (2, pytest.approx(sum(part.statistic for part in parts)))


@given(outcomes_with_risk(), st.integers(0, 2**32 - 1))
def test_concordance_counts_pairs_within_strata_only(case, seed):
    outcome, risk = case
    strata = np.random.default_rng(seed).integers(0, 3, outcome.n)
    parts = [harrell_c(outcome[strata == s], risk[strata == s]) for s in np.unique(strata)]
    got = harrell_c(outcome, risk, strata=strata)
    for count in ("concordant", "discordant", "tied_risk"):
        assert getattr(got, count) == sum(getattr(part, count) for part in parts)


def test_scales_that_differ_between_strata_leave_concordance_alone():
    outcome, risk = make_outcome(seed=1), np.random.default_rng(2).normal(size=60)
    strata = np.arange(60) % 3
    shifted = 10.0**strata * risk + 100 * strata
    assert harrell_c(outcome, shifted, strata=strata) == harrell_c(outcome, risk, strata=strata)
    assert harrell_c(outcome, shifted) != harrell_c(outcome, risk)


def test_a_stratum_without_events_changes_no_estimate_and_a_note_counts_it():
    within = MADE.outcome.event | (np.arange(120) % 2 == 0)
    strata = np.where(within, "with", "without")
    got = cox_regression(MADE.outcome, MADE.expression, strata=strata)
    want = cox_regression(MADE.outcome[within], MADE.expression[within])
    pd.testing.assert_frame_equal(got.frame, want.frame, rtol=1e-8)
    assert got.note == "1 of 2 strata has no event with two patients at risk, and no weight"


def test_patients_without_a_stratum_are_left_out_and_counted():
    strata = np.where(np.arange(120) % 6 == 0, None, STRATA)
    known = np.arange(120) % 6 != 0
    fit = cox_regression(MADE.outcome, MADE.expression, strata=strata)
    test = logrank_test(MADE.outcome, np.arange(120) % 5, strata=strata)
    assert fit.n_missing == test.n_missing == 20
    part = logrank_test(MADE.outcome[known], (np.arange(120) % 5)[known], strata=STRATA[known])
    assert test.statistic == part.statistic


def test_a_likelihood_ratio_needs_the_same_strata():
    full = cox_regression(MADE.outcome, MADE.expression, strata=STRATA)
    smaller = cox_regression(MADE.outcome, MADE.expression[["G1"]], strata=STRATA)
    assert likelihood_ratio(full, smaller).chi2 == 2 * (full.log_likelihood - smaller.log_likelihood)
    with pytest.raises(InputError, match="differ in their strata"):
        likelihood_ratio(full, cox_regression(MADE.outcome, MADE.expression[["G1"]]))


@pytest.mark.parametrize(
    ("method", "strata", "words"),
    [
        (harrell_c, [None, *["a"] * 59], "1 of 60 patients has no stratum"),
        (harrell_c, ["a"] * 59, "59 strata were given for 60 patients"),
        (cox_regression, [None] * 60, "no patient has a stratum"),
        (cox_regression, np.arange(60), "no stratum has two patients at risk at an event"),
        (logrank_test, np.arange(60), "at risk at some event in the same stratum"),
        (logrank_test, [["a"], ["b"]] * 30, "a stratum is a list"),
    ],
)
def test_strata_that_cannot_be_used_are_refused(method, strata, words):
    with pytest.raises(InputError, match=words):
        method(make_outcome(), np.arange(60.0) % 7, strata=strata)
