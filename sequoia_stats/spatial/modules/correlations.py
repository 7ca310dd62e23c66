"""Correlations of genes over tiles, averaged over slides, and the order in which genes cluster."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
from scipy.spatial.distance import pdist, squareform

from sequoia_stats.spatial.modules._scores import standardised


def gene_correlations(values: ArrayLike) -> NDArray[np.float64]:
    """Pearson correlations of all pairs of genes over the tiles of a slide.

    Parameters
    ----------
    values : array of shape (tiles, genes)
        Predicted genes; finite.

    Returns
    -------
    array of shape (genes, genes)
        The diagonal is 1; rows and columns of a gene that is constant on the slide are NaN.
    """
    z = standardised(values)
    r = np.clip(z.T @ z / max(len(z), 1), -1, 1)
    defined = ~np.isnan(np.diagonal(r))
    np.fill_diagonal(r, np.where(defined, 1.0, np.nan))
    return np.asarray(r)


def mean_over_slides(matrices: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The plain mean of correlations over the slides on which both genes vary: each slide counts the same.

    It is no mean of Fisher's z, which is infinite for genes whose maps are proportional.

    Parameters
    ----------
    matrices : sequence of array of shape (genes, genes)
        One per slide.

    Returns
    -------
    array of shape (genes, genes)
        NaN for a pair that varies together on no slide.
    """
    total, count = np.zeros(matrices[0].shape), np.zeros(matrices[0].shape)
    for matrix in matrices:
        defined = ~np.isnan(matrix)
        total[defined] += matrix[defined]
        count += defined
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def gene_tree(r: NDArray[np.float64], *, rule: str = "strict") -> NDArray[np.float64]:
    """Average linkage of genes, their leaves in the order that puts similar neighbours together.

    Parameters
    ----------
    r : array of shape (genes, genes)
        Correlations of two or more genes; an undefined pair (NaN) counts as uncorrelated.
    rule : {"strict", "paper"}
        The distance of two genes: 1 − r, or the Euclidean distance of their rows of r, as seaborn's clustermap.

    Returns
    -------
    array of shape (genes − 1, 4)
        scipy's linkage matrix.
    """
    r = np.nan_to_num(r, nan=0.0)
    distances = pdist(r) if rule == "paper" else squareform(np.maximum(1 - r, 0), checks=False)
    return np.asarray(linkage(distances, method="average", optimal_ordering=True))


def leaf_order(tree: NDArray[np.float64]) -> NDArray[np.int64]:
    """The genes in the order of the leaves."""
    return np.asarray(leaves_list(tree), dtype=np.int64)


def clusters_of(tree: NDArray[np.float64], n_clusters: int) -> NDArray[np.int64]:
    """The cluster of each gene, where the tree is cut into at most so many; numbered along the leaves from 1."""
    labels, order = fcluster(tree, n_clusters, criterion="maxclust"), leaf_order(tree)
    first = {label: place for place, label in enumerate(dict.fromkeys(labels[order].tolist()), start=1)}
    return np.array([first[label] for label in labels.tolist()], dtype=np.int64)
