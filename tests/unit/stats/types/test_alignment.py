"""Groups, covariates and scores meet the outcome by their labels, or not at all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.survival import cox_regression, harrell_c, logrank_test
from sequoia_stats.types.alignment import align, as_groups
from sequoia_stats.types.outcome import Outcome
from tests.build.cohorts import make_outcome

PLAIN = make_outcome(n=40, events=20)
PATIENTS = [f"P{i}" for i in range(40)]
LABELLED = Outcome(pd.Series(PLAIN.time, PATIENTS), pd.Series(PLAIN.event, PATIENTS), "RFS")
SCORE = np.random.default_rng(1).normal(size=40)
ORDER = np.random.default_rng(2).permutation(40)
SHUFFLED = pd.Series(SCORE, PATIENTS).iloc[ORDER]


def test_an_outcome_keeps_the_labels_of_its_times():
    assert list(LABELLED[[3, 1]].patients) == ["P3", "P1"]
    assert PLAIN.patients is None
    assert Outcome(pd.Series(PLAIN.time), pd.Series(PLAIN.event), "RFS").patients is None


def test_times_and_events_of_another_order_are_refused():
    with pytest.raises(InputError, match="times and events have different labels"):
        Outcome(pd.Series(PLAIN.time, PATIENTS), pd.Series(PLAIN.event, PATIENTS).iloc[ORDER], "RFS")


@pytest.mark.parametrize(
    "statistic",
    [
        lambda y, s: logrank_test(y, s > 0).statistic,
        lambda y, s: harrell_c(y, s).c_index,
        lambda y, s: cox_regression(y, s).frame["coef"][0],
    ],
    ids=["logrank_test", "harrell_c", "cox_regression"],
)
def test_rows_in_another_order_are_matched_by_their_labels(statistic):
    assert statistic(LABELLED, SHUFFLED) == pytest.approx(statistic(PLAIN, SCORE), rel=1e-12)
    assert statistic(LABELLED, SHUFFLED) != pytest.approx(statistic(PLAIN, SHUFFLED.to_numpy()))


@pytest.mark.parametrize(
    ("values", "outcome", "words"),
    [
        (pd.Series(SCORE)[ORDER], PLAIN, "0 to 39 in another order"),
        (SHUFFLED.rename(index={"P3": "Q3"}), LABELLED, "1 of 40 patients is absent\n  where: P3"),
        (pd.Series(SCORE, ["P1"] * 40), LABELLED, "other patients"),
        (pd.Series(SCORE[:5]), PLAIN, "5 scores were given for 40 patients"),
    ],
)
def test_rows_that_cannot_be_matched_are_refused(values, outcome, words):
    with pytest.raises(InputError, match=words):
        align(values, outcome, "scores")


def test_rows_without_labels_are_taken_in_their_order():
    assert list(align(pd.Series(SCORE), LABELLED, "scores").index) == PATIENTS
    assert align(pd.Series(SCORE, PATIENTS), PLAIN, "scores").tolist() == SCORE.tolist()


@pytest.mark.parametrize("word", ["nan", "NaN", "<NA>", " ", "NA", None, pd.NA, np.nan, pd.NaT])
def test_a_group_that_is_missing_is_no_group(word):
    groups, n_missing = as_groups([word, *["a", "b", "None"] * 13], PLAIN)
    assert (list(groups.cat.categories), n_missing) == (["None", "a", "b"], 1)


def test_groups_keep_the_order_of_a_categorical_and_lose_unused_levels():
    groups, _ = as_groups(pd.Categorical(["high", "low"] * 20, ["low", "mid", "high"]), PLAIN)
    assert list(groups.cat.categories) == ["low", "high"]


@pytest.mark.parametrize(
    ("time", "event", "words"),
    [
        (pd.Timestamp("2020-01-01") + pd.to_timedelta(PLAIN.time, "D"), PLAIN.event, "the times are dates"),
        (["a"] * 40, PLAIN.event, "are not numbers"),
        (PLAIN.time, pd.array([None, *PLAIN.event[1:]], "boolean"), "1 of 40 events is neither 0 nor 1"),
        (np.c_[PLAIN.time, PLAIN.time], PLAIN.event, r"shape \(40, 2\)"),
    ],
)
def test_times_and_events_that_are_none_are_refused(time, event, words):
    with pytest.raises(InputError, match=words):
        Outcome(time, event, "RFS")


def test_columns_and_nullable_types_are_read_as_times_and_events():
    column = Outcome(PLAIN.time[:, None], pd.array(PLAIN.event, "boolean"), "RFS")
    assert (column.time == PLAIN.time).all()
    assert (column.event == PLAIN.event).all()
