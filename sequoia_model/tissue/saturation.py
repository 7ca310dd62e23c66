"""Tissue found by its colour: Otsu's threshold of the saturation, as in the paper."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sequoia_model.tissue.ink import colours_of_no_stain, ink_mask
from sequoia_model.tissue.mask import MASK_MPP, TissueMask
from sequoia_model.tissue.published import SATURATION
from sequoia_model.types.units import TILE_MPP, TILE_SIZE

if TYPE_CHECKING:
    from sequoia_model.slide import Slide

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
#: The black border of a scan fills at least this share of the rows or columns along an edge, or else runs along at
#: least this share of it.
_FULL, _ALONG = 0.9, 0.5
#: Sigma of the smoothing in µm: about the width of a cell.
_BLUR = 16.0
#: Radius of the closing in µm: joins cracks within a section.
_CLOSING = 40.0

#: Pale areas are mentioned if they are at least as large as this, in mm², and as the tissue that was found; if they
#: differ from the glass by this much saturation; and if the two explain more of the variance than the halves of noise
#: do, which explain 0.64.
_LEAST_PALE, _PALE_STEP, _PALE_VARIANCE = 0.1, 0.008, 0.7
#: Colours that no stain has are mentioned from that area on, if they are at least this share of the tissue.
_LEAST_ODD = 0.02
_MEANS = {"brown": "ink, cork, a label, pigment or DAB", "bright pink": "ink or very strong eosin"}


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
        Ink counts as tissue; `tissue_and_ink` tells it apart. The notes mention pale areas that may be tissue.
    """
    return tissue_and_ink(slide)[0]


def tissue_and_ink(slide: Slide, excluded: TissueMask | None = None) -> tuple[TissueMask, TissueMask]:
    """Find the tissue of a slide as `tissue_mask` does, and the ink on it.

    Parameters
    ----------
    slide : Slide
        The open slide.
    excluded : TissueMask, optional
        Areas whose colours are not mentioned, as no tile lies there.

    Returns
    -------
    tissue : TissueMask
        With what is inked, also in black or grey, but by a threshold from the other pixels alone. The black border of a
        scan is neither.
    ink : TissueMask
        The ink, on the glass too.
    """
    picture, scale = slide.thumbnail(MASK_MPP)
    inked = ink_mask(slide, (picture, scale))
    pixel = (scale[0] * slide.mpp, scale[1] * slide.mpp)
    mask, threshold, note = _tissue(picture, pixel, inked.mask)
    scanned = _within(slide.scanned, inked)
    if inked.mask.any():
        black = (inked.mask | (picture.max(axis=2) < _BLACK)) & ~mask
        mask |= inked.mask & ~_border(black | ~scanned)
    mask &= scanned
    found = replace(inked, mask=mask, source="otsu", threshold=threshold)
    used = found.without(inked) if excluded is None else found.without(inked).without(excluded)
    notes = _notes_on_colours(picture[used.mask], pixel[0] * pixel[1] / 1e6)
    return replace(found, notes=((note,) if note else ()) + notes), inked


def _within(area: tuple[int, int, int, int], mask: TissueMask) -> NDArray[np.bool_]:
    """The pixels of a mask whose centres lie in an area of the slide."""
    left, top, width, height = area
    y, x = ((np.arange(n) + 0.5) * step for n, step in zip(mask.mask.shape, mask.scale[::-1], strict=True))
    return ((y >= top) & (y <= top + height))[:, None] & ((x >= left) & (x <= left + width))[None, :]


