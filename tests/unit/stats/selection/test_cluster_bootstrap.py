"""The cluster bootstrap by products of matrices, against patients drawn one after the other."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sequoia_stats.selection._cluster_bootstrap import cluster_bootstrap, weighted_correlations
from tests.build.cohorts import make_predictions


def drawn(made, clusters, counts, x, y):
    """r of every gene among the slides of the patients drawn, NaN if a gene is constant in them."""
    rows = np.repeat(np.arange(made.n), counts[clusters])
    result = []
    for j in range(x.shape[1]):
        there = rows[~np.isnan(x[rows, j])]
        a, b = x[there, j], y[there, j]
        flat = len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0
        result.append(np.nan if flat else stats.pearsonr(a, b)[0])
    return result


@pytest.mark.parametrize("holes", [False, True])
def test_weights_are_copies_of_slides(holes):
    made = make_predictions(n=8, slides=2, genes=4)
    measured = made.measured + 1000.0
    if holes:
        measured[:5, 1] = np.nan
    clusters = np.repeat(np.arange(8), 2)
    counts = np.random.default_rng(0).multinomial(8, np.full(8, 1 / 8), 30)
    (found,) = weighted_correlations(counts[:, clusters].astype(float), measured, [made.predicted])
    expected = [drawn(made, clusters, one, measured, made.predicted) for one in counts]
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


def test_a_replicate_of_one_patient_has_no_correlation():
    made = make_predictions(n=5, genes=3)
    weights = np.array([[5.0, 0, 0, 0, 0], [1, 1, 1, 1, 1]])
    (found,) = weighted_correlations(weights, made.measured, [made.predicted])
    assert np.isnan(found[0]).all() and not np.isnan(found[1]).any()


def test_spread_is_that_of_the_replicates():
    made = make_predictions(n=20, slides=2, genes=3, n_untrained=2)
    clusters = np.repeat(np.arange(20), 2)
    found = cluster_bootstrap(made.measured, made.predicted, made.untrained, clusters, replicates=150, seed=5)
    counts = np.random.default_rng(5).multinomial(20, np.full(20, 1 / 20), 150)
    r, *null = (
        np.array([drawn(made, clusters, one, made.measured, y) for one in counts])
        for y in (made.predicted, *made.untrained)
    )
    z = np.mean([np.arctanh(r0) for r0 in null], axis=0)
    np.testing.assert_allclose(found.se, np.arctanh(r).std(axis=0, ddof=1), rtol=1e-8)
    np.testing.assert_allclose(found.se_difference, (np.arctanh(r) - z).std(axis=0, ddof=1), rtol=1e-8)
    np.testing.assert_allclose(
        [found.low, found.high], np.quantile(r - np.tanh(z), [0.025, 0.975], axis=0), rtol=1e-7, atol=1e-9
    )


def test_a_constant_gene_has_no_spread():
    made = make_predictions(n=10, genes=3)
    predicted = made.predicted.copy()
    predicted[:, 0] = 1 / 3
    found = cluster_bootstrap(made.measured, predicted, (), np.arange(10), replicates=100, seed=0)
    assert np.isnan(found.se[0]) and (found.se[1:] > 0).all()
    assert np.isnan(found.se_difference).all() and np.isnan(found.low).all()


def test_copies_of_slides_widen_the_error_that_counts_them_as_patients():
    made = make_predictions(n=60, genes=6, accuracy=0.4)
    rows = np.repeat(np.arange(60), 4)
    arguments = (made.measured[rows], made.predicted[rows], ())
    patients = cluster_bootstrap(*arguments, rows, replicates=400, seed=0).se
    slides = cluster_bootstrap(*arguments, np.arange(240), replicates=400, seed=0).se
    np.testing.assert_allclose(patients / slides, 2, rtol=0.2)  # four copies: half the error
