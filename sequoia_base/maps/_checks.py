"""What must hold of a map: shapes, the order of its tiles, and that its heads are those of its latent vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sequoia_base.errors import InputError, listing
from sequoia_base.maps._about import ABOUT
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


def genes_hash_of(heads: Heads, stated: str, where: str) -> str:
    """The hash of the names of the heads' genes; refuses other names than those when the map was made."""
    if stated and stated != heads.genes_hash:
        raise InputError(
            "the genes of the heads have other names, or another order, than when the map was made",
            where=f"{where}; {heads.path}",
            fix="name the heads.h5 of the map's networks with --heads",
        )
    return heads.genes_hash


def refuse_damage(about: Mapping[str, Any], shapes: Mapping[int, Any], where: str) -> None:
    """What a map file says of itself must be of the right kind, and its latent vectors those of the folds it names."""
    for name in ("slide", "source", "folds", "tile_um"):
        if name not in about:
            raise InputError(f"the map is damaged: it has no uns/map/{name}", where=where)
    for name, default in ABOUT.items():
        if name in about and not _is_like(about[name], default):
            raise InputError(
                f"the map is damaged: uns/map/{name} is {about[name]!r}, not {_KINDS[type(default)]}",
                where=where,
            )
    if not 0 < about["tile_um"] < np.inf:
        raise InputError(f"the map is damaged: its tiles are {about['tile_um']} µm wide", where=where)
    folds = about["folds"] if shapes or about.get("heads_hash") else []
    for fold in folds:
        if fold not in shapes:
            raise InputError(f"the map is damaged: it has no latent_{fold}", where=where)
    for fold in sorted(shapes):
        if fold not in folds:
            raise InputError(
                f"the map is damaged: it has latent_{fold}, but says that it is of fold {listing(folds)}",
                where=where,
            )


#: What a value of `ABOUT` is, in words.
_KINDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a group",
}


def _is_like(value: Any, default: Any) -> bool:
    """Whether a value is of the kind of a default; a whole number is also a number."""
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    return isinstance(value, int | float if isinstance(default, float) else type(default))
