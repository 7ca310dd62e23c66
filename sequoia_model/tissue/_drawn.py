"""Areas drawn by hand: what a GeoJSON holds, as QuPath 0.2 to 0.6 and other tools write it."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np

from sequoia_model.errors import InputError, counted, listing
from sequoia_model.tissue.polygons import Ring

_LARGEST = 1 << 30  # bytes of text
#: Kinds of objects that QuPath makes by itself: they are not drawn areas.
_NOT_DRAWN = ("tile", "detection", "cell", "tma_core", "tmacore", "root")
#: What tiles are called among the objects that were passed over.
TILES = "object of type tile"
#: QuPath 0.2 writes the kind as the id of a feature.
_IDS = {
    "PathTileObject": "tile", "PathDetectionObject": "detection", "PathCellObject": "cell",
    "TMACoreObject": "tma_core", "PathRootObject": "root",
}  # fmt: skip
#: What shapes without an area are called in messages.
_WITHOUT_AREA = {
    "Point": "point", "MultiPoint": "set of points", "LineString": "line", "MultiLineString": "set of lines",
}  # fmt: skip
#: Coordinates from here on are those of no slide, and their squares lose all digits.
_FARTHEST = 1e12
_NOT_FINITE = "outline whose coordinates are not finite or far too large"
#: What was passed over because something else than an area was drawn.
_NEVER_AN_AREA = {*_WITHOUT_AREA.values(), *(f"object of type {kind}" for kind in _NOT_DRAWN)}
#: What an area without a class is called.
UNCLASSIFIED = "unclassified"
FIX = "export the annotations of this slide in QuPath: File > Export objects as GeoJSON"


DRAW = "draw areas with the polygon, brush or wand tool of QuPath, and export them: File > Export objects as GeoJSON"


@dataclass(frozen=True, eq=False)
class Area:
    """A drawn polygon.

    Parameters
    ----------
    rings : list of array of shape (points, 2)
        Its outline and its holes, as the file counts.
    name : str
        Its class: "Tumor", or "Tumor: Positive" for a class within a class.
    where : str
        File and number of the feature.
    """

    rings: list[Ring]
    name: str
    where: str


@dataclass(eq=False)
class Drawing:
    """The drawn areas of a file, and how many other objects were passed over, by kind."""

    path: Path
    areas: list[Area] = field(default_factory=list)
    passed: Counter[str] = field(default_factory=Counter)

    @property
    def classes(self) -> Counter[str]:
        """Number of areas of each class, the most frequent first."""
        return Counter(dict(Counter(area.name for area in self.areas).most_common()))


def is_class(name: str, wanted: str) -> bool:
    """Whether a class is the wanted one or lies within it; case and the star of QuPath's ``Ignore*`` do not matter.

    Examples
    --------
    >>> is_class("Tumor: Positive", "tumor"), is_class("Tumor", "Tumor: Positive"), is_class("Ignore*", "ignore")
    (True, False, True)
    """
    parts, first = (
        [part.strip().rstrip("*").casefold() for part in text.split(":")] for text in (name, wanted)
    )
    return parts[: len(first)] == first


def is_ignored(name: str) -> bool:
    """Whether a class ends in a star, as "Ignore*" and "Region*" do: QuPath does not count these."""
    return name.endswith("*")


def listed(classes: Counter[str]) -> str:
    """Classes with the number of their areas."""
    return listing((f'"{name}" {n:,}' if "," in name else f"{name} {n:,}" for name, n in classes.items()), 12)


def read_drawing(path: Path) -> Drawing:
    """Read the drawn areas of a GeoJSON.

    Parameters
    ----------
    path : Path
        Plain, or ``.gz``.

    Raises
    ------
    InputError
        If the file is not GeoJSON, or holds no drawn area.
    """
    drawing = Drawing(path)
    for number, (feature, kind, name) in enumerate(_features(_load(path), path), start=1):
        if kind in _NOT_DRAWN:
            drawing.passed[f"object of type {kind}"] += 1
            continue
        for shape, coordinates in _shapes(feature):
            try:
                rings = _rings(shape, coordinates)
            except _NoAreaError as error:
                drawing.passed[str(error)] += 1
            else:
                drawing.areas.append(Area(rings, name, f"{path}, feature {number}"))
    if not drawing.areas:
        fix = DRAW if drawing.passed.keys() & _NEVER_AN_AREA else FIX
        raise InputError(_empty(drawing.passed), where=str(path), fix=fix)
    return drawing


def passed_over(passed: Counter[str]) -> str:
    """What was passed over, with counts: "2 points, 1 outline without an area"."""
    plurals = {"set of points": "sets of points", "set of lines": "sets of lines"}
    words = []
    for kind, n in passed.items():
        first, _, rest = kind.partition(" ")
        words.append(counted(n, kind, plurals.get(kind, f"{first}s {rest}".strip())))
    return listing(words)


def _empty(passed: Counter[str]) -> str:
    if passed:
        return f"the annotation contains no drawn area, only {passed_over(passed)}"
    return "the annotation contains no polygon"


def _load(path: Path) -> Any:
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            text = file.read(_LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"the annotation cannot be read: {reason}", where=str(path)) from None
    if len(text) > _LARGEST:
        raise InputError("the annotation has more than 1 GiB of text", where=str(path), fix=FIX)
    if not text.strip():
        raise InputError("the annotation is empty", where=str(path))
    try:
        return json.loads(text)
    except RecursionError:
        raise InputError("the annotation is nested too deeply to be GeoJSON", where=str(path)) from None
    except UnicodeDecodeError:
        raise InputError("the annotation is not a text file", where=str(path), fix=FIX) from None
    except ValueError as error:
        raise InputError(f"the annotation is not valid JSON: {error}", where=str(path), fix=FIX) from None


def _features(found: Any, path: Path) -> Iterator[tuple[dict, str, str]]:
    """The features or bare geometries of a file, each with its kind of object and its class."""
    if isinstance(found, dict) and found.get("type") == "FeatureCollection":
        found = found.get("features")
    elif isinstance(found, dict) and isinstance(found.get("type"), str):
        found = [found]
    if not isinstance(found, list):
        raise InputError(
            "the annotation is not GeoJSON: features, or an object with a type, are needed",
            where=str(path),
            fix=FIX,
        )
    for item in found:
        about = item.get("properties") if isinstance(item, dict) else None
        about = about if isinstance(about, dict) else {}
        kind = about.get("objectType") or about.get("object_type")
        if isinstance(item, dict):
            kind = kind or _IDS.get(str(item.get("id")))
        yield item if isinstance(item, dict) else {}, str(kind or "annotation").lower(), _class_of(about)


def _class_of(about: dict) -> str:
    """The class of an object: a text, an object with a name, or since QuPath 0.5 one with a list of names."""
    given = about.get("classification")
    if isinstance(given, dict):
        names = given.get("names")
        given = ": ".join(map(str, names)) if isinstance(names, list) else given.get("name")
    return given.strip() if isinstance(given, str) and given.strip() else UNCLASSIFIED


def _shapes(item: dict) -> Iterator[tuple[Any, Any]]:
    """Type and coordinates of each simple geometry in a feature or geometry; "" for a feature without one."""
    geometry = item.get("geometry") if item.get("type") == "Feature" else item
    if geometry is None:
        yield "", None
        return
    shape, coordinates = _parts(geometry)
    if shape == "GeometryCollection":
        parts = geometry.get("geometries")
        for shape, coordinates in map(_parts, parts if isinstance(parts, list) else []):
            yield from _polygons(shape, coordinates)
    else:
        yield from _polygons(shape, coordinates)


def _parts(geometry: Any) -> tuple[Any, Any]:
    """Type and coordinates of a geometry; None for the type of what is none."""
    shape = geometry.get("type") if isinstance(geometry, dict) else None
    return (shape, geometry.get("coordinates")) if isinstance(shape, str) else (None, None)


def _polygons(shape: Any, coordinates: Any) -> Iterator[tuple[Any, Any]]:
    """A geometry, or the polygons of a MultiPolygon."""
    if shape == "MultiPolygon":
        for part in (coordinates or [[]]) if isinstance(coordinates, list) else [None]:
            yield "Polygon", part
    else:
        yield shape, coordinates


class _NoAreaError(Exception):
    """Says what a shape is, if it is not an area."""


def _rings(shape: Any, coordinates: Any) -> list[Ring]:
    """The outline of a polygon and its holes.

    Raises
    ------
    _NoAreaError
        If the shape is no polygon, its coordinates cannot be used, or the outline has no area, as after a stray click.
        One bad hole is enough: without it, the polygon would hold more than was drawn.
    """
    if shape is None:
        raise _NoAreaError("object without a valid type")
    if shape in _WITHOUT_AREA:
        raise _NoAreaError(_WITHOUT_AREA[shape])
    if shape not in ("Polygon", ""):
        raise _NoAreaError(f"shape of type {shape}")
    if shape == "Polygon" and not isinstance(coordinates, list):
        raise _NoAreaError("outline without coordinates")
    rings = [_ring(ring) for ring in coordinates or ()]
    if not (rings and _has_area(rings[0])):
        raise _NoAreaError("outline without an area")
    return [ring for ring in rings if _has_area(ring)]


def _ring(ring: Any) -> Ring:
    try:
        pairs = [(point[0], point[1]) for point in ring]
        if any(isinstance(value, (str, bool, NoneType)) for pair in pairs for value in pair):
            raise TypeError
        points = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    except OverflowError:  # an integer of hundreds of digits
        raise _NoAreaError(_NOT_FINITE) from None
    except (TypeError, ValueError, IndexError, KeyError):
        raise _NoAreaError("outline whose coordinates are not pairs of numbers") from None
    if not (np.abs(points) < _FARTHEST).all():  # also if one is NaN
        raise _NoAreaError(_NOT_FINITE)
    return points


def _has_area(ring: Ring) -> bool:
    """Whether the points of a ring do not all lie on one line."""
    if len(ring) < 3:
        return False
    x, y = ((ring - ring[0]) / max(np.abs(ring - ring[0]).max(), 1e-300)).T
    farthest = np.argmax(np.hypot(x, y))
    return bool((np.abs(x * y[farthest] - y * x[farthest]) > 1e-9).any())
