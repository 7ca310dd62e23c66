"""Ink on a slide: marks of felt pens and other dyes, told from stained tissue by the colours that they absorb."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sequoia_model.tissue.mask import MASK_MPP, TissueMask

if TYPE_CHECKING:
    from sequoia_model.slide import Slide

_Density = NDArray[np.float32]
#: Optical density of a channel from 0 to 255.
_DENSITY = -np.log10((np.arange(256, dtype=np.float32) + 1) / 256)
#: Smaller areas, in mm², are not pen marks, and may be dense nuclei or pigment. A felt pen is at least 0.3 mm wide.
_SMALLEST = 0.01
#: Radius in µm of the closing of gaps between inked pixels, and width of the rim for the soft edges of a mark.
_CLOSING, _RIM = 32.0, 16.0
#: Ink whose colour a stain may have is told by its evenness: in a window of this many pixels, the standard deviation of
#: its density, over the mean, is below this. In these colours, no tissue of four scanners is below 0.08.
_WINDOW, _EVEN = 5, 0.04
#: Even ink smaller than this, in mm², may be calcium or pigment.
_SMALLEST_EVEN = 0.03
#: Optical density of the darkest glass that is not dim, and by how much that of dim glass may be above it.
_GLASS, _DIMMEST = 0.05, 0.5
#: Even ink reaches on over tissue where all channels absorb at least this share of it, and green more than this.
_SHARE, _DENSE = 0.85, 0.6


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
    Navy, dark red, purple and grey ink have colours that dense nuclei, blood or pigment may have, but are even, while
    the density of tissue changes from cell to cell: such ink is found where it lies on glass, and from there on over
    tissue that it makes darker. Ink that is so thin that it looks like tissue, such as pale red that could be blood,
    is not found, nor is ink of these colours that lies on tissue alone.
    """
    pixels, scale = slide.thumbnail(MASK_MPP) if picture is None else picture
    marks = _marks(pixels, (scale[0] * slide.mpp, scale[1] * slide.mpp))
    return TissueMask(marks, scale, slide.size, slide.mpp, "ink", scanned=slide.scanned)


def colours_of_no_stain(pixels: NDArray[np.uint8]) -> dict[str, int]:
    """Number of pixels in colours that neither haematoxylin nor eosin has, but that are not those of ink alone.

    Parameters
    ----------
    pixels : array of shape (n, 3)
        Red, green and blue of tissue, at about 16 µm per pixel.

    Returns
    -------
    dict of str to int
        For brown, as of DAB, strong pigment, cork or a pen, and for bright pink, as of very strong eosin or a pen. The
        tissue of five scanners has less than 0.01% of either.
    """
    red, green, blue = _densities(pixels)
    brown = (blue > 1.2 * green) & (green > 0.15)
    pink = (red < 0.08 * green) & (green > 0.4)
    return {"brown": int(np.count_nonzero(brown)), "bright pink": int(np.count_nonzero(pink))}


def _marks(picture: NDArray[np.uint8], pixel: tuple[float, float]) -> NDArray[np.bool_]:
    """Inked pixels without their small groups, and with a rim; `pixel` is the width and height of a pixel in µm."""
    area = pixel[0] * pixel[1] / 1e6
    density, dim = _densities(picture), _dimness(picture)
    inked = _inked(*density, dim) | _even_ink(*density, dim, _SMALLEST_EVEN / area)
    if np.count_nonzero(inked) * area < _SMALLEST:
        return np.zeros_like(inked)
    closed = ~_near(~_near(inked, _CLOSING, pixel), _CLOSING, pixel) | inked
    marks, n = ndimage.label(closed, np.ones((3, 3)))
    large = np.bincount(marks[inked], minlength=n + 1) * area >= _SMALLEST
    large[0] = False
    return _near(large[marks], _RIM, pixel)


def _densities(picture: NDArray[np.uint8]) -> tuple[_Density, _Density, _Density]:
    red, green, blue = (_DENSITY[picture[..., channel]] for channel in range(3))
    return red, green, blue


