"""The tissue of a slide as the published code finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scipy import ndimage

from sequoia_model.tissue.kernels import SATURATION, published_pixels
from sequoia_model.tissue.mask import TissueMask

if TYPE_CHECKING:
    from sequoia_model.slide import Slide

#: A last level with more pixels than this is not read whole.
_LARGEST_LEVEL = 100_000_000
_STEPS = 3


def published_mask(slide: Slide) -> TissueMask:
    """Find the tissue of a slide as the published code does.

    On the last level of the pyramid, background is where red, green and blue all are above Otsu's threshold of their
    channel. Tissue is what is no background, has a saturation above Otsu's threshold of the saturation, and more than
    50 in each channel. The mask is dilated, then eroded, by three steps of a cross.

    Parameters
    ----------
    slide : Slide

    Returns
    -------
    TissueMask

    Notes
    -----
    What lies at the border of the slide is eroded, as there. A last level of more than 100 million pixels, which slides
    without small levels have, is shrunk to that; the published code takes it as it is.
    """
    last = slide.levels[-1]
    pixels = last.size[0] * last.size[1]
    shrink = max(1.0, (pixels / _LARGEST_LEVEL) ** 0.5)
    picture, scale = slide.thumbnail(slide.mpp * last.downsample * shrink)
    found, threshold = published_pixels(picture, SATURATION)
    mask = ndimage.binary_dilation(found, iterations=_STEPS)
    mask = ndimage.binary_erosion(mask, iterations=_STEPS)
    return TissueMask(mask, scale, slide.size, slide.mpp, "published-code", float(threshold))
