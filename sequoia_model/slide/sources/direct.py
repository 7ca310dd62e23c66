"""Pixels of tiled TIFF decoded directly, on the levels where they are OpenSlide's, pixel by pixel."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from sequoia_model.errors import InputError
from sequoia_model.slide.sources.openslide import OpenSlideSource
from sequoia_model.slide.sources.tiff_pages import DAMAGE, Page, tiled_pages

_CACHE = 64 * 2**20
#: Tiles of a level at which both readers are compared: those with the most bytes, so with the most to see.
_FULLEST = 5
_WHITE = 255
_END_OF_JPEG = b"\xff\xd9"
#: Bytes behind the end, with which a scanner may fill up words.
_PADDING = 8


class _SuspectTileError(Exception):
    """A tile that cannot be decoded, or perhaps not wholly."""


class DirectSource:
    """A slide of which some levels are decoded without OpenSlide, several times as fast.

    A tile that gives trouble is left to OpenSlide, whose word on damage is the stricter one.

    Parameters
    ----------
    behind : OpenSlideSource
    pages : dict of int to Page
        The levels that are decoded directly.
    """

    def __init__(self, behind: OpenSlideSource, pages: dict[int, Page]) -> None:
        self.path, self.facts = behind.path, behind.facts
        self._behind, self.pages = behind, pages
        self._file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        self._kept: OrderedDict[tuple[int, int], NDArray[np.uint8]] = OrderedDict()
        self._lock = threading.Lock()
        self._bytes = 0

    def region(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        """As `Source.region`."""
        if level not in self.pages:
            return self._behind.region(level, x, y, width, height)
        try:
            return self._decoded(level, x, y, width, height)
        except _SuspectTileError:
            return self._behind.region(level, x, y, width, height)

    def start(self, level: int, x: int, y: int) -> tuple[float, float]:
        """As `Source.start`."""
        return (x, y) if level in self.pages else self._behind.start(level, x, y)

    def reader_of(self, level: int) -> str:
        """As `Source.reader_of`."""
        return "direct" if level in self.pages else "openslide"

    def reopened(self) -> DirectSource:
        """As `Source.reopened`."""
        return DirectSource(self._behind.reopened(), self.pages)

    def close(self) -> None:
        """As `Source.close`."""
        self.close_own()
        self._behind.close()

    def close_own(self) -> None:
        """Give back what is not OpenSlide's."""
        os.close(self._file)
        self._kept.clear()

    def _decoded(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        page = self.pages[level]
        wide, high = page.tile
        pixels = np.empty((height, width, 3), dtype=np.uint8)
        for row in range(y // high, -(-(y + height) // high)):
            for column in range(x // wide, -(-(x + width) // wide)):
                left, top = column * wide, row * high
                x0, y0 = max(left, x), max(top, y)
                x1, y1 = min(left + wide, x + width), min(top + high, y + height)
                # A tile that lies in the region wholly is not needed by its neighbours.
                keep = (x1 - x0) * (y1 - y0) < wide * high
                tile = self._tile(level, row * page.columns + column, keep)
                pixels[y0 - y : y1 - y, x0 - x : x1 - x] = tile[y0 - top : y1 - top, x0 - left : x1 - left]
        return pixels

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
        )  # needs no file position, which threads would share
        if len(data) < count or (page.jpeg and not _is_whole(data)):
            raise _SuspectTileError
        try:
            tile = page.decode(data, index, jpegtables=page.tables)[0]
        except DAMAGE:
            raise _SuspectTileError from None
        if tile is None or tile.ndim != 4 or tile.shape[3] != 3 or tile.dtype != np.uint8:
            raise _SuspectTileError
        return tile[0]


def _is_whole(data: bytes) -> bool:
    """Whether a JPEG stream ends at its end, and not before: the decoder would fill what lacks with grey."""
    end = data.find(_END_OF_JPEG)
    return end >= 0 and len(data) - end - len(_END_OF_JPEG) <= _PADDING


def read_directly(behind: OpenSlideSource) -> DirectSource | None:
    """Read a slide directly on the levels where that gives the pixels of OpenSlide.

    Parameters
    ----------
    behind : OpenSlideSource

    Returns
    -------
    DirectSource, optional
        None where there is no such level.
    """
    pages = tiled_pages(behind.path, behind.facts.levels)
    if not pages:
        return None
    source = DirectSource(behind, pages)
    source.pages = {level: page for level, page in pages.items() if _is_same(source, behind, level, page)}
    if source.pages:
        return source
    source.close_own()
    return None


def _is_same(tried: DirectSource, behind: OpenSlideSource, level: int, page: Page) -> bool:
    """Whether both readers give the same pixels at the places of a level where there is most to see."""
    order = np.argsort(page.counts, kind="stable")
    chosen = {0, len(order) - 1, *map(int, order[-_FULLEST:]), int(order[0])}  # the last: missing, if any is
    try:
        return all(_same_at(tried, behind, level, page, index) for index in sorted(chosen))
    except InputError:
        return False


def _same_at(tried: DirectSource, behind: OpenSlideSource, level: int, page: Page, index: int) -> bool:
    row, column = divmod(index, page.columns)
    (wide, high), (width, height) = page.tile, page.size
    # Half a tile to the left and up, so that seams between tiles are seen too.
    x, y = max(column * wide - wide // 2, 0), max(row * high - high // 2, 0)
    box = (x, y, min(2 * wide, width - x), min(2 * high, height - y))
    return bool(np.array_equal(tried.region(level, *box), behind.region(level, *box)))
