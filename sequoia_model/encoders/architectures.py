"""Networks of encoders, made by timm without their weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from sequoia_model.encoders.table import EncoderCard


def build_network(card: EncoderCard, *, device: str = "cpu") -> nn.Module:
    """The network of a card, without a classifier; on ``meta`` it has shapes and no memory."""
    import timm

    with torch.device(device):
        return timm.create_model(
            card.architecture, pretrained=False, num_classes=0, **_arguments(card)
        ).eval()


def _arguments(card: EncoderCard) -> dict[str, Any]:
    """The arguments of a card, layers as timm and torch have them."""
    from timm.layers.mlp import SwiGLUPacked

    layers = {"SwiGLUPacked": SwiGLUPacked, "SiLU": nn.SiLU}
    return {
        name: layers.get(value, value) if isinstance(value, str) else value
        for name, value in card.arguments.items()
    }
