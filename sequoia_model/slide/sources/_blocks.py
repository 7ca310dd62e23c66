"""Tiles and strips of a TIFF, decoded one by one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from sequoia_model.errors import InputError
from sequoia_model.slide.sources._damage import DAMAGE
from sequoia_model.slide.sources._headers import claims_too_much
from sequoia_model.slide.sources._pages import TiffLevel
from sequoia_model.slide.sources.tiff import incomplete

#: A strip without compression that is larger than this is read in parts of about this size.
_PART = 2**24


class Blocks:
    """The decoded tiles or strips of a level.

    Parameters
    ----------
    path : Path
        The file.
    level : TiffLevel
        The level.
    file : int
        The open file, which threads can share.
    """

    def __init__(self, path: Path, level: TiffLevel, file: int) -> None:
        self._path, self._level, self._file = path, level, file

    def read(self, index: int) -> NDArray | None:
        """Decode a tile or strip; None if it is missing, with 0 bytes, as in empty areas.

        Returns
        -------
        array of shape (h, w, samples)

        Raises
        ------
        InputError
            If it is damaged, or there is no decoder for it.
        """
        planes = [self._plane(page, first + index) for page, first in self._level.planes]
        found = [plane for plane in planes if plane is not None]
        if not found:
            return None
        if len(found) < len(planes):
            raise incomplete(self._path, f"colours of {self._place(index)} are missing")
        return found[0] if len(found) == 1 else np.concatenate(found, axis=2)

    def rows(self) -> Iterator[tuple[int, NDArray | None]]:
        """Decode all strips; gives the first row of each with its samples. Large strips come in parts."""
        high = self._level.tile[1]
        for index in range(self._level.n_blocks):
            page, first = self._level.planes[0]
            if self._is_raw and page.databytecounts[first + index] > _PART:
                yield from self._parts(index)
            else:
                yield index * high, self.read(index)

    @property
    def _is_raw(self) -> bool:
        page = self._level.page
        return bool(
            page.compression == tifffile.COMPRESSION.NONE
            and page.fillorder == tifffile.FILLORDER.MSB2LSB
            and page.bitspersample in (8, 16)
        )

    def _parts(self, index: int) -> Iterator[tuple[int, NDArray]]:
        """Rows of a strip without compression, a part at a time."""
        (width, height), (_, high) = self._level.size, self._level.tile
        top, bottom = index * high, min((index + 1) * high, height)
        page = self._level.page
        dtype = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
        n_samples = page.samplesperpixel if len(self._level.planes) == 1 else 1
        line = width * n_samples * dtype.itemsize
        step = max(_PART // line, 1)
        for start in range(top, bottom, step):
            n_rows = min(step, bottom - start)
            planes = [
                np.frombuffer(
                    self._bytes(one.dataoffsets[first + index] + (start - top) * line, n_rows * line, index),
                    dtype,
                ).reshape(n_rows, width, n_samples)
                for one, first in self._level.planes
            ]
            yield start, (planes[0] if len(planes) == 1 else np.concatenate(planes, axis=2))

    def _plane(self, page: Any, index: int) -> NDArray | None:
        count = page.databytecounts[index]
        if not count:
            return None
        data = self._bytes(page.dataoffsets[index], count, index)
        wide, high = self._level.tile
        if claimed := claims_too_much(data, page.compression, (wide, high)):
            raise incomplete(
                self._path,
                f"{self._place(index)} claims {claimed}, but has {wide:,} × {high:,} by its directory",
            )
        try:
            block = page.decode(data, index, jpegtables=page.jpegtables)[0]
        except DAMAGE as error:
            kind = getattr(page.compression, "name", page.compression)
            raise InputError(
                f"{self._place(index)} cannot be decoded; its compression is {kind}: {error}",
                where=str(self._path),
                fix="the file may be damaged: get a new copy, or save it with compression JPEG or deflate",
            ) from None
        if block is None:
            return None
        n_rows = min(high, self._level.size[1] - index % self._level.n_blocks // self._level.columns * high)
        if block.ndim != 4 or block.shape[2] < wide or block.shape[1] < n_rows:
            raise incomplete(self._path, f"{self._place(index)} has another size than its directory says")
        return block[0]

    def _bytes(self, start: int, count: int, index: int) -> bytes:
        data = os.pread(self._file, count, start)
        if len(data) < count:
            raise incomplete(self._path, f"the file ends before {self._place(index)} does")
        return data

    def _place(self, index: int) -> str:
        return f"{'tile' if self._level.page.is_tiled else 'strip'} {index:,}"
