"""Polygons in GeoJSON, as QuPath writes and reads it."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from sequoia_model.errors import InputError

Rings = list[NDArray[np.float64]]

_LARGEST = 1 << 30  # bytes of text
#: What QuPath finds by itself in a slide, or lays over it; drawn by nobody.
_IGNORED = "ignored (its class ends in *)"
_NOT_DRAWN = ("tile", "detection", "cell", "tma_core", "root", _IGNORED)
_FIX = "in QuPath: File > Export objects as GeoJSON, with the annotations of this slide"


def read_polygons(path: Path, size: tuple[int, int]) -> list[Rings]:
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
