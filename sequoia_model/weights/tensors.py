"""Weights of encoders on disk: tensors by name, and nothing that could run code."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from sequoia_model.errors import InputError, listing

#: What files of weights are called, the better one first.
WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
_WRAPPERS = ("state_dict", "model", "model_state_dict", "teacher")
_PREFIXES = ("module.", "_orig_mod.")
_LFS_POINTER = b"version https://git-lfs"


def weights_at(place: str | Path) -> Path:
    """The file of weights that a path means: itself, or that in the folder.

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
        f"the folder holds no {' and no '.join(WEIGHT_FILES)}",
        where=str(path),
        fix="give the file itself: ENCODER@FILE",
    )


def read_state(path: Path) -> dict[str, Tensor]:
    """All tensors of a file by name, in float32 where they are of another float; on the CPU.

    Raises
    ------
    InputError
        If the file cannot be read, or holds something else than tensors by name.
    """
    try:
        with path.open("rb") as file:
            begin = file.read(len(_LFS_POINTER))
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", where=str(path)) from None
    if begin == _LFS_POINTER:
        raise InputError("the file is a pointer of git-lfs, no weights", where=str(path), fix="git lfs pull")
    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise _no_tensors(path, re.search(r"GLOBAL ([\w.]+)", str(error))) from None
    except (SafetensorError, OSError, RuntimeError, EOFError, LookupError, ValueError) as error:
        raise InputError(
            f"the file is damaged or holds no weights: {first_line(error)}",
            where=str(path),
            fix="copy or download it again",
        ) from None
    return {name: _plain(tensor) for name, tensor in _unwrapped(state, path).items()}


def load_into(network: nn.Module, state: Mapping[str, Tensor], *, where: str, encoder: str) -> None:
    """Give a network its tensors; those of a classifier that it lacks are left out.

    Raises
    ------
    InputError
        If tensors are missing, unexpected, of another shape or not finite, with their names.
    """
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    head = tuple(f"{name}." for name in _classifiers(network))
    state = {name: tensor for name, tensor in state.items() if name in wanted or not name.startswith(head)}
    counted = {  # which torch of long ago did not write, and which play no part once trained
        name: torch.zeros((), dtype=torch.long)
        for name in wanted
        if name.endswith("num_batches_tracked") and name not in state
    }
    state |= counted
    problems = {
        "missing": [name for name in wanted if name not in state],
        "unexpected": [name for name in state if name not in wanted],
        "of another shape": [
            f"{name} is {tuple(tensor.shape)} and not {wanted[name]}"
            for name, tensor in state.items()
            if name in wanted and tuple(tensor.shape) != wanted[name]
        ],
    }
    found = [f"{len(names)} {what}: {listing(names, 3)}" for what, names in problems.items() if names]
    if found:
        raise InputError(
            f"the weights are not those of {encoder}: tensors {'; '.join(found)}",
            where=where,
            fix="look at which encoder the file is of",
        )
    bad = [name for name, tensor in state.items() if not bool(tensor.isfinite().all())]
    if bad:
        raise InputError(f"the tensors {listing(bad, 3)} hold NaN or infinite values", where=where)
    network.load_state_dict(state, assign=True)


def first_line(error: object) -> str:
    """The reason, without what libraries add to it."""
    return str(error).partition("\n")[0] or type(error).__name__


def _classifiers(network: nn.Module) -> tuple[str, ...]:
    """What timm calls the last layer, which features lie before."""
    named = (getattr(network, "pretrained_cfg", None) or {}).get("classifier") or ()
    return (named,) if isinstance(named, str) else tuple(named)


def _unwrapped(state: object, path: Path) -> dict[str, Tensor]:
    """What training code often wraps or calls otherwise."""
    for wrapper in _WRAPPERS:
        if isinstance(state, dict) and isinstance(state.get(wrapper), dict):
            state = state[wrapper]
            break
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise _no_tensors(path)
    for prefix in _PREFIXES:
        state = {str(name).removeprefix(prefix): value for name, value in state.items()}
    return state


def _plain(tensor: Tensor) -> Tensor:
    return tensor.detach().to(torch.float32) if tensor.is_floating_point() else tensor.detach()


def _no_tensors(path: Path, found: re.Match[str] | None = None) -> InputError:
    what = f"a pickled {found[1]}" if found else "something else than tensors by name"
    return InputError(
        f"the file holds {what}: opening a pickled model can run any code, so only a state dict is read",
        where=str(path),
        fix="where you trust it, load it once with the code that wrote it, and torch.save(model.state_dict(), path)",
    )
