"""Builders of what networks learn from: feature files whose tiles tell the genes, and measured expression."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import anndata
import numpy as np
import pandas as pd

from sequoia_model.feature_files import write
from sequoia_model.types.bag import EncoderId, FeatureBag

UNITS = "log2(FPKM-UQ+1)"


class TrainingSet(NamedTuple):
    """Paths of a training set, and the features and genes themselves."""

    features: Path
    measured: Path
    patients: Path
    x: np.ndarray
    y: pd.DataFrame


def make_slides(
    n: int, *, clusters: int = 100, dim: int = 16, genes: int = 6, noise: float = 0.5, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Cluster means (n, clusters, dim) and genes (n, genes) that share four hidden values of each slide.

    A slide shows its hidden values in each cluster with another strength. Genes are around 6, as log2 values are.
    """
    drawn = np.random.default_rng([seed, dim, genes])
    to_features, to_genes = drawn.normal(size=(4, dim)), drawn.normal(size=(4, genes))
    to_genes /= np.linalg.norm(to_genes, axis=0)
    hidden = drawn.normal(size=(n, 4))
    strength = drawn.random((n, clusters, 1))
    x = drawn.normal(size=(n, clusters, dim)) + strength * (hidden @ to_features)[:, None]
    y = 6 + hidden @ to_genes + noise * drawn.normal(size=(n, genes))
    return x.astype(np.float32), y.astype(np.float32)


def write_bag(folder: Path, slide: str, means: np.ndarray, encoder: str = "lite0") -> Path:
    """A feature file that holds cluster means alone of tiles that nobody needs again."""
    coords = np.stack([np.arange(4), np.zeros(4, dtype=int)], axis=1) * 256
    tiles = means[:4].copy()
    bag = FeatureBag(
        slide=slide, features=tiles, coords=coords, cluster_features=means, encoder=EncoderId(encoder), mpp=0.5,
        tile_size=256,
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    write(bag, folder / f"{slide}.h5", force=True)
    return folder / f"{slide}.h5"


def write_measured(path: Path, y: np.ndarray, patients: Sequence[str], units: str | None = UNITS) -> Path:
    """Measured expression of patients as AnnData that states its unit."""
    obs = pd.DataFrame({"patient_id": list(patients)}, index=pd.Index(list(patients), dtype=object))
    var = pd.DataFrame(index=pd.Index([f"G{i}" for i in range(y.shape[1])], dtype=object))
    adata = anndata.AnnData(y.astype(np.float32), obs, var, uns={"units": units} if units else {})
    adata.write_h5ad(path)
    return path


def write_training_set(root: Path, n: int = 20, *, letter: str = "P", **made: int) -> TrainingSet:
    """Slides S00, S01, … of patients P00, P01, …, or of another letter, which the slides then begin with; in `root`."""
    x, y = make_slides(n, **made)
    patients = [f"{letter}{i:02}" for i in range(n)]
    slides = [f"{'' if letter == 'P' else letter}S{i:02}" for i in range(n)]
    for slide, means in zip(slides, x, strict=True):
        write_bag(root / "features", slide, means)
    measured = write_measured(root / "measured.h5ad", y, patients)
    table = pd.DataFrame({"slide": slides, "patient_id": patients})
    table["site"] = [f"H{i % 7}" for i in range(n)]
    table.to_csv(root / "patients.csv", index=False)
    genes = pd.DataFrame(y, patients, [f"G{i}" for i in range(y.shape[1])])
    return TrainingSet(root / "features", measured, root / "patients.csv", x, genes)
