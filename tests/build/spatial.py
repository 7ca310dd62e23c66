"""Tissue and maps on it, for tests of spatial statistics."""

from __future__ import annotations

import numpy as np


def rectangle(rows: int, columns: int) -> np.ndarray:
    """Places of a full grid, in reading order."""
    return np.argwhere(np.ones((rows, columns)))


def tissue(rows: int, columns: int, seed: int = 0, share: float = 0.8) -> np.ndarray:
    """Places of a grid with holes."""
    return np.argwhere(np.random.default_rng(seed).random((rows, columns)) < share)


def percentile_maps(genes: int, tiles: int, seed: int = 0) -> np.ndarray:
    """Maps of unrelated values, each the percentiles from 100 / tiles to 100 in an order of its own."""
    rng = np.random.default_rng(seed)
    return np.array([rng.permutation(tiles) + 1 for _ in range(genes)]) * (100 / tiles)
