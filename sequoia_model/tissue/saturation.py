"""The tissue of a slide by its colour: Otsu's threshold of the saturation, as the paper has it."""

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

#: µm per pixel of the picture that tissue is sought in: a tile is 8 pixels wide, so the share of it that is tissue is
#: known to some 2%, and the smallest level of most pyramids is enough.
MASK_MPP = 16.0
#: Holes up to this size, in mm², are fat or a gland, and count as tissue.
LARGEST_HOLE = 0.1
#: Pieces too small to hold a tile, at least 80% of which is tissue (.013 mm²), are dust.
SMALLEST_PIECE = 0.8 * (TILE_SIZE * TILE_MPP / 1000) ** 2
#: Glass is at most this saturated, also where it is tinted. When most of what lies below Otsu's threshold is more so,
#: the slide is tissue all over, the threshold divides dark from pale, and this takes its place.
GLASS = 0.12
#: Below the first, noise of a JPEG on white glass would be tissue; a threshold above the second is one between tissue
#: and something more colourful, as ink is.
LOWEST_THRESHOLD, HIGHEST_THRESHOLD = 0.06, 0.25
#: A pixel whose brightest channel is below this is black (the border of a scan, a felt pen): its hue is noise.
BLACK = 40

_BLUR = 16.0  # µm, sigma of the smoothing: less than a row of cells is wide
_CLOSING = 40.0  # µm, radius: cracks between pieces of one section


def tissue_mask(slide: Slide) -> TissueMask:
    """Find the tissue of a slide by Otsu's threshold of the saturation of a small picture of it.

    The picture has about 16 µm per pixel. Its saturation is smoothed, and tissue is where it is above the threshold;
    cracks are closed, holes below .1 mm² filled, so that fat counts as tissue, and pieces below .013 mm² left out,
    which are too small to hold a tile. Otsu's method divides also what is one thing, glass without tissue or tissue
    without glass: the threshold stays between .06 and .25, and is .12 where most of what lies below it is too
    colourful for glass. Black is no tissue.

    Parameters
    ----------
    slide : Slide

    Returns
    -------
    TissueMask
    """
    picture, scale = slide.thumbnail(MASK_MPP)
    mask, threshold = _tissue(picture, (scale[0] * slide.mpp, scale[1] * slide.mpp))
    return TissueMask(mask, scale, slide.size, slide.mpp, "otsu", threshold)


def _tissue(picture: NDArray[np.uint8], pixel: tuple[float, float]) -> tuple[NDArray[np.bool_], float]:
    """Tissue in a picture whose pixels are some µm wide and high, and the threshold."""
    largest, smallest = picture.max(axis=2), picture.min(axis=2)
    saturation = SATURATION[largest, smallest].astype(np.float32)
    saturation[largest < BLACK] = 0
    smooth = ndimage.gaussian_filter(saturation, [_BLUR / side for side in pixel[::-1]], mode="nearest")
    threshold = _between_glass_and_tissue(smooth)
    mask = _closed(smooth > threshold, _CLOSING / pixel[0])
    area = pixel[0] * pixel[1] / 1e6
    mask |= _small_pieces(~mask, LARGEST_HOLE / area, holes=True)
    return mask & ~_small_pieces(mask, SMALLEST_PIECE / area), threshold


def _between_glass_and_tissue(saturation: NDArray[np.float32]) -> float:
    from skimage.filters import threshold_otsu

    threshold = float(threshold_otsu(saturation))
    if np.median(saturation[saturation <= threshold]) > GLASS:
        return GLASS
    return float(np.clip(threshold, LOWEST_THRESHOLD, HIGHEST_THRESHOLD))


def _closed(mask: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """Morphological closing by a disk, which takes nothing away at the border."""
    if radius < 1 or not mask.any() or mask.all():
        return mask
    border = int(np.ceil(radius)) + 1
    wide = np.pad(mask, border, mode="edge")
    near = ndimage.distance_transform_edt(~wide) <= radius
    return (ndimage.distance_transform_edt(near) > radius)[border:-border, border:-border] | mask


def _small_pieces(mask: NDArray[np.bool_], smallest: float, *, holes: bool = False) -> NDArray[np.bool_]:
    """Pieces of fewer pixels than `smallest`; as holes only those that do not touch the border of the picture."""
    pieces, n = ndimage.label(mask)
    small = np.bincount(pieces.ravel(), minlength=n + 1) < smallest
    small[0] = False
    if holes:
        for edge in (pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]):
            small[edge] = False
    return small[pieces]
