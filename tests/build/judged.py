"""Maps with their truths: smooth fields on tiles, and counts drawn on a lattice of spots."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from sequoia_base.maps import Map, write_map
from sequoia_stats.types.spatial_truth import SpatialTruth
from tests.build.truth import make_truth

#: Side of a tile in µm, and µm per pixel of the slide.
TILE_UM, MPP = 100.0, 0.5


def smooth_fields(genes: int, side: int, seed: int) -> np.ndarray:
    """Smooth random fields (genes, side, side) of mean 0 and standard deviation 1."""
    rng = np.random.default_rng(seed)
    fields = np.stack(
        [gaussian_filter(rng.normal(size=(side, side)), 1.5, mode="reflect") for _ in range(genes)]
    )
    fields -= fields.mean(axis=(1, 2), keepdims=True)
    return fields / fields.std(axis=(1, 2), keepdims=True)


def make_judged(
    side: int = 12,
    genes: int = 6,
    *,
    noise: float = 0.5,
    seed: int = 0,
    name: str = "S1",
    absent: Sequence[tuple[int, int]] = (),
    uncovered: Sequence[int] = (),
    columns: pd.DataFrame | None = None,
    truth: dict[str, Any] | None = None,
    **about: Any,
) -> tuple[Map, SpatialTruth]:
    """A map that is a smooth field plus noise, and counts of that field on spots of 100 µm pitch, on the tiles."""
    rng = np.random.default_rng(seed)
    fields = smooth_fields(genes, side, seed)
    places = np.array([(i, j) for i in range(side) for j in range(side) if (i, j) not in set(absent)])
    at = fields[:, places[:, 0], places[:, 1]].T
    values = (at + noise * rng.normal(size=at.shape)).astype(np.float32)
    centres = (places[:, ::-1] + 0.5) * TILE_UM
    windows = np.full(len(places), 4)
    windows[list(uncovered)] = 0
    values[windows == 0] = np.nan
    told = {
        "slide": name, "patient_id": f"of {name}", "tile_um": TILE_UM, "tile_px": TILE_UM / MPP, "slide_mpp": MPP,
        "slide_width": int(side * TILE_UM / MPP), "slide_height": int(side * TILE_UM / MPP),
    }  # fmt: skip
    names = tuple(f"G{i}" for i in range(genes))
    map_ = Map(
        places=places, centres_um=centres, centres_px=centres / MPP, n_windows=windows, about=told | about,
        columns=columns if columns is not None else pd.DataFrame(),
    )  # fmt: skip
    counts = rng.poisson(np.exp(2.5 + at))
    given = {"counts": counts, "centres_um": centres + rng.uniform(-5, 5, centres.shape), "name": name}
    given |= {"mpp": MPP, "pitch_um": TILE_UM} | (truth or {})
    return map_.with_values(names, values, source="ridge"), make_truth(**given)


def write_judged(folder: Path, **options: Any) -> tuple[Path, Path]:
    """The files of such a map and of its truth (h5ad with raw counts)."""
    map_, truth = make_judged(**options)
    folder.mkdir(parents=True, exist_ok=True)
    map_file, truth_file = folder / f"{map_.slide}.map.h5ad", folder / f"{truth.name}.h5ad"
    write_map(map_, map_file, genes=map_.gene_names)
    spots = anndata.AnnData(
        truth.counts_of(truth.genes),
        pd.DataFrame(index=list(truth.spots)),
        pd.DataFrame(index=list(truth.genes)),
    )
    spots.obsm["spatial"] = truth.centres_px
    spots.write_h5ad(truth_file)
    return map_file, truth_file
