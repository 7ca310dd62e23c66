"""Tiled TIFFs that OpenSlide would show wrongly or does not read: several pages, deep samples, further channels."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sequoia_model.slide.sources._blocks import Blocks
from sequoia_model.slide.sources._measured import measured
from sequoia_model.slide.sources._samples import PixelFormat
from sequoia_model.slide.sources.levels import mosaic
from sequoia_model.slide.sources.tiff import Tiff

#: At most this many tiles are looked at for the bits that samples use.
_SAMPLE = 200
_WHITE = 255


class TileSource:
    """A tiled TIFF, decoded tile by tile.

    Parameters
    ----------
    tiff : Tiff
        What the file says about itself.
    samples : PixelFormat
        How its samples are stored.

    Raises
    ------
    InputError
        If tiles of its coarsest level are damaged, or there is no decoder for them.
    """

    def __init__(self, tiff: Tiff, samples: PixelFormat) -> None:
        self.path: Path = tiff.path
        self._tiff, self._stated = tiff, samples
        self._file = os.open(tiff.path, os.O_RDONLY | os.O_CLOEXEC)
        self._blocks = [Blocks(tiff.path, level, self._file) for level in tiff.levels]
        try:
            self._samples, notes = measured(samples, self._some(), tiff.path)
        except BaseException:
            self.close()
            raise
        self.facts = replace(tiff.facts, notes=(*tiff.facts.notes, *notes))

    def region(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        """As `Source.region`."""
        page = self._tiff.levels[level]
        return mosaic(page.tile, page.columns, (x, y, width, height), lambda i, _: self._tile(level, i))

    def start(self, level: int, x: int, y: int) -> tuple[float, float]:
        """As `Source.start`."""
        return x, y

    def reader_of(self, level: int) -> str:
        """As `Source.reader_of`."""
        return "tiff"

    def reopened(self) -> TileSource:
        """As `Source.reopened`."""
        return TileSource(self._tiff, self._stated)

    def close(self) -> None:
        """As `Source.close`."""
        os.close(self._file)

    def _tile(self, level: int, index: int) -> NDArray[np.uint8]:
        block = self._blocks[level].read(index)
        if block is None:
            wide, high = self._tiff.levels[level].tile
            return np.full((high, wide, 3), _WHITE, dtype=np.uint8)
        return self._samples.rgb(block)

    def _some(self) -> Iterator[NDArray]:
        """Tiles of the coarsest level, evenly spread, without what lies beyond its edges."""
        level = self._tiff.levels[-1]
        (width, height), (wide, high), n = level.size, level.tile, level.n_blocks
        for index in range(0, n, -(-n // _SAMPLE)):
            block = self._blocks[-1].read(index)
            if block is not None:
                row, column = divmod(index, level.columns)
                yield block[: height - row * high, : width - column * wide]
