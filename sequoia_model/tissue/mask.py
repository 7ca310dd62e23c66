"""The tissue mask of a slide: one value per pixel of a coarse picture."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sequoia_model.tissue.polygons import Polygon, trace

#: µm per pixel of the picture on which tissue and ink are found. A tile is 8 pixels wide, so the share of it that is
#: tissue is known to about 2%, and the smallest level of most pyramids is fine enough.
MASK_MPP = 16.0


@dataclass(frozen=True, eq=False, repr=False)
class TissueMask:
    """Where a slide contains tissue.

    Parameters
    ----------
    mask : array of shape (height, width), bool
        True where there is tissue.
    scale : tuple of float
        Level-0 pixels per pixel of the mask, along x and y.
    slide_size : tuple of int
        Width and height of the slide at level 0.
    slide_mpp : float
        µm per level-0 pixel.
    source : str
        Where the mask comes from: otsu, published-code, or "annotation" and the name of its file.
    threshold : float, optional
        Threshold of the saturation, if one was used.
    scanned : tuple of int, optional
        Left, top, width and height of the slide's scanned area, if it is a part of level 0; QuPath counts from its
        corner.
    notes : tuple of str
        What to know about the mask.
    """

    mask: NDArray[np.bool_] = field(repr=False)
    scale: tuple[float, float]
    slide_size: tuple[int, int]
    slide_mpp: float
    source: str
    threshold: float | None = None
    scanned: tuple[int, int, int, int] | None = None
    notes: tuple[str, ...] = ()

    def shares(self, coords: ArrayLike, side: int) -> NDArray[np.float64]:
        """Share of each tile's area that is tissue; partly covered pixels of the mask count in part.

        Parameters
        ----------
        coords : array of shape (n, 2)
            Top-left corners in level-0 pixels, x before y.
        side : int
            Side of a tile in level-0 pixels.

        Returns
        -------
        array of shape (n,)
        """
        corners = np.asarray(coords, dtype=np.float64).reshape(-1, 2)
        left, top = corners[:, 0] / self.scale[0], corners[:, 1] / self.scale[1]
        wide, high = side / self.scale[0], side / self.scale[1]
        covered = self._left_above(left + wide, top + high) - self._left_above(left, top + high)
        covered += self._left_above(left, top) - self._left_above(left + wide, top)
        return np.clip(covered / (wide * high), 0, 1)

    def holds(self, coords: ArrayLike) -> NDArray[np.bool_]:
        """Whether the pixel under each top-left corner is tissue.

        Parameters
        ----------
        coords : array of shape (n, 2)
            In level-0 pixels, x before y.

        Returns
        -------
        array of shape (n,)
        """
        corners = np.asarray(coords, dtype=np.float64).reshape(-1, 2)
        height, width = self.mask.shape
        x = np.clip((corners[:, 0] / self.scale[0]).astype(np.int64), 0, width - 1)
        y = np.clip((corners[:, 1] / self.scale[1]).astype(np.int64), 0, height - 1)
        return self.mask[y, x]

    @property
    def area_mm2(self) -> float:
        """Area of the tissue in mm²."""
        pixel = self.scale[0] * self.scale[1] * self.slide_mpp**2
        return float(np.count_nonzero(self.mask)) * pixel / 1e6

    def outlines(self) -> list[Polygon]:
        """Outlines of the pieces of tissue in level-0 pixels, along the edges of the mask's pixels.

        Returns
        -------
        list of Polygon
            Sorted by their first row, then column. Pixels that touch only at a corner belong to two pieces.
        """
        return trace(self.mask, self.scale)

    def coarse(self, mpp: float) -> TissueMask:
        """The mask in larger pixels, each of which is tissue if at least half of it is.

        Parameters
        ----------
        mpp : float
            Smallest µm per pixel of the result.

        Returns
        -------
        TissueMask
            The mask itself if it is coarse enough.
        """
        height, width = self.mask.shape
        columns, rows = (max(int(side * self.slide_mpp / mpp), 1) for side in self.slide_size)
        if columns >= width or rows >= height:
            return self
        x, y = np.linspace(0, width, columns + 1), np.linspace(0, height, rows + 1)
        covered = np.diff(np.diff(self._left_above(x[None, :], y[:, None]), axis=0), axis=1)
        mask = covered >= 0.5 * (width / columns) * (height / rows)
        scale = (self.slide_size[0] / columns, self.slide_size[1] / rows)
        return replace(self, mask=mask, scale=scale)

    def without(self, other: TissueMask) -> TissueMask:
        """The mask without the pixels whose centres lie in another mask of the slide, at any resolution."""
        height, width = self.mask.shape
        rows, columns = (
            np.minimum(((np.arange(n) + 0.5) * step / other_step).astype(np.int64), most - 1)
            for n, step, other_step, most in zip(
                (height, width), self.scale[::-1], other.scale[::-1], other.mask.shape, strict=True
            )
        )
        return replace(self, mask=self.mask & ~other.mask[np.ix_(rows, columns)])

    def __repr__(self) -> str:
        height, width = self.mask.shape
        return f"<TissueMask {width} × {height} by {self.source}: {self.area_mm2:.3g} mm²>"

    @cached_property
    def _sums(self) -> NDArray[np.float64]:
        """Number of tissue pixels above and to the left of each corner between pixels."""
        height, width = self.mask.shape
        sums = np.zeros((height + 1, width + 1))
        np.cumsum(self.mask, axis=0, out=sums[1:, 1:])
        np.cumsum(sums[1:, 1:], axis=1, out=sums[1:, 1:])
        return sums

    def _left_above(self, x: NDArray, y: NDArray) -> NDArray[np.float64]:
        """Area of tissue to the left of x and above y, in pixels of the mask; both may lie within a pixel."""
        height, width = self.mask.shape
        x, y = np.clip(x, 0, width), np.clip(y, 0, height)
        column, row = np.minimum(x.astype(np.int64), width - 1), np.minimum(y.astype(np.int64), height - 1)
        right, below = x - column, y - row
        above = self._sums[row, column] * (1 - right) + self._sums[row, column + 1] * right
        under = self._sums[row + 1, column] * (1 - right) + self._sums[row + 1, column + 1] * right
        return above * (1 - below) + under * below
