"""The tests of a tile's pixels, by rule: whether it holds tissue and has contrast."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sequoia_base.kernels import kernel
from sequoia_model.tissue.published import holds_tissue

#: Smallest share of tissue in a tile: at least this much in the mask of the slide by the paper's rule, more than this
#: in the mask of the tile by the published code's.
LEAST_TISSUE = {"paper": 0.8, "published-code": 0.2}

#: Largest share of a tile that may be ink, by the paper's rule.
MOST_INK = 0.2

BACKGROUND, OUTSIDE = "background", "outside the annotation"
EXCLUDED, INKED = "in an excluded area", "ink"
LITTLE_TISSUE, LOW_CONTRAST = "little tissue", "low contrast"

#: Weights of red, green and blue in grey, in ten thousandths (those of scikit-image).
_RED, _GREEN, _BLUE = 2125, 7154, 721
_GREYS = 255 * 10_000
_SHIFT = 10  # greys are counted in bins of 2**10
_LEAST_RANGE = 0.1 * _GREYS  # between the first and the last percentile
_DOUBT = 1.0  # grey levels (of 2,550,000) by which rounding might change a range


@kernel
def _contrast(rgb):
    """1 for a tile of low contrast, 0 for any other, -1 if the bins are too wide to tell."""
    height, width = rgb.shape[:2]
    counts = np.zeros((_GREYS >> _SHIFT) + 1, dtype=np.int64)
    for y in range(height):
        for x in range(width):
            grey = _RED * int(rgb[y, x, 0]) + _GREEN * int(rgb[y, x, 1]) + _BLUE * int(rgb[y, x, 2])
            counts[grey >> _SHIFT] += 1
    last = height * width - 1
    ranks = (
        int(last * 0.01),
        min(int(last * 0.01) + 1, last),
        int(last * 0.99),
        min(int(last * 0.99) + 1, last),
    )
    bins = np.empty(4, dtype=np.int64)
    seen, at = counts[0], 0
    for i in range(4):
        while seen <= ranks[i]:
            at += 1
            seen += counts[at]
        bins[i] = at
    least = ((bins[2] - bins[1] - 1) << _SHIFT) - _DOUBT
    most = ((bins[3] + 1 - bins[0]) << _SHIFT) + _DOUBT
    if least >= _LEAST_RANGE:
        return 0
    return 1 if most < _LEAST_RANGE else -1


def is_flat(rgb: NDArray[np.uint8]) -> bool:
    """Whether a tile has low contrast, as scikit-image's ``is_low_contrast`` says with its defaults.

    For floats it assumes a range from -1 to 1, so the first and the last percentile of grey must be a tenth apart.

    Parameters
    ----------
    rgb : array of shape (height, width, 3), uint8
        Red, green, blue.

    Returns
    -------
    bool
    """
    flat = _contrast(rgb)
    if flat >= 0:
        return bool(flat)
    from skimage.exposure import is_low_contrast

    return bool(is_low_contrast(rgb))


def _paper(tile: NDArray[np.uint8]) -> str:
    return LOW_CONTRAST if is_flat(tile) else ""


def _published(tile: NDArray[np.uint8]) -> str:
    if not holds_tissue(tile, LEAST_TISSUE["published-code"]):
        return LITTLE_TISSUE
    return LOW_CONTRAST if is_flat(tile) else ""


#: The test of each rule: says why a tile is left out, or "" to keep it.
CHECKS: dict[str, Callable[[NDArray[np.uint8]], str]] = {"paper": _paper, "published-code": _published}
#: Reasons that each test can give, in the order of its parts.
REASONS = {"paper": (LOW_CONTRAST,), "published-code": (LITTLE_TISSUE, LOW_CONTRAST)}
