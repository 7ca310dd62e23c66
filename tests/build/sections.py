"""Builders of the features of whole sections, for maps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sequoia_model.weights.heads import write_heads
from sequoia_model.weights.loading import load_weights, save_weights
from tests.build.features import make_features, make_geometry, write_ours
from tests.build.weights import run_folder
from tests.build.windows import make_tissue

#: Patients of the run folder, dealt to three folds; toys take features of 32 numbers and predict G1 to G40.
PATIENTS = tuple(f"P{i}" for i in range(6))


def write_section(path: Path, rows: int = 14, columns: int = 13, holes: int = 12, **fields: Any) -> Path:
    """Features of all tiles of a section, by UNI: tiles of 256 px at 0.5 µm per pixel; `fields` take precedence."""
    places = make_tissue(rows, columns, holes)
    made: dict[str, Any] = {
        "features": make_features(len(places), 32),
        "coords": (places[:, ::-1] * 256).astype(np.int64),
        "geometry": make_geometry(side=256.0, slide_mpp=0.5, max_tiles=None, slide_size=(20000, 16000)),
    }
    return write_ours(path, **(made | fields))


def write_run(folder: Path, patients: Sequence[str] = PATIENTS, **words: Any) -> Path:
    """A run folder of three toys, with their heads."""
    run = run_folder(folder, patients, **words)
    weights = load_weights(run)
    assert weights.genes is not None
    write_heads(run / "heads.h5", dict(zip(weights.folds, weights.networks, strict=True)), weights.genes)
    return run


def write_mlps(folder: Path, folds: int = 2, **words: Any) -> Path:
    """Networks of HE2RNA's kind of 40 genes, whose side files name genes and encoder."""
    from sequoia_model.nets import TileMLP

    side_file = {
        "schema": "sequoia-weights-1",
        "encoder": "uni",
        "genes": "genes.csv",
        "units": "log2(TPM+1)",
    }
    for fold in range(folds):
        torch.manual_seed(fold)
        place = folder / f"mlp-{fold}"
        place.parent.mkdir(parents=True, exist_ok=True)
        save_weights(TileMLP(input_dim=32, num_outputs=40, layers=[16], ks=[1, 2, 5]), place)
        (place / "sequoia.json").write_text(json.dumps(side_file | words))
        (place / "genes.csv").write_text(
            "".join(f"{name}\n" for name in ("gene", *(f"G{i + 1}" for i in range(40))))
        )
    return folder
