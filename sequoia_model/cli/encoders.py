"""``sequoia-model encoders``: the table of encoders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sequoia_base.cli.output import Json
from sequoia_base.cli.output import show as show_result

if TYPE_CHECKING:
    from sequoia_model.encoders import EncoderCard


def encoders(as_json: Json = False) -> None:
    """List the encoders: dimension, resolution, input size, transform, licence and source.

    Others: timm:NAME, hf-hub:ORG/NAME, a folder with config.json and weights, and NAME@FILE for weights on disk.
    """
    from sequoia_model.encoders import DEFAULT_ENCODER, ENCODERS

    rows = [_content(card) for card in ENCODERS.values()]
    text = "\n".join([*map(_text, ENCODERS.values()), _others(DEFAULT_ENCODER)])
    show_result(text, {"default": DEFAULT_ENCODER, "encoders": rows}, as_json)


def _content(card: EncoderCard) -> dict[str, Any]:
    return {
        "name": card.name,
        "dimension": card.dimension,
        "mpp": card.mpp,
        "input_size": card.input_size,
        "transform": card.transform,
        "pooling": card.pooling,
        "licence": card.licence,
        "source": card.source,
        "gated": card.gated,
        "architecture": card.architecture,
        "note": card.note,
    }


def _text(card: EncoderCard) -> str:
    gated = ", gated: the owner must grant access" if card.gated else ""
    lines = [
        ("what", card.note),
        ("features", f"{card.dimension:,}-d, {card.pooling}"),
        ("tiles", f"{card.mpp:g} µm per pixel; {card.transform}"),
        ("licence", card.licence),
        ("source", f"{card.source}{gated}"),
    ]
    return "\n".join([card.name, *(f"  {word:<9} {text}" for word, text in lines)])


def _others(default: str) -> str:
    return (
        f"\n{default} is the default. Others: timm:NAME, hf-hub:ORG/NAME, a folder with config.json and weights,\n"
        "NAME@FILE for weights on disk. `sequoia-model doctor --check-gated` shows which are available here."
    )
