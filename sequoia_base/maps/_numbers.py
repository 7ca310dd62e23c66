"""Numbers of a dataset, read as bytes from where they lie in the file.

The child process, which a damaged file may crash, says once where the numbers of a dataset begin. Reading them then
needs no HDF5 and no message to the child. That works for float32 in one piece, or in chunks that hold whole columns,
without compression, as our files have them; other datasets are read by the child.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sequoia_base.errors import InputError

if TYPE_CHECKING:
    import h5py

#: Inode, bytes and time of the last change of a file.
Stamp = tuple[int, int, int]
_TYPE = np.dtype("<f4")


@dataclass(frozen=True, eq=False)
class Place:
    """Where the numbers of a dataset lie.

    Parameters
    ----------
    path : Path
        The file.
    stamp : tuple of int
        Its stamp when it was opened.
    shape : tuple of int
        Shape of the dataset.
    starts : array of int64
        The byte at which the dataset begins, or each of its chunks of columns.
    width : int
        Columns of a chunk.
    """

    path: Path
    stamp: Stamp
    shape: tuple[int, ...]
    starts: NDArray[np.int64]
    width: int

    def read(self, first: int, count: int, chunk: int = 0) -> NDArray[np.float32]:
        """`count` numbers from the position `first` of a chunk, or of the dataset if it lies in one piece.

        Raises
        ------
        InputError
            If the file is not there any more, or has changed.
        """
        try:
            with self.path.open("rb", buffering=0) as file:
                same = stamp_of(os.fstat(file.fileno())) == self.stamp
                data = (
                    os.pread(file.fileno(), 4 * count, int(self.starts[chunk]) + 4 * first) if same else b""
                )
        except FileNotFoundError:
            raise InputError("the file does not exist any more", where=str(self.path)) from None
        except OSError as error:
            raise InputError(f"the file cannot be read: {error.strerror}", where=str(self.path)) from None
        if len(data) < 4 * count:
            raise InputError(
                "the file has changed since it was opened", where=str(self.path), fix="open it again"
            )
        return np.frombuffer(data, dtype=_TYPE).astype(np.float32, copy=False)

    def column(self, position: int) -> NDArray[np.float32]:
        """A column of a matrix in chunks of columns; errors are those of `read`."""
        chunk, at = divmod(position, self.width)
        values = self.read(0, self.shape[0] * self.width, chunk)
        return values.reshape(self.shape[0], self.width)[:, at]


def stamp_of(status: os.stat_result) -> Stamp:
    """The stamp of a file, which another content changes."""
    return status.st_ino, status.st_size, status.st_mtime_ns


def place_here(dataset: h5py.Dataset, path: Path, stamp: Stamp) -> Place | None:
    """Where the numbers of a dataset lie, told by the child; None if they cannot be read as bytes."""
    if dataset.dtype != _TYPE or dataset.file.userblock_size or 0 in dataset.shape:
        return None
    shape = dataset.shape
    if dataset.chunks is None:
        start = dataset.id.get_offset()
        return None if start is None else Place(path, stamp, shape, np.array([start]), shape[-1])
    rows, width = dataset.chunks if len(shape) == 2 else (0, 0)
    n = -(-shape[-1] // width) if width else 0
    if rows != shape[0] or dataset.id.get_create_plist().get_nfilters() or dataset.id.get_num_chunks() != n:
        return None
    chunks = [dataset.id.get_chunk_info_by_coord((0, width * i)) for i in range(n)]
    return Place(path, stamp, shape, np.array([chunk.byte_offset for chunk in chunks]), width)
