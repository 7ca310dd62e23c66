"""A network on disk: ``config.json`` beside its tensors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import Tensor

from sequoia_base.atomic import new_folder, refuse_existing
from sequoia_model.errors import InputError, listing
from sequoia_model.nets import build, infer_config, recognise
from sequoia_model.nets.slide_network import SlideNetwork
from sequoia_model.weights.tensors import (
    CONFIG,
    SAFETENSORS,
    misfitting_tensors,
    read_tensors,
    refuse_not_finite,
)


def read_network(weights: Path, config: Path | None) -> SlideNetwork:
    """A network in evaluation mode, on the CPU, in float32.

    Parameters
    ----------
    weights : Path
        ``.safetensors``, or ``.pt`` with a state dict.
    config : Path, optional
        Its ``config.json``; without one, a `SummaryTransformer` is recognised by the shapes of its tensors.

    Raises
    ------
    InputError
        If a file cannot be read, holds more than tensors, or does not fit the other.
    """
    state, metadata = read_tensors(weights)
    where = str(config or weights)
    network = build(read_json(config) if config else infer_config(state, where), where)
    _refuse_misfits(
        state, network, f"{weights}, {config}" if config else str(weights), inferred=config is None
    )
    for name, tensor in state.items():
        if not tensor.is_floating_point():
            raise InputError(f"the tensor {name} is {tensor.dtype} but must hold floats", where=str(weights))
    refuse_not_finite(state, str(weights))
    # copies, because tensors of safetensors may be views of the file itself
    network.load_published({name: tensor.clone() for name, tensor in state.items()}, assign=True)
    network.metadata = metadata
    return network.eval()


def save_weights(
    network: SlideNetwork, folder: str | Path, *, config: Mapping[str, Any] | None = None, force: bool = False
) -> None:
    """Write a network as the hub stores it: ``config.json`` and ``model.safetensors``, both or neither.

    Parameters
    ----------
    network : SlideNetwork
        Any of the architectures. A network that was read is written with the same bytes.
    folder : path
        Its parent folder exists.
    config : mapping, optional
        More entries for ``config.json``, besides the sizes of the network, such as {"note": "..."}.
    force : bool
        Whether weights in this folder may be replaced.

    Raises
    ------
    InputError
        If `folder` exists and `force` is False, or holds anything else; if it cannot be written; if `config`
        contradicts the sizes of the network, or cannot be written as JSON.
    """
    refuse_existing(folder, force=force, files=(CONFIG, SAFETENSORS))
    if config is not None and not (isinstance(config, Mapping) and all(isinstance(w, str) for w in config)):
        raise InputError(
            "config must name its entries by texts", fix='give a dictionary, such as {"note": "…"}'
        )
    words = {**network.config, **(config or {})}
    try:
        text = json.dumps(words, indent=2, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise InputError(f"config cannot be written as JSON: {error}", fix="give texts and numbers") from None
    sizes = {"architecture": network.architecture, **network.sizes, "pca": network.config.get("pca")}
    if any(word in sizes and sizes[word] != value for word, value in (config or {}).items()):
        raise InputError(
            "config contradicts the network, whose sizes are written anyway",
            where=listing(config or {}),
            fix=f"leave out {listing(sizes, 20)}",
        )
    build(json.loads(text), "config")  # refuses what could not be read again
    state = {name: t.detach().cpu().contiguous() for name, t in network.published_state().items()}
    with new_folder(folder) as temporary:
        (temporary / CONFIG).write_text(text, encoding="utf-8")
        (temporary / SAFETENSORS).write_bytes(save(state, network.metadata))


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, or an error that names the file and the place in it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(
            f"the file is not valid JSON: {error.msg}",
            where=f"{path}, line {error.lineno}, column {error.colno}",
        ) from None
    except RecursionError:
        raise InputError(
            "the file is nested too deeply", where=str(path), fix="get a new copy, or write it again"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the file cannot be read: {error}", where=str(path)) from None
    if not isinstance(content, dict):
        raise InputError("the file has no JSON object", where=str(path), fix='it must begin with "{"')
    return content


def _refuse_misfits(
    state: Mapping[str, Tensor], network: SlideNetwork, where: str, *, inferred: bool
) -> None:
    """Refuse tensors without the names and shapes that the configuration requires."""
    misfits = misfitting_tensors(
        state, {name: tuple(tensor.shape) for name, tensor in network.published_state().items()}
    )
    if misfits and inferred:
        raise InputError(
            f"the file does not hold a whole network: {misfits}",
            where=where,
            fix="in the program that trained it, save all of model.state_dict(); or copy the file again",
        )
    if misfits:
        found = recognise(state)
        raise InputError(
            f"the weights do not fit the configuration: {misfits}",
            where=where,
            fix=f'these are tensors of a {found}: "architecture" and sizes in config.json must fit'
            if found
            else "",
        )
