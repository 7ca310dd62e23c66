"""Standard errors of correlations when slides of a patient are not independent: patients are resampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sequoia_stats.types.arrays import Floats

_COLUMNS = 256  # at a time: ten matrices of replicates × columns are in memory
_LEVEL = 0.95
#: If its variance is below this share of the variance in all slides, a replicate is constant except for rounding.
_CONSTANT = 1e-9


@dataclass(frozen=True, eq=False)
class ClusterBootstrap:
    """Spread of correlations over the replicates, on Fisher's scale, gene by gene.

    Parameters
    ----------
    se : array of shape (genes,)
        Standard error of atanh r of predicted and measured values; NaN if fewer than 2 replicates have an r.
    se_difference : array of shape (genes,)
        Standard error of its difference from that of the untrained network (averaged over seeds); NaN without one.
    low, high : array of shape (genes,)
        2.5% and 97.5% quantiles of r − r_untrained over the replicates.
    """

    se: Floats
    se_difference: Floats
    low: Floats
    high: Floats


def cluster_bootstrap(
    measured: NDArray[Any],
    predicted: NDArray[Any],
    untrained: Sequence[NDArray[Any]],
    clusters: NDArray[np.intp],
    *,
    replicates: int,
    seed: int,
    rows: NDArray[np.intp] | None = None,
) -> ClusterBootstrap:
    """Draw clusters with replacement; matrix products compute all replicates and genes of a block at once.

    Parameters
    ----------
    measured, predicted : array of shape (slides, genes)
        NaN is allowed in `measured` and left out gene by gene.
    untrained : sequence of array of shape (slides, genes)
        One matrix per seed.
    clusters : array of shape (slides,)
        Number of the patient, from 0; with `rows`, of these slides only.
    replicates : int
        Number of replicates.
    seed : int
        Random seed, 0 or more.
    rows : array, optional
        Slides to use, all by default; this avoids a copy.
    """
    n_clusters = int(clusters.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(
        n_clusters, np.full(n_clusters, 1 / n_clusters), replicates
    )
    weights = drawn[:, clusters].astype(np.float64)
    parts = []
    for start in range(0, measured.shape[1], _COLUMNS):
        block = slice(None) if rows is None else rows, slice(start, start + _COLUMNS)
        x, y, *null = (np.asarray(m[block], np.float64) for m in (measured, predicted, *untrained))
        parts.append(_block(weights, x, y, null))
    return ClusterBootstrap(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def weighted_correlations(weights: Floats, x: Floats, others: Sequence[Floats]) -> list[Floats]:
    """Pearson's r of `x` with each of `others` for every row of `weights`, which are numbers of copies.

    Parameters
    ----------
    weights : array of shape (replicates, slides)
        0 or more.
    x : array of shape (slides, genes)
        NaN is left out gene by gene.
    others : sequence of array of shape (slides, genes)
        Finite.

    Returns
    -------
    list of array of shape (replicates, genes)
        NaN if x or the other is constant in the replicate.
    """
    present = ~np.isnan(x)
    centred = np.where(present, x - _means(x, present), 0.0)
    total = weights @ present.astype(np.float64) if not present.all() else weights.sum(axis=1)[:, None]
    total = np.maximum(total, 1.0)
    mean_x, variance_x = _mean_and_variance(weights, centred, total, present)
    result = []
    for other in others:
        y = np.where(present, other - _means(other, present), 0.0)
        mean_y, variance_y = _mean_and_variance(weights, y, total, present)
        covariance = weights @ (centred * y) / total - mean_x * mean_y
        with np.errstate(invalid="ignore"):  # NaN if a variance is NaN
            result.append(np.clip(covariance / np.sqrt(variance_x * variance_y), -1.0, 1.0))
    return result


def _block(
    weights: Floats, measured: Floats, predicted: Floats, untrained: list[Floats]
) -> tuple[Floats, Floats, Floats, Floats]:
    r, *null = weighted_correlations(weights, measured, [predicted, *untrained])
    inside = np.nextafter(1.0, 0.0)
    z = np.arctanh(np.clip(r, -inside, inside))
    if not null:
        absent = np.full(z.shape[1], np.nan)
        return _standard_deviation(z), absent, absent, absent
    # a constant untrained network is uninformative: its r is 0
    null_z = np.mean([np.arctanh(np.clip(np.nan_to_num(r0), -inside, inside)) for r0 in null], axis=0)
    tails = [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2]
    low, high = _quantiles(r - np.tanh(null_z), tails)
    return _standard_deviation(z), _standard_deviation(z - null_z), low, high


def _means(x: Floats, present: NDArray[np.bool_]) -> Floats:
    return np.where(present, x, 0.0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)


def _mean_and_variance(
    weights: Floats, centred: Floats, total: Floats, present: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Mean and variance for every row of weights; the variance of constant values is NaN."""
    mean = weights @ centred / total
    variance = weights @ (centred * centred) / total - mean * mean
    overall = (centred * centred).sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    return mean, np.where((variance > _CONSTANT * overall) & (overall > 0), variance, np.nan)


def _standard_deviation(z: Floats) -> Floats:
    """Standard deviation over the replicates that have a value; NaN if fewer than 2 have one."""
    known = ~np.isnan(z)
    n = known.sum(axis=0)
    mean = np.where(known, z, 0.0).sum(axis=0) / np.maximum(n, 1)
    squares = (np.where(known, z - mean, 0.0) ** 2).sum(axis=0)
    return np.where(n > 1, np.sqrt(squares / np.maximum(n - 1, 1)), np.nan)


def _quantiles(values: Floats, probabilities: list[float]) -> Floats:
    known = ~np.isnan(values)
    whole = known.all(axis=0)
    result = np.full((len(probabilities), values.shape[1]), np.nan)
    result[:, whole] = np.quantile(values[:, whole], probabilities, axis=0)
    for column in np.flatnonzero(~whole & known.any(axis=0)):
        result[:, column] = np.quantile(values[known[:, column], column], probabilities)
    return result
