"""Tissue as the published code finds it, on slides and on single tiles: the same pixels, in compiled loops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sequoia_base.kernels import kernel
from sequoia_model.tissue.mask import TissueMask

if TYPE_CHECKING:
    from sequoia_model.slide import Slide

#: A pixel with a channel at or below this is black, and not tissue.
_BLACK = 50
#: A last level with more pixels than this is shrunk.
_LARGEST_LEVEL = 100_000_000
#: Steps of the dilation and erosion of a slide's mask.
_STEPS = 3


def _saturations() -> NDArray[np.float64]:
    """Saturation by the largest and the smallest channel of a pixel, rounded as in scikit-image."""
    value = np.multiply(np.arange(256), 1.0 / 255)
    delta = value[:, None] - value[None, :]
    with np.errstate(invalid="ignore", divide="ignore"):
        saturation = delta / value[:, None]
    saturation[~(delta > 0)] = 0
    return saturation


#: Saturation of a pixel by its largest and its smallest channel, from 0 to 255.
SATURATION = _saturations()


@kernel
def _otsu(counts, centres):
    """Index of Otsu's threshold in a histogram without empty ends, in float32 as in scikit-image."""
    n = len(counts)
    weight, mean = np.empty(n, dtype=np.float32), np.empty(n, dtype=np.float64)
    total, moment = np.float32(0), 0.0
    for i in range(n - 1, -1, -1):
        count = np.float32(counts[i])
        total = np.float32(total + count)
        moment += np.float64(count) * np.float64(centres[i])
        weight[i] = total
        mean[i] = moment / np.float64(total)
    total, moment = np.float32(0), 0.0
    best, at = -1.0, 0
    for i in range(n - 1):
        count = np.float32(counts[i])
        total = np.float32(total + count)
        moment += np.float64(count) * np.float64(centres[i])
        apart = moment / np.float64(total) - mean[i + 1]
        between = np.float64(np.float32(total * weight[i + 1])) * (apart * apart)
        if between > best:
            best, at = between, i
    return at


@kernel
def _otsu_of_bytes(counts):
    """Otsu's threshold of values from 0 to 255, given how often each occurs; a single value is its own threshold."""
    first, last = 0, 255
    while counts[first] == 0:
        first += 1
    while counts[last] == 0:
        last -= 1
    if first == last:
        return first
    return first + _otsu(counts[first : last + 1], np.arange(first, last + 1))


@kernel
def _otsu_of_saturation(pairs, saturation):
    """Otsu's threshold of the saturation in 256 bins, given how often each pair of extreme channels occurs."""
    low, high = np.inf, -np.inf
    for largest in range(256):
        for smallest in range(largest + 1):
            if pairs[largest, smallest] > 0:
                low = min(low, saturation[largest, smallest])
                high = max(high, saturation[largest, smallest])
    if low == high:
        return low
    step = (high - low) / 256
    edges = np.arange(257) * step + low
    edges[256] = high
    counts = np.zeros(256, dtype=np.int64)
    for largest in range(256):
        for smallest in range(largest + 1):
            count = pairs[largest, smallest]
            if count > 0:
                value = saturation[largest, smallest]
                at = int((value - low) / (high - low) * 256)
                if at == 256:
                    at -= 1
                if value < edges[at]:
                    at -= 1
                if value >= edges[at + 1] and at != 255:
                    at += 1
                counts[at] += count
    at = _otsu(counts, (edges[:-1] + edges[1:]) / 2)
    return (edges[at] + edges[at + 1]) / 2


@kernel
def published_pixels(rgb, saturation):
    """The published code's tissue mask before it is dilated, and the threshold of the saturation.

    In the background, red, green and blue are all above Otsu's threshold of their channel. Tissue is what is not
    background, has a saturation above its own threshold, and is not black.
    """
    height, width = rgb.shape[:2]
    channels, pairs = np.zeros((3, 256), dtype=np.int64), np.zeros((256, 256), dtype=np.int64)
    for y in range(height):
        for x in range(width):
            r, g, b = rgb[y, x, 0], rgb[y, x, 1], rgb[y, x, 2]
            channels[0, r] += 1
            channels[1, g] += 1
            channels[2, b] += 1
            pairs[max(r, g, b), min(r, g, b)] += 1
    red, green, blue = _otsu_of_bytes(channels[0]), _otsu_of_bytes(channels[1]), _otsu_of_bytes(channels[2])
    threshold = _otsu_of_saturation(pairs, saturation)
    coloured = saturation > threshold
    mask = np.empty((height, width), dtype=np.uint8)
    for y in range(height):
        for x in range(width):
            r, g, b = rgb[y, x, 0], rgb[y, x, 1], rgb[y, x, 2]
            pale = (r > red) & (g > green) & (b > blue)
            smallest = min(r, g, b)
            mask[y, x] = (not pale) & coloured[max(r, g, b), smallest] & (smallest > _BLACK)
    return mask, threshold


@kernel
def _dilated(mask):
    """A mask dilated by one step: every pixel spreads to its four neighbours."""
    height, width = mask.shape
    grown = mask.copy()
    for y in range(height):
        for x in range(width - 1):
            grown[y, x] |= mask[y, x + 1]
            grown[y, x + 1] |= mask[y, x]
    for y in range(height - 1):
        for x in range(width):
            grown[y, x] |= mask[y + 1, x]
            grown[y + 1, x] |= mask[y, x]
    return grown


@kernel
def _holds_tissue(rgb, saturation, share):
    """As `holds_tissue`, with the table of saturations as an argument."""
    mask, _ = published_pixels(rgb, saturation)
    least = share * mask.size
    found = 0
    for value in mask.flat:
        found += value
    if found > least:  # dilation only adds pixels, and three steps multiply their number by 25 at most
        return True
    if 25 * found <= least:
        return False
    found = 0
    for value in _dilated(_dilated(_dilated(mask))).flat:
        found += value
    return found > least


def holds_tissue(rgb: NDArray[np.uint8], share: float) -> bool:
    """Whether more than a share of a tile is tissue, according to the published code.

    The mask uses the tile's own thresholds, and is dilated by three steps.

    Parameters
    ----------
    rgb : array of shape (height, width, 3), uint8
        The tile.
    share : float
        The share of its pixels that must be exceeded.

    Returns
    -------
    bool
    """
    return bool(_holds_tissue(rgb, SATURATION, share))


def published_mask(slide: Slide) -> TissueMask:
    """Find the tissue of a slide as the published code does.

    The mask is made on the last level of the pyramid. In the background, red, green and blue are all above Otsu's
    threshold of their channel. Tissue is what is not background, has a saturation above Otsu's threshold of the
    saturation, and more than 50 in each channel. The mask is dilated, then eroded, by three steps.

    Parameters
    ----------
    slide : Slide
        The open slide.

    Returns
    -------
    TissueMask

    Notes
    -----
    Tissue at the border of the slide is eroded, as in the published code. Unlike there, a last level of more than
    100 million pixels, as in slides without small levels, is shrunk to that size.
    """
    last = slide.levels[-1]
    pixels = last.size[0] * last.size[1]
    shrink = max(1.0, (pixels / _LARGEST_LEVEL) ** 0.5)
    picture, scale = slide.thumbnail(slide.mpp * last.downsample * shrink)
    found, threshold = published_pixels(picture, SATURATION)
    mask = ndimage.binary_dilation(found, iterations=_STEPS)
    mask = ndimage.binary_erosion(mask, iterations=_STEPS)
    return TissueMask(mask, scale, slide.size, slide.mpp, "published-code", float(threshold), slide.scanned)
