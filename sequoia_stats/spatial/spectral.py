"""Moran spectral randomisation: truths with the same Moran's I, on tissue of any shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from sequoia_base.arguments import check_limits, whole
from sequoia_stats.spatial.lattice import as_map_pairs
from sequoia_stats.spatial.null_maps import SpatialNull, one_sided_p, rank_statistics, standardised
from sequoia_stats.types.arrays import Floats

if TYPE_CHECKING:
    from scipy import sparse

#: Tiles up to which the eigenvectors are computed: time grows with their third power, memory with their second.
MOST_TILES = 6_000
_LIMITS = {"n": whole(1), "seed": whole(0)}
# Values in the product of one block of genes.
_VALUES = 2**23


class SpectralNull(SpatialNull):
    """Correlations with randomised truths; the draws are the same for all genes. See `SpatialNull`."""


def spectral_null(
    maps: ArrayLike,
    truth: ArrayLike,
    weights: sparse.csr_array,
    *,
    n: int = 999,
    seed: int = 0,
    vectors: Floats | None = None,
) -> SpectralNull:
    """Correlate maps with truths that are randomised so that Moran's I stays.

    A truth is a sum of Moran's eigenvectors, those of the doubly centred, symmetric part of the weights. A
    randomised one has the same coefficients with random signs (Wagner and Dray 2015, the singleton procedure): its
    mean, variance and Moran's I are exactly those of the truth. As the eigenvectors are orthogonal, its correlation
    with a map is the sum of the products of their coefficients, with those signs: no randomised truth is made.

    Parameters
    ----------
    maps, truth : arrays of shape (genes, tiles) or (tiles,)
        Predicted and measured values without missing ones, gene by gene.
    weights : sparse array of shape (tiles, tiles)
        See `sequoia_stats.spatial.neighbours`.
    n : int, default 999
        Number of draws.
    seed : int, default 0
        Seed of the signs, which are the same for all genes.
    vectors : array of shape (tiles, tiles - 1), optional
        ``moran_eigenvectors(weights)``, where they are used again: at thousands of tiles they take most of the time.

    Returns
    -------
    SpectralNull
        Without a null, and with the reason, if there are more than 6,000 tiles or fewer than 3.

    Raises
    ------
    InputError
        If the shapes differ, or a value is missing.
    """
    check_limits({"n": n, "seed": seed}, _LIMITS)
    tiles = weights.shape[0]
    a, b = (standardised(values) for values in as_map_pairs(maps, truth, tiles))
    r = np.clip(np.einsum("gt,gt->g", a, b), -1, 1)
    reason = _reason(tiles)
    if reason:
        return _null(r, np.zeros((0, len(r)), np.float32), tiles, reason)
    vectors = moran_eigenvectors(weights) if vectors is None else vectors
    signs = np.random.default_rng(seed).integers(0, 2, size=(n, vectors.shape[1])) * 2.0 - 1.0
    null_r = np.empty((n, len(r)), np.float32)
    genes = max(1, _VALUES // max(n, tiles))
    for start in range(0, len(r), genes):
        block = slice(start, start + genes)
        null_r[:, block] = signs @ ((a[block] @ vectors) * (b[block] @ vectors)).T
    return _null(r, null_r, tiles, reason)


def moran_eigenvectors(weights: sparse.csr_array) -> Floats:
    """Eigenvectors of the doubly centred weights, from the smoothest to the roughest, without the constant one.

    Parameters
    ----------
    weights : sparse array of shape (tiles, tiles)
        Need not be symmetric: the quadratic form of Moran's I only has its symmetric part.

    Returns
    -------
    array of shape (tiles, tiles - 1)
        Orthonormal columns, orthogonal to the constant.
    """
    from scipy.linalg import eigh

    dense = weights.toarray()
    dense = (dense + dense.T) / 2
    dense -= dense.mean(axis=0)
    dense -= dense.mean(axis=1, keepdims=True)
    # The constant vector has the eigenvalue 0, as others may; moved below all of them, it stands alone.
    dense -= (1 + np.abs(dense).sum(axis=1).max(initial=0)) / len(dense)
    return eigh(dense, overwrite_a=True, driver="evd")[1][:, :0:-1]


def _reason(tiles: int) -> str:
    if tiles < 3:
        return "fewer than 3 tiles"
    if tiles > MOST_TILES:
        return f"{tiles:,} tiles: the eigenvectors of more than {MOST_TILES:,} are not computed"
    return ""


def _null(r: Floats, null_r: np.ndarray, tiles: int, reason: str) -> SpectralNull:
    equal = np.ones(len(null_r))
    found = rank_statistics(r, null_r, equal, 1.0)
    return SpectralNull(
        r=r, p_naive=one_sided_p(r, tiles), n_possible=len(null_r), reason=reason, null_r=null_r, **found
    )