def _dimness(picture: NDArray[np.uint8]) -> float:
    """How much denser than usual the glass is: by so much more, grey and black ink have to differ from white.

    The glass is told by the brightest channel of the brightest pixels, without black and white that was not scanned,
    and without what is mixed with it. If all glass is white, they are pale tissue, which is no denser than glass in all
    channels.
    """
    white = ndimage.maximum_filter((picture.min(axis=2) == 255).view(np.uint8), _WINDOW).view(np.bool_)
    brightest = picture.max(axis=2)
    brightest = brightest[(brightest > 0) & ~white]
    if not brightest.size:
        return 0.0
    return float(np.clip(_DENSITY[int(np.quantile(brightest, 0.95))] - _GLASS, 0, _DIMMEST))


def _inked(red: _Density, green: _Density, blue: _Density, dim: float = 0.0) -> NDArray[np.bool_]:
    """Pixels with the colour of ink, by the optical density of red, green and blue, and how dim the glass is."""
    green_or_blue = (red > 1.25 * green) & (red - green > 0.08) & (red > 0.15)
    blue_or_violet = (blue < 0.06 * green + 0.34 * red) & (red > 0.5 * green) & (green > 0.4)
    bright_red = (green > 0.7) & (red < np.minimum(0.2 * green + 0.03, 0.2) * green) & (blue > 0.5 * green)
    yellow = (blue > 3 * green) & (blue > 3 * red) & (blue > 0.5)
    least = np.minimum(np.minimum(red, green), blue)
    black = (
        (least > 0.6 + dim) & (np.minimum(red, blue) > 0.89 * green) & (blue < 1.08 * np.maximum(red, green))
    )
    return green_or_blue | blue_or_violet | bright_red | yellow | black


def _even_ink(
    red: _Density, green: _Density, blue: _Density, dim: float, smallest: float
) -> NDArray[np.bool_]:
    """Pixels of even areas, of at least `smallest` pixels, that may be ink by their colour, and where it reaches on."""
    dark_red = (green > 0.7) & (red < 0.4 * green) & (blue > 0.75 * green)
    purple = (green > 0.7) & (red > 0.3 * green) & (blue < 0.33 * green)
    least, most = np.minimum(np.minimum(red, green), blue), np.maximum(np.maximum(red, green), blue)
    grey = (least > 0.28 + dim) & (most < 1.15 * least)
    possible = ((green > 0.4 + dim) & (red > 0.8 * green)) | dark_red | purple | grey
    even = ndimage.minimum_filter(possible.view(np.uint8), _WINDOW, mode="nearest").view(np.bool_)
    if np.count_nonzero(even) < smallest:
        return np.zeros_like(even)
    density = (red + green + blue).astype(np.float64)  # float32 loses the small variance
    mean = ndimage.uniform_filter(density, _WINDOW, mode="nearest")
    variance = ndimage.uniform_filter(density**2, _WINDOW, mode="nearest") - mean**2
    even &= variance < (_EVEN * mean) ** 2
    parts, n = ndimage.label(even)
    large = np.bincount(parts.ravel(), minlength=n + 1) >= smallest
    large[0] = False
    even = large[parts]
    if not even.any():
        return even
    row, column = ndimage.distance_transform_edt(~even, return_distances=False, return_indices=True)
    dark = green > _DENSE
    for channel in (red, green, blue):
        dark &= channel >= _SHARE * channel[row, column]
    even = ndimage.maximum_filter(even.view(np.uint8), _WINDOW).view(np.bool_)
    return ndimage.binary_propagation(even, mask=even | dark)


def _near(mask: NDArray[np.bool_], reach: float, pixel: tuple[float, float]) -> NDArray[np.bool_]:
    """The pixels whose centres lie within `reach` µm of those of a mask."""
    if mask.all() or not mask.any():
        return mask
    return ndimage.distance_transform_edt(~mask, sampling=pixel[::-1]) <= reach
