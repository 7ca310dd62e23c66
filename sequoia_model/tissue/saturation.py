"""Tissue found by its colour: Otsu's threshold of the saturation, as in the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sequoia_model.tissue.mask import TissueMask
from sequoia_model.tissue.published import SATURATION
from sequoia_model.types.units import TILE_MPP, TILE_SIZE

if TYPE_CHECKING:
    from sequoia_model.slide import Slide

#: µm per pixel of the mask. A tile is 8 pixels wide, so the share of it that is tissue is known to about 2%, and the
#: smallest level of most pyramids is fine enough.
_MASK_MPP = 16.0
#: Holes up to this size, in mm², are fat or glands, and count as tissue.
_LARGEST_HOLE = 0.1
#: Smaller pieces, in mm², are dust: they cannot contain a tile of which at least 80% is tissue.
_SMALLEST_PIECE = 0.8 * (TILE_SIZE * TILE_MPP / 1000) ** 2
#: The highest saturation of glass, even if tinted. If most pixels below Otsu's threshold have a higher one, the slide
#: shows tissue only, and the threshold separates dark from pale tissue; it is then replaced by this one.
_GLASS = 0.12
#: Below the first, JPEG noise on white glass would be tissue; above the second, the threshold separates tissue from
#: something more colourful, such as ink.
_LOWEST_THRESHOLD, _HIGHEST_THRESHOLD = 0.06, 0.25
#: A pixel whose brightest channel is below this is black (the border of a scan, a felt pen), and its hue is noise.
_BLACK = 40
#: Sigma of the smoothing in µm: about the width of a cell.
_BLUR = 16.0
#: Radius of the closing in µm: joins cracks within a section.
_CLOSING = 40.0


def tissue_mask(slide: Slide) -> TissueMask:
    """Find the tissue of a slide by Otsu's threshold of the saturation, at about 16 µm per pixel.

    The saturation is smoothed, and tissue is what lies above the threshold and is not black. Cracks are closed, and
    holes below 0.1 mm² are filled, so that fat counts as tissue. Pieces below 0.013 mm², which are too small for a
    tile, are left out. Otsu's method also divides glass without tissue, or tissue without glass: the threshold
    therefore stays between 0.06 and 0.25, and is 0.12 if most of what lies below it is too colourful for glass.

    Parameters
    ----------
    slide : Slide
        The open slide.

    Returns
    -------
    TissueMask
    """
    picture, scale = slide.thumbnail(_MASK_MPP)
    mask, threshold = _tissue(picture, (scale[0] * slide.mpp, scale[1] * slide.mpp))
    return TissueMask(mask, scale, slide.size, slide.mpp, "otsu", threshold)


def _tissue(picture: NDArray[np.uint8], pixel: tuple[float, float]) -> tuple[NDArray[np.bool_], float]:
    """The tissue in a picture, and the threshold; `pixel` is the width and height of a pixel in µm."""
    largest, smallest = picture.max(axis=2), picture.min(axis=2)
    saturation = SATURATION[largest, smallest].astype(np.float32)
    saturation[largest < _BLACK] = 0
    smooth = ndimage.gaussian_filter(saturation, [_BLUR / side for side in pixel[::-1]], mode="nearest")
    threshold = _between_glass_and_tissue(smooth)
    mask = _closed(smooth > threshold, _CLOSING / pixel[0])
    area = pixel[0] * pixel[1] / 1e6
    mask |= _small_pieces(~mask, _LARGEST_HOLE / area, holes=True)
    return mask & ~_small_pieces(mask, _SMALLEST_PIECE / area), threshold


def _between_glass_and_tissue(saturation: NDArray[np.float32]) -> float:
    from skimage.filters import threshold_otsu

    threshold = float(threshold_otsu(saturation))
    if np.median(saturation[saturation <= threshold]) > _GLASS:
        return _GLASS
    return float(np.clip(threshold, _LOWEST_THRESHOLD, _HIGHEST_THRESHOLD))


def _closed(mask: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """Morphological closing by a disk that removes nothing at the border."""
    if radius < 1 or not mask.any() or mask.all():
        return mask
    border = int(np.ceil(radius)) + 1
    wide = np.pad(mask, border, mode="edge")
    near = ndimage.distance_transform_edt(~wide) <= radius
    return (ndimage.distance_transform_edt(near) > radius)[border:-border, border:-border] | mask


def _small_pieces(mask: NDArray[np.bool_], smallest: float, *, holes: bool = False) -> NDArray[np.bool_]:
    """The pieces of fewer pixels than `smallest`; with `holes`, only those away from the border of the picture."""
    pieces, n = ndimage.label(mask)
    small = np.bincount(pieces.ravel(), minlength=n + 1) < smallest
    small[0] = False
    if holes:
        for edge in (pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]):
            small[edge] = False
    return small[pieces]
