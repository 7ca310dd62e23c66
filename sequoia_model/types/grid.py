"""The grid of tiles of a slide: those that were chosen, and how many were left out for which reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sequoia_model.errors import InputError
from sequoia_model.types.units import TILE_MPP, TILE_SIZE


def tile_side(slide_mpp: float, *, mpp: float = TILE_MPP, size: int = TILE_SIZE) -> int:
    """Side in level-0 pixels, at least 1, of a tile with `size` pixels at `mpp` µm per pixel.

    Examples
    --------
    >>> tile_side(0.25), tile_side(0.499)
    (512, 257)
    """
    return max(round(size * mpp / slide_mpp), 1)


def grid_places(slide_size: tuple[int, int], side: int) -> NDArray[np.int64]:
    """Top-left corners of all whole tiles of a slide, sorted by y, then x.

    Examples
    --------
    >>> grid_places((5, 4), 2).tolist()
    [[0, 0], [2, 0], [0, 2], [2, 2]]
    """
    columns, rows = (length // side for length in slide_size)
    y, x = np.divmod(np.arange(rows * columns, dtype=np.int64), max(columns, 1))
    return np.stack([x, y], axis=1) * side


@dataclass(frozen=True, eq=False, repr=False)
class TileGrid:
    """The tiles of a slide that were chosen.

    Parameters
    ----------
    slide : str
        Name of the slide, without folder and suffix.
    coords : array of shape (n, 2), int64
        Top-left corners in level-0 pixels, x before y. The grid sorts them by y, then x.
    side : int
        Side of a tile in level-0 pixels.
    slide_mpp : float
        µm per pixel of level 0.
    slide_size : tuple of int
        Width and height of level 0.
    mpp : float
        µm per pixel of the tiles as read.
    size : int
        Side of a tile in pixels as read.
    rule : str
        The rule that chose them.
    seed : int, optional
        Random seed with which they were drawn.
    n_places : int
        Number of places in the grid, chosen or not.
    left_out : mapping of str to int
        Number of places left out by reason, in the order of the checks.

    Raises
    ------
    InputError
        If a tile is duplicated or not wholly on the slide, or the numbers do not add up.
    """

    slide: str
    coords: NDArray[np.int64]
    side: int
    slide_mpp: float
    slide_size: tuple[int, int]
    mpp: float = TILE_MPP
    size: int = TILE_SIZE
    rule: str = "paper"
    seed: int | None = None
    n_places: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given = np.asarray(self.coords)
        if given.ndim != 2 or given.shape[1] != 2 or given.dtype.kind not in "iu":
            raise InputError("tile coordinates must be whole numbers of shape (n, 2)", where=self.slide)
        coords = given.astype(np.int64)
        coords = coords[np.lexsort((coords[:, 0], coords[:, 1]))]
        coords.flags.writeable = False
        object.__setattr__(self, "coords", coords)
        object.__setattr__(self, "left_out", dict(self.left_out))
        self._refuse_impossible()

    def _refuse_impossible(self) -> None:
        outside = (self.coords < 0) | (self.coords + self.side > np.array(self.slide_size))
        if outside.any():
            first = self.coords[outside.any(axis=1)][0]
            raise InputError(
                f"the tile at {tuple(first.tolist())} is not wholly on the slide", where=self.slide
            )
        if (np.diff(self.coords, axis=0) == 0).all(axis=1).any():
            raise InputError("a tile is duplicated in the grid", where=self.slide)
        counted = len(self.coords) + sum(self.left_out.values())
        if counted != self.n_places:
            raise InputError(
                f"the grid has {self.n_places} places, but {counted} are chosen or left out", where=self.slide
            )

    def __len__(self) -> int:
        return len(self.coords)

    def __repr__(self) -> str:
        lost = "".join(f", {n:,} {reason}" for reason, n in self.left_out.items())
        return f"<TileGrid {self.slide}: {len(self):,} of {self.n_places:,} tiles by {self.rule!r}{lost}>"
