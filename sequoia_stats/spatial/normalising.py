"""Counts of spots made comparable between spots: two ways, so that a claim that hangs on one of them is seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike

from sequoia_base.arguments import check_limits, one_of
from sequoia_stats.types.arrays import Floats

#: Overdispersion of `pearson-residuals`, and so their default in scanpy.
_THETA = 100.0


def _log1p(counts: Floats, totals: Floats) -> Floats:
    measured = totals[totals > 0]
    size = np.median(measured) if len(measured) else 1.0
    return np.log1p(counts * (size / np.where(totals > 0, totals, size))[:, None])


def _pearson_residuals(counts: Floats, totals: Floats) -> Floats:
    whole = totals.sum()
    expected = np.outer(totals, counts.sum(axis=0)) / (whole if whole > 0 else 1.0)
    spread = np.sqrt(expected + expected**2 / _THETA)
    residuals = np.divide(counts - expected, spread, out=np.zeros_like(expected), where=spread > 0)
    limit = np.sqrt(len(counts))
    return np.clip(residuals, -limit, limit)


#: Ways to normalise, by name.
NORMALISATIONS = {"log1p": _log1p, "pearson-residuals": _pearson_residuals}


def normalise(counts: ArrayLike | sp.spmatrix, totals: ArrayLike, how: str = "log1p") -> Floats:
    """Normalise the counts of spots by their totals.

    Parameters
    ----------
    counts : array or sparse matrix of shape (spots, genes)
        Raw counts.
    totals : array of shape (spots,)
        Counts of all genes of each spot, also of genes that `counts` lacks.
    how : str
        ``log1p``: ln(1 + count · median total / total), as scanpy's ``normalize_total`` and ``log1p``, which the paper
        uses. ``pearson-residuals``: (count − expected) / √(expected + expected² / 100) with the expected count total ·
        (the gene's share of all counts), clipped at ±√spots (Lause, Berens and Kobak 2021).

    Returns
    -------
    array of shape (spots, genes)

    Raises
    ------
    InputError
        If `how` is none of these.

    Examples
    --------
    >>> normalise([[1.0], [2.0]], [10.0, 20.0]).round(3)
    array([[0.916],
           [0.916]])
    """
    check_limits({"normalisation": how}, {"normalisation": one_of(NORMALISATIONS)})
    given: Any = counts
    dense = given.toarray() if sp.issparse(given) else given
    return NORMALISATIONS[how](np.asarray(dense, np.float64), np.asarray(totals, np.float64))
