"""Open slides, and their pixels at any scale."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sequoia_base.atomic import existing_file
from sequoia_base.names import bare_slide
from sequoia_model.errors import InputError
from sequoia_model.slide._dicom import is_dicom, only_slide_in
from sequoia_model.slide._sharing import SharedSource
from sequoia_model.slide.formats import IMAGE_SUFFIXES, is_slide, lacking, why_not_read
from sequoia_model.slide.resolution import Resolution, resolve
from sequoia_model.slide.sources.levels import PyramidLevel, Source, cheapest
from sequoia_model.types.grid import tile_side
from sequoia_model.types.units import TILE_SIZE

ReaderName = Literal["auto", "openslide", "direct"]
_READERS = ("auto", "openslide", "direct")
#: A thumbnail is read in blocks of this many pixels a side, which bounds its memory.
_BLOCK = 4096
_WHITE = 255
#: OpenSlide's formats, and none, of TIFFs whose pages are chosen here.
_PLAIN_TIFFS = (None, "aperio", "generic-tiff")


class Slide:
    """An open slide, made by `open_slide`: a context manager that threads and forked processes can read from.

    Parameters
    ----------
    source : Source
        The file and its decoder.
    resolution : Resolution
        µm per pixel, and where the value comes from.
    wanted_reader : {"auto", "openslide", "direct"}
        The requested reader.
    """

    def __init__(self, source: Source, resolution: Resolution, wanted_reader: ReaderName = "auto") -> None:
        self.path = source.path
        self.resolution = resolution
        self._facts = source.facts
        self._readers = [source.reader_of(level) for level in range(len(source.facts.levels))]
        self._shared = SharedSource(source)
        self._wanted_reader = wanted_reader

    @property
    def name(self) -> str:
        """Name of the file, without the suffixes of slides."""
        return bare_slide(self.path.name)

    @property
    def mpp(self) -> float:
        """µm per pixel of level 0."""
        return self.resolution.mpp

    @property
    def levels(self) -> tuple[PyramidLevel, ...]:
        """The levels of the pyramid, from fine to coarse."""
        return self._facts.levels

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of level 0."""
        return self.levels[0].size

    @property
    def scanned(self) -> tuple[int, int, int, int]:
        """Left, top, width and height of the scanned area, in level-0 pixels: all of level 0 in most formats.

        QuPath shows this area alone, and counts from its corner.
        """
        return self._facts.scanned or (0, 0, *self.size)

    @property
    def format(self) -> str:
        """Format of the file: the vendor, or the kind of image."""
        return self._facts.format

    @property
    def power(self) -> float | None:
        """Objective power, if the file states it."""
        return self._facts.claims.get("objective power")

    @property
    def tile_level(self) -> int:
        """The level from which tiles are read."""
        return cheapest(self.levels, tile_side(self.mpp) / TILE_SIZE)

    @property
    def reader(self) -> str:
        """The reader of the tiles: openslide, direct or image."""
        return self.reader_of(self.tile_level)

    def reader_of(self, level: int) -> str:
        """The reader of a level: openslide, direct or image.

        Parameters
        ----------
        level : int
            Index of the level, 0 for the finest.
        """
        return self._readers[level]

    def read(self, x: int, y: int, side: int, size: int = TILE_SIZE) -> NDArray[np.uint8]:
        """Read a square of the slide.

        Parameters
        ----------
        x, y : int
            Its top-left corner in level-0 pixels. What lies outside the slide is white.
        side : int
            Its side in level-0 pixels.
        size : int
            Its side in pixels of the result.

        Returns
        -------
        array of shape (size, size, 3), uint8

        Raises
        ------
        InputError
            If the file is damaged at this place.
        """
        level = cheapest(self.levels, side / size)
        return self._resampled(level, (x, y, x + side, y + side), (size, size), margin=0)

    def thumbnail(self, mpp: float) -> tuple[NDArray[np.uint8], tuple[float, float]]:
        """Read the whole slide at about `mpp` µm per pixel; it is never enlarged.

        Parameters
        ----------
        mpp : float
            µm per pixel of the result.

        Returns
        -------
        pixels : array of shape (h, w, 3), uint8
        scale : tuple of float
            Level-0 pixels per pixel of the thumbnail, along x and y.

        Raises
        ------
        InputError
            If the file is damaged.
        """
        wanted = max(mpp / self.mpp, 1.0)
        level = cheapest(self.levels, wanted)
        width, height = (max(round(length / wanted), 1) for length in self.size)
        scale = (self.size[0] / width, self.size[1] / height)
        step = max(int(_BLOCK * self.levels[level].downsample / wanted), 1)
        pixels = np.empty((height, width, 3), dtype=np.uint8)
        for top in range(0, height, step):
            for left in range(0, width, step):
                right, bottom = min(left + step, width), min(top + step, height)
                box = (left * scale[0], top * scale[1], right * scale[0], bottom * scale[1])
                # Pillow's bicubic filter reaches two pixels of the result beyond each edge.
                pixels[top:bottom, left:right] = self._resampled(
                    level, box, (right - left, bottom - top), margin=2 * wanted
                )
        return pixels, scale

    def close(self) -> None:
        """Close the file after the reads in progress."""
        self._shared.close()

    def __enter__(self) -> Slide:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self):
        given = self.mpp if self.resolution.source == "given" else None
        return partial(open_slide, mpp=given, reader=self._wanted_reader), (self.path,)

    def __repr__(self) -> str:
        width, height = self.size
        return f"<Slide {self.name}: {width:,} × {height:,} px at {self.mpp:.4g} µm/px, {self.format}>"

    def _resampled(
        self, level: int, box: tuple[float, float, float, float], size: tuple[int, int], margin: float
    ) -> NDArray[np.uint8]:
        """A box in level-0 pixels, read from a level and resized to `size`; the filter sees a `margin` around it."""
        near = self._on_level(level, box)
        x0, y0, x1, y1 = (
            (math.floor, math.ceil)[i // 2](edge)
            for i, edge in enumerate(self._on_level(level, _widened(box, margin, self.size)))
        )
        pixels, (x, y) = self._padded(level, x0, y0, max(x1, x0 + 1), max(y1, y0 + 1))
        inner = (near[0] - x, near[1] - y, near[2] - x, near[3] - y)
        if [*inner] == [0, 0, *size] and pixels.shape[:2] == (size[1], size[0]):
            return pixels
        height, width = pixels.shape[:2]
        inside = (max(inner[0], 0.0), max(inner[1], 0.0), min(inner[2], width), min(inner[3], height))
        return np.array(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC, box=inside))

    def _on_level(self, level: int, box: Sequence[float]) -> list[float]:
        """Convert a box from level-0 pixels to those of a level by their sizes: the downsample may be rounded."""
        length = self.levels[level].size
        return [round(edge * length[i % 2] / self.size[i % 2], 6) for i, edge in enumerate(box)]

    def _padded(
        self, level: int, x0: int, y0: int, x1: int, y1: int
    ) -> tuple[NDArray[np.uint8], tuple[float, float]]:
        """Pixels of a level between two corners, white outside it, and the exact position of the first."""
        width, height = self.levels[level].size
        left, top, right, bottom = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
        if left >= right or top >= bottom:
            return np.full((y1 - y0, x1 - x0, 3), _WHITE, dtype=np.uint8), (x0, y0)
        with self._shared.use() as source:
            inside = source.region(level, left, top, right - left, bottom - top)
            start = source.start(level, left, top)
        if (left, top, right, bottom) == (x0, y0, x1, y1):
            return inside, start
        pixels = np.full((y1 - y0, x1 - x0, 3), _WHITE, dtype=np.uint8)
        pixels[top - y0 : bottom - y0, left - x0 : right - x0] = inside
        return pixels, (x0 + start[0] - left, y0 + start[1] - top)


