"""Moran's I: how alike neighbouring tiles are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from sequoia_stats.spatial.lattice import as_maps, within
from sequoia_stats.types.arrays import Floats

if TYPE_CHECKING:
    from scipy import sparse


def neighbours(places: ArrayLike) -> sparse.csr_array:
    """Weights of neighbouring tiles: the up to eight that touch a tile share a weight of 1 in its row.

    This is a queen's contiguity, standardised by rows, as spdep's style "W". A tile without neighbours has a row
    of zeros.

    Parameters
    ----------
    places : array of shape (tiles, 2)
        Row and column of each tile.

    Returns
    -------
    csr_array of float64, shape (tiles, tiles)

    Raises
    ------
    InputError
        If the places are not whole numbers, or two tiles are at one place.

    Examples
    --------
    >>> neighbours([[0, 0], [0, 1], [0, 2], [5, 5]]).toarray()
    array([[0. , 1. , 0. , 0. ],
           [0.5, 0. , 0.5, 0. ],
           [0. , 1. , 0. , 0. ],
           [0. , 0. , 0. , 0. ]])
    """
    from scipy import sparse

    touching = within(places, 1)
    touching = touching - sparse.eye_array(touching.shape[0], format="csr")
    touching.eliminate_zeros()
    number = touching.sum(axis=1)
    return sparse.csr_array(sparse.diags_array(1 / np.maximum(number, 1)) @ touching)


def morans_i(values: ArrayLike, weights: sparse.csr_array) -> Floats:
    """Moran's I of each map.

    I = (n / Σ w_ij) · Σ w_ij z_i z_j / Σ z_i², where z is the value less the mean over all n tiles (Moran 1950, as
    in R's ``ape::Moran.I`` and ``spdep::moran``). Tiles without neighbours count in n and in the mean.

    Parameters
    ----------
    values : array of shape (genes, tiles) or (tiles,)
        Maps without missing values.
    weights : sparse array of shape (tiles, tiles)
        See `neighbours`; need not be symmetric.

    Returns
    -------
    array of shape (genes,)
        NaN for a constant map, and where no tile has a neighbour.

    Raises
    ------
    InputError
        If a value is missing, or the number of tiles is another.

    Examples
    --------
    >>> corner = neighbours([[0, 0], [0, 1], [0, 2], [0, 3]])
    >>> morans_i([[0, 1, 2, 3], [0, 1, 0, 1]], corner).round(2)
    array([ 0.4, -1. ])
    """
    maps = as_maps(values, weights.shape[0], "maps")
    if not maps.size:
        return np.full(len(maps), np.nan)
    z = maps - maps.mean(axis=1, keepdims=True)
    squares, products = np.einsum("gt,gt->g", z, z), np.einsum("gt,tg->g", z, weights @ z.T)
    with np.errstate(divide="ignore", invalid="ignore"):
        moran = maps.shape[1] / weights.sum() * products / squares
    return np.where((np.ptp(maps, axis=1) == 0) | (weights.sum() == 0), np.nan, moran)
