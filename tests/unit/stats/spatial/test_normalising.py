"""Normalised counts, against the formulas spot by spot."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from sequoia_stats.errors import InputError
from sequoia_stats.spatial.normalising import NORMALISATIONS, normalise

seeds = st.integers(0, 10_000)


def counted(seed):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rng.gamma(1, 3, 6), (12, 6)).astype(float)
    return counts, counts.sum(axis=1) + rng.integers(1, 50, 12)


@given(seeds)
def test_log1p_is_the_formula_spot_by_spot(seed):
    counts, totals = counted(seed)
    middle = sorted(totals)[5:7]
    expected = [
        [math.log(1 + count * (sum(middle) / 2) / total) for count in row]
        for row, total in zip(counts, totals, strict=True)
    ]
    np.testing.assert_allclose(normalise(counts, totals), expected, rtol=1e-12)


@given(seeds)
def test_pearson_residuals_are_the_formula_count_by_count(seed):
    counts, totals = counted(seed)
    found = normalise(counts, totals, "pearson-residuals")
    for (i, j), count in np.ndenumerate(counts):
        mu = totals[i] * counts[:, j].sum() / totals.sum()
        residual = (count - mu) / math.sqrt(mu + mu * mu / 100) if mu else 0.0
        assert found[i, j] == pytest.approx(max(-math.sqrt(12), min(residual, math.sqrt(12))), rel=1e-10)


@pytest.mark.parametrize("how", NORMALISATIONS)
def test_sparse_counts_are_counts(how):
    counts, totals = counted(1)
    np.testing.assert_array_equal(
        normalise(sp.csr_array(counts), totals, how), normalise(counts, totals, how)
    )


def test_log1p_takes_depth_away():
    counts, totals = counted(2)
    deeper = np.repeat([1.0, 3.0], 6)
    same = normalise(counts, totals) - normalise(counts * deeper[:, None], totals * deeper)
    assert np.ptp(same[counts == 0]) == 0  # zeros stay zeros


def test_a_spot_without_counts_is_0():
    assert normalise([[0.0], [4.0]], [0.0, 8.0])[0, 0] == 0.0
    assert normalise([[0.0], [4.0]], [0.0, 8.0], "pearson-residuals")[0, 0] == 0.0


def test_another_word_is_refused():
    with pytest.raises(InputError, match="'cpm' is not a valid normalisation"):
        normalise([[1.0]], [1.0], "cpm")
