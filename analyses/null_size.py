"""How often nulls of maps call unrelated smooth fields related, on the tissue of the HER2ST sections.

Run alone, it prints the table and writes ``analyses/data/calibration/shift_null.csv``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from _shared import HERE, save_table, say
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from sequoia_model import read_features
from sequoia_model.spatial.tile_places import place_tiles
from sequoia_stats.spatial import neighbours, shift_null, spectral_null

SECTIONS = ("C2", "C3", "C4", "C5")
#: Standard deviations of the Gaussian that smooths white noise, in tiles.
SMOOTH = (0.5, 1.0, 2.0, 3.0)
LEVEL = 0.05


def unrelated_fields(
    places: NDArray[np.int64], smooth: float, fields: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two arrays of shape (fields, tiles) of independent stationary Gaussian fields on the tiles.

    The noise is smoothed on a larger grid, so that fields at the border of the tissue are as those inside.
    """
    margin = int(np.ceil(4 * smooth))
    rows, columns = (places - places.min(axis=0) + margin).T
    shape = (rows.max() + 1 + margin, columns.max() + 1 + margin)
    noise = rng.standard_normal((2, fields, *shape))
    first, second = gaussian_filter(noise, (0, 0, smooth, smooth))[..., rows, columns]
    return first, second


def null_sizes(
    tissues: dict[str, NDArray[np.int64]],
    *,
    smooth: Sequence[float] = SMOOTH,
    fields: int = 1000,
    level: float = LEVEL,
    seed: int = 0,
) -> pd.DataFrame:
    """Share of pairs of unrelated fields with p ≤ `level`, by tissue and smoothness.

    Parameters
    ----------
    tissues : dict
        Row and column of each tile, by the name of the tissue.
    smooth : sequence of float
        Standard deviations of the smoothing, in tiles.
    fields : int, default 1000
        Pairs of each.
    level : float, default 0.05
    seed : int, default 0

    Returns
    -------
    DataFrame
        ``section, tiles, smooth, fields, moves, shift, spectral, naive``: `shift`, `spectral` and `naive` are the
        shares by the shift null, by Moran spectral randomisation, and by Student's t.
    """
    rows = []
    for (name, places), stream in zip(
        tissues.items(), np.random.SeedSequence(seed).spawn(len(tissues)), strict=True
    ):
        weights = neighbours(places)
        for width, one in zip(smooth, stream.spawn(len(smooth)), strict=True):
            a, b = unrelated_fields(places, width, fields, np.random.default_rng(one))
            shift, spectral = shift_null(a, b, places), spectral_null(a, b, weights, seed=seed)
            sizes = {
                column: float(np.mean(p <= level))
                for column, p in (("shift", shift.p), ("spectral", spectral.p), ("naive", shift.p_naive))
            }
            rows.append(
                {"section": name, "tiles": len(places), "smooth": width, "fields": fields}
                | {"moves": shift.n_possible}
                | sizes
            )
    return pd.DataFrame(rows)


def sections() -> dict[str, NDArray[np.int64]]:
    """The tiles of the bundled sections."""
    return {
        name: place_tiles(read_features(HERE / "data" / "her2st" / f"{name}.h5")).places for name in SECTIONS
    }


def main() -> None:
    """Print the table, and write it."""
    table = null_sizes(sections())
    say(table.to_string(index=False, float_format="{:.3f}".format))
    save_table(table, HERE / "data" / "calibration" / "shift_null.csv")


if __name__ == "__main__":
    main()
