"""HDF5 on a disk that may become full: an error, and no crash."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Sink(io.FileIO):
    """A file for `h5py.File`, which keeps its first error for whoever asks, and from then on what it cannot write.

    HDF5 can neither close a file that it cannot write, nor read what it believes to have written: it crashes. So it is
    not told, and closes the file in peace.

    Parameters
    ----------
    path : path
        Written anew.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, "w+")
        self.error: BaseException | None = None
        self._lost: list[tuple[int, bytes]] = []

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Raise the file's own error after a block that writes, in place of whatever HDF5 makes of it."""
        try:
            yield
        finally:
            if self.error is not None:
                raise self.error from None

    def write(self, data: Any) -> int:
        """Write all of it, or keep the rest in memory."""
        left = memoryview(data).cast("B")
        n = len(left)
        with self._kept():
            while len(left) and self.error is None:
                left = left[self._put(left) :]
        if len(left):
            self._lost.append((self.tell(), bytes(left)))
            self.seek(len(left), io.SEEK_CUR)
        return n

    def readinto(self, buffer: Any) -> int:
        """Read, also what is kept in memory; zeros where nothing is."""
        view = memoryview(buffer).cast("B")
        start, n = self.tell(), len(view)
        got = super().readinto(view) or 0
        view[got:] = bytes(n - got)
        for place, data in self._lost:
            low, high = max(place, start), min(place + len(data), start + n)
            if low < high:
                view[low - start : high - start] = data[low - place : high - place]
        return n

    def truncate(self, size: int | None = None) -> int:
        """Set the size, where nothing has failed yet."""
        with self._kept():
            if self.error is None:
                super().truncate(size)
        return size or 0

    def _put(self, data: memoryview) -> int:
        return super().write(data)

    @contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:  # Ctrl-C too: an error inside a callback would confuse HDF5 as much
            self.error = error
