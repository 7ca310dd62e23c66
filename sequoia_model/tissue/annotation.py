"""An area that someone drew, in the place of the tissue mask."""

from __future__ import annotations

import gzip
import json
import math
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from sequoia_base.atomic import existing_file
from sequoia_model.errors import InputError
from sequoia_model.tissue.mask import TissueMask
from sequoia_model.tissue.polygons import fill

if TYPE_CHECKING:
    from sequoia_model.slide import Slide

#: µm per pixel, at most, that drawn areas are laid on: half of what the tissue mask has, so that small areas count.
ANNOTATION_MPP = 8.0
_PNG = b"\x89PNG\r\n\x1a\n"
_LARGEST = 1 << 30  # bytes of text
#: What QuPath finds by itself in a slide, or lays over it; drawn by nobody.
_IGNORED = "ignored (its class ends in *)"
_NOT_DRAWN = ("tile", "detection", "cell", "tma_core", "root", _IGNORED)
_FIX = "in QuPath: File > Export objects as GeoJSON, with the annotations of this slide"

Rings = list[NDArray[np.float64]]


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
    polygons = _polygons(path, slide.size)
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


def _polygons(path: Path, size: tuple[int, int]) -> list[Rings]:
    """The polygons of the annotations in a GeoJSON, each an outline and its holes, in level-0 pixels.

    Tiles, detections and cells are passed over, and so are points and lines beside polygons.

    Parameters
    ----------
    path : path
        A feature collection, a feature, a geometry, or a list of these; plain or ``.gz``.
    size : tuple of int
        Width and height of the slide.

    Returns
    -------
    list of list of array of shape (points, 2)

    Raises
    ------
    InputError
        If the file is no GeoJSON, holds no polygon, or a feature cannot be used; it is counted from 1.
    """
    polygons: list[Rings] = []
    others: set[str] = set()
    passed: set[str] = set()
    for number, (feature, kind) in enumerate(_features(_load(path), path), start=1):
        where = f"{path}, feature {number}"
        if kind in _NOT_DRAWN:
            passed.add(kind)
            continue
        for shape, coordinates in _shapes(feature, where):
            if shape == "Polygon":
                polygons.append(_rings(coordinates, where, size))
            else:
                others.add(shape)
    if not polygons:
        raise InputError(_nothing(others, passed), where=str(path), fix=_FIX)
    return polygons


def _nothing(others: set[str], passed: set[str]) -> str:
    if others:
        return f"the annotation holds no area: only {' and '.join(sorted(others))}"
    if passed:
        return f"the annotation holds no area that was drawn: only objects of kind {' and '.join(sorted(passed))}"
    return "the annotation holds no polygon"


def _load(path: Path) -> Any:
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            text = file.read(_LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"the annotation cannot be read: {reason}", where=str(path)) from None
    if len(text) > _LARGEST:
        raise InputError("the annotation has more than a gigabyte of text", where=str(path), fix=_FIX)
    if not text.strip():
        raise InputError("the annotation is empty", where=str(path))
    try:
        return json.loads(text)
    except RecursionError:
        raise InputError("the annotation is nested too deeply for a GeoJSON", where=str(path)) from None
    except UnicodeDecodeError:
        raise InputError("the annotation is no text", where=str(path), fix=_FIX) from None
    except ValueError as error:
        raise InputError(f"the annotation is no JSON: {error}", where=str(path), fix=_FIX) from None


def _features(found: Any, path: Path) -> Iterator[tuple[dict, str]]:
    """The features or bare geometries of a file, and what kind of object each is."""
    if isinstance(found, dict) and found.get("type") == "FeatureCollection":
        found = found.get("features")
    items = found if isinstance(found, list) else [found]
    for number, item in enumerate(items, start=1):
        if not isinstance(item, dict) or not isinstance(item.get("type"), str):
            raise InputError(
                "this is no GeoJSON: an object with a type is needed",
                where=f"{path}, feature {number}",
                fix=_FIX,
            )
        about = item.get("properties")
        about = about if isinstance(about, dict) else {}
        kind = str(about.get("objectType") or about.get("object_type") or "annotation")
        yield item, _IGNORED if _is_ignored(about) else kind.lower()


def _is_ignored(about: dict) -> bool:
    """Whether the class of an annotation says that it is none: QuPath's "Ignore*" and others with a star."""
    given = about.get("classification")
    name = given.get("name") if isinstance(given, dict) else given
    return isinstance(name, str) and name.endswith("*")


def _shapes(item: dict, where: str) -> Iterator[tuple[str, Any]]:
    """Type and coordinates of each simple geometry of a feature or geometry."""
    geometry = item.get("geometry") if item["type"] == "Feature" else item
    if geometry is None:
        return
    if not isinstance(geometry, dict):
        _refuse("its geometry is no object", where)
    shape, coordinates = geometry.get("type"), geometry.get("coordinates")
    if shape == "GeometryCollection":
        parts = geometry.get("geometries")
        for part in parts if isinstance(parts, list) else []:
            if not isinstance(part, dict) or part.get("type") in ("GeometryCollection", "Feature"):
                _refuse("its geometries are collections of others", where)
            yield from _shapes({"type": "Feature", "geometry": part}, where)
    elif shape == "MultiPolygon":
        if not isinstance(coordinates, list):
            _refuse("a MultiPolygon without coordinates", where)
        for part in coordinates:
            yield "Polygon", part
    elif shape in ("Polygon", "Point", "MultiPoint", "LineString", "MultiLineString"):
        yield shape, coordinates
    else:
        _refuse(f"there is no geometry of type {shape!r}", where)


def _rings(coordinates: Any, where: str, size: tuple[int, int]) -> Rings:
    if not isinstance(coordinates, list) or not coordinates:
        _refuse("a polygon without coordinates", where)
    return [_ring(ring, where, size) for ring in coordinates]


def _ring(ring: Any, where: str, size: tuple[int, int]) -> NDArray[np.float64]:
    try:
        pairs = [(point[0], point[1]) for point in ring]
        points = np.array(pairs, dtype=np.float64)
    except (TypeError, ValueError, IndexError, KeyError, OverflowError):
        _refuse("its coordinates are not pairs of numbers", where)
    if any(isinstance(value, (str, bool)) for pair in pairs for value in pair):
        _refuse("its coordinates are not pairs of numbers", where)
    if not np.isfinite(points).all():
        _refuse("its coordinates are not all finite", where)
    if len(np.unique(points, axis=0)) < 3:
        _refuse("an outline needs three points or more", where)
    slack = 1 + 0.001 * max(size)  # drawn over the border by a hand
    if (points < -slack).any() or (points > np.array(size) + slack).any():
        low, high = points.min(axis=0), points.max(axis=0)
        raise InputError(
            f"its points lie outside the slide of {size[0]} × {size[1]} pixels: "
            f"x from {low[0]:g} to {high[0]:g}, y from {low[1]:g} to {high[1]:g}",
            where=where,
            fix="coordinates are pixels of the full resolution of this slide",
        )
    return points


def _refuse(what: str, where: str) -> NoReturn:
    raise InputError(f"the annotation cannot be used: {what}", where=where, fix=_FIX)
