"""Pixels read by OpenSlide."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import openslide
from numpy.typing import NDArray
from PIL import Image

from sequoia_model.errors import InputError
from sequoia_model.slide.sources.levels import Facts, PyramidLevel
from sequoia_model.slide.sources.tiff import Tiff

#: Bytes of decoded pixels to keep, since neighbouring tiles share them.
_CACHE = 64 * 2**20
_OTHER_ORIGIN = (
    "QuPath shows only the scanned area of {2} × {3} px and counts from its corner at ({0}, {1}): annotations and "
    "GeoJSON are converted, coords in feature files count from the corner of level 0"
)
#: µm in the units of TIFF tags.
_UNITS = {"inch": 25_400.0, "centimeter": 10_000.0}


def detect_format(path: Path) -> str | None:
    """OpenSlide's name for the format of a file; None if it does not read the file."""
    found = openslide.OpenSlide.detect_format(str(path))
    return None if found is None else str(found)


class UnsupportedSlideError(InputError):
    """A slide of a kind that OpenSlide does not read."""


class OpenSlideSource:
    """A slide that OpenSlide reads.

    Parameters
    ----------
    path : Path
        The slide file.
    tiff : Tiff, optional
        The directory of a TIFF. Levels that are not the slide by it are left out, and its scale is used.

    Raises
    ------
    InputError
        If OpenSlide cannot open it: `UnsupportedSlideError` if the reason is its kind.
    """

    def __init__(self, path: Path, tiff: Tiff | None = None) -> None:
        self.path, self._tiff = path, tiff
        self._cache = openslide.OpenSlideCache(_CACHE)
        self._lock = threading.Lock()
        self._spoilt: list[openslide.OpenSlide] = []
        self._handle = self._opened()
        self._levels, self.facts = _facts(self._handle, tiff)

    def region(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        """As `Source.region`."""
        handle = self._handle
        downsample = self.facts.levels[level].downsample
        where = ((round(x * downsample), round(y * downsample)), self._levels[level], (width, height))
        try:
            image = handle.read_region(*where)
        except openslide.OpenSlideError:
            self._replace(handle)
            image = self._read_alone(*where)
        return over_white(np.asarray(image))

    def start(self, level: int, x: int, y: int) -> tuple[float, float]:
        """As `Source.start`: OpenSlide rounds corners to whole pixels of level 0, and interpolates."""
        downsample = self.facts.levels[level].downsample
        return round(x * downsample) / downsample, round(y * downsample) / downsample

    def reader_of(self, level: int) -> str:
        """As `Source.reader_of`."""
        return "openslide"

    def reopened(self) -> OpenSlideSource:
        """As `Source.reopened`."""
        return OpenSlideSource(self.path, self._tiff)

    def close(self) -> None:
        """As `Source.close`."""
        for handle in (self._handle, *self._spoilt):
            handle.close()

    def _opened(self) -> openslide.OpenSlide:
        try:
            handle = openslide.OpenSlide(str(self.path))
        except openslide.OpenSlideError as error:
            kind = UnsupportedSlideError if str(error).startswith("Unsupported") else InputError
            raise kind(
                f"the slide cannot be opened: {error}",
                where=str(self.path),
                fix="the file may be damaged or incomplete: get a new copy",
            ) from None
        handle.set_cache(self._cache)
        return handle

    def _replace(self, handle: openslide.OpenSlide) -> None:
        """Open the slide again: after a read at a damaged place, a handle refuses every other read, in all threads."""
        with self._lock:
            if self._handle is handle:
                self._spoilt.append(handle)  # other threads may still be reading with it
                self._handle = self._opened()

    def _read_alone(self, corner: tuple[int, int], level: int, size: tuple[int, int]) -> Image.Image:
        """Read a region with a handle of its own, so that an error is due to this region."""
        with self._opened() as handle:
            try:
                return handle.read_region(corner, level, size)
            except openslide.OpenSlideError as error:
                raise InputError(
                    f"the slide is damaged and cannot be read at this place: {error}",
                    where=f"{self.path}, level {level}, {size[0]} × {size[1]} px at level-0 px {corner}",
                    fix="get a new copy of the file; other places may be intact",
                ) from None


def over_white(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay RGBA pixels over white.

    Parameters
    ----------
    pixels : array of shape (h, w, 4), uint8

    Returns
    -------
    array of shape (h, w, 3), uint8
    """
    colour, alpha = pixels[..., :3], pixels[..., 3:]
    if alpha.min(initial=255) == 255:
        return np.ascontiguousarray(colour)
    mixed = colour.astype(np.uint32) * alpha + 255 * (255 - alpha.astype(np.uint32))
    return ((mixed + 127) // 255).astype(np.uint8)


def _facts(handle: openslide.OpenSlide, tiff: Tiff | None) -> tuple[list[int], Facts]:
    """OpenSlide's numbers of the levels, and what the file says."""
    said: Mapping[str, str] = handle.properties
    slide = None if tiff is None else {level.size for level in tiff.levels}
    numbers = [i for i, size in enumerate(handle.level_dimensions) if not i or slide is None or size in slide]
    levels = tuple(
        PyramidLevel(handle.level_dimensions[i], float(handle.level_downsamples[i])) for i in numbers
    )
    vendor = said.get("openslide.vendor", "unknown")
    claims = {"objective power": _number(said.get("openslide.objective-power"))}
    unit = _UNITS.get(said.get("tiff.ResolutionUnit", ""))
    for axis in "xy":
        claims[f"mpp {axis}"] = _number(said.get(f"openslide.mpp-{axis}"))
        pixels = _number(said.get(f"tiff.{axis.upper()}Resolution"))
        if unit and pixels:
            claims[f"TIFF resolution {axis}"] = unit / pixels
    scanned = _scanned(said, levels[0].size)
    notes = () if scanned is None else (_OTHER_ORIGIN.format(*scanned),)
    known = {name: value for name, value in claims.items() if value is not None}
    facts = Facts(vendor, levels, known, notes=notes, scanned=scanned)
    if tiff is not None:
        own = tiff.facts
        facts = replace(facts, claims=own.claims, unused=own.unused, notes=(*own.notes, *notes))
    return numbers, facts


def _scanned(said: Mapping[str, str], size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """The scanned area, if it is a part of level 0."""
    found = [_number(said.get(f"openslide.bounds-{name}")) for name in ("x", "y", "width", "height")]
    left, top = (int(value or 0) for value in found[:2])
    right, bottom = (
        length if value is None else start + int(value)
        for start, value, length in zip((left, top), found[2:], size, strict=True)
    )
    area = (left, top, min(right, size[0]) - left, min(bottom, size[1]) - top)
    return None if area == (0, 0, *size) or min(left, top) < 0 or min(area[2:]) < 1 else area


def _number(text: str | None) -> float | None:
    """A property as a finite number."""
    try:
        value = math.nan if text is None else float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
