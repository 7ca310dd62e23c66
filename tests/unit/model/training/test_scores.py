"""Scores of predictions: equal to those of the statistics package, to numpy, and to invariances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequoia_model.errors import InputError
from sequoia_model.training.scores import (
    constant_genes,
    explained,
    fisher_means,
    gene_correlations,
    patient_means,
    slide_correlations,
    squared_errors,
)
from sequoia_stats.association import fisher_mean, pearson


def make_pair(n=20, genes=6, seed=0):
    """Measured values around the level of each gene, and predictions that know something of them."""
    rng = np.random.default_rng(seed)
    measured = (rng.normal(size=(n, genes)) + 3 * np.arange(genes)).astype(np.float32)
    return measured, (measured + rng.normal(size=(n, genes))).astype(np.float32)


def test_correlations_of_genes_equal_those_of_the_statistics_package():
    measured, predicted = make_pair(genes=2050)  # more than one block
    measured[:, 3] = 0.1
    rows = np.arange(20) % 3 == 0
    np.testing.assert_allclose(
        gene_correlations(measured, predicted), pearson(measured, predicted).r, atol=1e-12
    )
    want = pearson(measured, predicted, rows=rows).r
    np.testing.assert_allclose(gene_correlations(measured, predicted, rows), want, atol=1e-12)
    assert gene_correlations(measured, predicted)[3] == 0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(-100, 100))
def test_correlations_do_not_change_with_scale_and_shift(seed, factor, shift):
    measured, predicted = make_pair(seed=seed)
    moved = predicted.astype(np.float64) * factor + shift
    np.testing.assert_allclose(
        gene_correlations(measured, moved), gene_correlations(measured, predicted), atol=1e-9
    )
    np.testing.assert_allclose(
        gene_correlations(measured, -moved), -gene_correlations(measured, moved), atol=1e-12
    )


def test_two_slides_have_no_correlation():
    measured, predicted = make_pair(n=2)
    assert gene_correlations(measured, predicted).tolist() == [0] * 6


def test_values_close_to_each_other_and_far_from_zero_are_correlated_exactly():
    x = 1e6 + np.arange(5)[:, None] * 1e-4
    assert gene_correlations(x, x) == pytest.approx([1])


def test_correlations_within_slides_are_those_of_rows():
    measured, predicted = make_pair(n=70)
    want = [np.corrcoef(a, b)[0, 1] for a, b in zip(measured, predicted, strict=True)]
    np.testing.assert_allclose(slide_correlations(measured, predicted), want, rtol=1e-6)


def test_the_training_mean_looks_good_within_slides_until_it_is_taken_away():
    measured, predicted = make_pair(n=200, genes=50)
    mean = measured.mean(axis=0)
    flat = np.broadcast_to(mean, measured.shape)
    assert slide_correlations(measured, flat).min() > 0.99
    assert slide_correlations(measured, flat, centre=mean).tolist() == [0] * 200
    assert 0.6 < np.median(slide_correlations(measured, predicted, centre=mean)) < 0.8


def test_fisher_means_equal_those_of_the_statistics_package():
    r, weights = np.array([[0.9, -0.2, 1.0], [0.1, 0.3, 0.0]]), [5, 2]
    np.testing.assert_allclose(fisher_means(r, weights), fisher_mean(r, weights), rtol=1e-14)


def test_errors_and_explained_variance():
    measured, predicted = make_pair()
    mean = np.broadcast_to(measured.mean(axis=0), measured.shape)
    mse, null = squared_errors(measured, predicted), squared_errors(measured, mean)
    np.testing.assert_allclose(mse, ((measured - predicted) ** 2).mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(explained(mse, null), 1 - mse / measured.var(axis=0), rtol=1e-5)
    assert explained(null, null).tolist() == [0] * 6
    assert np.isnan(explained([1.0], [0.0])).all()
    assert np.isnan(squared_errors(measured, predicted, rows=np.zeros(20, dtype=bool))).all()


def test_means_of_patients():
    measured, _ = make_pair(n=5)
    codes = np.array([1, 0, 1, 2, 1])
    want = [measured[codes == patient].mean(axis=0) for patient in range(3)]
    np.testing.assert_allclose(patient_means(measured, codes), want, rtol=1e-6)


def test_constant_genes():
    assert constant_genes([[1.0, 2.0], [1.0, 3.0]]).tolist() == [True, False]


def test_other_shapes_are_refused():
    with pytest.raises(InputError, match=r"\(20, 6\), predicted ones \(20, 5\)"):
        gene_correlations(*(values[:, : 6 - i] for i, values in enumerate(make_pair())))
