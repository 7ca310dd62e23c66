"""Weights on disk that cannot be used: each is refused with the reason and the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from sequoia_model.errors import InputError
from sequoia_model.nets import TileTransformer
from sequoia_model.weights.loading import load_weights, save_weights
from tests.build.weights import GOLDEN, TOY, VIT, checkpoints, toy, toys


def resaved(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> Path:
    """The toy with other tensors."""
    state = load_file(TOY / "model.safetensors")
    change(state)
    save_file(state, toy(folder) / "model.safetensors")
    return folder


def no_config(path: Path) -> Path:
    (toy(path) / "config.json").unlink()
    return path


def no_weights(path: Path) -> Path:
    (toy(path) / "model.safetensors").unlink()
    return path


def truncated(path: Path) -> Path:
    file = toy(path) / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    return path


def lfs_pointer(path: Path) -> Path:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    (toy(path) / "model.safetensors").write_text(pointer)
    return path


def text_config(path: Path, text: str) -> Path:
    (toy(path) / "config.json").write_text(text)
    return path


def damaged_checkpoint(path: Path, keep: int) -> Path:
    file = checkpoints(path, "model_best.pt") / "model_best.pt"
    file.write_bytes(file.read_bytes()[:keep])
    return path


def two_kinds(path: Path) -> Path:
    return checkpoints(toy(path), "model_best.pt")


def empty_fold(path: Path) -> Path:
    (toys(path, "fold_0", "fold_2") / "fold_1").mkdir()
    return path


def different_folds(path: Path) -> Path:
    torch.manual_seed(0)
    toys(path, "fold_0")
    save_weights(
        TileTransformer(num_outputs=4, dim=8, depth=1, heads=1, mlp_dim=4, dim_head=4), path / "fold_1"
    )
    return path


def not_a_number(state: dict[str, torch.Tensor]) -> None:
    state["pos_emb1D"][3, 4] = torch.nan


def shorn() -> dict[str, torch.Tensor]:
    state = load_file(TOY / "model.safetensors")
    del state["linear_head.1.bias"]
    return state


REFUSED = {
    "no folder": (lambda p: p / "nothing", r"does not exist[\s\S]*nothing[\s\S]*model_best.pt"),
    "a file": (
        lambda p: toy(p) / "config.json", r"weights are files that end in [\s\S]*fix: [\s\S]*or one file that ends in"
    ),
    "no file": (
        lambda p: checkpoints(p, "model_best.pt") / "none.pt",
        r"the file of weights does not exist[\s\S]*has model_best.pt$",
    ),
    "no file in no folder": (lambda p: p / "none.PT", r"the file of weights does not exist[\s\S]*fix: give a folder"),
    "an empty folder": (lambda p: p.parent, "there are no weights in the folder"),
    "weights without config": (no_config, r"no config.json beside the weights[\s\S]*model.safetensors"),
    "config without weights": (no_weights, "a config.json but no model.safetensors beside it"),
    "both kinds": (two_kinds, r"has model.safetensors and model_best.pt"),
    "other shapes": (
        lambda p: toy(p, num_outputs=30),
        r"of another shape: linear_head.1.weight is \(40, 32\), not \(30, 32\), linear_head.1.bias",
    ),
    "fewer heads": (lambda p: toy(p, nheads=3), r"unexpected: transformer.layers.0.0.mixers.3[\s\S]*and 17 more"),
    "missing tensors": (lambda p: resaved(p, lambda s: s.pop("pos_emb1D")), r"missing: pos_emb1D[\s\S]*mine"),
    "another architecture": (
        lambda p: toy(p, **VIT, dim_head=8, **dict.fromkeys(
            ["input_dim", "nheads", "dimensions_f", "dimensions_s", "dimensions_c"]
        )),
        "these are tensors of a summary_transformer",
    ),
    "unknown architecture": (lambda p: toy(p, architecture="lstm"), r"'lstm' is not a valid arch[\s\S]*tile_mlp"),
    "unknown word": (lambda p: toy(p, n_heads=4), r"summary_transformer has no 'n_heads'[\s\S]*nheads"),
    "missing word": (lambda p: toy(p, input_dim=None), r"lacks 'input_dim'[\s\S]*config.json"),
    "a size that is none": (lambda p: toy(p, depth="two"), r"a whole number from 1 to 1,000, but is 'two'"),
    "a size that is true": (lambda p: toy(p, depth=True), "depth must be .*, but is True"),
    "JSON nested too deeply": (lambda p: text_config(p, "[" * 200_000), r"nested too deeply[\s\S]*config.json"),
    "broken JSON": (lambda p: text_config(p, '{"depth": 2,'), r"not valid JSON[\s\S]*config.json, line 1, column 13"),
    "a list": (lambda p: text_config(p, "[1]"), "has no JSON object"),
    "truncated safetensors": (truncated, r"damaged or holds no weights[\s\S]*model.safetensors"),
    "git-lfs": (lfs_pointer, "run git lfs pull"),
    "NaN": (lambda p: resaved(p, not_a_number), "NaN or infinite values in the weights: pos_emb1D"),
    "integers": (
        lambda p: resaved(p, lambda s: s.update(pos_emb1D=s["pos_emb1D"].int())), "pos_emb1D is torch.int32"
    ),
    "a pickled model": (
        lambda p: checkpoints(p, "model_best.pt", content=nn.Linear(2, 2)),
        r"pickled torch.nn.modules.linear.Linear: opening a pickled model can run any code[\s\S]*state_dict\(\)",
    ),
    "a list in a checkpoint": (
        lambda p: checkpoints(p, "model_best.pt", content=[torch.ones(2)]), "it holds a list, not tensors by name"
    ),
    "a nested checkpoint": (
        lambda p: checkpoints(p, "model_best.pt", content={"model": {}}), "the file holds no tensors"
    ),
    "features": (
        lambda p: checkpoints(p, "model_best.pt", content=torch.ones(30, 8)) / "model_best.pt",
        r"one tensor of shape \(30, 8\), and no weights[\s\S]*HDF5",
    ),
    "a checkpoint without a tensor": (
        lambda p: checkpoints(p, "model_best.pt", content=shorn()), r"not hold a whole network: tensors 1 missing"
    ),
    "an empty checkpoint": (lambda p: damaged_checkpoint(p, 0), r"damaged[\s\S]*model_best.pt"),
    "half a checkpoint": (lambda p: damaged_checkpoint(p, 9000), r"damaged[\s\S]*model_best.pt"),
    "a checkpoint of unknown sizes": (
        lambda p: checkpoints(p, "model_best.pt", content=load_file(GOLDEN / "vit_toy.safetensors")),
        r"no config.json, and the tensors are those of a tile_transformer[\s\S]*\"architecture\"",
    ),
    "a checkpoint of nothing known": (
        lambda p: checkpoints(p, "model_best.pt", content={"a": torch.ones(2)}), "tensors are unknown: a"
    ),
    "a gap in the folds": (lambda p: toys(p, "fold_0", "fold_2"), "fold 1 of 3 is missing"),
    "a gap in the checkpoints": (
        lambda p: checkpoints(p, "model_best.pt", "model_best_2.pt"), "fold 1 of 3 is missing"
    ),
    "no first checkpoint": (lambda p: checkpoints(p, "model_best_1.pt"), "fold 0 of 2 is missing"),
    "four published folds": (
        lambda p: toys(p, *(f"sequoia-brca-{fold}" for fold in range(4))), "fold 4 of 5 is missing"
    ),
    "one network under the name of five": (
        lambda p: toy(p.parent / "sequoia-brca"), "fold 1, 2, 3, 4 of 5 is missing"
    ),
    "a fold twice": (lambda p: toys(p, "fold_0", "fold_00"), "fold 0 is duplicated"),
    "an empty fold": (empty_fold, r"no weights in the folder[\s\S]*fold_1"),
    "two ensembles": (
        lambda p: toys(p, "sequoia-brca-0", "sequoia-luad-0"), "several ensembles: sequoia-brca, sequoia-luad"
    ),
    "folds of different sizes": (different_folds, r"the folds differ: pos_emb1D is \(100, 32\) in fold 0"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_weights_that_cannot_be_used_are_refused_with_the_reason(tmp_path, case):
    make, message = REFUSED[case]
    path = make(tmp_path / "mine")
    with pytest.raises(InputError, match=message):
        load_weights(path)


def test_a_folder_that_reads_as_a_repository_is_looked_for_on_the_hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        InputError, match=r"does not exist[\s\S]*fix: give hub:gevaertlab/none for weights on the hub"
    ):
        load_weights("gevaertlab/none")


@pytest.mark.parametrize("config", ["note", [("note", "x")], {1: "a"}, 3])
def test_a_configuration_that_is_no_dictionary_of_texts_is_refused(tmp_path: Path, config: Any) -> None:
    network = load_weights(toy(tmp_path / "toy")).networks[0]
    with pytest.raises(InputError, match="config must name its entries by texts"):
        save_weights(network, tmp_path / "new", config=config)
    save_weights(network, tmp_path / "new", config={"note": "…"})  # the way out
