"""Encoders: networks that turn the pixels of a tile into a feature vector, and where their weights come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sequoia_base.lazy import on_demand
from sequoia_model.encoders.packaged import known_id
from sequoia_model.encoders.table import DEFAULT_ENCODER, ENCODERS, EncoderCard

if TYPE_CHECKING:
    from sequoia_model.encoders.availability import check_encoders
    from sequoia_model.encoders.by_name import get_encoder
    from sequoia_model.encoders.encoder import Encoder

__all__ = [
    "DEFAULT_ENCODER",
    "ENCODERS",
    "Encoder",
    "EncoderCard",
    "check_encoders",
    "get_encoder",
    "known_id",
]

# The table of encoders needs no torch.
__getattr__ = on_demand(
    __name__,
    {
        "Encoder": "encoder:Encoder",
        "check_encoders": "availability:check_encoders",
        "get_encoder": "by_name:get_encoder",
    },
)
