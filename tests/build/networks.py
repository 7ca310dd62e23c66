"""Builders of networks on disk, and of the names of their genes; nothing here imports torch until it is needed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
#: Names for the 40 outputs of the golden toys.
TOY_GENES = tuple(f"G{i + 1}" for i in range(40))
#: Slides of the published test list of BRCA, by their test fold.
BRCA_SLIDES = (
    "TCGA-3C-AALJ-01Z-00-DX1.777C0957-255A-42F0-9EEB-A3606BCF0C96",
    "TCGA-5T-A9QA-01Z-00-DX1.B4212117-E0A7-4EF2-B324-8396042ACEC1",
    "TCGA-3C-AALI-01Z-00-DX1.F6E9A5DF-D8FB-45CF-B4BD-C6B76294C291",
    "TCGA-5L-AAT0-01Z-00-DX1.5E171263-30BF-4C6B-88A1-E8EA0522A861",
    "TCGA-A1-A0SH-01Z-00-DX1.90E71B08-E1D9-4FC2-85AC-062E56DDF17C",
)


def write_network(folder: Path, seed: int = 0) -> Path:
    """The golden toy (input 32, 100 clusters, 40 genes) as the hub stores it; other seeds are other parameters."""
    from safetensors.numpy import load_file, save_file

    toy = GOLDEN / "sequoia-toy-0"
    tensors = load_file(toy / "model.safetensors")
    generator = np.random.default_rng([seed, 5])
    if seed:
        tensors = {
            name: (values + 0.1 * generator.normal(size=values.shape)).astype(values.dtype)
            for name, values in tensors.items()
        }
    folder.mkdir(parents=True)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text((toy / "config.json").read_text())
    return folder


def write_folds(folder: Path, name: str = "sequoia-brca", folds: Sequence[int] = range(5)) -> Path:
    """A folder of toys, one per fold; named like the published weights of a cancer."""
    for fold in folds:
        write_network(folder / f"{name}-{fold}", seed=fold)
    return folder


def write_genes(path: Path, genes: Sequence[str] = TOY_GENES) -> Path:
    """A list of genes, one per line."""
    path.write_text("".join(f"{gene}\n" for gene in genes))
    return path


def write_wide_folds(
    folder: Path, dim: int = 1280, encoder: str = "lite0", folds: int = 2, **words: Any
) -> Path:
    """Small networks of 40 genes for features of any width, whose side files name the encoder and contain `words`."""
    import torch

    from sequoia_model.nets import SummaryTransformer
    from sequoia_model.weights.loading import save_weights

    side_file = {"schema": "sequoia-weights-1", "encoder": encoder, "genes": "genes.csv"} | words
    for fold in range(folds):
        torch.manual_seed(fold)
        place = folder / f"made-{fold}"
        place.parent.mkdir(parents=True, exist_ok=True)
        save_weights(
            SummaryTransformer(input_dim=dim, num_outputs=40, depth=1, nheads=2, dimensions_f=4), place
        )
        (place / "sequoia.json").write_text(json.dumps(side_file))
        (place / "genes.csv").write_text("\n".join(["gene", *TOY_GENES]) + "\n")
    return folder
