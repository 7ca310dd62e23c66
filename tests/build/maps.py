"""Builders of maps and heads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sequoia_base.maps import Heads, Map, read_heads
from sequoia_base.maps.heads import hash_head

GENES = ("ESR1", "GATA3", "MKI67", "KRT5")


def make_heads(
    path: Path, genes: Sequence[str] = GENES, folds: Sequence[int] = (0, 1, 2), dim: int = 6, seed: int = 0
) -> Heads:
    """A heads file of normal numbers."""
    rng = np.random.default_rng(seed)
    weight = rng.normal(size=(len(folds), len(genes), dim)).astype(np.float32)
    bias = rng.normal(size=(len(folds), len(genes))).astype(np.float32)
    with h5py.File(path, "w") as file:
        file["weight"], file["bias"], file["gene"] = weight, bias, list(genes)
        file["fold"] = np.array(folds, dtype=np.int64)
        file["hash"] = [hash_head(w, b) for w, b in zip(weight, bias, strict=True)]
    return read_heads(path)


def make_places(rows: int = 4, columns: int = 5, holes: Sequence[tuple[int, int]] = ((0, 1),)) -> np.ndarray:
    """Places of a rectangle with holes, in reading order."""
    grid = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), axis=-1).reshape(-1, 2)
    return np.array([place for place in grid.tolist() if tuple(place) not in set(holes)], dtype=np.int64)


def make_map(
    heads: Heads | None = None,
    *,
    places: np.ndarray | None = None,
    folds: Sequence[int] | None = None,
    uncovered: Sequence[int] = (3,),
    dtype: type = np.float32,
    seed: int = 0,
    **about: Any,
) -> Map:
    """A map of normal latent vectors on tiles of 100 µm and 400 px; the tiles `uncovered` are in no window."""
    places = make_places() if places is None else places
    folds = (heads.folds if heads else (0,)) if folds is None else folds
    windows = np.full(len(places), 4, dtype=np.int64)
    windows[list(uncovered)] = 0
    rng = np.random.default_rng(seed)
    latents = {
        fold: rng.normal(size=(len(places), heads.dim if heads else 6)).astype(dtype) for fold in folds
    }
    for latent in latents.values():
        latent[windows == 0] = np.nan
    centres = (places[:, ::-1] + 0.5) * 100.0
    told = {
        "slide": "S1", "patient_id": "P1", "tile_um": 100.0, "tile_px": 400.0, "slide_mpp": 0.25, "window": 2,
        "stride": 1, "n_windows": 30, "slide_width": 4000, "slide_height": 4000, "units": "log2(TPM+1)",
    }  # fmt: skip
    return Map(
        places=places,
        centres_um=centres,
        centres_px=centres * 4,
        n_windows=windows,
        about=told | about,
        latents=latents,
        heads=heads,
    )


def make_gene_map(values: np.ndarray, genes: Sequence[str] = GENES, **options: Any) -> Map:
    """A map that stores genes (tiles × genes) and has no latent vectors, as a baseline does."""
    return make_map(uncovered=(), **options).with_values(genes, values, source="ridge")
