"""The settings of the outputs of a slide as plain values, and how two of them differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sequoia_model.types.bag import EncoderId

#: What the settings of a slide are called in messages.
_WORDS = {
    "made_by": "command",
    "max_tiles": "tile limit",
    "slide_mpp": "given µm per pixel",
    "annotation": "content of the annotation",
    "annotation_class": "class of the annotation",
    "exclude_class": "excluded class",
    "keep_ink": "ink",
    "slide_bytes": "size of the slide file",
}


def encoder_settings(encoder: EncoderId) -> dict[str, Any]:
    """An encoder as plain values, with four digits of its fingerprint, which a comparison does not even need."""
    if encoder.fingerprint is None:
        return {"encoder": encoder.name}
    return {"encoder": encoder.name, "fingerprint": [float(f"{x:.4g}") for x in encoder.fingerprint]}


def differences(made: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """The differences between two settings, in words: "seed is 0, not 1"."""
    if made.get("made_by") != wanted.get("made_by"):
        return [f"command is {made.get('made_by')}, not {wanted.get('made_by')}"]
    found = [
        f"{_WORDS.get(name, name)} is {_word(made.get(name), name)}, not {_word(value, name)}"
        for name, value in wanted.items()
        if name != "fingerprint" and made.get(name) != value
    ]
    if not found and not _encoder(made).is_same(_encoder(wanted)):
        found = ["the encoder has different weights"]
    return found


def only_more_tiles(made: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether more tiles are wanted than a file was made with, and everything else is the same."""
    before, now = made.get("max_tiles"), wanted.get("max_tiles")
    more = "max_tiles" in made and before is not None and (now is None or now > before)
    return more and not differences({**made, "max_tiles": now}, wanted)


def _encoder(settings: Mapping[str, Any]) -> EncoderId:
    fingerprint = settings.get("fingerprint")
    numbers = None if fingerprint is None else np.array(fingerprint, dtype=np.float32)
    return EncoderId(settings.get("encoder", "none"), fingerprint=numbers)


def _word(value: object, name: str) -> str:
    if name == "keep_ink":
        return "kept" if value else "left out"
    if isinstance(value, list):
        return " and ".join(map(str, value))
    return "none" if value is None else str(value)
