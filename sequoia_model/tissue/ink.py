"""Ink on a slide: marks of felt pens and other dyes, told from stained tissue by the colours that they absorb."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sequoia_model.tissue.mask import MASK_MPP, TissueMask

if TYPE_CHECKING:
    from sequoia_model.slide import Slide

#: Optical density of a channel from 0 to 255.
_DENSITY = -np.log10((np.arange(256, dtype=np.float32) + 1) / 256)
#: Smaller areas, in mm², are not pen marks, and may be dense nuclei or pigment. A felt pen is at least 0.3 mm wide.
_SMALLEST = 0.01
#: Radius in µm of the closing of gaps between inked pixels, and width of the rim for the soft edges of a mark.
_CLOSING, _RIM = 32.0, 16.0


def ink_mask(
    slide: Slide, picture: tuple[NDArray[np.uint8], tuple[float, float]] | None = None
) -> TissueMask:
    """Find the ink on a slide, at about 16 µm per pixel: marks of at least 0.01 mm², with a rim of 16 µm.

    Parameters
    ----------
    slide : Slide
        The open slide.
    picture : tuple, optional
        The thumbnail of the slide and its scale, if it was read before.

    Returns
    -------
    TissueMask
        True where there is ink.

    Notes
    -----
    At this scale, where a pixel holds several cells, haematoxylin, eosin, blood and melanin differ from ink in the
    ratios of their optical densities, whatever the thickness. Tissue absorbs green most, and red at most 1.2 times as
    much. The limits keep away from every mixture of Ruifrok and Johnston's stains (Anal Quant Cytol Histol 2001) and
    from the tissue of several scanners. What absorbs much more red is green or blue ink; what absorbs red and green,
    but less blue than haematoxylin, is blue or violet ink; what absorbs green and blue strongly, but no red, is red
    ink; what absorbs hardly anything but blue is yellow; and what absorbs all three strongly and alike is black ink.
    Ink that is so thin that it looks like tissue, such as pale red that could be blood, is not found.
    """
    pixels, scale = slide.thumbnail(MASK_MPP) if picture is None else picture
    marks = _marks(pixels, (scale[0] * slide.mpp, scale[1] * slide.mpp))
    return TissueMask(marks, scale, slide.size, slide.mpp, "ink", scanned=slide.scanned)


def _marks(picture: NDArray[np.uint8], pixel: tuple[float, float]) -> NDArray[np.bool_]:
    """Inked pixels without their small groups, and with a rim; `pixel` is the width and height of a pixel in µm."""
    inked = _inked(picture)
    area = pixel[0] * pixel[1] / 1e6
    if np.count_nonzero(inked) * area < _SMALLEST:
        return np.zeros_like(inked)
    closed = ~_near(~_near(inked, _CLOSING, pixel), _CLOSING, pixel) | inked
    marks, n = ndimage.label(closed, np.ones((3, 3)))
    large = np.bincount(marks[inked], minlength=n + 1) * area >= _SMALLEST
    large[0] = False
    return _near(large[marks], _RIM, pixel)


def _inked(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels with the colour of ink, by the optical density of red, green and blue."""
    red, green, blue = (_DENSITY[picture[..., channel]] for channel in range(3))
    green_or_blue = (red > 1.25 * green) & (red - green > 0.08) & (red > 0.15)
    blue_or_violet = (blue < 0.06 * green + 0.34 * red) & (red > 0.5 * green) & (green > 0.4)
    bright_red = (green > 0.7) & (red < np.minimum(0.2 * green + 0.03, 0.2) * green) & (blue > 0.5 * green)
    yellow = (blue > 3 * green) & (blue > 3 * red) & (blue > 0.5)
    least = np.minimum(np.minimum(red, green), blue)
    black = (least > 0.6) & (np.minimum(red, blue) > 0.85 * green) & (blue < 1.08 * np.maximum(red, green))
    return green_or_blue | blue_or_violet | bright_red | yellow | black


def _near(mask: NDArray[np.bool_], reach: float, pixel: tuple[float, float]) -> NDArray[np.bool_]:
    """The pixels whose centres lie within `reach` µm of those of a mask."""
    if mask.all() or not mask.any():
        return mask
    return ndimage.distance_transform_edt(~mask, sampling=pixel[::-1]) <= reach
