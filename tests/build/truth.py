"""Measured sections, in memory and in every layout that is read."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd

from sequoia_base.flow import Flow
from sequoia_stats.types.spatial_truth import SpatialTruth


def lattice_places(columns: int = 6, rows: int = 5) -> np.ndarray:
    """Column and row of each place of a square lattice, from 1, in reading order."""
    y, x = np.mgrid[1 : rows + 1, 1 : columns + 1]
    return np.column_stack([x.ravel(), y.ravel()])


def make_counts(n: int, genes: int = 4, seed: int = 0, mean: float = 5.0) -> np.ndarray:
    """Counts of spots × genes; every spot has some."""
    counts = np.random.default_rng(seed).poisson(mean, (n, genes))
    counts[:, 0] += 1
    return counts


def make_truth(
    columns: int = 6,
    rows: int = 5,
    genes: int = 4,
    *,
    mpp: float = 0.5,
    pitch_um: float = 200.0,
    counts: np.ndarray | None = None,
    centres_um: np.ndarray | None = None,
    programmes: pd.DataFrame | None = None,
    name: str = "S1",
    seed: int = 0,
    **fields: object,
) -> SpatialTruth:
    """A section in memory: spots on a square lattice, or at given centres; genes G0, G1, ..."""
    if centres_um is None:
        centres_um = lattice_places(columns, rows) * pitch_um
    n = len(centres_um)
    counts = make_counts(n, genes, seed) if counts is None else np.asarray(counts)
    return SpatialTruth(
        name=name, spots=tuple(f"s{i}" for i in range(n)), centres_px=np.asarray(centres_um, float) / mpp, mpp=mpp,
        spot_um=pitch_um / 2, pitch_um=pitch_um, counts=counts, genes=tuple(f"G{i}" for i in range(counts.shape[1])),
        totals=counts.sum(axis=1).astype(float), programmes=programmes, platform="spatial-transcriptomics",
        flow=Flow(), **fields,
    )  # fmt: skip


def st_tables(
    columns: int = 6,
    rows: int = 5,
    genes: int = 4,
    *,
    mpp: float = 0.5,
    pitch_um: float = 200.0,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Counts (index "XxY") and spots of a section of Spatial Transcriptomics, jittered as they were printed."""
    places = lattice_places(columns, rows)
    jitter = np.random.default_rng(seed).uniform(-0.1, 0.1, places.shape)
    printed = places + jitter
    pixels = printed * pitch_um / mpp
    names = [f"{x}x{y}" for x, y in places]
    counts = pd.DataFrame(make_counts(len(places), genes, seed), names, [f"G{i}" for i in range(genes)])
    spots = pd.DataFrame(
        {"x": places[:, 0], "y": places[:, 1], "new_x": printed[:, 0], "new_y": printed[:, 1]}
    )
    spots["pixel_x"], spots["pixel_y"] = pixels.round(2).T
    spots["selected"] = 1
    return counts, spots


def write_st(folder: Path, counts: pd.DataFrame, spots: pd.DataFrame, name: str = "S1") -> Path:
    """Write a section of Spatial Transcriptomics; returns the table of counts."""
    path = folder / f"{name}.tsv.gz"
    path.write_bytes(gzip.compress(counts.to_csv(sep="\t").encode()))
    spots.to_csv(folder / f"{name}_selection.tsv", sep="\t", index=False)
    return path
