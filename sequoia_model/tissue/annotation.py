"""Annotations: areas drawn by hand that replace the tissue mask."""

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
from sequoia_model.tissue.polygons import Ring, fill

if TYPE_CHECKING:
    from sequoia_model.slide import Slide

#: µm per pixel of the mask that drawn areas become: half of the tissue mask's, so that small areas are kept.
ANNOTATION_MPP = 8.0
_PNG = b"\x89PNG\r\n\x1a\n"
_LARGEST = 1 << 30  # bytes of text
#: Kinds of objects that QuPath makes by itself or that must be ignored: they are not drawn areas.
_IGNORED = "ignored (class with a *)"
_NOT_DRAWN = ("tile", "detection", "cell", "tma_core", "root", _IGNORED)
_FIX = "export the annotations of this slide in QuPath: File > Export objects as GeoJSON"


def read_annotation(path: str | Path, slide: Slide) -> TissueMask:
    """Read a drawn area that replaces the tissue mask.

    Parameters
    ----------
    path : path
        A GeoJSON as QuPath exports it, plain or ``.gz``, with polygons in level-0 pixels. Or a PNG with the aspect
        ratio of the slide, at any resolution; the area is where its pixels are neither 0 nor transparent.
    slide : Slide
        The slide on which the area was drawn.

    Returns
    -------
    TissueMask

    Raises
    ------
    InputError
        If the file is neither, contains no area, or belongs to another slide.
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
            fix="10,000 pixels on the longer side are enough",
        ) from None
    except (OSError, SyntaxError, ValueError) as error:  # raised by Pillow for damaged files
        raise InputError(f"the mask is not a readable PNG: {error}", where=str(path)) from None
    inside = values != 0
    if values.ndim == 3:
        opaque = inside[..., -1]
        inside = inside[..., :-1].any(axis=2) & opaque if transparency else inside.any(axis=2)
    if not inside.any():
        raise InputError("the mask contains no area: all its pixels are 0 or transparent", where=str(path))
    return inside


def _refuse_other_shape(found: tuple[int, int], size: tuple[int, int], path: Path) -> None:
    """Refuse a mask whose aspect ratio differs from the slide's by more than a pixel."""
    width, height = found
    if abs(width - height * size[0] / size[1]) > 1 and abs(height - width * size[1] / size[0]) > 1:
        raise InputError(
            f"the mask does not fit the slide: it has {width} × {height} pixels, the slide {size[0]} × {size[1]}",
            where=str(path),
            fix="export a mask of the whole slide, at any resolution",
        )


def _polygons(path: Path, size: tuple[int, int]) -> list[list[Ring]]:
    """The drawn polygons of a GeoJSON in level-0 pixels, each an outline and its holes.

    Tiles, detections and cells are ignored, and so are points and lines if there are polygons too.
    """
    polygons: list[list[Ring]] = []
    others: set[str] = set()
    ignored: set[str] = set()
    for number, (feature, kind) in enumerate(_features(_load(path), path), start=1):
        where = f"{path}, feature {number}"
        if kind in _NOT_DRAWN:
            ignored.add(kind)
            continue
        for shape, coordinates in _shapes(feature, where):
            if shape == "Polygon":
                polygons.append(_rings(coordinates, where, size))
            else:
                others.add(shape)
    if not polygons:
        raise InputError(_without_polygon(others, ignored), where=str(path), fix=_FIX)
    return polygons


def _without_polygon(others: set[str], ignored: set[str]) -> str:
    if others:
        return f"the annotation contains no area, only {' and '.join(sorted(others))}"
    if ignored:
        return f"the annotation contains no drawn area, only objects of type {' and '.join(sorted(ignored))}"
    return "the annotation contains no polygon"


def _load(path: Path) -> Any:
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            text = file.read(_LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"the annotation cannot be read: {reason}", where=str(path)) from None
    if len(text) > _LARGEST:
        raise InputError("the annotation has more than 1 GiB of text", where=str(path), fix=_FIX)
    if not text.strip():
        raise InputError("the annotation is empty", where=str(path))
    try:
        return json.loads(text)
    except RecursionError:
        raise InputError("the annotation is nested too deeply to be GeoJSON", where=str(path)) from None
    except UnicodeDecodeError:
        raise InputError("the annotation is not a text file", where=str(path), fix=_FIX) from None
    except ValueError as error:
        raise InputError(f"the annotation is not valid JSON: {error}", where=str(path), fix=_FIX) from None


