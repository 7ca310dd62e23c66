"""A map as GeoJSON for QuPath: a square for each tile, with its values as measurements."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sequoia_base.atomic import new_file, refuse_existing
from sequoia_base.errors import InputError
from sequoia_base.maps.spatial_map import Map

#: Digits of a measurement: those that float32 holds.
_DIGITS = 7


def write_geojson(
    source: Map,
    path: str | Path,
    genes: Sequence[str] | None = None,
    *,
    origin: tuple[float, float] = (0, 0),
    force: bool = False,
) -> None:
    """Write tiles as QuPath's tile objects, whose measurements are genes and what else is known of the tile.

    QuPath 0.4 and later read the measurements. A value that is not there (NaN) is left out.

    Parameters
    ----------
    source : Map
        The map.
    path : path
        The file.
    genes : sequence of str, optional
        The genes; by default those that the map stores. With more than one fold also their spread: "ESR1 (SD)".
    origin : tuple of float, default (0, 0)
        Left and top of the slide's scanned area in level-0 pixels, from which QuPath counts.
    force : bool
        Whether an existing file is replaced.

    Raises
    ------
    InputError
        If the file exists or cannot be written, a gene is not in the map, or the map does not say how large tiles are.
    """
    side = float(source.about["tile_px"])
    if side <= 0:
        raise InputError(
            "the map does not say how many pixels a tile has", where=str(source.path or source.slide)
        )
    refuse_existing(path, force=force, inputs=[source.path])
    names, values = _measurements(
        source, source.stored_genes if genes is None else tuple(dict.fromkeys(genes))
    )
    corners = source.centres_px - side / 2 - np.asarray(origin, dtype=np.float64)
    with new_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write('{"type":"FeatureCollection","features":[')
        for i, feature in enumerate(_features(source.obs.index.tolist(), corners, side, names, values)):
            file.write(
                (",\n" if i else "\n") + json.dumps(feature, separators=(",", ":"), ensure_ascii=False)
            )
        file.write("\n]}\n")


def _measurements(source: Map, genes: Sequence[str]) -> tuple[list[str], NDArray[np.float64]]:
    """Names and values (tiles × measurements)."""
    source.refuse_absent(genes)
    names = list(genes)
    columns: list[NDArray[Any]] = []
    if genes:
        mean, std = source.mean_and_spread(genes)
        columns.append(mean)
        if std is not None:
            names += [f"{gene} (SD)" for gene in genes]
            columns.append(std)
    names += ["windows", *map(str, source.columns.columns)]
    columns += [source.n_windows[:, None], source.columns.to_numpy(np.float64)]
    return names, np.hstack(columns).astype(np.float64)


def _features(
    tiles: Sequence[str],
    corners: NDArray[np.float64],
    side: float,
    names: Sequence[str],
    values: NDArray[np.float64],
) -> Iterator[dict[str, Any]]:
    for tile, (x, y), row in zip(tiles, np.round(corners, 2).tolist(), values.tolist(), strict=True):
        ring = [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
        known = {
            name: float(f"{value:.{_DIGITS}g}")
            for name, value in zip(names, row, strict=True)
            if value == value
        }
        yield {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [ring]},
            "properties": {"objectType": "tile", "name": tile, "measurements": known},
        }
