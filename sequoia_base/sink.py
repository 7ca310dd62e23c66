"""A file for h5py that survives a full disk."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Sink(io.FileIO):
    """A file for `h5py.File` that survives a full disk.

    HDF5 crashes the process if it cannot write its buffers, or cannot read back what it believes to have written.
    Therefore the first error is kept here for the caller, what could not be written stays in memory, and HDF5 closes
    the file without trouble. Neither h5py nor AnnData does this.

    Parameters
    ----------
    path : path
        The file; an existing one is replaced.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, "w+")
        self.error: BaseException | None = None
        self._lost: list[tuple[int, bytes]] = []

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Raise the file's own error after a block that writes, instead of HDF5's version of it."""
        try:
            yield
        finally:
            if self.error is not None:
                raise self.error from None

    def write(self, data: Any) -> int:
        """Write everything, or keep the rest in memory."""
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
        """Read from the file and from what is kept in memory; zeros where nothing was written."""
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
        """Set the size, unless an earlier call has failed."""
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
        except BaseException as error:  # also Ctrl-C: any error inside a callback would confuse HDF5
            self.error = error
