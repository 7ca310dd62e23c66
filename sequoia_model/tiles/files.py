"""The chosen tiles as files: coordinates for CLAM and TRIDENT, a mask, outlines for QuPath, and a picture."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sequoia_base.atomic import new_file
from sequoia_model.tissue import TissueMask
from sequoia_model.tissue.annotation import ANNOTATION_MPP
from sequoia_model.tissue.polygons import Ring
from sequoia_model.types.grid import TileGrid

if TYPE_CHECKING:
    from PIL import Image

    from sequoia_model.slide import Slide

#: Objective power that 0.5 µm per pixel corresponds to.
_MAGNIFICATION = 20
#: Names and colours (red, green, blue) of the classes in QuPath.
_TISSUE, _TILE = ("Tissue", [0, 140, 70]), ("Tile", [40, 70, 220])
#: Longer side of the picture in pixels.
_LONGEST = 2000
_DIMMED = 0.6
#: Smallest step of an outline in pixels; finer ones would cover the tissue.
_STEP = 4
#: More outlines than this would cover the tissue; only the dimming then shows it.
_MOST_OUTLINES = 300
_OUTLINE_COLOUR, _TILE_COLOUR = (0, 170, 60), (20, 30, 160)


def write_coords(grid: TileGrid, path: str | Path, *, slide: Slide | None = None) -> None:
    """Write the corners of tiles as CLAM and TRIDENT do: an HDF5 file whose dataset ``coords`` has attributes.

    Parameters
    ----------
    grid : TileGrid
        The tiles.
    path : path
        Ends in ``.h5``; an existing file is replaced.
    slide : Slide, optional
        The slide, for its magnification, and for a level at which tiles have their size, if there is one.

    Raises
    ------
    InputError
        If the file cannot be written.

    Notes
    -----
    TRIDENT reads squares of ``patch_size_level0`` pixels. CLAM reads ``patch_size`` pixels of the level
    ``patch_level``, which is left out if no level has that scale.
    """
    import h5py

    image = io.BytesIO()  # HDF5 on a full disk raises in destructors, where nothing can catch the error
    with h5py.File(image, "w") as file:
        file["coords"] = grid.coords
        file["coords"].attrs.update(_attributes(grid, slide))
    _write(path, image.getvalue())


def write_mask(mask: TissueMask, path: str | Path) -> None:
    """Write a tissue mask as a PNG with 255 for tissue; `read_annotation` reads it.

    Parameters
    ----------
    mask : TissueMask
        The tissue.
    path : path
        An existing file is replaced.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    from PIL import Image

    image = io.BytesIO()
    Image.fromarray(mask.mask.astype(np.uint8) * 255).save(image, format="PNG")
    _write(path, image.getvalue())


def write_geojson(grid: TileGrid, mask: TissueMask, path: str | Path) -> None:
    """Write GeoJSON for QuPath: tissue as annotations, tiles as tile objects; `read_annotation` reads it.

    Coordinates count from the corner of the slide's scanned area, as in QuPath.

    Parameters
    ----------
    grid : TileGrid
        The tiles.
    mask : TissueMask
        The tissue.
    path : path
        An existing file is replaced.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    left, top, *size = mask.scanned or (0, 0, *mask.slide_size)
    pieces = [
        _feature(
            "annotation", _TISSUE, [_closed(np.clip(ring - (left, top), 0, size)) for ring in polygon.rings()]
        )
        for polygon in mask.coarse(ANNOTATION_MPP).outlines()
    ]
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * grid.side
    tiles = [_feature("tile", _TILE, [_closed(place + square)]) for place in grid.coords - (left, top)]
    collection = {"type": "FeatureCollection", "features": pieces + tiles}
    _write(path, json.dumps(collection, separators=(",", ":")).encode())


def write_overlay(slide: Slide, grid: TileGrid, mask: TissueMask, path: str | Path) -> None:
    """Write a PNG to look at: the slide, dimmed where there is no tissue, with the outline of the tissue and the tiles.

    Parameters
    ----------
    slide : Slide
        The slide.
    grid : TileGrid
        The tiles.
    mask : TissueMask
        The tissue.
    path : path
        An existing file is replaced.

    Raises
    ------
    InputError
        If the slide cannot be read, or the file cannot be written.
    """
    image = io.BytesIO()
    _draw(slide, grid, mask).save(image, format="PNG")
    _write(path, image.getvalue())


def _attributes(grid: TileGrid, slide: Slide | None) -> dict[str, Any]:
    about: dict[str, Any] = {
        "name": grid.slide,
        "patch_size": grid.size,
        "patch_size_level0": grid.side,
        "level0_width": grid.slide_size[0],
        "level0_height": grid.slide_size[1],
        "target_magnification": _MAGNIFICATION,
        "overlap": 0,
        "mpp": grid.mpp,
        "level0_mpp": grid.slide_mpp,
        "rule": grid.rule,
        "n_places": grid.n_places,
        "left_out": json.dumps(grid.left_out),
    }
    if grid.seed is not None:
        about["seed"] = grid.seed
    if slide is not None and slide.power is not None:
        about["level0_magnification"] = slide.power
    shrunk = grid.side / grid.size
    for number, level in enumerate(slide.levels if slide is not None else ()):
        if abs(level.downsample / shrunk - 1) < 0.01:
            about["patch_level"] = number
            break
    return about


def _feature(kind: str, named: tuple[str, list[int]], rings: list[list[list[float]]]) -> dict[str, Any]:
    name, color = named
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": rings},
        "properties": {"objectType": kind, "classification": {"name": name, "color": color}},
    }


def _closed(ring: Ring) -> list[list[float]]:
    """The corners of a ring, the first repeated at the end; whole numbers become integers."""
    corners = np.round([*ring, ring[0]], 2).tolist()
    return [[int(x) if x == int(x) else x, int(y) if y == int(y) else y] for x, y in corners]


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
        pen.line([*corners, corners[0]], fill=_OUTLINE_COLOUR, width=3)
    wide, high = grid.side / scale[0], grid.side / scale[1]
    for x, y in (grid.coords / scale).tolist():
        pen.rectangle([x, y, x + wide, y + high], outline=_TILE_COLOUR, width=1)
    return image


def _stretched(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """A mask at another resolution, by the nearest pixel."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(np.int64)
        for new, old in zip(shape, mask.shape, strict=True)
    )
    return mask[np.ix_(rows, columns)]


def _write(path: str | Path, content: bytes) -> None:
    with new_file(path) as temporary:
        temporary.write_bytes(content)