def _widened(
    box: tuple[float, float, float, float], margin: float, size: tuple[int, int]
) -> tuple[float, float, float, float]:
    """A box with a margin, cut at the border of the slide."""
    if not margin:
        return box
    left, top, right, bottom = box
    return (
        max(left - margin, 0), max(top - margin, 0), min(right + margin, size[0]), min(bottom + margin, size[1]),
    )  # fmt: skip


def open_slide(path: str | Path, *, mpp: float | None = None, reader: ReaderName = "auto") -> Slide:
    """Open a slide. Its resolution is given or read from the file, never guessed.

    Parameters
    ----------
    path : path
        A slide in a format that OpenSlide reads, or a plain PNG, JPEG or TIFF image. A DICOM slide is named by its
        folder, or by one of its files.
    mpp : float, optional
        µm per pixel of level 0; takes precedence over what the file says. Required for a plain image.
    reader : {"auto", "openslide", "direct"}
        "direct" decodes the tiles of a TIFF without OpenSlide, which is faster, on levels for which both give the same
        pixels. "auto" does this where possible.

    Returns
    -------
    Slide

    Raises
    ------
    InputError
        If the file is damaged or not a slide, its resolution is unknown or contradictory, or the reader cannot read it.
    """
    path = Path(path)
    if reader not in _READERS:
        raise InputError(f"{reader!r} is not a valid reader", fix=f"choose one of {', '.join(_READERS)}")
    source = _open_source(_file_of(path), reader, mpp)
    try:
        resolution = resolve(source.facts, path, mpp)
        resolution = replace(resolution, notes=(*resolution.notes, *source.facts.notes))
        slide = Slide(source, resolution, reader)
        slide.path = path  # the folder of a DICOM slide
        if reader == "direct" and slide.reader != "direct":
            raise InputError(
                "decoding the slide directly does not give the same pixels as OpenSlide", where=str(path)
            )
    except BaseException:
        source.close()
        raise
    return slide