def _features(found: Any, path: Path) -> Iterator[tuple[dict, str]]:
    """The features or bare geometries of a file, each with its kind of object."""
    if isinstance(found, dict) and found.get("type") == "FeatureCollection":
        found = found.get("features")
    items = found if isinstance(found, list) else [found]
    for number, item in enumerate(items, start=1):
        if not isinstance(item, dict) or not isinstance(item.get("type"), str):
            raise InputError(
                "the annotation is not GeoJSON: an object with a type is needed",
                where=f"{path}, feature {number}",
                fix=_FIX,
            )
        about = item.get("properties")
        about = about if isinstance(about, dict) else {}
        kind = str(about.get("objectType") or about.get("object_type") or "annotation")
        yield item, _IGNORED if _is_ignored(about) else kind.lower()


def _is_ignored(about: dict) -> bool:
    """Whether the class of an object ends in a star, as "Ignore*" does: QuPath does not count these."""
    given = about.get("classification")
    name = given.get("name") if isinstance(given, dict) else given
    return isinstance(name, str) and name.endswith("*")


def _shapes(item: dict, where: str) -> Iterator[tuple[str, Any]]:
    """Type and coordinates of each simple geometry in a feature or geometry."""
    geometry = item.get("geometry") if item["type"] == "Feature" else item
    if geometry is None:
        return
    if not isinstance(geometry, dict):
        _refuse("its geometry is not an object", where)
    shape, coordinates = geometry.get("type"), geometry.get("coordinates")
    if shape == "GeometryCollection":
        parts = geometry.get("geometries")
        for part in parts if isinstance(parts, list) else []:
            if not isinstance(part, dict) or part.get("type") in ("GeometryCollection", "Feature"):
                _refuse("a collection of geometries contains another collection", where)
            yield from _shapes({"type": "Feature", "geometry": part}, where)
    elif shape == "MultiPolygon":
        if not isinstance(coordinates, list):
            _refuse("a MultiPolygon has no coordinates", where)
        for part in coordinates:
            yield "Polygon", part
    elif shape in ("Polygon", "Point", "MultiPoint", "LineString", "MultiLineString"):
        yield shape, coordinates
    else:
        _refuse(f"{shape!r} is not a valid type of geometry", where)


def _rings(coordinates: Any, where: str, size: tuple[int, int]) -> list[Ring]:
    if not isinstance(coordinates, list) or not coordinates:
        _refuse("a polygon has no coordinates", where)
    return [_ring(ring, where, size) for ring in coordinates]


def _ring(ring: Any, where: str, size: tuple[int, int]) -> Ring:
    try:
        pairs = [(point[0], point[1]) for point in ring]
        points = np.array(pairs, dtype=np.float64)
    except (TypeError, ValueError, IndexError, KeyError, OverflowError):
        _refuse("its coordinates are not pairs of numbers", where)
    if any(isinstance(value, (str, bool)) for pair in pairs for value in pair):
        _refuse("its coordinates are not pairs of numbers", where)
    if not np.isfinite(points).all():
        _refuse("some of its coordinates are not finite", where)
    if len(np.unique(points, axis=0)) < 3:
        _refuse("an outline needs at least three different points", where)
    slack = 1 + 0.001 * max(size)  # a hand-drawn outline may go a little beyond the border
    if (points < -slack).any() or (points > np.array(size) + slack).any():
        low, high = points.min(axis=0), points.max(axis=0)
        raise InputError(
            f"its points lie outside the slide, which has {size[0]} × {size[1]} pixels: "
            f"x from {low[0]:g} to {high[0]:g}, y from {low[1]:g} to {high[1]:g}",
            where=where,
            fix="give the coordinates in pixels of this slide at full resolution",
        )
    return points


def _refuse(what: str, where: str) -> NoReturn:
    raise InputError(f"the annotation cannot be used: {what}", where=where, fix=_FIX)
