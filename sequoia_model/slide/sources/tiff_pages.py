"""Where the tiles of a tiled TIFF lie, level by level."""

from __future__ import annotations

import contextlib
import logging
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from sequoia_model.slide.sources.levels import Level

_JPEG = 7
#: What tifffile and imagecodecs raise where bytes are not what they should be.
DAMAGE = (
    RuntimeError, ValueError, IndexError, KeyError, TypeError, OSError, struct.error, zlib.error,
    tifffile.TiffFileError,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Page:
    """Where the tiles of a level lie in the file, and how they are decoded.

    Parameters
    ----------
    size : tuple of int
        Width and height.
    tile : tuple of int
        Those of a tile.
    offsets, counts : tuple of int
        Where the bytes of each tile begin, and how many they are; none for a tile that is missing.
    decode : callable
        From tifffile; safe in threads.
    tables : bytes, optional
        What JPEG tiles share.
    jpeg : bool
    """

    size: tuple[int, int]
    tile: tuple[int, int]
    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    decode: Any
    tables: bytes | None
    jpeg: bool

    @property
    def columns(self) -> int:
        """Number of tiles in a row."""
        return -(-self.size[0] // self.tile[0])


def tiled_pages(path: Path, levels: Sequence[Level]) -> dict[int, Page]:
    """The level that each page of a tiled 8-bit RGB TIFF is.

    Parameters
    ----------
    path : Path
    levels : sequence of Level
        As OpenSlide has them; those with a rounded downsample are left out, since it interpolates there, and so are
        coarser ones with missing tiles, since it fills them from finer ones.

    Returns
    -------
    dict of int to Page
    """
    sizes = {level.size: i for i, level in enumerate(levels) if level.downsample == round(level.downsample)}
    found: dict[int, Page] = {}
    try:
        with _quiet(), tifffile.TiffFile(path) as file:
            pages: Iterable[Any] = file.pages
            for page in pages:
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
        page.compression == _JPEG,
    )  # fmt: skip


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep tifffile's remarks on odd tags from stderr."""
    logger = logging.getLogger("tifffile")

    def nothing(record: logging.LogRecord) -> bool:
        return False

    logger.addFilter(nothing)
    try:
        yield
    finally:
        logger.removeFilter(nothing)


def is_tiled(path: Path) -> bool:
    """Whether a file is a TIFF whose first picture is tiled."""
    try:
        with _quiet(), tifffile.TiffFile(path) as file:
            return bool(file.pages[0].is_tiled)  # type: ignore[union-attr]
    except DAMAGE:
        return False