def _open_source(path: Path, reader: ReaderName, mpp: float | None) -> Source:
    _refuse_unreadable(path)
    from sequoia_model.slide.sources._direct import read_directly
    from sequoia_model.slide.sources._image import ImageSource, image_facts, image_kind, is_tiff
    from sequoia_model.slide.sources._tiles import TileSource
    from sequoia_model.slide.sources.openslide import OpenSlideSource, UnsupportedSlideError, detect_format
    from sequoia_model.slide.sources.tiff import DamagedTiffError, incomplete, read_tiff

    vendor, kind = detect_format(path), image_kind(path)
    try:
        tiff = read_tiff(path) if is_tiff(kind) and vendor in _PLAIN_TIFFS else None
    except DamagedTiffError:
        if vendor is None:
            raise
        tiff = None  # OpenSlide judges it
    samples = tiff.samples if tiff is not None and tiff.is_tiled else None
    if vendor is not None and (tiff is None or tiff.is_plain):
        try:
            source = OpenSlideSource(path, tiff)
            return source if reader == "openslide" else read_directly(source) or source
        except UnsupportedSlideError:
            if samples is None or reader != "auto":
                raise
        except InputError:
            if tiff is None or not tiff.is_cut_off:
                raise
            raise incomplete(path, "the file ends before its pixels do") from None
    if vendor is None and kind is not None and not is_tiff(kind):
        _refuse_misnamed(path, kind.__name__.removesuffix("ImageFile").upper())
    if kind is None:
        what, fix = lacking(path) if path.suffix.lower() == ".mrxs" else why_not_read(path)
        if is_dicom(path):
            what, fix = "the DICOM file is not a slide", "give a file of a VL Whole Slide Microscopy image"
        raise InputError(
            what or "the file is neither a slide that OpenSlide can read nor a PNG, JPEG or TIFF image",
            where=str(path),
            fix=fix or "if this is a slide, the file may be damaged or incomplete: get a new copy",
        )
    if reader != "auto":
        kinds = "plain images" if vendor is None else "this kind of TIFF as it is"
        raise InputError(f"the reader {reader!r} does not read {kinds}", where=str(path))
    facts = image_facts(path, kind) if tiff is None else tiff.facts
    resolve(facts, path, mpp)  # fails before a large image is decoded
    if tiff is not None and samples is not None:
        return TileSource(tiff, samples)
    return ImageSource(path, kind, facts, tiff)


def _refuse_misnamed(path: Path, kind: str) -> None:
    """Refuse a PNG or JPEG by the name of a slide: its pixels are not those of the slide."""
    what, fix = f"the file is a {kind} image, not a slide as its name says", ""
    if path.suffix.lower() == ".mrxs":  # its own file holds no more than a small picture
        what, fix = lacking(path)
    if is_slide(path) and path.suffix.lower() not in IMAGE_SUFFIXES:
        ending = ".png" if kind == "PNG" else ".jpg"
        fix = (
            fix
            or f"get a new copy of the slide; or, if the image is meant, give it a name that ends in {ending}"
        )
        raise InputError(what, where=str(path), fix=fix)


def _file_of(path: Path) -> Path:
    """The file to open: the path itself, or a file of the DICOM slide that a folder holds."""
    return (only_slide_in(path) or path) if os.path.isdir(path) else path


def _refuse_unreadable(path: Path) -> None:
    existing_file(path)
    try:
        with open(path, "rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror or error}", where=str(path)) from None
    if empty:
        raise InputError("the file is empty", where=str(path))
