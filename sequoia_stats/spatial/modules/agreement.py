"""Modules of a map beside programmes that were measured on the same slide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from sequoia_stats.errors import InputError
from sequoia_stats.spatial.alignment import align_spots
from sequoia_stats.spatial.modules._scores import standardised
from sequoia_stats.spatial.truth_on_tiles import FEWEST_TILES, tile_truth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sequoia_base.maps import Map
    from sequoia_stats.spatial.modules.subtypes import SubtypeMap
    from sequoia_stats.types.spatial_truth import SpatialTruth


def programme_agreement(slide: SubtypeMap, map_: Map, truth: SpatialTruth) -> pd.DataFrame:
    """Correlate the modules of a map with the programmes measured on its slide.

    A programme on a tile is the mean over the four nearest spots of its centre, within 1.5 pitches, without smoothing.

    Parameters
    ----------
    slide : SubtypeMap
        The module scores of the map.
    map_ : Map
        The map itself.
    truth : SpatialTruth
        A section with scores of programmes.

    Returns
    -------
    DataFrame
        A row per module and programme: slide, module, programme, n_tiles, r, spearman; NaN where one is constant or
        has fewer than 10 tiles.

    Raises
    ------
    InputError
        If the section has no programmes, is of another slide, or shares fewer than 10 tiles with the map.
    """
    if truth.programmes is None:
        raise InputError("the section has no scores of programmes", where=truth.name, fix="leave --truth out")
    align_spots(truth, map_)
    tiles = tile_truth(truth, map_, smooth=False)
    measured = tiles.spots.mean(truth.programmes.to_numpy(dtype=np.float64))
    scores = slide.scores[tiles.tiles]
    rows = [
        {"slide": slide.slide, "module": module, "programme": str(programme)}
        | _correlations(scores[:, i], measured[:, j])
        for i, module in enumerate(slide.modules)
        for j, programme in enumerate(truth.programmes.columns)
    ]
    return pd.DataFrame(rows)


def _correlations(a: NDArray[np.float64], b: NDArray[np.float64]) -> dict[str, float]:
    """Pearson's and Spearman's correlation of two maps, on the tiles that have both."""
    both = ~(np.isnan(a) | np.isnan(b))
    n = int(both.sum())
    if n < FEWEST_TILES:
        return {"n_tiles": n, "r": np.nan, "spearman": np.nan}
    pair = np.column_stack([a[both], b[both]])
    z, ranks = standardised(pair), standardised(rankdata(pair, axis=0))
    return {"n_tiles": n, "r": float(np.mean(z.prod(axis=1))), "spearman": float(np.mean(ranks.prod(axis=1)))}
