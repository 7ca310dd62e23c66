"""The lattice of an array's spots: what its pitch says of the scale, and of swapped axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

#: µm between the centres of neighbouring spots on the hexagonal lattice of Visium.
HEXAGONAL_PITCH_UM = 100.0
#: µm of a step along the columns and the rows of that lattice: neighbours in a row are two columns apart.
HEXAGONAL_UM = (HEXAGONAL_PITCH_UM / 2, HEXAGONAL_PITCH_UM / 2 * 3**0.5)
#: A lattice whose spots are farther from their places than this share of a step is not one.
LARGEST_RESIDUAL = 0.35


@dataclass(frozen=True)
class Lattice:
    """Pixels as a linear function of places on the array.

    Parameters
    ----------
    steps : array of shape (2, 2), float64
        Pixels (rows: x, y) of a step along the columns, and of one along the rows, of the array (columns).
    residual : float
        Root mean square of the distance, in pixels, of a spot from its place.
    """

    steps: NDArray[np.float64]
    residual: float

    @property
    def lengths(self) -> NDArray[np.float64]:
        """Pixels of a step along the columns, and of one along the rows."""
        return np.linalg.norm(self.steps, axis=0)

    @property
    def holds(self) -> bool:
        """Whether spots lie near their places, so that the steps mean something."""
        return bool(self.residual <= LARGEST_RESIDUAL * self.lengths.min())

    @property
    def is_transposed(self) -> bool:
        """Whether x grows or falls with the row and y in the same way with the column: their names are swapped.

        A section that is turned by 90 degrees is not transposed: one of the two grows where the other falls.
        """
        (xc, xr), (yc, yr) = self.steps
        return bool(abs(xr) > abs(xc) and abs(yc) > abs(yr) and xr * yc > 0)

    @property
    def pitch(self) -> float:
        """Pixels between neighbouring spots: two steps along the columns if the lattice is hexagonal, else one."""
        across, down = self.lengths
        is_hexagonal = abs(np.log(down / across / 3**0.5)) < np.log(1.05)
        return float(2 * across if is_hexagonal else np.sqrt(across * down))

    def scales(self, step_um: tuple[float, float]) -> NDArray[np.float64]:
        """µm per pixel along the columns, and along the rows, if a step is as long as said."""
        return np.asarray(step_um) / self.lengths


def fit_lattice(array: NDArray[np.float64], pixels: NDArray[np.float64]) -> Lattice | None:
    """Fit pixels to places on the array by least squares over all spots.

    The distance of nearest neighbours would be too small where spots are jittered: the nearest of several neighbours is
    nearer than the pitch.

    Parameters
    ----------
    array : array of shape (spots, 2)
        Column and row of each spot on the array.
    pixels : array of shape (spots, 2)
        x and y of its centre.

    Returns
    -------
    Lattice or None
        None if the spots are on one line, there are fewer than 4, or one has no centre.
    """
    design = np.column_stack([array, np.ones(len(array))]).astype(np.float64)
    if len(design) < 4 or not (np.isfinite(design).all() and np.isfinite(pixels).all()):
        return None
    design[:, :2] -= design[:, :2].mean(axis=0)
    solution, _, rank, _ = np.linalg.lstsq(design, pixels)
    if rank < 3:
        return None
    residual = float(np.sqrt(((pixels - design @ solution) ** 2).sum(axis=1).mean()))
    return Lattice(np.asarray(solution[:2].T, dtype=np.float64), residual)


def nearest_distance(points: NDArray[np.float64]) -> float:
    """Median distance of a point from the nearest other one; inf if there is no other.

    Parameters
    ----------
    points : array of shape (spots, 2)
        Those that are not finite are left out.
    """
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) < 2:
        return np.inf
    return float(np.median(KDTree(points).query(points, 2)[0][:, 1]))
