"""Coherence of modules and of random sets: against all pairs, one by one, and unchanged by units and order."""

import itertools
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequoia_stats.spatial.modules import draw_sets, mean_pairwise, module_coherence, random_coherence


def values(n=40, genes=12, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(n, 1)) + random.normal(size=(n, genes))


def by_pairs(x, columns):
    return np.mean([np.corrcoef(x[:, i], x[:, j])[0, 1] for i, j in itertools.combinations(columns, 2)])


@pytest.mark.parametrize("columns", [[0, 1], [3, 1, 7], list(range(12))])
def test_coherence_is_the_mean_correlation_of_all_pairs(columns):
    x = values()
    assert module_coherence(x, [np.array(columns)]) == pytest.approx([by_pairs(x, columns)], abs=1e-12)


def test_coherence_agrees_with_the_correlation_matrix_of_pandas():
    x = values(seed=1)
    r = pd.DataFrame(x).corr().to_numpy()
    assert module_coherence(x, [np.arange(12)]) == pytest.approx([(r.sum() - 12) / (12 * 11)], abs=1e-12)


def test_a_constant_gene_takes_no_part():
    x = values()
    x[:, 2] = 5.0
    got = module_coherence(x, [np.array([0, 1, 2]), np.array([1, 2])])
    np.testing.assert_allclose(got, [by_pairs(x, [0, 1]), np.nan], atol=1e-12)


def test_a_gene_that_only_rounding_moves_is_constant():
    x = values().astype(np.float32)
    x[:, 2] = np.float32(7.3) + np.float32(4e-7) * np.arange(40, dtype=np.float32) % np.float32(1e-6)
    assert np.isnan(module_coherence(x, [np.array([1, 2])])).all()


def test_equal_genes_cohere_fully_and_opposite_ones_not_at_all():
    x = values()[:, :2] * [1, 0]
    x[:, 1] = -3 * x[:, 0]
    assert module_coherence(x, [np.array([0, 1])]) == pytest.approx([-1.0])
    assert module_coherence(np.c_[x[:, 0], 2 * x[:, 0] + 1], [np.array([0, 1])]) == pytest.approx([1.0])


@given(
    seed=st.integers(0, 99),
    scale=st.lists(st.floats(0.1, 10), min_size=12, max_size=12),
    order=st.permutations(range(12)),
)
def test_coherence_does_not_depend_on_units_order_of_genes_or_of_tiles(seed, scale, order):
    x = values(seed=seed)
    changed = np.random.default_rng(seed).permutation(x * scale + np.arange(12))
    want = module_coherence(x, [np.arange(12)])
    assert module_coherence(changed, [np.array(order)]) == pytest.approx(want, abs=1e-9)


def test_the_formula_needs_only_the_sum_of_a_set():
    total = np.array([[2.0, -2.0], [1.0, -1.0]])
    np.testing.assert_allclose(mean_pairwise(total, [2, 1], 2), [1.0, np.nan])


def test_random_sets_have_the_coherence_of_their_pairs_for_each_size(monkeypatch):
    monkeypatch.setattr("sequoia_stats.spatial.modules.coherence._BLOCK", 5)
    monkeypatch.setattr("sequoia_stats.spatial.modules.coherence._TILES", 7)
    x = values(genes=30, seed=2)
    x[:, 4] = 1.0
    draws = draw_sets(30, 7, 20, seed=3)
    got = random_coherence(lambda at: x[:, at], draws, [7, 2, 4], len(x))
    want = [[module_coherence(x, [draw[:k]])[0] for k in (7, 2, 4)] for draw in draws]
    np.testing.assert_allclose(got, want, atol=1e-5)
    assert np.isfinite(got).mean() > 0.9


def test_the_number_of_sizes_needs_no_memory():
    x = values(n=500, genes=60)
    draws = draw_sets(60, 40, 500, seed=0)
    tracemalloc.start()
    random_coherence(lambda at: x[:, at], draws, range(2, 41), len(x))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 500 * 500 * 4 * 5


def test_a_random_set_has_distinct_genes_of_all_and_its_beginning_is_random_too():
    draws = draw_sets(10, 6, 5000, seed=1)
    assert (np.diff(np.sort(draws, axis=1), axis=1) > 0).all()
    assert np.bincount(draws[:, :2].ravel(), minlength=10) == pytest.approx(1000, abs=5 * np.sqrt(1000))


def test_the_same_seed_draws_the_same_sets_and_another_others():
    assert (draw_sets(50, 5, 9, seed=4) == draw_sets(50, 5, 9, seed=4)).all()
    assert (draw_sets(50, 5, 9, seed=4) != draw_sets(50, 5, 9, seed=5)).any()
