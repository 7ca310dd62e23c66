"""The architectures, and how ``config.json`` describes them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypeGuard

import torch
from torch import Tensor

from sequoia_model.errors import InputError, listing
from sequoia_model.nets.slide_network import SlideNetwork
from sequoia_model.nets.summary_transformer import SummaryTransformer
from sequoia_model.nets.tile_mlp import TileMLP
from sequoia_model.nets.tile_transformer import TileTransformer

#: By their names in ``config.json``; published configurations have no name and mean the first.
ARCHITECTURES: dict[str, type[SlideNetwork]] = {
    network.architecture: network for network in (SummaryTransformer, TileTransformer, TileMLP)
}
#: A tensor that only this architecture has.
_SIGNS = {
    "summary_transformer": "transformer.layers.0.0.mixers.0.f.weight",
    "tile_transformer": "transformer.layers.0.0.to_qkv.weight",
    "tile_mlp": "conv0.weight",
}
#: The entry that describes what is in front of the network.
_PCA = "pca"
#: Largest size, and largest number of layers or heads: larger values are mistakes that would fill the memory.
_LARGEST, _MOST = 10_000_000, 1_000


def build(config: Mapping[str, Any], where: str) -> SlideNetwork:
    """A network without memory for its parameters, on the device "meta".

    Parameters
    ----------
    config : mapping
        Content of ``config.json``: the arguments of the class, "architecture" unless it is a `SummaryTransformer`,
        and "pca": {"input_dim": D} if there is a PCA in front, which takes features of length D. Other entries, such
        as "device" or "note", are kept but have no effect.
    where : str
        The file, for errors.

    Raises
    ------
    InputError
        If the architecture is unknown, an entry is missing or nearly has the name of one, or a value is not valid.
    """
    name = config.get("architecture", SummaryTransformer.architecture)
    if not isinstance(name, str) or name not in ARCHITECTURES:
        raise InputError(
            f"{name!r} is not a valid architecture", where=where, fix=f"one of {listing(ARCHITECTURES)}"
        )
    parameters = inspect.signature(ARCHITECTURES[name]).parameters
    sizes = {word: value for word, value in config.items() if word in parameters}
    others = [word for word in config if word not in sizes and word not in ("architecture", _PCA)]
    missing = [word for word, p in parameters.items() if p.default is p.empty and word not in sizes]
    if missing:
        raise InputError(
            f"the configuration of a {name} lacks {listing(map(repr, missing))}",
            where=where,
            fix=f"it also has {listing(map(repr, others))}, which a {name} does not take" if others else "",
        )
    _refuse_misspelt(others, parameters, name, where)
    for word, value in sizes.items():
        _refuse_no_size(word, value, where)
    with torch.device("meta"):
        network = ARCHITECTURES[name](**sizes)
        if config.get(_PCA) is not None:
            dim = _dim_before_pca(config[_PCA], network.token_dim, where)
            network.with_pca(torch.empty(dim), torch.empty(dim, network.token_dim))
    network.config = dict(config)
    return network


def _dim_before_pca(pca: object, dim: int, where: str) -> int:
    """The length of the features that a PCA takes."""
    taken = pca["input_dim"] if isinstance(pca, dict) and set(pca) == {"input_dim"} else None
    if not _is_size(taken):
        raise InputError(
            f'{_PCA} must be {{"input_dim": a whole number above 0}}, but is {pca!r}', where=where
        )
    if taken < dim:
        raise InputError(
            f"a PCA of features of length {taken} cannot have {dim} components, which the network takes",
            where=where,
        )
    return taken


def _refuse_misspelt(others: Iterable[str], known: Iterable[str], name: str, where: str) -> None:
    """Refuse an entry that nearly has the name of one that a network takes."""
    for word in others:
        if meant := get_close_matches(word.lower(), known, n=1, cutoff=0.8):
            raise InputError(
                f"a {name} has no {word!r}",
                where=where,
                fix=f"{meant[0]!r} may be meant; otherwise remove it",
            )


def _refuse_no_size(word: str, value: object, where: str) -> None:
    """Sizes are whole numbers above 0, or lists of them; dropout is a fraction."""
    if word == "dropout":
        fits, wanted = isinstance(value, int | float) and 0 <= value < 1, "a number of at least 0 and below 1"
    elif word in ("layers", "ks"):
        fits = (
            isinstance(value, list | tuple) and all(map(_is_size, value)) and (word != "ks" or len(value) > 0)
        )
        wanted = "a list of whole numbers above 0"
    else:
        most = _MOST if word in ("depth", "nheads", "heads") else _LARGEST
        fits, wanted = _is_size(value, most), f"a whole number from 1 to {most:,}"
    if not fits:
        raise InputError(f"{word} must be {wanted}, but is {value!r}", where=where)


def _is_size(value: object, most: int = _LARGEST) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= most


def recognise(names: Iterable[str]) -> str | None:
    """The architecture whose tensors have these names."""
    names = set(names)
    return next((name for name, sign in _SIGNS.items() if sign in names), None)


def infer_config(state: Mapping[str, Tensor], where: str) -> dict[str, Any]:
    """The sizes of a `SummaryTransformer`, from the shapes of its published tensors.

    Parameters
    ----------
    state : mapping of str to Tensor
        Tensors by their published names.
    where : str
        The file, for errors.

    Raises
    ------
    InputError
        If the tensors belong to another architecture or to none.
    """
    found = recognise(state)
    if found != SummaryTransformer.architecture:
        said = f"those of a {found}" if found else f"unknown: {listing(state, 3)}"
        raise InputError(
            f"there is no config.json, and the tensors are {said}",
            where=where,
            fix=f'put a config.json beside it, with "architecture" ({listing(ARCHITECTURES)}) and its sizes',
        )
    head, widths = "transformer.layers.0.0.mixers.0", {}
    try:
        widths = {f"dimensions_{part}": len(state[f"{head}.{part}.weight"]) for part in "fsc"}
        num_clusters, input_dim = state["pos_emb1D"].shape
        num_outputs = len(state["linear_head.1.weight"])
    except (KeyError, ValueError, TypeError) as error:
        raise InputError("tensors of the summary_transformer are missing or have wrong shapes",
                         where=f"{where}: {error}") from None  # fmt: skip
    return {
        "input_dim": input_dim,
        "num_outputs": num_outputs,
        "num_clusters": num_clusters,
        "depth": _count(state, r"transformer\.layers\.(\d+)\."),
        "nheads": _count(state, r"transformer\.layers\.0\.0\.mixers\.(\d+)\."),
        **widths,
    }


def _count(names: Iterable[str], pattern: str) -> int:
    return 1 + max(int(match[1]) for name in names if (match := re.match(pattern, name)))
