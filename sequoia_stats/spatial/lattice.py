"""The grid of tiles: maps and places as arrays, checked, and which tiles lie near each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sequoia_stats.errors import InputError, counted
from sequoia_stats.types.arrays import Floats, float_array

if TYPE_CHECKING:
    from scipy import sparse


def as_maps(values: ArrayLike, tiles: int, what: str) -> Floats:
    """One or several maps, one a row, in float64.

    Parameters
    ----------
    values : array of shape (tiles,) or (genes, tiles)
        Finite numbers.
    tiles : int
        Number of tiles they must have.
    what : str
        What they are, in the plural: "maps of the truth".

    Raises
    ------
    InputError
        If their number of tiles is another, or a value is missing or infinite.
    """
    maps = np.atleast_2d(float_array(values, what))
    if maps.ndim != 2 or maps.shape[1] != tiles:
        raise InputError(
            f"the {what} have the shape {np.shape(values)}, and there are {counted(tiles, 'tile')}",
            fix="give one row a gene and one column a tile",
        )
    if not (finite := np.isfinite(maps)).all():
        gene, tile = np.argwhere(~finite)[0]
        raise InputError(
            f"the {what} have {counted(int((~finite).sum()), 'missing or infinite value')}",
            where=f"the first is in map {gene}, tile {tile}, counted from 0",
            fix="leave out the tiles that have no value",
        )
    return maps


def as_map_pairs(first: ArrayLike, second: ArrayLike, tiles: int) -> tuple[Floats, Floats]:
    """Maps to compare row by row, both of shape (genes, tiles); one map beside many is repeated.

    Raises
    ------
    InputError
        As `as_maps`, and if there are not equally many.
    """
    a, b = as_maps(first, tiles, "maps"), as_maps(second, tiles, "maps")
    if len(a) != len(b) and 1 not in (len(a), len(b)):
        raise InputError(f"there are {len(a)} maps on one side and {len(b)} on the other")
    genes = len(a) if len(b) == 1 else len(b)
    return np.broadcast_to(a, (genes, tiles)), np.broadcast_to(b, (genes, tiles))


def as_masses(maps: Floats) -> Floats:
    """Maps as distributions: each sums to 1, or is zero everywhere.

    Parameters
    ----------
    maps : array of shape (genes, tiles)
        Values 0 or more.

    Raises
    ------
    InputError
        If a value is negative.
    """
    if (maps < 0).any():
        gene, tile = np.argwhere(maps < 0)[0]
        raise InputError(
            "a map that is compared by its masses has negative values",
            where=f"the first is in map {gene}, tile {tile}, counted from 0",
            fix="give percentiles",
        )
    largest = maps.max(axis=1, keepdims=True, initial=0)  # so that sums neither overflow nor vanish
    scaled = np.divide(maps, largest, out=np.zeros_like(maps), where=largest > 0)
    total = scaled.sum(axis=1, keepdims=True)
    return np.divide(scaled, total, out=scaled, where=total > 0)


def as_places(places: ArrayLike) -> NDArray[np.int64]:
    """Row and column of each tile, as int64 of shape (tiles, 2).

    Raises
    ------
    InputError
        If they are not whole numbers, or two tiles are at one place.
    """
    given = float_array(places, "places")
    if given.ndim != 2 or given.shape[1] != 2 or (given != np.floor(given)).any():
        raise InputError("places must be a row and a column of the grid for each tile, in whole numbers")
    whole = given.astype(np.int64)
    if len(np.unique(whole, axis=0)) < len(whole):
        raise InputError("two tiles are at the same place of the grid", fix="give the tiles of one slide")
    return whole


def within(places: ArrayLike, reach: int) -> sparse.csr_array:
    """Which tiles are at most `reach` rows and columns apart: 1 if they are, also for a tile and itself.

    Parameters
    ----------
    places : array of shape (tiles, 2)
        Row and column of each tile.
    reach : int
        0 or more.

    Returns
    -------
    csr_array of float64, shape (tiles, tiles)
        Symmetric.
    """
    from scipy import sparse

    places = as_places(places)
    rows, columns = (places - places.min(axis=0, initial=0)).T
    height, width = rows.max(initial=0) + 1, columns.max(initial=0) + 1
    grid = np.full((height + 2 * reach, width + 2 * reach), -1, np.int64)
    grid[rows + reach, columns + reach] = np.arange(len(places))
    steps = range(2 * reach + 1)
    near = np.stack([grid[rows + i, columns + j] for i in steps for j in steps], axis=1)
    tile, step = np.nonzero(near >= 0)
    pairs = (tile, near[tile, step])
    return sparse.csr_array((np.ones(len(tile)), pairs), shape=(len(places), len(places)))
