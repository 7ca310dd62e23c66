"""What must hold of a map: shapes, the order of its tiles, and that its heads are those of its latent vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sequoia_base.errors import InputError, listing
from sequoia_base.maps.heads import Heads


def frozen(values: Any, dtype: type, shape: tuple[int, ...], name: str, where: str) -> NDArray[Any]:
    array: NDArray[Any] = np.asarray(values, dtype=dtype).view()
    if array.shape != shape:
        raise InputError(f"{name} has the shape {array.shape}, not {shape}", where=where)
    array.setflags(write=False)
    return array


def refuse_disorder(places: NDArray[np.int64], where: str) -> None:
    """Tiles must be in reading order, each once."""
    rows, columns = np.diff(places, axis=0).T
    wrong = np.flatnonzero((rows < 0) | ((rows == 0) & (columns <= 0)))
    if len(wrong):
        row, column = places[wrong[0] + 1]
        raise InputError(
            "the tiles are not in reading order, or one is there twice",
            where=f"{where}: row {row}, column {column}",
        )


def hashes_of(heads: Heads, dims: Mapping[int, int], stated: Sequence[str], where: str) -> list[str]:
    """The hashes of the heads of the folds that a map uses; refuses heads that are not those of the map."""
    files = f"{where}; {heads.path}"
    absent = [fold for fold in dims if fold not in heads.folds]
    if absent:
        raise InputError(
            f"the heads have no fold {listing(absent)}, which the map uses",
            where=files,
            fix=f"they have {listing(heads.folds)}: name the heads.h5 of the map's networks with --heads",
        )
    if set(dims.values()) != {heads.dim}:
        raise InputError(
            f"the latent vectors of the map have {listing(sorted(set(dims.values())))} numbers, but the heads are for "
            f"{heads.dim}",
            where=files,
            fix="name the heads.h5 of the map's networks with --heads",
        )
    found = [heads.hashes[heads.folds.index(fold)] for fold in sorted(dims)]
    for fold, ours, theirs in zip(sorted(dims), stated, found, strict=False):
        if ours != theirs:
            raise InputError(
                f"the heads are those of other networks: fold {fold} has the hash {theirs[:12]}, but the map was made "
                f"with {ours[:12]}",
                where=files,
                fix="name the heads.h5 of the map's networks with --heads",
            )
    return found
