"""A thumbnail in characters, for terminals and logs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: From white to black.
_SHADES = " .:-=+*#%@"


def text_picture(pixels: NDArray[np.uint8], columns: int = 40, *, colour: bool = False) -> str:
    """A picture in characters.

    Parameters
    ----------
    pixels : array of shape (h, w, 3), uint8
    columns : int
        Number of characters in a line, which are about twice as high as wide.
    colour : bool
        Half blocks in the colours of a terminal; else plain characters, darker ones for darker places.

    Returns
    -------
    str

    Examples
    --------
    >>> import numpy as np
    >>> print(text_picture(np.array([[[255] * 3, [0] * 3]] * 2, dtype=np.uint8), columns=2))
     @
    """
    height, width = pixels.shape[:2]
    lines = max(round(columns * height / width / 2), 1)
    size = (columns, 2 * lines if colour else lines)
    small = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))
    if colour:
        pairs = zip(small[::2], small[1::2], strict=True)
        return "\n".join("".join(map(_half_block, *pair)) + "\x1b[0m" for pair in pairs)
    dark = 1 - small.mean(axis=2) / 255
    chosen = np.minimum((dark * len(_SHADES)).astype(int), len(_SHADES) - 1)
    return "\n".join("".join(_SHADES[shade] for shade in line).rstrip() for line in chosen)


def _half_block(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> str:
    """One character, of two pixels above each other."""
    fore, back = (";".join(map(str, pixel)) for pixel in (upper, lower))
    return f"\x1b[38;2;{fore}m\x1b[48;2;{back}m▀"
