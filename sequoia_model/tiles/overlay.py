"""A picture of a slide with its tissue and the chosen tiles, to be looked at."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sequoia_base.atomic import new_file
from sequoia_model.tissue import TissueMask
from sequoia_model.types.grid import TileGrid

if TYPE_CHECKING:
    from PIL import Image

    from sequoia_model.slide import Slide

#: Pixels of the longer side.
_LONGEST = 2000
_DIMMED = 0.6
#: Pixels, at least, that a step of an outline is wide: finer ones cover the tissue.
_STEP = 4
#: More outlines than this would cover the tissue; it is told by the dimming alone.
_MOST_OUTLINES = 300
_OUTLINE, _TILE = (0, 170, 60), (20, 30, 160)


def write_overlay(slide: Slide, grid: TileGrid, mask: TissueMask, path: str | Path) -> None:
    """Write a PNG to look at: the slide, dimmed where there is no tissue, the outline of the tissue and the tiles.

    Parameters
    ----------
    slide : Slide
    grid : TileGrid
    mask : TissueMask
    path : path
        A file that exists is replaced.

    Raises
    ------
    InputError
        If the slide cannot be read or the file not be written.
    """
    image = io.BytesIO()
    _draw(slide, grid, mask).save(image, format="PNG")
    with new_file(path) as temporary:
        temporary.write_bytes(image.getvalue())


def _draw(slide: Slide, grid: TileGrid, mask: TissueMask) -> Image.Image:
    from PIL import Image, ImageDraw

    pixels, scale = slide.thumbnail(slide.mpp * max(1.0, max(slide.size) / _LONGEST))
    mask = mask.coarse(_STEP * scale[0] * slide.mpp)
    tissue = _stretched(mask.mask, pixels.shape[:2])
    dimmed = np.where(tissue[..., None], pixels, (pixels * _DIMMED).astype(np.uint8))
    image = Image.fromarray(dimmed)
    pen = ImageDraw.Draw(image)
    rings = [ring for polygon in mask.outlines() for ring in polygon.rings()]
    for ring in rings if len(rings) <= _MOST_OUTLINES else []:
        corners = [tuple(corner) for corner in (ring / scale).tolist()]
        pen.line([*corners, corners[0]], fill=_OUTLINE, width=3)
    wide, high = grid.side / scale[0], grid.side / scale[1]
    for x, y in (grid.coords / scale).tolist():
        pen.rectangle([x, y, x + wide, y + high], outline=_TILE, width=1)
    return image


def _stretched(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """A mask at another resolution, by the nearest pixel."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(np.int64)
        for new, old in zip(shape, mask.shape, strict=True)
    )
    return mask[np.ix_(rows, columns)]
