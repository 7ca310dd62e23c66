"""Encoders: networks that turn the pixels of a tile into a feature vector, and where their weights come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sequoia_model.encoders.packaged import known_id
from sequoia_model.encoders.table import DEFAULT_ENCODER, ENCODERS, EncoderCard

if TYPE_CHECKING:
    from sequoia_model.encoders.by_name import get_encoder
    from sequoia_model.encoders.encoder import Encoder

__all__ = ["DEFAULT_ENCODER", "ENCODERS", "Encoder", "EncoderCard", "get_encoder", "known_id"]


def __getattr__(name: str) -> Any:  # what needs no torch does not import it
    if name == "Encoder":
        from sequoia_model.encoders.encoder import Encoder

        return Encoder
    if name == "get_encoder":
        from sequoia_model.encoders.by_name import get_encoder

        return get_encoder
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
