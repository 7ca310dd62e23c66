"""With what a slide is tiled and embedded, and whether a file was made with the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sequoia_model.types.bag import EncoderId

#: What the settings of a slide are called in messages.
_WORDS = {
    "made_by": "command",
    "max_tiles": "number of tiles at most",
    "slide_mpp": "given µm/px",
    "annotation": "content of the annotation",
    "slide_bytes": "size of the slide file",
}


def encoder_settings(encoder: EncoderId) -> dict[str, Any]:
    """An encoder as plain values; of its fingerprint four digits, which is more than a comparison needs."""
    if encoder.fingerprint is None:
        return {"encoder": encoder.name}
    return {"encoder": encoder.name, "fingerprint": [float(f"{x:.4g}") for x in encoder.fingerprint]}


def differences(made: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """What two settings differ in, in words: "seed 0, and 1 is asked for"."""
    if made.get("made_by") != wanted.get("made_by"):
        return [f"command {made.get('made_by')}, and {wanted.get('made_by')} is asked for"]
    found = [
        f"{_WORDS.get(name, name)} {_word(made.get(name))}, and {_word(value)} is asked for"
        for name, value in wanted.items()
        if name != "fingerprint" and made.get(name) != value
    ]
    if not found and not _encoder(made).is_same(_encoder(wanted)):
        found = ["weights of the encoder"]
    return found


def _encoder(settings: Mapping[str, Any]) -> EncoderId:
    fingerprint = settings.get("fingerprint")
    numbers = None if fingerprint is None else np.array(fingerprint, dtype=np.float32)
    return EncoderId(settings.get("encoder", "none"), fingerprint=numbers)


def _word(value: object) -> str:
    return "none" if value is None else str(value)
