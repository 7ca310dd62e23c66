"""Tiled TIFFs decoded without OpenSlide, on the levels where both give exactly the same pixels."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from sequoia_model.errors import InputError
from sequoia_model.slide.sources._damage import DAMAGE, quiet
from sequoia_model.slide.sources._headers import claims_too_much
from sequoia_model.slide.sources._pages import walked
from sequoia_model.slide.sources.levels import PyramidLevel, mosaic
from sequoia_model.slide.sources.openslide import OpenSlideSource

#: Bytes of decoded tiles to keep, since neighbouring regions share them.
_CACHE = 64 * 2**20
#: Number of tiles per level for which both readers are compared: those with the most bytes, which show the most.
_FULLEST = 5
_WHITE = 255
_END_OF_JPEG = b"\xff\xd9"
#: Bytes after the end of a JPEG with which a scanner may pad it.
_PADDING = 8
#: TIFF's code for JPEG compression.
_JPEG = 7


class _SuspectTileError(Exception):
    """A tile that cannot be decoded, or perhaps not completely."""


class DirectSource:
    """A slide some of whose levels are decoded without OpenSlide, several times as fast.

    OpenSlide, which detects damage more strictly, reads all other levels, and every tile that fails here.

    Parameters
    ----------
    fallback : OpenSlideSource
        The same slide, read by OpenSlide.
    pages : dict of int to Page
        The levels that are decoded directly.
    """

    def __init__(self, fallback: OpenSlideSource, pages: dict[int, Page]) -> None:
        self.path, self.facts = fallback.path, fallback.facts
        self._fallback, self.pages = fallback, pages
        self._file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        self._kept: OrderedDict[tuple[int, int], NDArray[np.uint8]] = OrderedDict()
        self._lock = threading.Lock()
        self._bytes = 0

    def region(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        """As `Source.region`."""
        if level not in self.pages:
            return self._fallback.region(level, x, y, width, height)
        try:
            return self._decoded(level, x, y, width, height)
        except _SuspectTileError:
            return self._fallback.region(level, x, y, width, height)

    def start(self, level: int, x: int, y: int) -> tuple[float, float]:
        """As `Source.start`."""
        return (x, y) if level in self.pages else self._fallback.start(level, x, y)

    def reader_of(self, level: int) -> str:
        """As `Source.reader_of`."""
        return "direct" if level in self.pages else "openslide"

    def reopened(self) -> DirectSource:
        """As `Source.reopened`."""
        return DirectSource(self._fallback.reopened(), self.pages)

    def close(self) -> None:
        """As `Source.close`."""
        self.close_file()
        self._fallback.close()

    def close_file(self) -> None:
        """Close the file, but not the fallback."""
        os.close(self._file)
        self._kept.clear()

    def _decoded(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        page = self.pages[level]
        # Neighbouring regions need only tiles that lie partly in this one.
        return mosaic(
            page.tile, page.columns, (x, y, width, height), lambda i, part: self._tile(level, i, part)
        )

    def _tile(self, level: int, index: int, keep: bool) -> NDArray[np.uint8]:
        with self._lock:
            known = self._kept.get((level, index))
            if known is not None:
                self._kept.move_to_end((level, index))
                return known
        tile = self._read_tile(self.pages[level], index)
        if keep:
            with self._lock:
                if (level, index) not in self._kept:
                    self._kept[level, index] = tile
                    self._bytes += tile.nbytes
                while self._bytes > _CACHE:
                    self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return tile

    def _read_tile(self, page: Page, index: int) -> NDArray[np.uint8]:
        wide, high = page.tile
        count = page.counts[index]
        if not count:
            return np.full((high, wide, 3), _WHITE, dtype=np.uint8)
        data = os.pread(
            self._file, count, page.offsets[index]
        )  # reads without a file position, which threads would share
        if len(data) < count or (page.compression == _JPEG and not _is_whole(data)):
            raise _SuspectTileError
        if claims_too_much(data, page.compression, page.tile):
            raise _SuspectTileError
        try:
            tile = page.decode(data, index, jpegtables=page.tables)[0]
        except DAMAGE:
            raise _SuspectTileError from None
        if tile is None or tile.ndim != 4 or tile.shape[3] != 3 or tile.dtype != np.uint8:
            raise _SuspectTileError
        return tile[0]


def _is_whole(data: bytes) -> bool:
    """Whether a JPEG stream ends where it should; the decoder would fill missing parts with grey."""
    end = data.find(_END_OF_JPEG)
    return end >= 0 and len(data) - end - len(_END_OF_JPEG) <= _PADDING


def read_directly(fallback: OpenSlideSource) -> DirectSource | None:
    """Decode a slide directly on the levels where this gives the pixels of OpenSlide.

    Parameters
    ----------
    fallback : OpenSlideSource
        The slide, read by OpenSlide.

    Returns
    -------
    DirectSource, optional
        None if there is no such level.
    """
    pages = tiled_pages(fallback.path, fallback.facts.levels)
    if not pages:
        return None
    source = DirectSource(fallback, pages)
    source.pages = {
        level: page for level, page in pages.items() if _level_agrees(source, fallback, level, page)
    }
    if source.pages:
        return source
    source.close_file()
    return None


def _level_agrees(tried: DirectSource, fallback: OpenSlideSource, level: int, page: Page) -> bool:
    """Whether both readers give the same pixels in the most detailed tiles of a level."""
    order = np.argsort(page.counts, kind="stable")
    fullest = map(int, order[-_FULLEST:])
    chosen = {0, len(order) - 1, int(order[0]), *fullest}  # order[0] is a missing tile, if there is one
    try:
        return all(_tile_agrees(tried, fallback, level, page, index) for index in sorted(chosen))
    except InputError:
        return False


def _tile_agrees(tried: DirectSource, fallback: OpenSlideSource, level: int, page: Page, index: int) -> bool:
    row, column = divmod(index, page.columns)
    (wide, high), (width, height) = page.tile, page.size
    # Half a tile further left and up, so that seams between tiles are compared too.
    x, y = max(column * wide - wide // 2, 0), max(row * high - high // 2, 0)
    box = (x, y, min(2 * wide, width - x), min(2 * high, height - y))
    return bool(np.array_equal(tried.region(level, *box), fallback.region(level, *box)))


@dataclass(frozen=True, eq=False)
class Page:
    """A level of a tiled TIFF: where its tiles lie in the file, and how they are decoded.

    Parameters
    ----------
    size : tuple of int
        Width and height.
    tile : tuple of int
        Width and height of a tile.
    offsets, counts : tuple of int
        Position and number of the bytes of each tile; 0 bytes if the tile is missing.
    decode : callable
        The decoder of tifffile, which threads can share.
    tables : bytes, optional
        The tables that all JPEG tiles share.
    compression : int
        TIFF's code for the compression of the tiles.
    """

    size: tuple[int, int]
    tile: tuple[int, int]
    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    decode: Any
    tables: bytes | None
    compression: int

    @property
    def columns(self) -> int:
        """Number of tiles in a row."""
        return -(-self.size[0] // self.tile[0])


def tiled_pages(path: Path, levels: Sequence[PyramidLevel]) -> dict[int, Page]:
    """Find the pages of a tiled 8-bit RGB TIFF that can be decoded directly.

    Parameters
    ----------
    path : Path
        The slide file.
    levels : sequence of PyramidLevel
        As OpenSlide reports them. Levels with a rounded downsample are left out, since OpenSlide interpolates them,
        and so are coarse levels with missing tiles, which it fills from finer levels.

    Returns
    -------
    dict of int to Page
        The page of each usable level, by the index of the level.
    """
    sizes = {level.size: i for i, level in enumerate(levels) if level.downsample == round(level.downsample)}
    found: dict[int, Page] = {}
    try:
        with quiet(), tifffile.TiffFile(path) as file:
            for page in walked(file.pages):
                level = sizes.get((page.imagewidth, page.imagelength))
                if level is None or level in found or not _is_usable(page):
                    continue
                if level == 0 or all(page.databytecounts):
                    found[level] = _page(page)
    except DAMAGE:
        return {}
    return found


def _is_usable(page: Any) -> bool:
    return bool(
        isinstance(page, tifffile.TiffPage)
        and page.is_tiled
        and page.dtype == np.uint8
        and page.samplesperpixel == 3
        and page.planarconfig == tifffile.PLANARCONFIG.CONTIG
        and page.photometric in (tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.YCBCR)
        and page.tiledepth == 1
        and page.imagedepth == 1
    )


def _page(page: Any) -> Page:
    return Page(
        (page.imagewidth, page.imagelength), (page.tilewidth, page.tilelength),
        tuple(page.dataoffsets), tuple(page.databytecounts), page.decode, page.jpegtables,
        int(page.compression),
    )  # fmt: skip
