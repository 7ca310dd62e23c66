"""Earth mover's distance between maps: exact optimal transport on the tiles that hold tissue."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sequoia_base.kernels import map_blocks
from sequoia_stats.errors import InputError, SequoiaError
from sequoia_stats.spatial.lattice import as_map_pairs, as_masses
from sequoia_stats.types.arrays import Floats, float_array

# Libraries that POT imports if it finds them, by the word that stops it.
_BACKENDS = {"PYTORCH": "torch", "JAX": "jax", "CUPY": "cupy", "TENSORFLOW": "tensorflow"}
# A network simplex of a few thousand tiles takes some ten thousand pivots.
_MOST_PIVOTS = 10**9
_OPTIMAL = 1


def emd(first: ArrayLike, second: ArrayLike, coords: ArrayLike) -> float:
    """Earth mover's distance between two maps; see `emds`.

    Parameters
    ----------
    first, second : arrays of shape (tiles,)
        Values 0 or more.
    coords : array of shape (tiles, 2)
        Where the tiles are.

    Returns
    -------
    float

    Examples
    --------
    >>> emd([1, 0, 0], [0, 0, 1], [[0, 0], [0, 1], [0, 2]])
    1.0
    """
    return float(emds(first, second, coords, jobs=1)[0])


def emds(first: ArrayLike, second: ArrayLike, coords: ArrayLike, *, jobs: int | None = None) -> Floats:
    """Earth mover's distance between pairs of maps on the same tiles.

    Both maps of a pair are scaled to a sum of 1, and the least cost of moving one into the other is found, where a
    mass that moves costs the Euclidean distance between tiles. The result is in units of the diagonal of the box
    around the tiles' centres: empty places around or between tiles do not change it, nor does the unit of `coords`.
    It is exact (Bonneel's network simplex, in POT); as the cost is a metric, the mass that both maps have in a tile
    stays there, and only the rest is moved.

    Parameters
    ----------
    first, second : arrays of shape (genes, tiles) or (tiles,)
        Values 0 or more. One map beside many is compared with each: ``emds(truth, np.ones(n), places)`` gives the
        distance to a flat map.
    coords : array of shape (tiles, 2)
        Where the tiles are: places in the grid, or µm.
    jobs : int, optional
        Number of threads, one per available core by default; results do not depend on it.

    Returns
    -------
    array of shape (genes,)
        From 0 (proportional maps, both zero, or a single tile) to 1 (all mass moves along the diagonal). NaN if
        one of the maps is zero everywhere and the other is not: nothing can be moved into it.

    Raises
    ------
    InputError
        If the shapes differ, or a value is missing or negative.
    SequoiaError
        If the solver ends without an optimum.
    """
    points = float_array(coords, "coordinates")
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise InputError(f"coordinates must be two numbers for each tile, but have the shape {points.shape}")
    # In reading order, the blocks of arcs that the simplex searches are all alike; mixed, it needs fewer pivots.
    mixed = np.random.default_rng(0).permutation(len(points))
    points = points[mixed]
    a, b = (
        as_masses(np.ascontiguousarray(maps[:, mixed])) for maps in as_map_pairs(first, second, len(mixed))
    )
    empty_a, empty_b = ~a.any(axis=1), ~b.any(axis=1)
    unit = _diagonal(points)

    def block(start: int, stop: int) -> list[float]:
        return [_cost(a[gene] - b[gene], a[gene], points, unit) for gene in range(start, stop)]

    a[empty_b] = b[empty_a] = 0
    costs = np.array([cost for part in map_blocks(block, len(a), 1, jobs) for cost in part], np.float64)
    costs[empty_a != empty_b] = np.nan
    return costs


def _diagonal(points: Floats) -> float:
    """Diagonal of the box around points; 1 if they are at one place."""
    low, high = points.min(axis=0, initial=np.inf), points.max(axis=0, initial=-np.inf)
    return (float(np.hypot(*(high - low))) if len(points) > 1 else 0.0) or 1.0


def _cost(surplus: Floats, mass: Floats, points: Floats, unit: float) -> float:
    """Least cost of moving what a tile has too much to tiles that have too little."""
    from scipy.spatial.distance import cdist

    rounding = 4 * np.finfo(np.float64).eps * mass
    source, target = np.flatnonzero(surplus > rounding), np.flatnonzero(surplus < -rounding)
    if not len(source) or not len(target):
        return 0.0
    supply, demand = surplus[source], -surplus[target]
    demand *= supply.sum() / demand.sum()
    costs = cdist(
        points[source], points[target]
    )  # those of all tiles would not fit in memory on large sections
    costs /= unit
    _, cost, _, _, code = _solver()(supply, demand, costs, _MOST_PIVOTS, 1, None, None)
    if code != _OPTIMAL:
        raise SequoiaError(
            f"optimal transport between two maps ended without an optimum (code {code} of POT)"
        )
    return float(cost)


@cache
def _solver() -> Callable[..., Any]:
    """POT's network simplex."""
    with _without_backends():
        from ot.lp.emd_wrap import emd_c
    return emd_c


@contextmanager
def _without_backends() -> Iterator[None]:
    """Keep POT from importing a library of tensors that is not loaded already."""
    names = [f"POT_BACKEND_DISABLE_{word}" for word, module in _BACKENDS.items() if module not in sys.modules]
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
