"""Paired differences of C against C itself, their symmetries, and that they can be trusted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.survival import compare_concordance, harrell_c, pair_counts
from sequoia_stats.types.outcome import Outcome
from tests.build.cohorts import make_outcome


def scores(n: int = 60, seed: int = 0, **columns: np.ndarray) -> pd.DataFrame:
    """Three scores with ties, or those given."""
    drawn = np.random.default_rng(seed).normal(size=(n, 3)).round(1)
    return pd.DataFrame(columns or dict(zip("abc", drawn.T, strict=True)))


@pytest.mark.parametrize("strata", [None, np.arange(60) % 4])
def test_each_score_has_its_own_c_and_interval(strata):
    outcome, table = make_outcome(seed=2), scores()
    got = compare_concordance(outcome, table, strata=strata, bootstrap=40, seed=9)
    alone = [harrell_c(outcome, table[name], strata=strata, bootstrap=40, seed=9) for name in table]
    want = [[c.c_index, c.low, c.high] for c in alone]
    np.testing.assert_allclose(got.scores[["c_index", "low", "high"]], want, rtol=1e-12)


@pytest.mark.parametrize("strata", [None, np.arange(60) % 4])
def test_replicates_are_c_of_patients_drawn_with_replacement_the_same_for_all_scores(strata):
    outcome, table = make_outcome(seed=2), scores()
    got = compare_concordance(outcome, table, strata=strata, bootstrap=20, seed=9)
    draws = np.random.default_rng(9).multinomial(60, np.full(60, 1 / 60), 20)
    rows = [np.repeat(np.arange(60), draw) for draw in draws]
    labels = np.zeros(60) if strata is None else strata
    want = [
        [harrell_c(outcome[r], table[name].to_numpy()[r], strata=labels[r]).c_index for name in table]
        for r in rows
    ]
    np.testing.assert_allclose(got.replicates, want, rtol=1e-12)


def test_pairs_are_all_differences_of_two_scores_with_the_interval_of_the_paired_replicates():
    got = compare_concordance(make_outcome(), scores(), bootstrap=30)
    pairs, c = got.pairs, got.scores["c_index"]
    assert pairs[["a", "b"]].to_numpy().tolist() == [["a", "b"], ["a", "c"], ["b", "c"]]
    assert pairs["c_difference"].tolist() == [c[0] - c[1], c[0] - c[2], c[1] - c[2]]
    want = np.quantile(got.replicates[:, 0] - got.replicates[:, 1], [0.025, 0.975])
    np.testing.assert_allclose(pairs.loc[0, ["low", "high"]].tolist(), want, rtol=1e-12)


def test_p_is_twice_the_share_of_replicates_beyond_zero():
    got = compare_concordance(make_outcome(), scores(), bootstrap=199)
    difference = got.replicates[:, 0] - got.replicates[:, 1]
    beyond = min((difference <= 0).sum(), (difference >= 0).sum())
    assert 0 < got.pairs["p"][0] == 2 * (beyond + 1) / 200 < 1


def test_a_score_differs_from_itself_by_nothing():
    table = scores().assign(b=lambda frame: np.exp(frame["a"]))[["a", "b"]]
    got = compare_concordance(make_outcome(), table, bootstrap=50)
    assert got.pairs[["c_difference", "low", "high", "p"]].to_numpy().tolist() == [[0, 0, 0, 1]]


def test_swapping_two_scores_changes_the_sign_of_their_difference_and_not_p():
    one, other = (
        compare_concordance(make_outcome(), scores()[order], bootstrap=50).pairs.loc[0]
        for order in (["a", "b"], ["b", "a"])
    )
    assert [one["c_difference"], one["p"]] == [-other["c_difference"], other["p"]]
    assert [one["low"], one["high"]] == pytest.approx([-other["high"], -other["low"]])


def test_pairing_cancels_what_two_scores_share():
    outcome, noise = make_outcome(n=200, events=120, seed=4), np.random.default_rng(1).normal(size=200)
    table = scores(first=noise, second=noise + 0.05 * np.random.default_rng(2).normal(size=200))
    got = compare_concordance(outcome, table, bootstrap=200)
    width = got.scores["high"] - got.scores["low"]
    assert got.pairs["high"][0] - got.pairs["low"][0] < 0.3 * width.min()


def test_equal_scores_are_told_apart_in_about_one_of_twenty_cohorts():
    generator, p = np.random.default_rng(5), []
    for _ in range(200):
        time, noise = generator.exponential(size=80), generator.normal(size=(3, 80))
        outcome = Outcome(time + 0.01, generator.random(80) < 0.6, "OS")
        table = scores(a=noise[0] - time + noise[1], b=noise[0] - time + noise[2])
        p.append(
            compare_concordance(outcome, table, bootstrap=99, seed=int(generator.integers(1e6))).pairs["p"][0]
        )
    assert 0.01 <= np.mean(np.array(p) <= 0.05) <= 0.1
    assert 0.4 <= np.mean(np.array(p) <= 0.5) <= 0.6


def test_blocks_of_events_do_not_change_the_result(monkeypatch):
    whole = compare_concordance(make_outcome(), scores(), strata=np.arange(60) % 3, bootstrap=20)
    monkeypatch.setattr(pair_counts, "_BLOCK_BYTES", 4 * 60 * 2)
    parts = compare_concordance(make_outcome(), scores(), strata=np.arange(60) % 3, bootstrap=20)
    np.testing.assert_array_equal(parts.replicates, whole.replicates)


def test_replicates_without_a_comparable_pair_are_left_out_and_counted():
    outcome = Outcome([1.0, 2.0, 3.0], [True, False, False], "OS")
    got = compare_concordance(outcome, scores(a=np.array([3.0, 1.0, 2.0])), bootstrap=100)
    assert 0 < got.bootstrap < 100 and got.bootstrap == np.isfinite(got.replicates).sum()
    assert got.pairs.empty and list(got.pairs) == ["a", "b", "c_difference", "low", "high", "p"]


def test_scores_are_matched_by_their_labels():
    outcome = Outcome(make_outcome().time, make_outcome().event, "OS", pd.Index([f"P{i}" for i in range(60)]))
    table = scores().set_axis(outcome.patients, axis=0)
    got = compare_concordance(outcome, table.iloc[::-1], bootstrap=5)
    np.testing.assert_array_equal(got.replicates, compare_concordance(outcome, table, bootstrap=5).replicates)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (scores(59), "59 scores were given for 60 patients"),
        (scores()[[]], "no scores to compare"),
        (scores().assign(b=np.nan), "60 of 60 values are not finite in the score 'b'"),
        (scores().set_axis(["a", "b", "a"], axis=1), "scores have one name: a"),
        (scores().assign(b="x"), "b"),
    ],
)
def test_scores_that_cannot_be_compared_are_refused(table, words):
    with pytest.raises(InputError, match=words):
        compare_concordance(make_outcome(), table)


def test_without_replicates_there_are_differences_without_intervals():
    got = compare_concordance(make_outcome(), scores(), bootstrap=0)
    assert got.pairs["c_difference"].notna().all() and got.scores["c_index"].notna().all()
    assert got.pairs[["low", "high", "p"]].isna().all(axis=None) and got.bootstrap == 0


@pytest.mark.parametrize("bootstrap", [-1, 2.5])
def test_a_number_of_replicates_is_whole(bootstrap):
    with pytest.raises(InputError, match="bootstrap must be a whole number, 0 or more"):
        compare_concordance(make_outcome(), scores(), bootstrap=bootstrap)
