"""Measured spots brought to the tiles of a map: the mean of the nearest spots of each tile's centre."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import KDTree

from sequoia_base.arguments import check_limits, number, whole
from sequoia_stats.errors import InputError
from sequoia_stats.types.arrays import Floats

#: The largest distance of a spot that counts, in pitches of the array: within the array, the fourth spot is nearer.
CAP_IN_PITCHES = 1.5
#: Distances in µm that agree to this many decimals are tied, and the spot that comes first is taken first.
_DECIMALS = 6
_LIMITS = {"nearest": whole(1), "cap_um": number("a number above 0", lambda value: value > 0)}


@dataclass(frozen=True, eq=False)
class NearestSpots:
    """The nearest spots of every tile, nearest first.

    Attributes
    ----------
    index : array of int64, shape (tiles, nearest)
        Numbers of the spots; -1 where no other spot is within the cap.
    distance : array of shape (tiles, nearest)
        Their distances from the tile's centre, µm; infinite where there is no spot.
    n_spots : int
        Number of all spots.
    """

    index: NDArray[np.int64]
    distance: Floats
    n_spots: int

    @property
    def found(self) -> NDArray[np.int64]:
        """Number of spots of each tile."""
        return (self.index >= 0).sum(axis=1)

    def mean(self, values: ArrayLike | sp.spmatrix) -> Floats:
        """The mean over the spots of each tile.

        Parameters
        ----------
        values : array or sparse matrix of shape (spots, columns)
            Values at all spots.

        Returns
        -------
        array of shape (tiles, columns)
            NaN where a tile has no spot.
        """
        tiles, ranks = np.nonzero(self.index >= 0)
        weights = sp.csr_array(
            (1.0 / self.found[tiles], (tiles, self.index[tiles, ranks])),
            shape=(len(self.index), self.n_spots),
        )
        means = weights @ (values if sp.issparse(values) else np.asarray(values, np.float64))
        means = means.toarray() if sp.issparse(means) else np.asarray(means)
        means[self.found == 0] = np.nan
        return means


def default_cap(spots: Floats, pitch_um: float = 0.0) -> float:
    """The cap on the distance of a spot: 1.5 pitches of the array.

    Parameters
    ----------
    spots : array of shape (spots, 2)
        Their centres, µm.
    pitch_um : float, optional
        Distance of neighbouring spots on the array; 0 if it is unknown, and the median distance of a spot from its
        nearest other spot is used.

    Returns
    -------
    float
        µm. On a whole square array, the fourth spot is at most 1.12 pitches away; on a hexagonal one, 1.
    """
    if not pitch_um and len(spots) > 1:
        pitch_um = float(np.median(KDTree(spots).query(spots, k=2)[0][:, 1]))
    return CAP_IN_PITCHES * pitch_um or np.inf


def nearest_spots(points: Floats, spots: Floats, *, nearest: int = 4, cap_um: float = np.inf) -> NearestSpots:
    """Find the nearest spots of points by a KD-tree; of spots at the same distance, the first is taken first.

    Parameters
    ----------
    points : array of shape (tiles, 2)
        Centres of tiles, µm.
    spots : array of shape (spots, 2)
        Centres of spots, µm.
    nearest : int
        Number of spots of a tile.
    cap_um : float
        A spot that is farther away does not count.

    Returns
    -------
    NearestSpots

    Raises
    ------
    InputError
        If there is no spot.

    Examples
    --------
    >>> found = nearest_spots([[0.0, 0.0]], [[9.0, 0.0], [0.0, 3.0], [3.0, 0.0]], nearest=3, cap_um=5)
    >>> found.index, found.mean([[1.0], [2.0], [4.0]])
    (array([[ 1,  2, -1]]), array([[3.]]))
    """
    check_limits({"nearest": nearest, "cap_um": cap_um}, _LIMITS)
    points, spots = np.asarray(points, np.float64), np.asarray(spots, np.float64)
    n = len(spots)
    if not n:
        raise InputError("the truth has no spots")
    tree, asked = KDTree(spots), min(nearest + 4, n)
    while True:
        distance, index = (np.reshape(a, (len(points), asked)) for a in tree.query(points, k=asked))
        rounded = np.round(distance, _DECIMALS)
        last = min(nearest, n) - 1
        if asked == n or not (rounded[:, -1] == rounded[:, last]).any():
            break
        asked = min(2 * asked, n)  # spots tied with the last one may be missing
    order = np.lexsort((index, rounded), axis=1)[:, : last + 1]
    index, distance = (np.take_along_axis(a, order, axis=1) for a in (index, distance))
    far = distance > cap_um
    index, distance = np.where(far, -1, index).astype(np.int64), np.where(far, np.inf, distance)
    missing = ((0, 0), (0, nearest - last - 1))
    return NearestSpots(
        np.pad(index, missing, constant_values=-1), np.pad(distance, missing, constant_values=np.inf), n
    )
