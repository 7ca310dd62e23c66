"""Principal components of cluster means, fitted on training slides: the input of a small network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sequoia_model.errors import InputError

#: Values in memory at a time, in float64.
_BLOCK = 4_000_000


@dataclass(frozen=True, eq=False)
class PrincipalComponents:
    """A projection onto principal components: (x − mean) · components.

    Parameters
    ----------
    mean : array of shape (d,), float32
        Mean over the rows of all training slides.
    components : array of shape (d, k), float32
        Orthogonal axes in the order of their variance. All have the same length, with which the k projected values have
        a variance of 1 on average. The largest entry of each is positive.
    """

    mean: NDArray[np.float32]
    components: NDArray[np.float32]

    def apply(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Project slides (n, clusters, d) to (n, clusters, k), one after the other."""
        projected = np.empty((*inputs.shape[:-1], self.components.shape[1]), dtype=np.float32)
        for slide, out in zip(inputs, projected, strict=True):
            np.matmul(slide - self.mean, self.components, out=out)
        return projected


def fit_components(
    inputs: NDArray[np.float32], rows: NDArray[np.int64], n_components: int
) -> PrincipalComponents:
    """The principal components of the cluster means of some slides.

    Parameters
    ----------
    inputs : array of shape (slides, clusters, d), float32
        Cluster means of all slides.
    rows : array of shape (n,), int64
        The slides that are used: those that train.
    n_components : int
        Number of axes.

    Raises
    ------
    InputError
        If the features have fewer dimensions, or the slides fewer cluster means, than there are axes.
    """
    _, clusters, d = inputs.shape
    refuse_few(inputs, rows, n_components)
    blocks = np.array_split(rows, 1 + len(rows) * clusters * d // _BLOCK)
    mean, products = np.zeros(d), np.zeros((d, d))
    for some in blocks:
        mean += inputs[some].sum(axis=(0, 1), dtype=np.float64) / (len(rows) * clusters)
    for some in blocks:
        centred = inputs[some].reshape(-1, d) - mean
        products += centred.T @ centred
    variances, axes = np.linalg.eigh(products / (len(rows) * clusters))
    best = axes[:, ::-1][:, :n_components]
    largest = best[np.abs(best).argmax(axis=0), np.arange(n_components)]
    best = best * np.where(largest < 0, -1.0, 1.0)
    variance = max(float(variances[::-1][:n_components].mean()), float(np.finfo(np.float32).tiny))
    return PrincipalComponents(np.asarray(mean, dtype=np.float32), (best / variance**0.5).astype(np.float32))


def refuse_few(inputs: NDArray[np.float32], rows: NDArray[np.int64], n_components: int) -> None:
    """Refuse to fit more components than there are dimensions, or cluster means of these slides.

    Raises
    ------
    InputError
        Naming both numbers.
    """
    _, clusters, d = inputs.shape
    if min(d, len(rows) * clusters) < n_components:
        raise InputError(
            f"{n_components} principal components cannot be fitted on {len(rows) * clusters:,} cluster means "
            f"of {d} dimensions",
            fix="--size full" if d < n_components else "--size full, or more training slides",
        )
