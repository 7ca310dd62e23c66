"""An area that someone drew, in the place of the tissue mask."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sequoia_base.inputs import existing_file
from sequoia_model.errors import InputError
from sequoia_model.tissue.geojson import read_polygons
from sequoia_model.tissue.mask import TissueMask
from sequoia_model.tissue.raster import fill

if TYPE_CHECKING:
    from sequoia_model.slide import Slide

#: µm per pixel, at most, that drawn areas are laid on: half of what the tissue mask has, so that small areas count.
ANNOTATION_MPP = 8.0
_PNG = b"\x89PNG\r\n\x1a\n"


def read_annotation(path: str | Path, slide: Slide) -> TissueMask:
    """Read an area that takes the place of the tissue mask.

    Parameters
    ----------
    path : path
        A GeoJSON as QuPath exports it, plain or ``.gz``: polygons in pixels of the full resolution. Or a PNG of the
        slide's shape at any resolution, whose pixels are inside where they are not 0 and not transparent.
    slide : Slide

    Returns
    -------
    TissueMask

    Raises
    ------
    InputError
        If the file is neither, holds no area, or one of another slide.
    """
    path = existing_file(path)
    source = f"annotation {path.name}"
    if _is_png(path):
        mask = _read_png(path, slide.size)
        scale = slide.size[0] / mask.shape[1], slide.size[1] / mask.shape[0]
        return TissueMask(mask, scale, slide.size, slide.mpp, source)
    polygons = read_polygons(path, slide.size)
    step = max(1.0, ANNOTATION_MPP / slide.mpp)
    width, height = (math.ceil(side / step) for side in slide.size)
    mask, scale = np.zeros((height, width), dtype=bool), (slide.size[0] / width, slide.size[1] / height)
    for rings in polygons:
        fill(mask, [ring / scale for ring in rings])
    return TissueMask(mask, scale, slide.size, slide.mpp, source)


def _is_png(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return path.suffix.lower() == ".png" or file.read(len(_PNG)) == _PNG
    except OSError as error:
        raise InputError(f"the annotation cannot be read: {error.strerror}", where=str(path)) from None


def _read_png(path: Path, size: tuple[int, int]) -> NDArray[np.bool_]:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=["PNG"]) as image:
                _refuse_other_shape(image.size, size, path)
                values, transparency = np.asarray(image), image.mode.endswith("A")
    except Image.DecompressionBombError:
        raise InputError(
            "the mask is too large",
            where=str(path),
            fix="a PNG of 10,000 pixels on its longer side is enough",
        ) from None
    except (OSError, SyntaxError, ValueError) as error:  # Pillow has these for damaged files
        raise InputError(f"the mask is no PNG that can be read: {error}", where=str(path)) from None
    inside = values != 0
    if values.ndim == 3:
        opaque = inside[..., -1]
        inside = inside[..., :-1].any(axis=2) & opaque if transparency else inside.any(axis=2)
    if not inside.any():
        raise InputError("the mask holds no area: all its pixels are 0", where=str(path))
    return inside


def _refuse_other_shape(found: tuple[int, int], size: tuple[int, int], path: Path) -> None:
    """A mask has the slide's shape when a whole number of its pixels, give or take one, spans both sides."""
    width, height = found
    if abs(width - height * size[0] / size[1]) > 1 and abs(height - width * size[1] / size[0]) > 1:
        raise InputError(
            f"the mask is one of another size: {width} × {height} pixels, and the slide has {size[0]} × {size[1]}",
            where=str(path),
            fix="a mask has the slide's shape, at any resolution",
        )
