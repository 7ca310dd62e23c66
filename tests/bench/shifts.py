"""The shift null by Fourier transforms against moving the truth gene by gene, and all genes at once in numpy.

The tiles are those of a HER2ST section, the maps percentiles of smooth fields. Gene by gene is what one writes first:
each move of each gene is a call of `numpy.corrcoef` on the overlap. All genes at once takes the sums of all genes for
each move. Both get the overlapping tiles of each move for free, and are scaled to all genes and moves.
"""

from __future__ import annotations

import numpy as np

from sequoia_stats.spatial import shift_null
from sequoia_stats.spatial.shifts import turned
from tests.bench.timing import cpu_seconds, line
from tests.bench.transport import places_of_section, smooth_percentiles

GENES, BY_GENE = 2000, 2


def overlaps(places: np.ndarray, moves: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each move the tiles of the map, and those of the truth that lie on them."""
    pairs = []
    for quarters, *step in moves.tolist():
        there = turned(places, quarters) + step
        grid = np.full(np.maximum(places.max(axis=0), there.max(axis=0)) + 1, -1)
        grid[tuple(places.T)] = np.arange(len(places))
        inside = (there >= 0).all(axis=1)
        at = np.full(len(places), -1)
        at[inside] = grid[tuple(there[inside].T)]
        pairs.append((at[at >= 0], np.flatnonzero(at >= 0)))
    return pairs


def gene_by_gene(a: np.ndarray, b: np.ndarray, pairs: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Correlations of shape (moves, genes)."""
    return np.array([[np.corrcoef(x[i], y[j])[0, 1] for x, y in zip(a, b, strict=True)] for i, j in pairs])


def at_once(a: np.ndarray, b: np.ndarray, pairs: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Correlations of shape (moves, genes), all genes of a move in one step."""
    rows = []
    for i, j in pairs:
        x, y = a[:, i], b[:, j]
        x = x - x.mean(axis=1, keepdims=True)
        y = y - y.mean(axis=1, keepdims=True)
        sums = [np.einsum("gt,gt->g", *both) for both in ((x, y), (x, x), (y, y))]
        rows.append(sums[0] / np.sqrt(sums[1] * sums[2]))
    return np.array(rows)


def bench() -> None:
    """Print the lines of this file."""
    places = places_of_section()
    places = places - places.min(axis=0)
    a, b = (smooth_percentiles(GENES, places, seed) for seed in (0, 1))
    null = shift_null(a[:10], b[:10], places)
    pairs = overlaps(places, null.moves)
    some = pairs[:: max(1, len(pairs) // 100)]
    print(
        f"{GENES:,} genes, {len(places)} tiles, {null.n_possible} moves; numpy is timed on {len(some)} moves"
    )
    assert np.abs(gene_by_gene(a[:2], b[:2], pairs) - null.null_r[:, :2]).max() < 1e-6
    ours = cpu_seconds(lambda: shift_null(a, b, places))
    scale = len(pairs) / len(some)
    slow = cpu_seconds(lambda: gene_by_gene(a[:BY_GENE], b[:BY_GENE], some)) * scale * GENES / BY_GENE
    line("shift null of all genes", ours, slow, "gene by gene", ">= 50 x")
    line("the same", ours, cpu_seconds(lambda: at_once(a, b, some)) * scale, "numpy", ">= 5 x")
