"""A gene's map and its truth on one scale of percentiles, ready to be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sequoia_stats.errors import InputError, listing
from sequoia_stats.spatial.evaluation import Evaluation
from sequoia_stats.spatial.percentiles import percentiles
from sequoia_stats.types.arrays import Floats


@dataclass(frozen=True, eq=False)
class MapPair:
    """The map of a gene and its truth, as percentiles on the grid of the tiles.

    Attributes
    ----------
    slide, gene : str
        Their names.
    predicted, measured : array of shape (rows, columns)
        Percentiles over the judged tiles, above 0 and at most 100; NaN elsewhere.
    r, r_null_high, p_null, emd, emd_flat : float
        r, the 95% quantile of its null of shifts (of r · √overlap, as p ranks it) and its p, the EMD, and that of a
        flat map.
    image : array of shape (height, width, 3), uint8, optional
        The slide in the box of the tiles.
    """

    slide: str
    gene: str
    predicted: Floats
    measured: Floats
    r: float
    r_null_high: float
    p_null: float
    emd: float
    emd_flat: float
    image: NDArray[np.uint8] | None = None


def map_pairs(
    evaluation: Evaluation, genes: Sequence[str], *, image: NDArray[np.uint8] | None = None
) -> list[MapPair]:
    """The maps and truths of some genes of an evaluation.

    Parameters
    ----------
    evaluation : Evaluation
        A map judged against a truth.
    genes : sequence of str
        Genes that were judged.
    image : array of shape (height, width, 3), uint8, optional
        The whole slide, of any resolution; it is cut to the box of the tiles.

    Returns
    -------
    list of MapPair

    Raises
    ------
    InputError
        If a gene was not judged, or there is an image but the size of the slide is unknown.
    """
    table = evaluation.genes.set_index("gene")
    if absent := [gene for gene in genes if gene not in table.index]:
        raise InputError(
            f"{listing(absent)} {'was' if len(absent) == 1 else 'were'} not judged",
            where=f"map of {evaluation.slide}",
            fix="genes.csv lists those that were",
        )
    tiles = evaluation.tiles
    maps = tiles.scaled(np.asarray(evaluation.map.genes(list(genes)), np.float64)[tiles.tiles].T)
    truths = tiles.smoothed(tiles.unsmoothed(evaluation.measured.counts_of(list(genes))))
    cut = None if image is None else _cut(image, evaluation)
    grids = ((_on_grid(row, tiles.places) for row in percentiles(values)) for values in (maps, truths))
    statistics = table.loc[list(genes), ["r", "r_shift_high", "p_shift", "emd", "emd_flat"]].to_numpy(
        np.float64
    )
    return [
        MapPair(evaluation.slide, gene, predicted, measured, r, high, p, emd, flat, cut)
        for gene, predicted, measured, (r, high, p, emd, flat) in zip(
            genes, *grids, statistics.tolist(), strict=True
        )
    ]


def _on_grid(values: Floats, places: NDArray[np.int64]) -> Floats:
    """Values of tiles in the box of their places, NaN where there is no tile."""
    low = places.min(axis=0)
    grid = np.full(tuple(places.max(axis=0) - low + 1), np.nan)
    grid[tuple((places - low).T)] = values
    return grid


def _cut(image: NDArray[np.uint8], evaluation: Evaluation) -> NDArray[np.uint8]:
    """The image in the box of the judged tiles."""
    about, tiles = evaluation.map.about, evaluation.tiles
    width, height = float(about.get("slide_width", 0)), float(about.get("slide_height", 0))
    if not (width and height):
        raise InputError(
            "the map does not know the size of its slide", where=evaluation.slide, fix="leave out --image"
        )
    centres, half = evaluation.map.centres_px[tiles.tiles], evaluation.map.tile_um / 2
    half *= float(
        np.ptp(evaluation.map.centres_px, axis=0).max() / np.ptp(evaluation.map.centres_um, axis=0).max()
    )
    scale = np.array([image.shape[1] / width, image.shape[0] / height])
    (x0, y0), (x1, y1) = (
        np.round(corner * scale).astype(int)
        for corner in (centres.min(axis=0) - half, centres.max(axis=0) + half)
    )
    return image[max(y0, 0) : y1, max(x0, 0) : x1]
