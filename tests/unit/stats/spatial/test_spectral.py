"""Moran spectral randomisation: what it keeps, and what it draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from sequoia_stats.spatial import morans_i, neighbours, spectral, spectral_null
from sequoia_stats.spatial.spectral import moran_eigenvectors
from tests.build.spatial import percentile_maps, rectangle, tissue

TILES = tissue(9, 7)
WEIGHTS = neighbours(TILES)


def randomised(truth, n, seed):
    """The randomised truths themselves, with the signs of `spectral_null`."""
    vectors = moran_eigenvectors(WEIGHTS)
    signs = np.random.default_rng(seed).integers(0, 2, size=(n, vectors.shape[1])) * 2 - 1
    return truth.mean() + (signs * (truth @ vectors)) @ vectors.T


def test_randomised_truths_keep_mean_variance_and_morans_i():
    truth = percentile_maps(1, len(TILES))[0]
    drawn = randomised(truth, 20, seed=0)
    assert drawn.mean(axis=1) == pytest.approx(np.full(20, truth.mean()))
    assert drawn.var(axis=1) == pytest.approx(np.full(20, truth.var()))
    assert morans_i(drawn, WEIGHTS) == pytest.approx(np.full(20, morans_i(truth, WEIGHTS)[0]), abs=1e-12)


def test_the_null_is_the_correlation_with_randomised_truths():
    maps, truth = percentile_maps(2, len(TILES))
    null = spectral_null(maps, truth, WEIGHTS, n=50, seed=4)
    want = [np.corrcoef(maps, drawn)[0, 1] for drawn in randomised(truth, 50, seed=4)]
    assert null.null_r[:, 0] == pytest.approx(np.array(want), abs=1e-6)
    assert null.p == pytest.approx([(np.sum(np.array(want) >= null.r[0]) + 1) / 51])
    assert null.r_mean == pytest.approx([np.mean(want)], abs=1e-6)
    assert null.r_high == pytest.approx([sorted(want)[-2]], abs=1e-6)


def test_eigenvectors_are_orthonormal_sum_to_zero_and_go_from_smooth_to_rough():
    vectors = moran_eigenvectors(WEIGHTS)
    n = len(TILES)
    assert vectors.T @ vectors == pytest.approx(np.eye(n - 1), abs=1e-12)
    assert vectors.sum(axis=0) == pytest.approx(np.zeros(n - 1), abs=1e-12)
    assert (np.diff(morans_i(vectors.T, WEIGHTS)) <= 1e-12).all()


def test_on_unrelated_smooth_fields_it_holds_its_size_where_the_naive_test_does_not():
    fields = gaussian_filter(np.random.default_rng(1).standard_normal((2, 1000, 16, 16)), (0, 0, 1.5, 1.5))
    places = rectangle(16, 16)
    null = spectral_null(*fields.reshape(2, 1000, 256), neighbours(places), n=199)
    assert 0.02 < np.mean(null.p <= 0.05) < 0.08 < 0.15 < np.mean(null.p_naive <= 0.05)


def test_draws_are_those_of_the_seed_and_the_same_for_all_genes():
    a, b = percentile_maps(5, len(TILES)), percentile_maps(5, len(TILES), seed=1)
    together = spectral_null(a, b, WEIGHTS, seed=1)
    assert together.null_r[:, 3] == pytest.approx(
        spectral_null(a[3], b[3], WEIGHTS, seed=1).null_r[:, 0], abs=1e-6
    )
    assert not np.allclose(together.null_r, spectral_null(a, b, WEIGHTS, seed=2).null_r)


def test_the_truth_against_itself_is_above_all_draws():
    a = percentile_maps(1, len(TILES))
    assert spectral_null(a, a, WEIGHTS).p == pytest.approx([1 / 1000])


def test_a_constant_truth_is_as_high_as_all_draws():
    null = spectral_null(percentile_maps(1, len(TILES)), np.ones(len(TILES)), WEIGHTS)
    assert (null.r[0], null.p[0]) == (0, 1)


def test_too_many_tiles_have_no_null_and_say_so(monkeypatch):
    monkeypatch.setattr(spectral, "MOST_TILES", 20)
    null = spectral_null(*percentile_maps(2, len(TILES)), WEIGHTS)
    assert null.n_possible == 0 and np.isnan([null.p, null.r_mean, null.r_high]).all()
    assert null.reason == f"{len(TILES)} tiles: the eigenvectors of more than 20 are not computed"
    assert np.isfinite(null.r).all()


def test_eigenvectors_computed_before_give_the_same_null():
    a, b = percentile_maps(2, len(TILES))
    again = spectral_null(a, b, WEIGHTS, vectors=moran_eigenvectors(WEIGHTS))
    assert again.p.tolist() == spectral_null(a, b, WEIGHTS).p.tolist()
