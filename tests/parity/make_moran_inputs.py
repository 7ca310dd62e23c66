"""Write the inputs of the parity test of Moran's I: ``python -m tests.parity.make_moran_inputs``."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from tests.build.spatial import rectangle, tissue
from tests.parity.make_inputs import _write


def maps_on(places: np.ndarray, seed: int) -> pd.DataFrame:
    """A slope, noise, and smoothed noise, to six decimals."""
    row, column = places.T
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.standard_normal(places.max(axis=0) + 1), 1.5)
    maps = {
        "slope": row + 0.5 * column,
        "noise": rng.standard_normal(len(places)),
        "smooth": field[row, column],
    }
    return pd.DataFrame({"row": row, "column": column} | maps).round(6)


def main() -> None:
    """Write all inputs."""
    holes = tissue(12, 14, seed=1)
    alone = np.concatenate([tissue(6, 9, seed=2), [[10, 3], [12, 8], [13, 8]]])
    for name, places in {"full": rectangle(8, 11), "holes": holes, "islands": alone}.items():
        _write("moran", name, maps_on(places, seed=3))


if __name__ == "__main__":
    main()