def _border(dark: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The dark pixels that are the border of a scan, not ink.

    Full rows and columns at the edges, and what else runs along an edge of the rest, or fills a corner of it, as where
    a scan was turned.
    """
    border, rest = np.ones_like(dark), _without_full_edges(dark)
    pieces, n = ndimage.label(dark[rest], np.ones((3, 3)))
    belongs = np.zeros(n + 1, dtype=bool)
    for edge in (pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]) if pieces.size else ():
        belongs |= np.bincount(edge, minlength=n + 1) >= _ALONG * len(edge)
        belongs[edge[[0, -1]]] = True
    belongs[0] = False
    border[rest] = belongs[pieces]
    return border


def _without_full_edges(dark: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Rows and columns of what is left if full ones are taken off the edges, until none is full."""
    left = [slice(0, n) for n in dark.shape]
    before: list[slice] = []
    while left != before:
        before = list(left)
        for axis in (0, 1):
            part = dark[left[0], left[1]]
            open_ = np.flatnonzero(np.count_nonzero(part, axis=1 - axis) < _FULL * part.shape[1 - axis])
            start = left[axis].start
            left[axis] = slice(start + open_[0], start + open_[-1] + 1) if len(open_) else slice(start, start)
    return left[0], left[1]


def _tissue(
    picture: NDArray[np.uint8], pixel: tuple[float, float], ink: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], float, str]:
    """The tissue in a picture, the threshold, and a note on pale areas; `pixel` is a pixel's width and height in µm."""
    largest, smallest = picture.max(axis=2), picture.min(axis=2)
    saturation = SATURATION[largest, smallest].astype(np.float32)
    saturation[largest < _BLACK] = 0
    smooth = ndimage.gaussian_filter(saturation, [_BLUR / side for side in pixel[::-1]], mode="nearest")
    threshold, pale = _between_glass_and_tissue(smooth[~ink] if ink.any() and not ink.all() else smooth)
    mask = _closed(smooth > threshold, _CLOSING / pixel[0])
    area = pixel[0] * pixel[1] / 1e6
    mask |= _small_pieces(~mask, _LARGEST_HOLE / area, holes=True)
    mask &= ~_small_pieces(mask, _SMALLEST_PIECE / area)
    found = np.count_nonzero(mask & ~ink) * area
    note = _colourful_note(pale * area, found) or _pale_note(smooth[~(mask | ink)], found, threshold, area)
    return mask, threshold, note


def _between_glass_and_tissue(saturation: NDArray[np.float32]) -> tuple[float, int]:
    """The threshold, and how many pixels are too pale for it if it is the highest, but are no glass."""
    from skimage.filters import threshold_otsu

    threshold = float(threshold_otsu(saturation))
    rest = saturation[saturation <= threshold]
    if np.median(rest) > _GLASS:
        return _GLASS, 0
    if threshold <= _HIGHEST_THRESHOLD or rest.min() == rest.max():
        return float(np.clip(threshold, _LOWEST_THRESHOLD, _HIGHEST_THRESHOLD)), 0
    glass = max(float(threshold_otsu(rest)), _LOWEST_THRESHOLD)
    return _HIGHEST_THRESHOLD, int(np.count_nonzero((rest > glass) & (rest <= _HIGHEST_THRESHOLD)))


def _notes_on_colours(tissue: NDArray[np.uint8], area: float) -> tuple[str, ...]:
    """Notes on colours of tissue that may be ink; `area` is that of a pixel in mm²."""
    least = max(_LEAST_PALE, _LEAST_ODD * len(tissue) * area)
    return tuple(
        f"{n * area:.3g} of {len(tissue) * area:.3g} mm² of the tissue are {colour}, as neither haematoxylin nor eosin "
        f"is, and may be {_MEANS[colour]}. If this is no tissue, draw around it and take it out with "
        "--annotation FILE --exclude-class NAME"
        for colour, n in colours_of_no_stain(tissue).items()
        if n * area >= least
    )


def _colourful_note(pale: float, found: float) -> str:
    """A note if areas in mm² are pale only beside something colourful; soft edges of tissue are less than 0.3 of it."""
    if pale < max(_LEAST_PALE, 0.3 * found):
        return ""
    return (
        "part of the slide is far more colourful than the rest, which may be ink: by the highest threshold of the "
        f"saturation, {_HIGHEST_THRESHOLD}, {pale:.3g} mm² were too pale for tissue, and {found:.3g} mm² were taken. "
        "If they are tissue, mark all of it with --annotation FILE"
    )


def _pale_note(rest: NDArray[np.float32], found: float, threshold: float, area: float) -> str:
    """A note if less was found, in mm², than what stands out from the glass among the rest of the pixels."""
    from skimage.filters import threshold_otsu

    if rest.size * area < max(_LEAST_PALE, found) or rest.min() == rest.max():
        return ""
    limit = float(threshold_otsu(rest))
    pale, glass = rest[rest > limit], rest[rest <= limit]
    size, step = pale.size * area, float(pale.mean() - glass.mean())
    explained = pale.size * glass.size * step**2 / (rest.size**2 * float(rest.var()))
    if (
        limit >= _LOWEST_THRESHOLD
        or size < max(_LEAST_PALE, found)
        or step < _PALE_STEP
        or explained < _PALE_VARIANCE
    ):
        return ""
    return (
        f"{size:.3g} mm² are pale and may be tissue, but only {found:.3g} mm² were taken as tissue: the saturation of "
        f"the pale area is about {pale.mean():.2g}, the threshold {threshold:.2g}. If it is tissue, mark it with "
        "--annotation FILE; tiles of low contrast are left out even so"
    )


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
