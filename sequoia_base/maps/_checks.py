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


def undamaged(about: Mapping[str, Any], shapes: Mapping[int, Any], where: str) -> dict[str, Any]:
    """What a map file says of itself, in its kinds; refuses latent vectors that are not those of the folds it names."""
    for name in ("slide", "source", "folds", "tile_um"):
        if name not in about:
            raise InputError(f"the map is damaged: it has no uns/map/{name}", where=where)
    told = in_kinds(about, ABOUT, where, damaged=True)
    folds = told["folds"] if shapes or told.get("heads_hash") else []
    for fold in folds:
        if fold not in shapes:
            raise InputError(f"the map is damaged: it has no latent_{fold}", where=where)
    for fold in sorted(shapes):
        if fold not in folds:
            raise InputError(
                f"the map is damaged: it has latent_{fold}, but says that it is of fold {listing(folds)}",
                where=where,
            )
    return told


def in_kinds(
    about: Mapping[str, Any], known: Mapping[str, Any], where: str, *, damaged: bool = False
) -> dict[str, Any]:
    """What a map says of itself as plain Python, each value in the kind of that in `known`; other keys are kept.

    None becomes the value in `known`, a whole float an integer, 0 or 1 false or true, and a text a list of it where
    a list is meant. A value of another kind is refused: as damage if a file says it, otherwise as the maker's.
    """
    told = {name: plain(value) for name, value in about.items()}
    for name in told.keys() & known.keys():
        try:
            told[name] = _in_kind(told[name], known[name], _ITEMS.get(name, ""))
        except TypeError as error:
            place = f"the map is damaged: uns/map/{name}" if damaged else name
            raise InputError(f"{place} is {told[name]!r}, not {error}", where=where) from None
    width = told["tile_um"]
    if not 0 < width < np.inf:
        what = f"the map is damaged: its tiles are {width} µm wide"
        raise InputError(what if damaged else f"tile_um is {width}, not a number above 0", where=where)
    return told


def plain(value: Any) -> Any:
    """A value of ``uns`` as plain Python: lists for arrays and tuples, numbers and texts for those of NumPy."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value


#: What a value of `ABOUT` is, in words.
_KINDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "a group",
}
#: An item of the lists of `ABOUT` that do not hold texts.
_ITEMS = {"folds": 0}


def _in_kind(value: Any, default: Any, item: Any) -> Any:
    """A value in the kind of a default, whose items are like `item`; a TypeError says what it should be."""
    if value is None:
        return plain(default)
    if isinstance(default, list):
        try:
            return [_like(part, item) for part in _listed(value)]
        except TypeError:
            raise TypeError("a list of " + ("texts" if item == "" else "whole numbers")) from None
    return _like(value, default)


def _listed(value: Any) -> list[Any]:
    """A list, or that of a single text, which is empty for an empty text."""
    if isinstance(value, str):
        return [value] if value else []
    if isinstance(value, list):
        return value
    raise TypeError


def _like(value: Any, default: Any) -> Any:
    """A single value or a group in the kind of a default."""
    kind, number = type(default), isinstance(value, int | float) and not isinstance(value, bool)
    if kind is bool and number and value in (0, 1):
        return bool(value)
    if kind is int and number and value % 1 == 0:
        return int(value)
    if kind is float and number:
        return float(value)
    if kind not in (int, float) and isinstance(value, kind):
        return value
    raise TypeError(_KINDS[kind])
