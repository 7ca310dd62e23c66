"""What happens to a tile while its values are still whole numbers: resized, and the middle cut out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sequoia_model.encoders.table import EncoderCard
from sequoia_model.errors import InputError

_FILTERS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "lanczos": Image.Resampling.LANCZOS,
}


def prepare_tile(tile: NDArray[np.uint8], card: EncoderCard) -> NDArray[np.uint8]:
    """A tile as the network sees it, before it is normalised.

    Parameters
    ----------
    tile : array of shape (side, side, 3), uint8
        Red, green, blue.
    card : EncoderCard
        Whose sizes and interpolation are used.

    Returns
    -------
    array of shape (input_size, input_size, 3), uint8
        The same pixels as torchvision's Resize and CenterCrop make of a Pillow image.
    """
    tile = np.asarray(tile)
    if tile.dtype != np.uint8 or tile.ndim != 3 or tile.shape[0] != tile.shape[1] or tile.shape[2] != 3:
        raise InputError(
            f"a tile is {tile.dtype} of the shape {tile.shape}, and uint8 of (side, side, 3) is needed"
        )
    side = card.resize
    if len(tile) != side:
        tile = np.array(Image.fromarray(tile).resize((side, side), _FILTERS[card.interpolation]))
    if side == card.input_size:
        return tile
    first = round((side - card.input_size) / 2)
    return np.ascontiguousarray(tile[first : first + card.input_size, first : first + card.input_size])
