"""The score of a module on a tile: the mean of its genes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: A gene whose range is below this share of its largest value is constant: maps are computed in float32.
_RESOLUTION = 1e-6


def standardised(values: ArrayLike) -> NDArray[np.float64]:
    """Genes with mean 0 and standard deviation 1 over the tiles of a slide.

    Parameters
    ----------
    values : array of shape (tiles, genes)
        Predicted expression, any unit; finite.

    Returns
    -------
    array of shape (tiles, genes)
        (x − mean) / population standard deviation; NaN for a gene that is constant on the slide.
    """
    values = np.asarray(values, dtype=np.float64)
    if not values.size:
        return np.full(values.shape, np.nan)
    centred = values - values.mean(axis=0)
    constant = np.ptp(values, axis=0) <= _RESOLUTION * np.abs(values).max(axis=0)
    spread = np.where(constant, np.nan, np.sqrt(np.mean(centred**2, axis=0)))
    return centred / spread


def module_scores(values: ArrayLike, modules: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """The mean over the genes of each module.

    Parameters
    ----------
    values : array of shape (tiles, genes)
        Genes, as predicted or `standardised`; a column of NaN is left out of the means.
    modules : sequence of array
        The columns of each module.

    Returns
    -------
    array of shape (tiles, modules)
        NaN for a module without a gene that varies.
    """
    values = np.asarray(values, dtype=np.float64)
    usable = ~np.isnan(values).any(axis=0)
    scores = np.full((len(values), len(modules)), np.nan)
    for place, columns in enumerate(modules):
        if (kept := columns[usable[columns]]).size:
            scores[:, place] = values[:, kept].mean(axis=1)
    return scores
