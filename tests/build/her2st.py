"""A small bundle of four sections, laid out as that of HER2ST."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from PIL import Image

from sequoia_model import FeatureBag, write_features
from sequoia_model.types.bag import EncoderId, TileGeometry
from sequoia_stats.sets.collections import load

SECTIONS = ("C2", "C3", "C4", "C5")
#: Side of a tile in pixels, µm per pixel, and µm between spots.
SIDE, MPP, PITCH_UM = 186, 0.688, 200.0
#: Modules whose first genes are those of the bundle.
MODULES, OF_EACH = ("AC", "MES1", "G1S"), 8
#: Waves that features and genes share.
_WAVES = 6


def bundle_genes() -> list[str]:
    """The genes of the bundle: real names, so that modules of genes find some."""
    modules = load("neftel")
    return list(dict.fromkeys(gene for name in MODULES for gene in list(modules[name])[:OF_EACH]))


def write_bundle(folder: Path, *, tiles: int = 13, features: int = 128) -> Path:
    """Write sections of `tiles` × `tiles` tiles less a corner, whose genes follow waves that the features hold."""
    rng, genes = np.random.default_rng(0), bundle_genes()
    loadings = rng.normal(size=(_WAVES, len(genes))) * (np.arange(len(genes)) % 3 > 0)
    mixing = rng.normal(size=(_WAVES, features))
    tables = []
    for name in SECTIONS:
        latent = _smooth(rng, tiles)
        places = np.argwhere(np.add.outer(np.arange(tiles), np.arange(tiles)) > 1)
        seen = latent[tuple(places.T)] @ mixing + 0.3 * rng.normal(size=(len(places), features))
        _write_features(folder / f"{name}.h5", name, places, seen.astype(np.float32))
        _write_picture(folder / f"{name}.jpg", tiles)
        tables.append((name, places, latent))
    _write_spots(folder / "spots.h5ad", tables, genes, loadings, rng)
    _write_tiles(folder / "tiles.csv", tables, rng)
    return folder


def _smooth(rng: np.random.Generator, tiles: int) -> np.ndarray:
    """Waves over the section, (tiles, tiles, waves)."""
    grid = np.stack(np.meshgrid(np.arange(tiles), np.arange(tiles), indexing="ij"), axis=-1)
    waves = rng.normal(0, 0.4, (2, _WAVES))
    return np.sin(grid @ waves + rng.uniform(0, 6, _WAVES))


def _write_features(path: Path, name: str, places: np.ndarray, values: np.ndarray) -> None:
    size = (int(places.max() + 2) * SIDE,) * 2
    bag = FeatureBag(
        name,
        features=values,
        coords=places[:, ::-1] * SIDE,
        encoder=EncoderId("lite0"),
        geometry=TileGeometry(side=SIDE, slide_mpp=MPP, slide_size=size),
    )
    write_features(bag, path)


def _write_picture(path: Path, tiles: int) -> None:
    side = 8 * (tiles + 1)
    Image.fromarray(np.full((side, side, 3), 200, dtype=np.uint8)).save(path)


def _write_spots(
    path: Path, tables: list, genes: list[str], loadings: np.ndarray, rng: np.random.Generator
) -> None:
    parts, centres, counts = [], [], []
    for name, places, latent in tables:
        step = PITCH_UM / MPP
        steps = int((places.max() + 1) * SIDE / step)
        grid = np.argwhere(np.ones((steps, steps)))
        xy = (grid[:, ::-1] + 0.5) * step
        at = np.floor(xy[:, ::-1] / SIDE).astype(int)
        counts.append(rng.poisson(30 * np.exp(0.5 * latent[tuple(at.T)] @ loadings)))
        names = [f"{name}_{column + 1}x{row + 1}" for row, column in grid.tolist()]
        parts.append(pd.DataFrame({"section": name, "x": grid[:, 1] + 1, "y": grid[:, 0] + 1}, index=names))
        centres.append(xy)
    x = np.concatenate(counts)
    obs = pd.concat(parts)
    obs["total"] = x.sum(axis=1) + 100
    var = pd.DataFrame(index=pd.Index(genes, name="gene"))
    adata = anndata.AnnData(x.astype(np.uint16), obs, var)
    adata.obsm["spatial"] = np.concatenate(centres)
    adata.uns["units"] = "counts"
    adata.write_h5ad(path)


def _write_tiles(path: Path, tables: list, rng: np.random.Generator) -> None:
    rows = [
        pd.DataFrame(
            {
                "section": name,
                "x": places[:, 1] * SIDE,
                "y": places[:, 0] * SIDE,
                "haematoxylin": rng.random(len(places)),
                "tissue": rng.uniform(0.5, 1, len(places)),
            }
        )
        for name, places, _ in tables
    ]
    pd.concat(rows, ignore_index=True).to_csv(path, index=False)
