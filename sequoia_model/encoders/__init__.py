"""Encoders: networks that turn the pixels of a tile into a feature vector, and where their weights come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sequoia_model.encoders.table import DEFAULT_ENCODER, ENCODERS, EncoderCard

if TYPE_CHECKING:
    from sequoia_model.encoders.encoder import Encoder
    from sequoia_model.encoders.loading import get_encoder

__all__ = ["DEFAULT_ENCODER", "ENCODERS", "Encoder", "EncoderCard", "get_encoder"]


def __getattr__(name: str) -> Any:  # the table alone needs no torch
    if name == "Encoder":
        from sequoia_model.encoders.encoder import Encoder

        return Encoder
    if name == "get_encoder":
        from sequoia_model.encoders.loading import get_encoder

        return get_encoder
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
