"""C within strata is a count over pairs, and Harrell's C of the statistics."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given

from sequoia_model.risk.concordance import concordance
from sequoia_stats.survival import harrell_c
from sequoia_stats.types.outcome import Outcome
from tests.build.strategies import outcomes_with_risk


def counted(time: np.ndarray, event: np.ndarray, risk: np.ndarray, strata: np.ndarray) -> float:
    """Pair by pair."""
    pairs = concordant = 0.0
    for i, j in itertools.permutations(range(len(time)), 2):
        before = time[i] < time[j] or (time[i] == time[j] and not event[j])
        if event[i] and before and strata[i] == strata[j]:
            pairs += 1
            concordant += (risk[i] > risk[j]) + (risk[i] == risk[j]) / 2
    return concordant / pairs if pairs else math.nan


@given(outcomes_with_risk())
def test_it_is_the_count_of_the_statistics(made):
    outcome, risk = made
    want = harrell_c(outcome, risk).c_index
    assert concordance(outcome.time, outcome.event, risk) == pytest.approx(want, rel=1e-14, nan_ok=True)


@given(outcomes_with_risk())
def test_within_strata_it_is_a_count_over_pairs(made):
    outcome, risk = made
    strata = np.arange(outcome.n) % 3
    want = counted(outcome.time, outcome.event, risk, strata)
    assert concordance(outcome.time, outcome.event, risk, strata) == pytest.approx(want, nan_ok=True)


@given(outcomes_with_risk())
def test_a_constant_of_each_stratum_changes_nothing(made):
    outcome, risk = made
    strata = np.arange(outcome.n) % 2
    one, other = (
        concordance(outcome.time, outcome.event, values, strata) for values in (risk, risk + 100 * strata)
    )
    assert one == other or (math.isnan(one) and math.isnan(other))


def test_many_patients_are_counted_in_blocks():
    drawn = np.random.default_rng(0)
    time, risk = drawn.random(6000), drawn.normal(size=6000)
    risk[:3000] = risk[3000:]
    copies = np.repeat([0, 1], 3000)
    event = drawn.random(6000) < 0.6
    halves = [slice(0, 3000), slice(3000, 6000)]
    parts = [harrell_c_counts(time[half], event[half], risk[half]) for half in halves]
    want = sum(concordant for concordant, _ in parts) / sum(pairs for _, pairs in parts)
    assert concordance(time, event, risk, copies) == pytest.approx(want, rel=1e-14)


def harrell_c_counts(time: np.ndarray, event: np.ndarray, risk: np.ndarray) -> tuple[float, int]:
    """Concordant and comparable pairs, by the statistics."""
    c = harrell_c(Outcome(time, event, "RFS"), risk)
    return c.concordant + c.tied_risk / 2, c.concordant + c.discordant + c.tied_risk


def test_without_a_comparable_pair_there_is_no_c():
    assert math.isnan(concordance([1.0, 2.0], [False, False], [1.0, 2.0]))
