"""Which place of the slide's grid each tile has, from the corners that a feature file holds.

Every tool lays its tiles on a lattice whose step is the side of a tile. Ours begins at the corner of the slide, others
begin elsewhere. Rows and columns count from the first lattice lines that lie on the slide.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from sequoia_model.errors import InputError, counted, part
from sequoia_model.tiles.options import NOT_DRAWN
from sequoia_model.types.bag import FeatureBag

#: How far, in sides of a tile, a corner may lie from its lattice line, or two scales may differ from each other.
_TOLERANCE = 0.02
#: Most places of the box around all tiles; windows take 8 bytes for each. Slides have less than a million.
_MOST_PLACES = 10_000_000
_EMBED = "compute the features with sequoia-model embed --all-tiles, which writes where every tile lies"
_SCALE = "give it with --slide-mpp X"


@dataclass(frozen=True, eq=False)
class TilePlaces:
    """The tiles of a slide with their places in its grid, sorted by row, then column.

    Parameters
    ----------
    bag : FeatureBag
        Features and corners of the tiles, in the order of `places`.
    places : array of shape (n, 2), int64
        Row and column of each tile, 0 or more.
    side_px : float
        Side of a tile in level-0 pixels, which is the step of the grid.
    side_um : float
        Side of a tile in µm.
    slide_mpp : float
        µm per pixel of level 0.
    """

    bag: FeatureBag
    places: NDArray[np.int64]
    side_px: float
    side_um: float
    slide_mpp: float

    @property
    def centres_px(self) -> NDArray[np.float64]:
        """Centre of each tile in level-0 pixels, x before y."""
        return self.centres_um / self.slide_mpp

    @property
    def centres_um(self) -> NDArray[np.float64]:
        """Centre of each tile in µm, x before y."""
        scale = 1.0 if self.bag.coords_unit == "um" else self.slide_mpp
        return np.asarray(self.bag.coords, dtype=np.float64) * scale + self.side_um / 2


def place_tiles(bag: FeatureBag, *, slide_mpp: float | None = None) -> TilePlaces:
    """Find the place of each tile.

    Parameters
    ----------
    bag : FeatureBag
        All tiles of a slide, with their corners.
    slide_mpp : float, optional
        µm per pixel of level 0, if the features do not say.

    Raises
    ------
    InputError
        If there are no tile features, or no corners; if tiles were left out by the limit on their number; if the scale
        or the side of a tile is unknown, or `slide_mpp` contradicts the features; if a tile occurs twice, tiles
        overlap, do not lie on one lattice, lie outside the slide, or lie too far from each other.
    """
    if bag.features is None:
        raise InputError(
            "the features are only cluster means: a map needs those of each tile", where=bag.slide, fix=_EMBED
        )
    if bag.coords is None:
        raise _no_coords(bag)
    _refuse_drawn(bag)
    mpp = _scale(bag, slide_mpp)
    side_px, side_um = _side(bag, mpp)
    corners = np.asarray(bag.coords, dtype=np.float64)
    scale = mpp if bag.coords_unit == "um" else 1.0
    _refuse_outside(corners / scale, side_px, bag)
    places = _on_lattice(corners, side_px * scale, bag)
    _refuse_far(places, corners, bag)
    order = np.lexsort((places[:, 1], places[:, 0]))
    in_order = replace(bag, features=bag.features[order], coords=np.asarray(bag.coords)[order])
    return TilePlaces(in_order, places[order], side_px, side_um, mpp)


def _no_coords(bag: FeatureBag) -> InputError:
    why = {
        "sequoia": ": the published code of SEQUOIA does not write them",
        "stamp": ": STAMP before version 2 counts in pixels of an unknown size",
    }
    return InputError(
        f"the features do not say where the tiles lie{why.get(bag.layout, '')}", where=bag.slide, fix=_EMBED
    )


def _refuse_drawn(bag: FeatureBag) -> None:
    """Refuse tiles that were drawn from more, between which a map would have holes."""
    limit, lost = bag.geometry.max_tiles, bag.geometry.left_out.get(NOT_DRAWN)
    if lost is None:  # the file does not say how many: a full draw leaves some out
        lost = int(limit is not None and bag.n_tiles is not None and bag.n_tiles >= limit)
    if limit is not None and lost:
        raise InputError(
            f"the {counted(bag.n_tiles or 0, 'tile')} of the features were drawn from more, at most {limit:,}: a map "
            "needs all",
            where=bag.slide,
            fix="run sequoia-model embed again with --all-tiles, which adds those that are missing",
        )


def _scale(bag: FeatureBag, given: float | None) -> float:
    """µm per pixel of level 0."""
    known = bag.slide_mpp
    if given is not None and not 0 < given < np.inf:
        raise InputError(f"µm per pixel must be a number above 0, but is {given}", fix="--slide-mpp X")
    if known is None and given is None:
        raise InputError(
            "the features do not say how many µm a pixel of the slide has", where=bag.slide, fix=_SCALE
        )
    if known is not None and given is not None and abs(given / known - 1) > _TOLERANCE:
        raise InputError(
            f"the features say that a pixel of the slide has {known:.4g} µm, but --slide-mpp is {given:.4g}",
            where=bag.slide,
            fix="leave out --slide-mpp, or give features of this slide",
        )
    found = given if known is None else known
    assert found is not None
    return float(found)


def _side(bag: FeatureBag, mpp: float) -> tuple[float, float]:
    """Side of a tile in level-0 pixels, and in µm."""
    if bag.geometry.side is not None:
        return bag.geometry.side, bag.geometry.side * mpp
    side_um = bag.geometry.side_um or (bag.mpp * bag.tile_size if bag.mpp and bag.tile_size else None)
    if side_um is None:
        raise InputError("the features do not say how large a tile is", where=bag.slide, fix=_EMBED)
    return side_um / mpp, side_um


def _refuse_outside(corners_px: NDArray[np.float64], side: float, bag: FeatureBag) -> None:
    """Refuse tiles that begin outside the slide; the last ones may overhang its right and lower edge."""
    size = bag.geometry.slide_size
    last = np.array(size or (np.inf, np.inf)) + _TOLERANCE * side
    outside = int(np.count_nonzero(((corners_px < -_TOLERANCE * side) | (corners_px >= last)).any(axis=1)))
    if outside:
        of = f" of {size[0]:,} × {size[1]:,} px" if size else ""
        raise InputError(
            f"{part(outside, len(corners_px), 'tile', 'are')} outside the slide{of}: the features may be "
            "of another slide, or of two",
            where=bag.slide,
            fix="give the features of one slide, with corners that count from its upper left one",
        )


def _refuse_far(places: NDArray[np.int64], corners: NDArray[np.float64], bag: FeatureBag) -> None:
    """Refuse tiles so far from each other that no slide can hold them."""
    height, width = (int(length) + 1 for length in np.ptp(places, axis=0))
    if height * width > _MOST_PLACES:
        far = np.argmax(np.abs(places - np.median(places, axis=0)).sum(axis=1))
        x, y = corners[far]
        raise InputError(
            f"the tiles cover {height:,} × {width:,} places, more than any slide: one of them is at {x:.10g}, {y:.10g} "
            f"{'µm' if bag.coords_unit == 'um' else 'px'}",
            where=bag.slide,
            fix=_EMBED,
        )


def _on_lattice(corners: NDArray[np.float64], side: float, bag: FeatureBag) -> NDArray[np.int64]:
    """Row and column of each corner, on the lattice on which all of them lie."""
    _refuse_close(corners, side, bag)
    unit = "µm" if bag.coords_unit == "um" else "px"
    rows, columns = (_lines(corners[:, axis], side, f"{unit} {'xy'[axis]}", bag.slide) for axis in (1, 0))
    return np.column_stack([rows, columns])


def _refuse_close(corners: NDArray[np.float64], side: float, bag: FeatureBag) -> None:
    """Refuse tiles that lie on one another."""
    nearest = KDTree(corners).query(corners, k=2, p=np.inf)[0][:, 1]
    n = len(corners)
    if twice := int(np.count_nonzero(nearest == 0)):
        raise InputError(
            f"{part(twice, n, 'tile', 'have')} the corner of another: the features may be of two slides",
            where=bag.slide,
            fix="give the features of one slide, each tile once",
        )
    if overlapping := int(np.count_nonzero(nearest < side - _slack(side))):
        raise InputError(
            f"{part(overlapping, n, 'tile', 'hold', 'tiles')} parts of another: the smallest step is "
            f"{nearest.min():.4g}, the side {side:.4g} {'µm' if bag.coords_unit == 'um' else 'px'}",
            where=bag.slide,
            fix="compute features of tiles that do not overlap; if they are of two slides, give those of one",
        )


def _slack(side: float) -> float:
    """How far a corner may lie from its lattice line: tools round corners to pixels."""
    return max(_TOLERANCE * side, 1.0)


def _lines(values: NDArray[np.float64], side: float, name: str, slide: str) -> NDArray[np.int64]:
    """The lattice line of each value: the step is fitted to all of them, since corners are rounded to pixels."""
    distinct, which = np.unique(values, return_inverse=True)
    lines = np.concatenate([[0], np.cumsum(np.round(np.diff(distinct) / side))])
    step, start = np.polyfit(lines, distinct, 1) if lines[-1] else (side, distinct[0])
    away = np.abs(distinct - start - step * lines)[which] > _slack(side)
    if abs(step - side) > _slack(side) or away.any():
        raise InputError(
            f"{part(int(away.sum()), len(values), 'tile', 'are')} off the lattice of the others: the side of a tile is "
            f"{side:.4g}, the step {step:.4g} {name}",
            where=slide,
            fix=f"CLAM, for one, begins a lattice in each piece of tissue; {_EMBED}",
        )
    first = np.floor(start / step + _TOLERANCE)  # lines before the first tile
    return np.asarray(lines[which] + first, dtype=np.int64)
