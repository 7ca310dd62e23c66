"""Whole sites dealt by integer programming: no deal is better, by looking at all of them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequoia_model.splits._programme import GAP, Wanted, deal_whole

SIZES = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 6)), min_size=4, max_size=7)


def even(sums, n_parts):
    """Parts that hold alike, in patients and in a second column."""
    total = sums.sum(axis=0)
    return Wanted(
        np.tile(total / n_parts, (n_parts, 1)), np.maximum(total / n_parts, 1), np.array([0.5, 0.5])
    )


def best_of_all(sums, wanted):
    """The least unevenness among all deals in which no part is empty."""
    n_parts = len(wanted.share)
    deals = (np.array(d) for d in product(range(n_parts), repeat=len(sums)) if len(set(d)) == n_parts)
    return min(wanted.unevenness(deal, sums) for deal in deals)


def in_turn(sums, n_parts):
    return np.arange(len(sums)) % n_parts


@settings(max_examples=25, deadline=None)
@given(SIZES)
def test_no_deal_is_better_by_more_than_the_gap(sizes):
    sums = np.array(sizes, dtype=float)
    wanted = even(sums, 3)
    deal = deal_whole(sums, wanted, in_turn(sums, 3))
    best = best_of_all(sums, wanted)
    assert deal.finished
    assert best - 1e-9 <= deal.unevenness <= best + GAP * (1 + deal.unevenness) + 1e-9
    assert wanted.unevenness(deal.part, sums) == deal.unevenness
    assert set(deal.part) == {0, 1, 2}


@settings(max_examples=25, deadline=None)
@given(SIZES)
def test_parts_of_different_size_are_filled_as_well(sizes):
    sums = np.array(sizes, dtype=float)
    total = sums.sum(axis=0)
    wanted = Wanted(np.outer([0.8, 0.2], total), np.maximum(0.2 * total, 1), np.array([0.5, 0.5]))
    deal = deal_whole(sums, wanted, in_turn(sums, 2), alike=False)
    assert deal.unevenness <= best_of_all(sums, wanted) + GAP * (1 + deal.unevenness) + 1e-9


def test_a_perfect_deal_is_found_where_the_largest_first_misses_it():
    sums = np.array([[7, 1], [6, 1], [5, 1], [4, 1], [4, 1], [3, 1], [1, 0]], dtype=float)
    deal = deal_whole(
        sums[:, :1], Wanted(np.full((2, 1), 15.0), np.array([15.0]), np.ones(1)), in_turn(sums, 2)
    )
    assert deal.unevenness == 0
    assert deal.gap == 0


def test_where_the_start_cannot_be_improved_it_stays():
    sums = np.array([[4.0], [4.0], [4.0]])
    deal = deal_whole(sums, Wanted(np.full((3, 1), 4.0), np.array([4.0]), np.ones(1)), np.array([0, 1, 2]))
    assert deal.unevenness == 0
    assert len(set(deal.part)) == 3


def test_the_limit_of_nodes_leaves_a_deal_that_is_no_worse_and_says_so(monkeypatch):
    monkeypatch.setattr("sequoia_model.splits._programme.NODES", 0)
    sums = np.random.default_rng(0).integers(1, 99, (30, 2)).astype(float)
    wanted = even(sums, 5)
    deal = deal_whole(sums, wanted, in_turn(sums, 5))
    assert deal.unevenness <= wanted.unevenness(in_turn(sums, 5), sums)
    assert not deal.finished or deal.gap <= GAP + 1e-9


def test_unevenness_is_the_mean_share_by_which_parts_are_off():
    wanted = Wanted(np.full((2, 1), 10.0), np.array([10.0]), np.ones(1))
    assert wanted.unevenness(np.array([0, 1]), np.array([[9.0], [11.0]])) == pytest.approx(0.1)
