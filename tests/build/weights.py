"""Builders of weights on disk, from the toys in ``tests/data/golden``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from sequoia_base.runs.states import ItemState, write_state
from sequoia_model.splits import draw
from sequoia_model.weights.side_file import write_side_file

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
TOY = GOLDEN / "sequoia-toy-0"
VIT = {
    "architecture": "tile_transformer",
    "num_outputs": 40,
    "dim": 32,
    "depth": 2,
    "heads": 4,
    "mlp_dim": 64,
}
MLP = {"architecture": "tile_mlp", "input_dim": 32, "num_outputs": 40, "layers": [16, 16]}
OTHERS = {"vit_toy": VIT | {"dim_head": 8}, "he2rna_toy": MLP | {"ks": [1, 2, 5, 10, 20, 50, 100]}}


def toy(folder: Path, **config: object) -> Path:
    """The toy network in a folder; words of its configuration can be changed (None: left out)."""
    shutil.copytree(TOY, folder)
    words = json.loads((TOY / "config.json").read_text()) | config
    if config:
        text = json.dumps({word: value for word, value in words.items() if value is not None})
        (folder / "config.json").write_text(text)
    return folder


def toys(folder: Path, *names: str) -> Path:
    """A folder of toys."""
    for name in names:
        toy(folder / name)
    return folder


def five(folder: Path, stem: str = "sequoia-brca") -> Path:
    """A folder of five toys under published names."""
    return toys(folder, *(f"{stem}-{fold}" for fold in range(5)))


def checkpoints(folder: Path, *names: str, content: object = None) -> Path:
    """A folder of checkpoints of the toy, or of anything else."""
    folder.mkdir(exist_ok=True)
    for name in names:
        torch.save(load_file(TOY / "model.safetensors") if content is None else content, folder / name)
    return folder


def other(folder: Path, name: str) -> Path:
    """A toy of another architecture, with a configuration of ours."""
    folder.mkdir()
    shutil.copy(GOLDEN / f"{name}.safetensors", folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(OTHERS[name]))
    return folder


def side_file(folder: Path, **words: object) -> Path:
    """A folder with a sequoia.json."""
    (folder / "sequoia.json").write_text(json.dumps({"schema": "sequoia-weights-1"} | words))
    return folder


def hub_cache(folder: Path, *repositories: str) -> Path:
    """A cache as huggingface_hub keeps it, with a toy for each repository."""
    revision = "0123456789abcdef0123456789abcdef01234567"
    for repository in repositories:
        place = folder / f"models--{repository.replace('/', '--')}"
        (place / "refs").mkdir(parents=True)
        (place / "refs" / "main").write_text(revision)
        toy(place / "snapshots" / revision)
    return folder


def run_folder(folder: Path, patients: Sequence[str], folds: int = 3, **words: Any) -> Path:
    """A run folder as `train` leaves it: toys of different folds, splits of the patients, and what else lies there."""
    toys(folder, *(f"fold_{fold}" for fold in range(folds)))
    for fold in range(folds):
        path = folder / f"fold_{fold}" / "model.safetensors"
        state = load_file(path)
        save_file({name: tensor + 0.1 * fold for name, tensor in state.items()}, path, {"format": "pt"})
    genes = [f"G{i + 1}" for i in range(40)]
    splits = draw(patients, n_folds=folds, val=0)
    write_side_file(
        folder, **{"encoder": "uni", "genes": genes, "units": "log2(TPM+1)", "splits": splits} | words
    )
    (folder / ".runs").mkdir()
    (folder / ".runs" / ".fold_0-ab_12").mkdir()
    (folder / "run.json").write_text(json.dumps({"settings": {"epochs": 7}}))
    for fold in range(folds):
        made_with(folder, fold, epochs=7)
    for name in ("heads.h5", "predictions.h5ad", "log.csv", "summary.md", "runs.csv"):
        (folder / name).write_text("")
    return folder


def made_with(folder: Path, fold: int, **settings: object) -> None:
    """Say that a fold of a run was trained with these settings."""
    name = f"fold_{fold}"
    write_state(folder / ".runs" / f"{name}.json", ItemState(name, "done", settings=settings, made=settings))
