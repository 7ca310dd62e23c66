"""One network on disk: ``config.json`` beside ``model.safetensors``, or a checkpoint ``model_best.pt``.

Files hold the published names and shapes; nothing that could run code is ever opened.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from sequoia_base.atomic import new_folder, refuse_existing
from sequoia_model.errors import InputError, listing
from sequoia_model.nets.architectures import build, infer_config, recognise
from sequoia_model.nets.slide_network import SlideNetwork

CONFIG, SAFETENSORS = "config.json", "model.safetensors"
_LFS_POINTER = b"version https://git-lfs"


def read_network(weights: Path, config: Path | None) -> SlideNetwork:
    """A network in evaluation mode, on the CPU, in float32.

    Parameters
    ----------
    weights : Path
        ``.safetensors``, or ``.pt`` with a state dict.
    config : Path, optional
        Its ``config.json``; without one, a `SummaryTransformer` is recognised by its shapes.

    Raises
    ------
    InputError
        If a file cannot be read, holds more than tensors, or does not fit the other.
    """
    state, metadata = _read_state(weights)
    where = str(config or weights)
    network = build(read_json(config) if config else infer_config(state, where), where)
    wanted = {name: tuple(tensor.shape) for name, tensor in network.published_state().items()}
    _refuse_other_tensors(state, wanted, weights, where)
    # copies, since those of safetensors may lie in the file itself
    network.load_published(
        {name: tensor.to(torch.float32, copy=True) for name, tensor in state.items()}, assign=True
    )
    network.metadata = metadata
    return network.eval()


def save_weights(
    network: SlideNetwork, folder: str | Path, *, config: Mapping[str, Any] | None = None, force: bool = False
) -> None:
    """Write a network as the hub stores it: ``config.json`` and ``model.safetensors``, whole or not at all.

    Parameters
    ----------
    network : SlideNetwork
        Of any of the architectures. One that was read is written as the same bytes.
    folder : path
        Its parent exists.
    config : mapping, optional
        Words for ``config.json`` beside the sizes of the network.
    force : bool
        Whether weights in this folder may be replaced.

    Raises
    ------
    InputError
        If `folder` exists and `force` is False, or holds anything else; if it cannot be written.
    """
    refuse_existing(folder, force=force, files=(CONFIG, SAFETENSORS))
    words = {**network.config, **(config or {})}
    state = {name: t.detach().cpu().contiguous() for name, t in network.published_state().items()}
    with new_folder(folder) as temporary:
        (temporary / CONFIG).write_text(json.dumps(words, indent=2, sort_keys=True), encoding="utf-8")
        (temporary / SAFETENSORS).write_bytes(save(state, network.metadata))


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, or an error that names the file and the place in it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(
            f"the file is no JSON: {error.msg}", where=f"{path}, line {error.lineno}, column {error.colno}"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the file cannot be read: {error}", where=str(path)) from None
    if not isinstance(content, dict):
        raise InputError("the file holds no JSON object", where=str(path), fix='it begins with "{"')
    return content


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_state(path: Path) -> tuple[dict[str, Tensor], dict[str, str] | None]:
    """All tensors of a file by name, and the metadata of a safetensors file."""
    try:
        with path.open("rb") as file:
            begin = file.read(len(_LFS_POINTER))
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", where=str(path)) from None
    if begin == _LFS_POINTER:
        raise InputError(
            "the file is a pointer of git-lfs, and no weights", where=str(path), fix="run git lfs pull there"
        )
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as opened:
                state = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
                metadata = opened.metadata()
        else:
            state, metadata = torch.load(path, map_location="cpu", weights_only=True), {"format": "pt"}
    except pickle.UnpicklingError as error:
        raise _no_state_dict(path, re.search(r"GLOBAL ([\w.]+)", str(error))) from None
    except (SafetensorError, OSError, RuntimeError, EOFError, LookupError, ValueError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(
            f"the file is damaged or holds no weights: {reason}",
            where=str(path),
            fix="copy or download it again",
        ) from None
    if isinstance(state, dict):  # what training code often wraps it in
        state = state.get("state_dict", state)
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise _no_state_dict(path)
    return {name.removeprefix("module."): value for name, value in state.items()}, metadata


def _no_state_dict(path: Path, found: re.Match[str] | None = None) -> InputError:
    """What to say of a checkpoint that is no dictionary of tensors."""
    what = (
        f"the file holds a pickled {found[1]}"
        if found
        else "the file holds something else than tensors by name"
    )
    return InputError(
        f"{what}: opening a pickled model can run any code, so only a state dict is read",
        where=str(path),
        fix="where you trust it, load it once with the code that wrote it, and torch.save(model.state_dict(), path)",
    )


def _refuse_other_tensors(
    state: Mapping[str, Tensor], wanted: Mapping[str, tuple[int, ...]], path: Path, config: str
) -> None:
    """Names, shapes and kinds of tensors are those of the configuration, and all values are numbers."""
    missing, unknown = ([name for name in a if name not in b] for a, b in ((wanted, state), (state, wanted)))
    other = [
        f"{name} is {tuple(state[name].shape)} and not {shape}"
        for name, shape in wanted.items()
        if name in state and tuple(state[name].shape) != shape
    ]
    counts = {"missing": missing, "unknown": unknown, "of another shape": other}
    if any(counts.values()):
        found = recognise(state)
        raise InputError(
            "the weights are not those of the configuration: tensors "
            + "; ".join(f"{what}: {listing(names, 3)}" for what, names in counts.items() if names),
            where=f"{path}, {config}",
            fix=f'these are tensors of a {found}; "architecture" and sizes in config.json have to fit'
            if found
            else "",
        )
    for name, tensor in state.items():
        if not tensor.is_floating_point():
            raise InputError(f"the tensor {name} is {tensor.dtype}, and numbers are needed", where=str(path))
        if not bool(tensor.isfinite().all()):
            raise InputError(f"the tensor {name} holds NaN or infinite values", where=str(path))
