"""The latent vectors of a map: an array for each fold, read from the file when it is first asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from sequoia_base.apart import HDF5, call
from sequoia_base.errors import InputError


class LatentFolds(Mapping[int, NDArray[np.float32]]):
    """The latent vectors in a map file.

    Parameters
    ----------
    path : Path
        The file.
    shapes : mapping of int to tuple
        Shape (tiles, d) of the vectors of each fold.
    """

    def __init__(self, path: Path, shapes: Mapping[int, tuple[int, ...]]) -> None:
        self.shapes = dict(sorted(shapes.items()))
        self._path = path
        self._there: dict[int, NDArray[np.float32]] = {}

    def __getitem__(self, fold: int) -> NDArray[np.float32]:
        """Vectors of a fold, shape (tiles, d)."""
        if fold not in self.shapes:
            raise KeyError(fold)
        if fold not in self._there:
            self._there[fold] = read_apart(self._path, "whole_here", __name__, f"obsm/latent_{fold}")
            self._there[fold].setflags(write=False)
        return self._there[fold]

    def __iter__(self) -> Iterator[int]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)


def dimensions(latents: Mapping[int, Any], n: int, where: str) -> dict[int, int]:
    """Length of the latent vectors of each fold, by fold; every fold must have `n` of them.

    Raises
    ------
    InputError
        If an array has another shape.
    """
    known = getattr(latents, "shapes", None)
    shapes = {fold: np.shape(latents[fold]) if known is None else known[fold] for fold in sorted(latents)}
    for fold, shape in shapes.items():
        if len(shape) != 2 or shape[0] != n:
            raise InputError(f"latent_{fold} has the shape {shape}, for {n:,} tiles", where=where)
    return {fold: shape[1] for fold, shape in shapes.items()}


def read_apart(path: Path, function: str, module: str, *arguments: Any) -> Any:
    """What a function of a module reads from a map file, in the child process.

    Raises
    ------
    InputError
        If the file is not there any more, or is damaged.
    """
    if not path.exists():  # it was there when it was opened
        raise InputError("the map does not exist any more", where=str(path))
    try:
        return call(f"{module}:{function}", path, *arguments, size=os.path.getsize(path), reader=HDF5)
    except InputError as error:
        error.where = error.where or str(path)
        raise
    except Exception as error:  # for a damaged file h5py raises many kinds of error
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError("the map has changed or is damaged", where=f"{path} ({reason})") from None


def whole_here(path: Path, place: str) -> NDArray[np.float32]:
    """A dataset, in this process, which a damaged file may crash."""
    with h5py.File(path, "r", locking="best-effort") as file:
        whole: NDArray[np.float32] = file[place][()].astype(np.float32, copy=False)
        return whole
