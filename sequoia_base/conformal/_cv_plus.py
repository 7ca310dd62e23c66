"""CV+: intervals from residuals around the prediction of the network that each residual is of.

References
----------
Barber, Candès, Ramdas and Tibshirani (2021), Predictive inference with the jackknife+, Annals of Statistics 49:486.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sequoia_base.conformal.quantiles import RealArray
from sequoia_base.kernels import kernel, map_blocks

#: Genes that a thread takes at a time; sums of weights are compared up to this part of them.
_GENES, _ROUNDING = 64, 1e-9


def cv_plus_bounds(
    residuals: RealArray,
    weights: RealArray,
    networks: NDArray[np.intp],
    by_network: RealArray,
    level: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The bounds of new patients: conformal quantiles of prediction − residual and of prediction + residual.

    Parameters
    ----------
    residuals : array, shape (n, genes)
        Absolute residuals of calibration slides; NaN if a gene was not measured.
    weights : array, shape (n,) or (n, genes)
        Their weights; a new patient weighs 1.
    networks : array of int, shape (n,)
        The network that each residual is of, as its position in `by_network`.
    by_network : array, shape (networks, m, genes)
        Predictions of the new slides by each network.
    level : float
        The coverage if the networks are stable; 1 − 2 (1 − level) is guaranteed for any.

    Returns
    -------
    lower, upper : array, shape (m, genes)
    """
    order = np.argsort(networks, kind="stable")
    starts = np.searchsorted(networks[order], np.arange(len(by_network) + 1))
    rows = np.where(np.isnan(residuals), -np.inf, residuals)[order].T.astype(np.float64)
    weights = np.broadcast_to(weights if weights.ndim == 2 else weights[:, None], residuals.shape)[order].T
    weights = np.where(np.isneginf(rows), 0.0, weights)
    for start, stop in pairwise(starts):  # from the largest to the smallest
        part = np.argsort(-rows[:, start:stop], axis=1, kind="stable")
        rows[:, start:stop] = np.take_along_axis(rows[:, start:stop], part, axis=1)
        weights[:, start:stop] = np.take_along_axis(weights[:, start:stop], part, axis=1)
    wanted = level * (weights.sum(axis=1) + 1) * (1 - _ROUNDING)
    shifts = np.ascontiguousarray(by_network.transpose(2, 1, 0), dtype=np.float64)
    upper, lower = np.empty((2, *by_network.shape[:0:-1]), np.float32)

    def some(first: int, last: int) -> None:
        cut = slice(first, last)
        _quantiles(rows[cut], weights[cut], starts, shifts[cut], wanted[cut], upper[cut])
        _quantiles(rows[cut], weights[cut], starts, -shifts[cut], wanted[cut], lower[cut])

    map_blocks(some, len(rows), _GENES)
    return -lower.T, upper.T


@kernel
def _quantiles(rows, weights, starts, shifts, wanted, out):
    """The weighted quantile of residual + shift, for each gene and slide; sorted lists are merged from their tops."""
    n_networks = len(starts) - 1
    at = np.empty(n_networks, np.int64)
    for gene in range(rows.shape[0]):
        total = weights[gene].sum()
        for slide in range(shifts.shape[1]):
            for network in range(n_networks):
                at[network] = starts[network]
            left, value = total, np.inf
            while left >= wanted[gene]:
                best = -1
                for network in range(n_networks):
                    if at[network] < starts[network + 1]:
                        top = rows[gene, at[network]] + shifts[gene, slide, network]
                        if best < 0 or top > value:
                            best, value = network, top
                left -= weights[gene, at[best]]
                at[best] += 1
            out[gene, slide] = value
