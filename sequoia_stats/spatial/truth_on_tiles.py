"""The truth of a section on the tiles of a map, and the tiles that both have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sequoia_stats.errors import InputError
from sequoia_stats.spatial.normalising import normalise
from sequoia_stats.spatial.percentiles import percentiles
from sequoia_stats.spatial.smoothing import median_filter
from sequoia_stats.spatial.spots_to_tiles import NearestSpots, default_cap, nearest_spots
from sequoia_stats.types.arrays import Floats

if TYPE_CHECKING:
    from sequoia_base.maps import Map
    from sequoia_stats.types.spatial_truth import SpatialTruth

#: What a careful statistician would do, and what the published code does.
RULES_OF_TRUTH = ("strict", "paper")
#: Fewer tiles cannot be judged.
FEWEST_TILES = 10


@dataclass(frozen=True, eq=False)
class TileTruth:
    """The tiles on which a map is judged, with their spots.

    Attributes
    ----------
    rule : {"strict", "paper"}
        Where spots are measured from, and on which scale maps are compared; see `tile_truth`.
    tiles : array of int64, shape (t,)
        Numbers of the tiles of the map that are in a window and have a spot.
    places : array of int64, shape (t, 2)
        Their rows and columns in the grid.
    spots : NearestSpots
        The spots of each of these tiles.
    totals : array of shape (spots,)
        Counts of all genes of each spot.
    smooth : bool
        Whether the truth is smoothed by the 3 × 3 median filter.
    """

    rule: str
    tiles: NDArray[np.int64]
    places: NDArray[np.int64]
    spots: NearestSpots
    totals: Floats
    smooth: bool

    @property
    def n(self) -> int:
        """Number of tiles."""
        return len(self.tiles)

    def unsmoothed(self, counts: Any, how: str = "log1p") -> Floats:
        """Means of the normalised counts of the spots of each tile, (genes, tiles).

        Parameters
        ----------
        counts : array of shape (spots, genes)
            Raw counts.
        how : str
            The normalisation, one of `normalising.NORMALISATIONS`.
        """
        return np.ascontiguousarray(self.spots.mean(normalise(counts, self.totals, how)).T)

    def smoothed(self, values: Floats) -> Floats:
        """Maps (genes, tiles) after the median filter, if it is used; percentiles of them by the paper's rule."""
        values = median_filter(values, self.places) if self.smooth else values
        return self.scaled(values)

    def scaled(self, values: Floats) -> Floats:
        """Maps (genes, tiles) on the scale of the rule: as they are, or percentiles by the paper's rule."""
        return percentiles(values) if self.rule == "paper" else values

    def log_totals(self) -> Floats:
        """ln(1 + total count), brought to the tiles as the truth is, (t,)."""
        values = self.spots.mean(np.log1p(self.totals)[:, None]).T
        return (median_filter(values, self.places) if self.smooth else values)[0]


def tile_truth(
    truth: SpatialTruth,
    predicted: Map,
    *,
    rule: str = "strict",
    nearest: int = 4,
    cap_um: float | None = None,
    smooth: bool = True,
) -> TileTruth:
    """Bring the spots of a truth to the tiles of a map.

    By the strict rule, the nearest spots of a tile's centre within the cap count, and maps are compared on their own
    scale. By the paper's rule, as in the published code, spots are measured from a tile's top left corner, there is no
    cap, and percentiles are compared.

    Parameters
    ----------
    truth : SpatialTruth
        The measured section, on the slide of the map.
    predicted : Map
        The map.
    rule : {"strict", "paper"}
        One of `RULES_OF_TRUTH`.
    nearest : int
        Number of spots of a tile.
    cap_um : float, optional
        A spot that is farther away does not count; 1.5 pitches by default.
    smooth : bool
        Whether to smooth the truth by the 3 × 3 median filter.

    Returns
    -------
    TileTruth

    Raises
    ------
    InputError
        If fewer than 10 tiles have both a prediction and a spot.
    """
    points, cap = (
        predicted.centres_um,
        default_cap(truth.centres_um, truth.pitch_um) if cap_um is None else cap_um,
    )
    if rule == "paper":
        points, cap = points - predicted.tile_um / 2, np.inf
    spots = nearest_spots(points, truth.centres_um, nearest=nearest, cap_um=cap)
    tiles = np.flatnonzero(predicted.covered & (spots.found > 0))
    if len(tiles) < FEWEST_TILES:
        raise InputError(
            f"{len(tiles)} of {len(predicted.places)} tiles of the map have both a prediction and a spot within "
            f"{cap:.0f} µm, but {FEWEST_TILES} are needed",
            where=f"map of {predicted.slide}, truth {truth.name}",
            fix="check that map and truth are of one slide; --cap-um allows spots that are farther away",
        )
    kept = NearestSpots(spots.index[tiles], spots.distance[tiles], spots.n_spots)
    return TileTruth(rule, tiles, predicted.places[tiles], kept, truth.totals, smooth)
