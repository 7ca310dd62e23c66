"""Coherence of a module: the mean correlation of its genes' pairs, against random gene sets of the same size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from sequoia_stats.spatial.modules._scores import standardised

#: Genes that are computed and standardised at once.
_BLOCK = 1024
#: Tiles on which the sums of random sets are kept at once.
_TILES = 256


def mean_pairwise(total: ArrayLike, n_genes: ArrayLike, n_tiles: int) -> NDArray[np.float64]:
    """The mean Pearson correlation of all pairs of k genes, from the sum z of their standardised values.

    Since every standardised gene has the squared norm n, |Σ z|² = n (k + Σ of r over ordered pairs); so the mean r is
    (|Σ z|² / n − k) / (k (k − 1)), and no matrix of genes × genes is formed.

    Parameters
    ----------
    total : array of shape (sets, tiles)
        The sum of the standardised genes of each set; a constant gene adds 0.
    n_genes : array of shape (sets,)
        How many genes of each set vary.
    n_tiles : int
        Number of tiles.

    Returns
    -------
    array of shape (sets,)
        NaN for a set with fewer than two genes that vary.
    """
    total = np.asarray(total)
    return _mean_of_pairs(np.einsum("st,st->s", total, total, dtype=np.float64) / n_tiles, n_genes)


def _mean_of_pairs(norms: NDArray[np.float64], n_genes: ArrayLike) -> NDArray[np.float64]:
    """The mean correlation of all pairs, from |Σ z|² / tiles; see `mean_pairwise`."""
    k = np.asarray(n_genes, dtype=np.float64)
    return np.asarray((norms - k) / np.where(k > 1, k * (k - 1), np.nan))


def module_coherence(values: ArrayLike, modules: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """The mean correlation of all pairs of genes of each module on a slide.

    Parameters
    ----------
    values : array of shape (tiles, genes)
        Predicted genes; finite. A gene that is constant on the slide is left out.
    modules : sequence of array
        The columns of each module.

    Returns
    -------
    array of shape (modules,)
        In [−1, 1]; NaN for a module with fewer than two genes that vary.
    """
    z = standardised(values)
    vary, z = np.asarray(~np.isnan(z).any(axis=0)), np.nan_to_num(z)
    total = np.array([z[:, columns].sum(axis=1) for columns in modules])
    return mean_pairwise(total, [int(vary[columns].sum()) for columns in modules], len(z))


def draw_sets(n_genes: int, largest: int, n_sets: int, seed: int) -> NDArray[np.int64]:
    """Random sets of distinct genes, in random order: the first k of a set are a random set of k genes.

    Parameters
    ----------
    n_genes : int
        Genes to draw from, all with the same probability.
    largest : int
        Genes per set, at most `n_genes`.
    n_sets : int
        Number of sets.
    seed : int
        The same seed gives the same sets.

    Returns
    -------
    array of shape (n_sets, largest)
        Positions of genes.
    """
    random = np.random.default_rng(seed)
    draws = [random.choice(n_genes, largest, replace=False) for _ in range(n_sets)]
    return np.array(draws, dtype=np.int64).reshape(n_sets, largest)


def random_coherence(
    genes: Callable[[NDArray[np.int64]], NDArray],
    draws: NDArray[np.int64],
    sizes: Iterable[int],
    n_tiles: int,
) -> NDArray[np.float64]:
    """The coherence of random sets on a slide, for several sizes.

    Parameters
    ----------
    genes : callable
        Takes positions of genes and returns their values, tiles × genes; called with blocks of them.
    draws : array of shape (sets, largest)
        Random sets of `draw_sets`; a set of k genes is the first k.
    sizes : iterable of int
        The sizes, each at most `largest`.
    n_tiles : int
        Number of tiles.

    Returns
    -------
    array of shape (sets, sizes)
        Sums are in float32: to about 1e-6.
    """
    sizes = list(sizes)
    ends = sorted(set(sizes))
    draws = draws[:, : ends[-1]] if ends else draws[:, :0]
    needed, columns = np.unique(draws, return_inverse=True)
    columns = columns.reshape(draws.shape)
    z = np.empty((len(needed), n_tiles), dtype=np.float32)
    vary = np.zeros(len(needed), dtype=np.int64)
    for start in range(0, len(needed), _BLOCK):
        block = standardised(genes(needed[start : start + _BLOCK]))
        vary[start : start + _BLOCK] = ~np.isnan(block).any(axis=0)
        z[start : start + _BLOCK] = np.nan_to_num(block, copy=False).T
    norms = _prefix_norms(z, columns, ends) / n_tiles
    found = {k: _mean_of_pairs(norms[i], vary[columns[:, :k]].sum(axis=1)) for i, k in enumerate(ends)}
    return np.array([found[k] for k in sizes]).reshape(-1, len(draws)).T


def _prefix_norms(
    z: NDArray[np.float32], columns: NDArray[np.int64], ends: Sequence[int]
) -> NDArray[np.float64]:
    """|Σ z|² of the first k genes of each set, for each k of `ends` in ascending order: (ends, sets).

    Sums grow from one size to the next, for some tiles at once: the cost is that of the largest size.
    """
    n_sets = len(columns)
    added = [
        sparse.csr_matrix(
            (
                np.ones(n_sets * (stop - start), dtype=np.float32),
                np.sort(columns[:, start:stop], axis=1).ravel(),
                np.arange(n_sets + 1) * (stop - start),
            ),
            (n_sets, len(z)),
        )
        for start, stop in zip([0, *ends], ends, strict=False)
    ]
    norms = np.zeros((len(ends), n_sets))
    for start in range(0, z.shape[1], _TILES):
        tiles = np.ascontiguousarray(z[:, start : start + _TILES])
        total = np.zeros((n_sets, tiles.shape[1]), dtype=np.float32)
        for i, part in enumerate(added):
            total += part @ tiles
            norms[i] += np.einsum("st,st->s", total, total, dtype=np.float64)
    return norms
