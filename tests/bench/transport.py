"""Earth mover's distance of a gene against cv2.EMD, the published way, and against POT's full problem.

Maps are percentiles of smooth fields, on a grid of 30 × 30 and on the tiles of a HER2ST section. cv2.EMD is timed on a
few genes, ours on some tens; times are seconds of the CPU for one gene, on one thread. How far cv2.EMD lies above
the optimum is printed.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import h5py
import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

from sequoia_stats.spatial import emds
from tests.bench.timing import cpu_seconds, line

SECTION = Path(__file__).parents[2] / "analyses" / "data" / "her2st" / "C2.h5"
GENES, OF_POT, SMOOTH = 32, 4, 1.5


def places_of_section() -> np.ndarray:
    """Row and column of each tile of a section."""
    with h5py.File(SECTION) as file:
        corners = file["coords"][:].astype(np.float64)[:, ::-1]
    steps = [np.diff(np.unique(axis)).min() for axis in corners.T]
    return np.rint((corners - corners.min(axis=0)) / steps).astype(np.int64)


def smooth_percentiles(genes: int, places: np.ndarray, seed: int) -> np.ndarray:
    """Maps of shape (genes, tiles), as those that are compared: smooth, from 0 to 100."""
    shape = (genes, *(places.max(axis=0) + 1))
    fields = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), (0, SMOOTH, SMOOTH))
    return 100 * rankdata(fields[:, places[:, 0], places[:, 1]], axis=1) / len(places)


def by_opencv(a: np.ndarray, b: np.ndarray, places: np.ndarray) -> float:
    """In units of the diagonal."""
    signatures = [np.column_stack([gene / gene.sum(), places]).astype(np.float32) for gene in (a, b)]
    return cv2.EMD(*signatures, cv2.DIST_L2)[0] / np.hypot(*np.ptp(places, axis=0))


def by_pot(a: np.ndarray, b: np.ndarray, distances: np.ndarray) -> float:
    """The full problem, the distances computed beforehand."""
    import ot

    return ot.emd2(a / a.sum(), b / b.sum(), distances, numItermax=10**8)


def bench_tissue(name: str, places: np.ndarray, of_opencv: int, goal: str) -> None:
    """The lines of one tissue."""
    a, b = (smooth_percentiles(GENES, places, seed) for seed in (0, 1))
    distances = cdist(places, places) / np.hypot(*np.ptp(places, axis=0))
    emds(a[:1], b[:1], places, jobs=1), by_pot(a[0], b[0], distances)  # loads and compiles
    found: dict[str, list[float]] = {}
    ours = cpu_seconds(lambda: found.update(ours=emds(a, b, places, jobs=1))) / GENES
    plain = (
        cpu_seconds(lambda: found.update(pot=[by_pot(a[i], b[i], distances) for i in range(OF_POT)])) / OF_POT
    )
    theirs = (
        cpu_seconds(lambda: found.update(cv2=[by_opencv(a[i], b[i], places) for i in range(of_opencv)]))
        / of_opencv
    )
    line(f"EMD of a gene, {name}", ours, theirs, "cv2.EMD", goal)
    line("the same", ours, plain, "POT", ">= 3 x")
    apart = np.abs(found["ours"][:OF_POT] - found["pot"]).max()
    assert apart < 1e-12
    above = 100 * (np.array(found["cv2"]) / found["ours"][:of_opencv] - 1)
    print(
        f"{'':<44} from POT: {apart:.0e}; cv2.EMD above the optimum: {above.min():.2f} to {above.max():.2f}%"
    )


def bench() -> None:
    """Print the lines of this file."""
    bench_tissue("30 x 30 grid", np.argwhere(np.ones((30, 30))), 2, ">= 200 x")
    section = places_of_section()
    bench_tissue(f"section of {len(section)} tiles", section, 4, ">= 50 x")
