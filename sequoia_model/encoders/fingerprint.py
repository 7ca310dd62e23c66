"""The fixed image whose embedding is the fingerprint of an encoder."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from sequoia_model.errors import InputError
from sequoia_model.types.units import TILE_SIZE

_FILE = "fingerprint.png"


def fixed_image() -> NDArray[np.uint8]:
    """A tile of H&E tissue that comes with the package; it never changes, since stored fingerprints are of it.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    from PIL import Image

    place = files("sequoia_model").joinpath("data", _FILE)
    try:
        with place.open("rb") as file, Image.open(file) as image:
            pixels = np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(
            f"the image of fingerprints cannot be read: {error}",
            where=str(place),
            fix="install the package again",
        ) from None
    if pixels.shape != (TILE_SIZE, TILE_SIZE, 3):
        raise InputError(f"the image of fingerprints is {pixels.shape}", where=str(place))
    return pixels
