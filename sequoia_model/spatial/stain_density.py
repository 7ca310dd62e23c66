"""How much nucleus and how much tissue a tile holds: what a map may show without any network.

Light that passes through a stain is weakened by a power of ten, its optical density. Colour deconvolution (Ruifrok and
Johnston 2001, Analytical and Quantitative Cytology and Histology 23) writes the optical densities of red, green and
blue as a sum of haematoxylin, eosin and DAB, whose colours it takes as known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sequoia_base.arguments import ProgressBar
from sequoia_model.errors import InputError
from sequoia_model.slide import Slide, open_slide
from sequoia_model.tissue import tissue_mask

#: Colours of haematoxylin, eosin and DAB: optical density of red, green and blue, measured by Ruifrok and Johnston.
_COLOURS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
_TO_HAEMATOXYLIN = np.linalg.inv(_COLOURS)[:, 0]
#: The least light that a pixel lets through: black would have an infinite density.
_LEAST_LIGHT = 1e-6
#: µm per pixel of the picture of a tile: a nucleus is several pixels wide.
_MPP = 1.0
#: Two scales of one slide differ by no more than this factor.
_SAME_SCALE = 1.05
#: Tiles that hold less tissue than this, on average, are not those of the slide.
_LEAST_TISSUE = 0.2


@dataclass(frozen=True, eq=False)
class TileDensities:
    """What a picture of the tiles shows.

    Parameters
    ----------
    haematoxylin : array of shape (tiles,)
        Mean optical density of haematoxylin over the pixels of a tile.
    tissue : array of shape (tiles,)
        Share of its area that is tissue.
    origin : tuple of int
        Left and top of the slide's scanned area in level-0 pixels, from which QuPath counts.
    """

    haematoxylin: NDArray[np.float64]
    tissue: NDArray[np.float64]
    origin: tuple[int, int] = (0, 0)


def haematoxylin(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Optical density of haematoxylin, by colour deconvolution.

    Parameters
    ----------
    pixels : array of shape (..., 3), uint8
        Red, green and blue.

    Returns
    -------
    array of shape (...,)
        At least 0. Pixels of other colours than those of the stains would be below 0.
    """
    levels = np.maximum(np.arange(256) / 255, _LEAST_LIGHT)
    return np.maximum((-np.log10(levels))[pixels] @ _TO_HAEMATOXYLIN, 0)


def tile_densities(
    slide: Slide, corners: ArrayLike, side: float, *, progress: ProgressBar | None = None
) -> TileDensities:
    """Haematoxylin and tissue of tiles.

    Parameters
    ----------
    slide : Slide
        The open slide.
    corners : array of shape (tiles, 2)
        Top-left corner of each tile in level-0 pixels, x before y.
    side : float
        Side of a tile in level-0 pixels.
    progress : callable, optional
        Wraps an iterable of known length.

    Raises
    ------
    InputError
        If the slide has no tissue, or is damaged.
    """
    corners, whole = np.rint(np.asarray(corners, dtype=np.float64)).astype(np.int64), round(side)
    shares = tissue_mask(slide).shares(corners, whole)
    size = max(round(whole * slide.mpp / _MPP), 1)
    shown: Iterable[NDArray[np.int64]] = corners if progress is None else progress(corners, len(corners))
    means = [haematoxylin(slide.read(int(x), int(y), whole, size)).mean() for x, y in shown]
    return TileDensities(np.array(means), shares, slide.scanned[:2])


def densities_of_image(
    image: str | Path,
    corners: NDArray[np.float64],
    side: float,
    mpp: float,
    *,
    size: tuple[int, int] | None = None,
    progress: ProgressBar | None = None,
) -> TileDensities:
    """Haematoxylin and tissue of the tiles of features, from the slide of which they were computed.

    Parameters
    ----------
    image : path
        The slide.
    corners : array of shape (tiles, 2)
        Top-left corner of each tile in level-0 pixels, x before y.
    side : float
        Side of a tile in level-0 pixels.
    mpp : float
        µm per pixel of level 0, as the features have it.
    size : tuple of int, optional
        Width and height of level 0, if the features say them.
    progress : callable, optional
        Wraps an iterable of known length.

    Raises
    ------
    InputError
        If the slide cannot be read; if its size or scale is not that of the features, tiles lie outside it, or hold
        hardly any tissue: it is then another slide.
    """
    with open_slide(image, mpp=mpp) as slide:
        if why := _another(slide, corners, side, mpp, size):
            raise _other_slide(why, image)
        densities = tile_densities(slide, corners, side, progress=progress)
    share = float(densities.tissue.mean())
    if share < _LEAST_TISSUE:
        raise _other_slide(f"only {share:.0%} of the area of the tiles is tissue", image)
    return densities


def _another(
    slide: Slide, corners: NDArray[np.float64], side: float, mpp: float, size: tuple[int, int] | None
) -> str:
    """Why a slide is not that of the features; empty if nothing speaks against it."""
    width, height = slide.size
    if size is not None and tuple(size) != slide.size:
        return f"it has {width} × {height} pixels, and the features are of {size[0]} × {size[1]}"
    said = slide.resolution.found.get("mpp", mpp)
    if not 1 / _SAME_SCALE <= said / mpp <= _SAME_SCALE:
        return f"it has {said:.4g} µm per pixel, and the features {mpp:.4g}"
    outside = int(((corners < -side / 2) | (corners + side / 2 > slide.size)).any(axis=1).sum())
    if outside:
        return f"{outside} of {len(corners)} tiles lie outside its {width} × {height} pixels"
    return ""


def _other_slide(why: str, image: str | Path) -> InputError:
    return InputError(
        f"this is not the slide of the features: {why}",
        where=str(image),
        fix="give the slide from which the features were computed",
    )
