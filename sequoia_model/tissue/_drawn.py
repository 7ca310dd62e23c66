"""Areas drawn by hand: what a GeoJSON holds, as QuPath 0.2 to 0.6 and other tools write it."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from sequoia_model.errors import InputError, counted, listing
from sequoia_model.tissue.polygons import Ring

_LARGEST = 1 << 30  # bytes of text
#: Kinds of objects that QuPath makes by itself: they are not drawn areas.
_NOT_DRAWN = ("tile", "detection", "cell", "tma_core", "root")
#: QuPath 0.2 writes the kind as the id of a feature.
_IDS = {"PathTileObject": "tile", "PathDetectionObject": "detection", "PathCellObject": "cell"}
#: What shapes without an area are called in messages.
_WITHOUT_AREA = {
    "Point": "point", "MultiPoint": "set of points", "LineString": "line", "MultiLineString": "set of lines",
}  # fmt: skip
#: What an area without a class is called.
UNCLASSIFIED = "unclassified"
FIX = "export the annotations of this slide in QuPath: File > Export objects as GeoJSON"


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
    return listing((f"{name} {n:,}" for name, n in classes.items()), 12)


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
        where = f"{path}, feature {number}"
        if kind in _NOT_DRAWN:
            drawing.passed[f"object of type {kind}"] += 1
            continue
        for shape, coordinates in _shapes(feature, where):
            rings = _rings(coordinates, where) if shape == "Polygon" else []
            if rings:
                drawing.areas.append(Area(rings, name, where))
            else:
                drawing.passed[_WITHOUT_AREA.get(shape, "outline without an area")] += 1
    if not drawing.areas:
        raise InputError(_empty(drawing.passed), where=str(path), fix=FIX)
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
    items = found if isinstance(found, list) else [found]
    for number, item in enumerate(items, start=1):
        if not isinstance(item, dict) or not isinstance(item.get("type"), str):
            raise InputError(
                "the annotation is not GeoJSON: an object with a type is needed",
                where=f"{path}, feature {number}",
                fix=FIX,
            )
        about = item.get("properties")
        about = about if isinstance(about, dict) else {}
        kind = about.get("objectType") or about.get("object_type") or _IDS.get(str(item.get("id")))
        yield item, str(kind or "annotation").lower(), _class_of(about)


def _class_of(about: dict) -> str:
    """The class of an object: a text, an object with a name, or since QuPath 0.5 one with a list of names."""
    given = about.get("classification")
    if isinstance(given, dict):
        names = given.get("names")
        given = ": ".join(map(str, names)) if isinstance(names, list) else given.get("name")
    return given.strip() if isinstance(given, str) and given.strip() else UNCLASSIFIED


def _shapes(item: dict, where: str) -> Iterator[tuple[str, Any]]:
    """Type and coordinates of each simple geometry in a feature or geometry; "" for a feature without one."""
    geometry = item.get("geometry") if item["type"] == "Feature" else item
    if geometry is None:
        yield "", None
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
        for part in coordinates or [[]]:
            yield "Polygon", part
    elif shape == "Polygon" or shape in _WITHOUT_AREA:
        yield shape, coordinates
    else:
        _refuse(f"{shape!r} is not a valid type of geometry", where)


def _rings(coordinates: Any, where: str) -> list[Ring]:
    """The outline of a polygon and its holes; none if the outline has no area, as after a stray click."""
    if not isinstance(coordinates, list):
        _refuse("a polygon has no coordinates", where)
    rings = [_ring(ring, where) for ring in coordinates]
    return [ring for ring in rings if _has_area(ring)] if rings and _has_area(rings[0]) else []


def _ring(ring: Any, where: str) -> Ring:
    try:
        pairs = [(point[0], point[1]) for point in ring]
        points = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    except (TypeError, ValueError, IndexError, KeyError, OverflowError):
        _refuse("its coordinates are not pairs of numbers", where)
    if any(isinstance(value, (str, bool)) for pair in pairs for value in pair):
        _refuse("its coordinates are not pairs of numbers", where)
    if not np.isfinite(points).all():
        _refuse("some of its coordinates are not finite", where)
    return points


def _has_area(ring: Ring) -> bool:
    """Whether the points of a ring do not all lie on one line."""
    if len(ring) < 3:
        return False
    x, y = ((ring - ring[0]) / max(np.abs(ring - ring[0]).max(), 1e-300)).T
    farthest = np.argmax(np.hypot(x, y))
    return bool((np.abs(x * y[farthest] - y * x[farthest]) > 1e-9).any())


def _refuse(what: str, where: str) -> NoReturn:
    raise InputError(f"the annotation cannot be used: {what}", where=where, fix=FIX)
