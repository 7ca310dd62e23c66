"""Nearest neighbours: the mean expression of the training slides whose mean-pooled features are most alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sequoia_model.errors import InputError
from sequoia_model.training.baselines.pooled import ColumnScale, gene_blocks, training_part
from sequoia_model.training.scores import Doubles, gene_correlations

#: Numbers of neighbours that are tried.
NEIGHBOURS = (1, 2, 3, 5, 8, 12, 20, 30, 50, 100)


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Nearest neighbours with a number of neighbours per gene.

    Parameters
    ----------
    scale : ColumnScale
        Centre and spread of the columns of the training features.
    features : array of shape (n, d)
        Training features on that scale.
    expression : array of shape (n, g)
        Training expression: the caller's array, not a copy.
    k : array of shape (g,)
        The chosen number of neighbours of each gene.
    left_out_mse : array of shape (g,)
        Mean squared error of predictions of training slides by slides of other patients, with the chosen number.
    left_out_r : array of shape (g,)
        Correlation of these predictions with the measured values.
    note : str
        What a user must know, "" if nothing.
    """

    scale: ColumnScale
    features: Doubles
    expression: NDArray[np.floating]
    k: NDArray[np.int64]
    left_out_mse: Doubles
    left_out_r: Doubles
    note: str = ""

    def predict(self, x: ArrayLike) -> Doubles:
        """Predict expression from features.

        Parameters
        ----------
        x : array of shape (m, d)
            Features.

        Returns
        -------
        array of shape (m, g)
            Mean over the neighbours, in the units of the training values.

        Raises
        ------
        InputError
            If the number of columns is not that of the training features.
        """
        nearest = _nearest(_squared_distances(self.scale.apply(x), self.features), int(self.k.max()))
        predicted = np.empty((len(nearest), len(self.k)))
        for block in gene_blocks(len(self.k)):
            values, k = self.expression[:, block].astype(np.float64), self.k[block]
            total, part = np.zeros((len(nearest), len(k))), predicted[:, block]
            for i in range(int(k.max())):
                total += values[nearest[:, i]]
                done = k == i + 1
                part[:, done] = total[:, done] / (i + 1)
        return predicted


def nearest_neighbours(
    x: ArrayLike,
    y: ArrayLike,
    *,
    patients: Sequence[object] | NDArray[np.object_] | None = None,
    k: Sequence[int] = NEIGHBOURS,
) -> Neighbours:
    """Choose the number of neighbours of every gene.

    Distances are Euclidean, on columns of `x` that are centred and divided by their standard deviation. They are
    computed once for all genes. The number of neighbours of a gene is the one with the smallest squared error of
    training slides that are predicted by slides of other patients; the larger number if two are equal.

    Parameters
    ----------
    x : array of shape (n, d)
        Features of the training slides, such as `pooled_features`.
    y : array of shape (n, g)
        Measured expression.
    patients : sequence of length n, optional
        Patient of each slide, who does not predict it while the number is chosen.
    k : sequence of int
        Numbers to try, 1 or more. Those above the number of slides of other patients are left out.

    Returns
    -------
    Neighbours

    Raises
    ------
    InputError
        If shapes do not fit, values are missing, or a number is below 1.

    Notes
    -----
    Among slides at the same distance, earlier rows come first. With slides of a single patient, single slides are left
    out instead, and `note` says so.

    Examples
    --------
    >>> fit = nearest_neighbours([[0.0], [1.0], [5.0], [6.0]], [[1.0], [1.0], [9.0], [9.0]], k=[1, 2])
    >>> fit.k, fit.predict([[0.4]])
    (array([1]), array([[1.]]))
    """
    features, expression, codes = training_part(x, y, patients)
    asked = sorted({int(number) for number in k})
    if not asked or asked[0] < 1:
        raise InputError(f"numbers of neighbours must be 1 or more, but are {list(k)}", fix="leave k out")
    note = ""
    if codes.max() == 0:
        codes = np.arange(len(codes))
        note = (
            "all training slides are of one patient, so slides of the same patient chose the number of "
            "neighbours, which is then too small"
        )
    others = len(codes) - int(np.bincount(codes).max())
    tried = [number for number in asked if number <= others] or [others]
    scale = ColumnScale.of(features)
    standard = scale.apply(features)
    distances = _squared_distances(standard, standard)
    distances[codes[:, None] == codes] = np.inf
    nearest = _nearest(distances, tried[-1])
    n_genes = expression.shape[1]
    chosen, mse, r = np.empty(n_genes, dtype=np.int64), np.empty(n_genes), np.empty(n_genes)
    for block in gene_blocks(n_genes):
        values = expression[:, block].astype(np.float64)
        total, left_out = np.zeros_like(values), np.empty_like(values)
        best = np.full(values.shape[1], np.inf)
        for i in range(tried[-1]):
            total += values[nearest[:, i]]
            if i + 1 not in tried:
                continue
            predicted = total / (i + 1)
            error = np.mean((values - predicted) ** 2, axis=0)
            better = error <= best
            best[better], chosen[block][better] = error[better], i + 1
            left_out[:, better] = predicted[:, better]
        mse[block], r[block] = best, gene_correlations(values, left_out)
    return Neighbours(scale, standard, expression, chosen, mse, r, note)


def _squared_distances(x: Doubles, y: Doubles) -> Doubles:
    """Between all rows of x and of y, up to rounding."""
    squares = np.einsum("ij,ij->i", x, x)[:, None] + np.einsum("ij,ij->i", y, y)
    return squares - 2 * x @ y.T


def _nearest(distances: Doubles, k: int) -> NDArray[np.intp]:
    """The k nearest columns of each row, nearest first; equal ones in their order."""
    return np.argsort(distances, axis=1, kind="stable")[:, :k]
