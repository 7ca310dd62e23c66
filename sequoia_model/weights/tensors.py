"""Reads tensors by name from files, and never anything that could run code."""

from __future__ import annotations

import pickle
import re
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from sequoia_model.errors import InputError, listing, with_article
from sequoia_model.weights.hub import first_line

#: What describes a network, besides its tensors.
CONFIG = "config.json"
SAFETENSORS = "model.safetensors"
#: File names of weights, the preferred one first.
WEIGHT_FILES = (SAFETENSORS, "pytorch_model.bin")
_WRAPPERS = ("state_dict", "model", "model_state_dict", "teacher")
_PREFIXES = ("module.", "_orig_mod.")
#: Lightning puts it before every name; an encoder may have tensors of that name itself.
_WHOLE_PREFIX = "model."
_LFS_POINTER = b"version https://git-lfs"


def weights_at(place: str | Path) -> Path:
    """The file of weights that a path means: the file itself, or the one in the folder.

    Raises
    ------
    InputError
        If there is none.
    """
    path = Path(place).expanduser()
    if path.is_file():
        return path
    if not path.exists():
        raise InputError("the file of weights does not exist", where=str(path))
    for name in WEIGHT_FILES:
        if (path / name).is_file():
            return path / name
    raise InputError(
        f"the folder has no {' and no '.join(WEIGHT_FILES)}",
        where=str(path),
        fix="give the file itself: ENCODER@FILE",
    )


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str] | None]:
    """All tensors of a file by name, on the CPU, and the metadata of a safetensors file.

    Floats of any precision become float32. Prefixes that training code adds to names are removed.

    Raises
    ------
    InputError
        If the file cannot be read, or holds anything but tensors by name.
    """
    try:
        with path.open("rb") as file:
            begin = file.read(len(_LFS_POINTER))
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", where=str(path)) from None
    if begin == _LFS_POINTER:
        raise InputError(
            "the file is a git-lfs pointer and holds no weights",
            where=str(path),
            fix="run git lfs pull there",
        )
    metadata: dict[str, str] | None = {"format": "pt"}
    try:
        if path.suffix.lower() == ".safetensors":
            with safe_open(path, framework="pt") as opened:
                state: object = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
                metadata = opened.metadata()
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise _not_tensors(path, re.search(r"GLOBAL ([\w.]+)", str(error))) from None
    except (SafetensorError, OSError, RuntimeError, EOFError, LookupError, ValueError) as error:
        reason = "torch.save did not write it" if "magic number" in str(error) else first_line(error)
        raise InputError(
            f"the file is damaged or holds no weights: {reason}",
            where=str(path),
            fix="copy or download it again",
        ) from None
    return {name: _float32(tensor) for name, tensor in _unwrapped(state, path).items()}, metadata


def load_into(network: nn.Module, state: Mapping[str, Tensor], *, where: str, encoder: str) -> None:
    """Give the tensors of a file to the network of an encoder; a classifier that the network lacks is ignored.

    Raises
    ------
    InputError
        If tensors are missing, unexpected, of another shape or not finite; they are named.
    """
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    head = tuple(f"{name}." for name in _classifiers(network))
    state = {name: tensor for name, tensor in state.items() if name in wanted or not name.startswith(head)}
    counters = {  # old versions of torch did not write them, and they play no part in a trained network
        name: torch.zeros((), dtype=torch.long)
        for name in wanted
        if name.endswith("num_batches_tracked") and name not in state
    }
    state |= counters
    misfits = misfitting_tensors(state, wanted)
    if misfits:
        raise InputError(
            f"these are not the weights of {encoder}: {misfits}",
            where=where,
            fix="check which encoder the file belongs to",
        )
    refuse_not_finite(state, where)
    network.load_state_dict(state, assign=True)


def misfitting_tensors(state: Mapping[str, Tensor], wanted: Mapping[str, tuple[int, ...]]) -> str:
    """Which tensors are missing, unexpected or of another shape than wanted; empty if all fit."""
    problems: dict[str, Collection[str]] = {
        "missing": [name for name in wanted if name not in state],
        "unexpected": [name for name in state if name not in wanted],
        "of another shape": [
            f"{name} is {tuple(state[name].shape)}, not {shape}"
            for name, shape in wanted.items()
            if name in state and tuple(state[name].shape) != shape
        ],
    }
    found = "; ".join(
        f"{len(names)} {what}: {listing(names, 3)}" for what, names in problems.items() if names
    )
    return f"tensors {found}" if found else ""


def refuse_not_finite(state: Mapping[str, Tensor], where: str) -> None:
    """Refuse NaN and infinite values, by the names of their tensors."""
    # numpy, because torch starts threads for each of hundreds of small tensors
    bad = [name for name, tensor in state.items() if not np.isfinite(tensor.numpy()).all()]
    if bad:
        raise InputError(f"NaN or infinite values in the weights: {listing(bad, 3)}", where=where)


def _classifiers(network: nn.Module) -> tuple[str, ...]:
    """Names of the last layers, which turn features into classes, as timm keeps them."""
    named = (getattr(network, "pretrained_cfg", None) or {}).get("classifier") or ()
    return (named,) if isinstance(named, str) else tuple(named)


def _unwrapped(state: object, path: Path) -> dict[str, Tensor]:
    """The tensors without the dictionary around them and the prefixes that training code often adds."""
    for wrapper in _WRAPPERS:
        if isinstance(state, dict) and isinstance(state.get(wrapper), dict):
            state = state[wrapper]
            break
    if isinstance(state, Tensor):
        raise InputError(
            f"the file holds one tensor of shape {tuple(state.shape)}, and no weights",
            where=str(path),
            fix="give the file of the weights; if these are features, they belong in an HDF5 file (*.h5)",
        )
    if isinstance(state, dict) and not state:
        raise InputError(
            "the file holds no tensors",
            where=str(path),
            fix="in the program that trained the network, torch.save(model.state_dict(), path)",
        )
    if not isinstance(state, dict | nn.Module):
        raise InputError(
            "the file is damaged or holds no weights: "
            f"it holds {with_article(type(state).__name__)}, not tensors by name",
            where=str(path),
            fix="get a new copy, or write it with torch.save(model.state_dict(), path)",
        )
    if not isinstance(state, dict) or not all(isinstance(t, Tensor) for t in state.values()):
        raise _not_tensors(path)
    for prefix in _PREFIXES:
        state = {str(name).removeprefix(prefix): value for name, value in state.items()}
    if all(name.startswith(_WHOLE_PREFIX) for name in state):
        state = {name.removeprefix(_WHOLE_PREFIX): value for name, value in state.items()}
    return state


def _float32(tensor: Tensor) -> Tensor:
    return tensor.detach().to(torch.float32) if tensor.is_floating_point() else tensor.detach()


def _not_tensors(path: Path, found: re.Match[str] | None = None) -> InputError:
    what = f"a pickled {found[1]}" if found else "something other than tensors by name"
    return InputError(
        f"the file holds {what}: opening a pickled model can run any code, so only a state dict is read",
        where=str(path),
        fix="if you trust it, load it once with the code that wrote it, and torch.save(model.state_dict(), path)",
    )
