"""Harrell's C against a count of all pairs, and its symmetries."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sequoia_stats.errors import InputError
from sequoia_stats.survival import harrell_c, pair_counts
from sequoia_stats.types.outcome import Outcome
from tests.build.cohorts import make_outcome
from tests.build.strategies import outcomes_with_risk


def pairs_by_loop(outcome: Outcome, risk: np.ndarray) -> tuple[int, int, int]:
    """Concordant, discordant and tied, from the definition."""
    counts = {1: 0, -1: 0, 0: 0}
    for i, j in itertools.permutations(range(outcome.n), 2):
        before = outcome.time[i] < outcome.time[j]
        same_but_censored = outcome.time[i] == outcome.time[j] and not outcome.event[j]
        if outcome.event[i] and (before or same_but_censored):
            counts[int(np.sign(risk[i] - risk[j]))] += 1
    return counts[1], counts[-1], counts[0]


def counts(outcome: Outcome, risk: np.ndarray) -> tuple[int, int, int]:
    c = harrell_c(outcome, risk)
    return c.concordant, c.discordant, c.tied_risk


def test_masked_risks_are_refused():
    with pytest.raises(InputError, match="6 of 60 risks are not finite"):
        harrell_c(make_outcome(), np.ma.masked_array(np.arange(60), np.arange(60) % 10 == 0))


def test_complex_risks_are_refused():
    for risk in (np.arange(60) + 1j, pd.Series(np.arange(60) + 1j)):
        with pytest.raises(InputError, match="the risks are complex numbers"):
            harrell_c(make_outcome(), risk)


@given(outcomes_with_risk())
def test_pairs_are_those_of_the_definition(case):
    assert counts(*case) == pairs_by_loop(*case)


@given(outcomes_with_risk())
def test_flipping_the_sign_of_the_risk_gives_one_minus_c(case):
    outcome, risk = case
    c = harrell_c(outcome, risk).c_index
    assume(np.isfinite(c))
    assert harrell_c(outcome, -risk).c_index == pytest.approx(1 - c, abs=1e-12)


@given(outcomes_with_risk(), st.sampled_from([1 / 12, 0.5, 30.4375]))
def test_the_unit_of_time_does_not_matter(case, factor):
    outcome, risk = case
    rescaled = Outcome(outcome.time * factor, outcome.event, outcome.endpoint)
    assert counts(rescaled, risk) == counts(outcome, risk)


@given(outcomes_with_risk(), st.randoms(use_true_random=False))
def test_the_order_of_patients_does_not_matter(case, random):
    outcome, risk = case
    order = np.array(random.sample(range(outcome.n), outcome.n))
    assert counts(outcome[order], risk[order]) == counts(outcome, risk)


@given(outcomes_with_risk())
def test_only_the_ranks_of_the_risk_matter(case):
    outcome, risk = case
    assert counts(outcome, np.exp(risk)) == counts(outcome, risk)


def test_interval_is_that_of_patients_drawn_with_replacement():
    outcome, risk = make_outcome(seed=2), np.random.default_rng(5).normal(size=60).round(1)
    got = harrell_c(outcome, risk, bootstrap=40, seed=9)
    draws = np.random.default_rng(9).multinomial(60, np.full(60, 1 / 60), 40)
    rows = [np.repeat(np.arange(60), draw) for draw in draws]
    drawn = [harrell_c(outcome[r], risk[r]).c_index for r in rows]
    np.testing.assert_allclose([got.low, got.high], np.quantile(drawn, [0.025, 0.975]), rtol=1e-12)


def test_blocks_of_rows_do_not_change_the_result(monkeypatch):
    outcome, risk = make_outcome(), np.random.default_rng(0).normal(size=60)
    whole = harrell_c(outcome, risk, bootstrap=20)
    monkeypatch.setattr(pair_counts, "_BLOCK_BYTES", 4 * 60 * 7)  # 7 events at a time
    assert harrell_c(outcome, risk, bootstrap=20) == whole


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    outcome, risk = make_outcome(), np.random.default_rng(0).normal(size=60)
    first = harrell_c(outcome, risk, bootstrap=50, seed=1)
    assert harrell_c(outcome, risk, bootstrap=50, seed=1) == first
    assert harrell_c(outcome, risk, bootstrap=50, seed=2).low != first.low


def test_a_constant_risk_gives_one_half_without_width():
    c = harrell_c(make_outcome(), np.zeros(60), bootstrap=20)
    assert (c.c_index, c.low, c.high) == (0.5, 0.5, 0.5)


def test_an_event_precedes_a_censoring_at_the_same_time():
    c = harrell_c(Outcome([3.0, 3.0], [True, False], "OS"), [1.0, 0.0])
    assert (c.c_index, c.concordant) == (1.0, 1)


def test_without_a_comparable_pair_c_is_undefined():
    outcome = Outcome([3.0, 3.0], [True, True], "OS")
    assert harrell_c(outcome, [1.0, 0.0], bootstrap=5).to_dict()["c_index"] is None


@pytest.mark.parametrize(
    ("risk", "words"), [(np.zeros(59), "59 risks"), (np.r_[np.zeros(59), np.nan], "1 of 60 risks")]
)
def test_risks_that_cannot_be_used_are_refused(risk, words):
    with pytest.raises(InputError, match=words):
        harrell_c(make_outcome(), risk)


def test_progress_sees_every_block_of_events(monkeypatch):
    monkeypatch.setattr(pair_counts, "_BLOCK_BYTES", 4 * 60 * 5)  # five events at a time
    outcome, risk = make_outcome(n=60, events=20), np.arange(60.0)
    seen = []
    told = harrell_c(
        outcome, risk, progress=lambda blocks, total: (seen.append(total) or block for block in blocks)
    )
    assert seen == [4] * 4 and told == harrell_c(outcome, risk)
