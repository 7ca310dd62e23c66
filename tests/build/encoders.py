"""Small encoders with random weights, their files, and hub caches with such files."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from huggingface_hub import errors
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import nn

from sequoia_model.encoders import ENCODERS, Encoder, get_encoder
from sequoia_model.encoders._timm_models import build_network
from sequoia_model.encoders.packaged import packaged_tensors
from sequoia_model.weights.tensors import load_into

#: A vision transformer of two blocks, for the loading code of large ones.
TINY = {"img_size": 32, "patch_size": 16, "embed_dim": 24, "depth": 2, "num_heads": 2}
ARCHITECTURE = "vit_tiny_patch16_224"
REVISION = "89abcdef0123456789abcdef0123456789abcdef"
CPU = torch.device("cpu")


@cache
def lite0() -> Encoder:
    """The packaged encoder, read once."""
    return get_encoder("lite0", device="cpu")


def plain_lite0() -> nn.Module:
    """timm's network of lite0, without folding, channels first."""
    network = build_network(ENCODERS["lite0"])
    load_into(network, packaged_tensors(), where="", encoder="lite0")
    return network


def make_tile(seed: int = 0, side: int = 256) -> NDArray[np.uint8]:
    """A tile of smooth blobs, with some noise on them."""
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.uniform(40, 250, (1, 3, 9, 9)))
    smooth = nn.functional.interpolate(coarse, size=(side, side), mode="bilinear")[0].permute(1, 2, 0).numpy()
    return np.clip(smooth + rng.normal(0, 8, smooth.shape), 0, 255).astype(np.uint8)


def make_batch(encoder: Encoder, n: int) -> NDArray[np.uint8]:
    """Prepared tiles, all different."""
    return np.stack([encoder.prepare(make_tile(seed)) for seed in range(n)])


def embedded(name: str) -> NDArray[np.float32]:
    """The vector of a tile by an encoder with this name."""
    encoder = get_encoder(name, device="cpu")
    return encoder(encoder.prepare(make_tile())[None])[0]


def gated() -> Exception:
    """What the hub client raises for a repository without access."""
    error = errors.GatedRepoError.__new__(errors.GatedRepoError)
    Exception.__init__(error, "403")
    return error


def tiny_card(name: str, **changes: Any) -> Any:
    """A card of the table, changed to a transformer of two blocks with 24-d features."""
    few = {**ENCODERS[name].arguments, **TINY}
    words = {"dimension": 24, "input_size": 32, "resize": 32, "architecture": ARCHITECTURE, "arguments": few}
    return dataclasses.replace(ENCODERS[name], **words | changes)


def random_state(card: Any, seed: int = 0) -> dict[str, torch.Tensor]:
    """Small random tensors for the network of a card."""
    generator = torch.Generator().manual_seed(seed)
    shapes = build_network(card, device="meta").state_dict()
    return {name: torch.randn(tensor.shape, generator=generator) * 0.1 for name, tensor in shapes.items()}


def write_tiny(folder: Path, *, classes: int = 5, seed: int = 0, **config: Any) -> Path:
    """A folder as the hub stores a model of timm: config.json and model.safetensors."""
    import timm  # takes seconds

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    network = timm.create_model(ARCHITECTURE, pretrained=False, num_classes=classes, **TINY)
    save_file(network.state_dict(), folder / "model.safetensors", {"format": "pt"})
    data = {"input_size": [3, 32, 32], "crop_pct": 0.8, "interpolation": "bilinear", "num_classes": classes}
    data |= {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "first_conv": "patch_embed.proj"}
    content = {
        "architecture": ARCHITECTURE,
        "num_classes": classes,
        "model_args": TINY,
        "pretrained_cfg": data,
    }
    (folder / "config.json").write_text(json.dumps(content | config))
    return folder


def write_cache(root: Path, repository: str) -> Path:
    """The folder of a snapshot in a cache of the hub, empty."""
    place = root / f"models--{repository.replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(REVISION)
    snapshot = place / "snapshots" / REVISION
    snapshot.mkdir(parents=True)
    return snapshot
