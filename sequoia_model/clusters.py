"""Means of the clusters of a slide's tiles, by a k-means that gives the same result for tiles in any order."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from sequoia_base.arguments import check_limits, whole
from sequoia_model.errors import InputError, listing, part

#: Number of cluster means that the published networks read.
N_CLUSTERS = 100

_AXES = 64  # dimensions in which clusters are searched first, before all dimensions are used
_SAMPLE = 1000  # tiles, roughly, from which these axes are computed
_ROUNDS = 300  # at most; 10 to 30 are usual
#: In units of a tile's squared length. A smaller gain may be rounding of float32, and the rounds might never end.
_SLACK = 1e-6

_LARGEST = 1e12  # value: sums of squares stay within float32

Matrix = NDArray[np.float32]
ClusterLabels = NDArray[np.intp]


@dataclass(frozen=True, eq=False, repr=False)
class ClusterMeans:
    """Means of the clusters of a slide's tiles, in an order that depends only on the tiles.

    Parameters
    ----------
    means : array of shape (clusters, d), float32
        A row per cluster: the mean of its tiles.
    counts : array of shape (clusters,), int64
        Number of tiles of each cluster; 0 for a row that repeats another.
    inertia : float
        Sum over tiles of the squared distance to the mean of their cluster.
    n_tiles : int
        Number of tiles.
    note : str
        Says if there were fewer distinct tiles than clusters; empty otherwise.
    """

    means: Matrix
    counts: NDArray[np.int64]
    inertia: float
    n_tiles: int
    note: str = ""

    def __repr__(self) -> str:
        clusters, d = self.means.shape
        return f"<ClusterMeans {clusters} × {d} of {self.n_tiles} tiles, inertia {self.inertia:.6g}>"


def cluster_means(features: ArrayLike, *, n_clusters: int = N_CLUSTERS, seed: int = 0) -> ClusterMeans:
    """Cluster the tiles of a slide by k-means and average each cluster.

    The result depends only on the tiles and the seed: on the same machine, with the same number of BLAS threads, tiles
    in any order give the same bytes. Larger clusters come first; clusters of equal size are in the order of their means
    (first feature, then second, and so on). Since the network has a position for each row, this order must depend on
    the tiles alone: not on the labels that k-means happens to give, and not on the seed if it finds the same clusters.

    Starting points are chosen by greedy k-means++ [2]_ in the space of the 64 main axes and improved there by Lloyd's
    rounds [1]_. Rounds in all dimensions follow until no tile is nearer to the mean of another cluster. A cluster that
    loses all its tiles gets the tile that is farthest from the mean of its own cluster.

    Parameters
    ----------
    features : array of shape (tiles, d)
        A row per tile; numbers, which are converted to float32.
    n_clusters : int
        Number of rows of the result.
    seed : int
        Random seed, 0 or more.

    Returns
    -------
    ClusterMeans
        If there are fewer distinct tiles than `n_clusters`, each is its own cluster, and they are repeated in turn
        until all rows are filled. Repeated rows have a count of 0, and `note` says so.

    Raises
    ------
    InputError
        If the features are not a matrix of finite numbers, or `n_clusters` or `seed` is out of range.

    References
    ----------
    .. [1] Lloyd. Least squares quantization in PCM. IEEE Trans Inf Theory 28 (1982) 129.
    .. [2] Arthur & Vassilvitskii. k-means++: the advantages of careful seeding. SODA (2007) 1027.

    Examples
    --------
    >>> result = cluster_means([[0.0, 1], [9, 9], [0, 3], [9, 9], [6, 9]], n_clusters=2)
    >>> result.means.tolist(), result.counts.tolist()
    ([[8.0, 9.0], [0.0, 2.0]], [3, 2])
    """
    check_limits({"n_clusters": n_clusters, "seed": seed}, {"n_clusters": whole(1), "seed": whole(0)})
    rng = np.random.default_rng(seed)
    tiles, distinct = _sorted_tiles(_checked(features))
    n_distinct = int(distinct.sum())
    if n_distinct > n_clusters:
        return _averaged(tiles, _partition(tiles, n_clusters, rng))
    each = _averaged(tiles, np.cumsum(distinct) - 1)
    if n_distinct == n_clusters:
        return each
    rows = np.arange(n_clusters) % n_distinct
    noun = "tile" if n_distinct == 1 else "tiles"
    return ClusterMeans(
        each.means[rows],
        np.where(np.arange(n_clusters) < n_distinct, each.counts[rows], 0),
        each.inertia,
        each.n_tiles,
        f"{n_distinct} distinct {noun}, fewer than {n_clusters} clusters: "
        "each is its own cluster, and they are repeated in turn",
    )


def _checked(features: ArrayLike) -> Matrix:
    """The features as a float32 matrix of usable values, in which zero has no sign."""
    given = np.asarray(features)
    if given.dtype.kind not in "fiu":
        raise InputError(f"features must be numbers, but are {given.dtype}")
    if given.ndim != 2 or 0 in given.shape:
        raise InputError(f"features must be tiles × dimensions, but have the shape {given.shape}")
    with np.errstate(over="ignore"):  # too large for float32 becomes infinite, refused below
        matrix = np.add(given, 0, dtype=np.float32, casting="unsafe", order="C")
    if not (matrix.max() < _LARGEST and matrix.min() > -_LARGEST):
        rows = np.flatnonzero(~(np.abs(matrix) < _LARGEST).all(axis=1))
        raise InputError(
            f"{part(len(rows), len(matrix), 'tile', 'have')} features that are NaN, infinite or beyond {_LARGEST:g}",
            where=f"rows {listing(rows)}",
            fix="compute the features of this slide again",
        )
    return matrix


def _sorted_tiles(matrix: Matrix) -> tuple[Matrix, NDArray[np.bool_]]:
    """The rows sorted by their bytes, and whether each differs from the row before."""
    rows = matrix.view(np.dtype((np.void, matrix.shape[1] * matrix.itemsize)))[:, 0]
    rows = rows[np.argsort(rows)]
    distinct = np.concatenate([[True], rows[1:] != rows[:-1]])
    return rows.view(np.float32).reshape(matrix.shape), distinct


def _partition(tiles: Matrix, k: int, rng: np.random.Generator) -> ClusterLabels:
    """A cluster for each tile, such that no tile is nearer to the mean of another cluster."""
    space = tiles - tiles.mean(axis=0)
    low = space if space.shape[1] <= _AXES else space @ _main_axes(space, rng)
    labels = _lloyd(low, _seeded(low, k, rng), k, settled=len(low) // 200)
    return _lloyd(space, labels, k)


def _main_axes(space: Matrix, rng: np.random.Generator) -> Matrix:
    """Orthonormal axes close to those of the largest variance: one power iteration on a sample of tiles."""
    # Sorting tiles by their bytes has no meaning here, so every nth tile is a fair sample.
    sample = space[:: max(1, len(space) // _SAMPLE)]
    probe = rng.standard_normal((space.shape[1], _AXES), dtype=np.float32)
    return np.linalg.qr(sample.T @ (sample @ probe))[0]


def _seeded(space: Matrix, k: int, rng: np.random.Generator) -> ClusterLabels:
    """The nearest of k starting points for each tile.

    Each point is drawn several times, with a probability proportional to the squared distance from the points so far,
    and the draw that leaves the smallest sum of squared distances is kept.
    """
    squares = np.einsum("ij,ij->i", space, space)
    as_seed, as_tile = np.c_[-2 * space, squares], np.c_[space, np.ones_like(squares)]
    # Blocks are so small that BLAS stays on one core: on a busy machine, waiting for another core takes longer.
    blocks = np.array_split(as_tile.T, 1 + len(space) // 640, axis=1)
    # Squared distances minus the tile's own squared length, which is the same for all points.
    near = as_tile @ as_seed[rng.integers(len(space))]
    labels = np.zeros(len(space), dtype=np.intp)
    for seed in range(1, k):
        weights = np.cumsum(np.maximum(near + squares, 0), dtype=np.float64)
        drawn = np.searchsorted(weights, rng.random(2 + int(math.log(k))) * weights[-1])
        left = np.minimum(np.hstack([as_seed[drawn] @ block for block in blocks]), near)
        best = left[left.sum(axis=1).argmin()]
        labels[best < near] = seed
        near = best
    return labels


def _lloyd(space: Matrix, labels: ClusterLabels, k: int, settled: int = 0) -> ClusterLabels:
    """Move tiles to the nearest mean until at most `settled` tiles would move.

    Only what changed is computed again: sums, from the tiles that moved, and distances to the means that moved.
    """
    _fill_empty(space, labels, k)
    sums, changed = _sums(space, labels, k), np.arange(k)
    every, slack = np.arange(len(space)), _SLACK * np.einsum("ij,ij->i", space, space)
    # Half of the squared distances, minus the tile's own squared length.
    scores = np.empty((k, len(space)), dtype=np.float32)
    for _ in range(_ROUNDS):
        counts = np.bincount(labels, minlength=k).astype(np.float32)
        means = sums[changed] / counts[changed, None]
        scores[changed] = np.einsum("ij,ij->i", means, means)[:, None] / 2 - means @ space.T
        nearest = scores.argmin(axis=0)
        gains = scores[labels, every] - scores[nearest, every] > slack
        if np.count_nonzero(gains) <= settled:
            break
        before, labels = labels, np.where(gains, nearest, labels)
        _fill_empty(space, labels, k)
        movers = np.flatnonzero(before != labels)
        old, new, moved = before[movers], labels[movers], space[movers]
        sums += _sums(moved, new, k) - _sums(moved, old, k)
        changed = np.union1d(old, new)
    return labels


def _fill_empty(space: Matrix, labels: ClusterLabels, k: int) -> None:
    """Give each empty cluster the tile that is farthest from the mean of its own cluster."""
    for empty in np.flatnonzero(np.bincount(labels, minlength=k) == 0):
        counts = np.bincount(labels, minlength=k)
        means = _sums(space, labels, k) / np.maximum(counts, 1).astype(np.float32)[:, None]
        away = np.square(space - means[labels]).sum(axis=1)
        away[counts[labels] == 1] = -1
        labels[away.argmax()] = empty


def _sums(tiles: Matrix, labels: ClusterLabels, k: int) -> Matrix:
    """Sum of the tiles of each cluster."""
    ones, starts = np.ones(len(tiles), dtype=np.float32), np.arange(len(tiles) + 1)
    return sparse.csc_array((ones, labels, starts), shape=(k, len(tiles))).tocsr() @ tiles


def _averaged(tiles: Matrix, labels: ClusterLabels) -> ClusterMeans:
    """Means over tiles, summed in float64, and sorted; every label up to the largest must have a tile."""
    counts = np.bincount(labels)
    means = np.empty((len(counts), tiles.shape[1]), dtype=np.float32)
    squares = np.empty(len(tiles), dtype=np.float32)
    for cluster, rows in enumerate(np.split(np.argsort(labels, kind="stable"), np.cumsum(counts)[:-1])):
        members = tiles[rows]
        means[cluster] = members.mean(axis=0, dtype=np.float64)
        members -= means[cluster]
        squares[rows] = np.einsum("ij,ij->i", members, members)
    order = sorted(range(len(counts)), key=lambda cluster: (-counts[cluster], means[cluster].tolist()))
    return ClusterMeans(means[order], counts[order], float(squares.sum(dtype=np.float64)), len(tiles))
