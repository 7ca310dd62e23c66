"""How far ``cv2.EMD``, which the published code uses, lies above the exact earth mover's distance on larger grids.

Run alone, it prints the table and writes ``analyses/data/calibration/emd_overshoot.csv``. Needs opencv.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from _shared import HERE, save_table, say
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from sequoia_stats.spatial import emds

#: Tiles along the side of a square grid, and pairs of maps on each.
SIDES, PAIRS = (8, 15, 22, 30), 4


def overshoot(sides: Sequence[int] = SIDES, pairs: int = PAIRS, seed: int = 0) -> pd.DataFrame:
    """Compare both on pairs of smooth fields.

    Parameters
    ----------
    sides : sequence of int
        Tiles along the side of a grid.
    pairs : int
        Pairs of maps on each.
    seed : int
        Random seed.

    Returns
    -------
    DataFrame
        ``side, pairs, exact`` (the mean), and ``lowest, mean, highest``: by what share ``cv2.EMD`` exceeds it.
    """
    rows = []
    for side, stream in zip(sides, np.random.SeedSequence(seed).spawn(len(sides)), strict=True):
        places = np.argwhere(np.ones((side, side)))
        maps = fields(side, 2 * pairs, np.random.default_rng(stream))
        exact = emds(maps[:pairs], maps[pairs:], places, jobs=1)
        found = [by_cv2(a, b, places) for a, b in zip(maps[:pairs], maps[pairs:], strict=True)]
        above = np.array(found) / exact - 1
        rows.append((side, pairs, exact.mean(), above.min(), above.mean(), above.max()))
    return pd.DataFrame(rows, columns=["side", "pairs", "exact", "lowest", "mean", "highest"])


def fields(side: int, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Smooth fields of ranks, as percentile maps are, (n, side²)."""
    noise = gaussian_filter(rng.standard_normal((n, side, side)), (0, 2, 2)).reshape(n, -1)
    return (noise.argsort(axis=1).argsort(axis=1) + 1) / noise.shape[1]


def by_cv2(a: NDArray[np.float64], b: NDArray[np.float64], places: NDArray[np.int64]) -> float:
    """``cv2.EMD`` of two maps, in units of the grid's diagonal."""
    import cv2

    points = places.astype(np.float32)
    signatures = [np.column_stack([one / one.sum(), points]).astype(np.float32) for one in (a, b)]
    return float(cv2.EMD(*signatures, cv2.DIST_L2)[0]) / float(np.hypot(*np.ptp(places, axis=0)))


def main() -> None:
    """Print the table, and write it into ``data/calibration/``."""
    table = overshoot()
    say(table.to_string(index=False))
    save_table(table, HERE / "data" / "calibration" / "emd_overshoot.csv")


if __name__ == "__main__":
    main()
