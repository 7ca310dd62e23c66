"""Linear discriminant analysis of principal components, prepared once for many labellings of the same rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: At most this many components, and at most this share of the number of training rows.
_COMPONENTS, _SHARE = 128, 0.25
#: How far the covariance within classes is drawn towards a multiple of the identity.
SHRINKAGE = 0.1
_TINY = 1e-10


@dataclass(frozen=True, eq=False)
class Discriminant:
    """Training and other rows as components that have mean 0 and unit variance over the training rows.

    Parameters
    ----------
    train : array of shape (n, q)
        Training rows.
    other : array of shape (m, q)
        Rows to classify.
    """

    train: NDArray[np.float64]
    other: NDArray[np.float64]

    @classmethod
    def of(cls, train: NDArray[np.float64], other: NDArray[np.float64]) -> Discriminant:
        """Components of the training rows, whose labels they do not depend on.

        Parameters
        ----------
        train : array of shape (n, d)
            Training rows.
        other : array of shape (m, d)
            Rows to classify.
        """
        centre = train.mean(axis=0)
        _, spread, axes = np.linalg.svd(train - centre, full_matrices=False)
        q = min(_COMPONENTS, max(1, int(_SHARE * len(train))), int((spread > _TINY * spread[0]).sum()))
        scaled = axes[:q].T / (spread[:q] / np.sqrt(len(train)))
        return cls((train - centre) @ scaled, (other - centre) @ scaled)

    def classify(self, label: NDArray[np.intp], n_labels: int) -> NDArray[np.intp]:
        """The most probable label of each other row, with the frequencies of the training rows as priors.

        Parameters
        ----------
        label : array of shape (n,)
            Label of each training row, from 0; a label without rows is never chosen.
        n_labels : int
            Number of labels.
        """
        n, q = self.train.shape
        one_hot = np.zeros((n, n_labels))
        one_hot[np.arange(n), label] = 1
        size = one_hot.sum(axis=0)
        centre = (one_hot.T @ self.train) / np.maximum(size, 1)[:, None]
        within = np.eye(q) - (centre.T * (size / n)) @ centre  # of all rows the covariance is the identity
        within *= 1 - SHRINKAGE
        within[np.diag_indices(q)] += max(_TINY, SHRINKAGE / (1 - SHRINKAGE) * np.trace(within) / q)
        slope = np.linalg.solve(within, centre.T)
        with np.errstate(divide="ignore"):
            offset = np.log(size / n) - 0.5 * (centre * slope.T).sum(axis=1)
        return (self.other @ slope + offset).argmax(axis=1)
