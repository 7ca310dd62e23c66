"""On which device an encoder runs, and how many tiles at once."""

from __future__ import annotations

from collections.abc import Callable

import torch

from sequoia_model.errors import InputError

#: How many devices of each kind there are.
_THERE: dict[str, Callable[[], int]] = {
    "cpu": lambda: 1,
    "cuda": lambda: torch.cuda.device_count() if torch.cuda.is_available() else 0,
    "mps": lambda: int(torch.backends.mps.is_available()),
}


def choose_device(name: str) -> torch.device:
    """The device that is meant: ``auto`` is a GPU where there is one; ``cpu``, ``cuda``, ``cuda:1``, ``mps``.

    Raises
    ------
    InputError
        If the word is none of these, or the device is not there.
    """
    if name == "auto":
        return torch.device("cuda" if _THERE["cuda"]() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in _THERE:
        raise InputError(f"there is no device {name!r}", fix="--device auto|cpu|cuda|cuda:N|mps")
    n = _THERE[device.type]()
    if (device.index or 0) >= n:
        raise InputError(
            f"the device {name} was asked for, and this machine has {n} of this kind", fix="--device auto"
        )
    return device


def best_batch_size(device: torch.device, parameters: int) -> int:
    """How many tiles at once are fastest, as measured, for a network of so many parameters.

    On a CPU more of them leave its caches; a GPU wants many, and large networks want its memory.
    """
    if device.type == "cpu":
        return 4
    if device.type == "mps":
        return 32
    return 256 if parameters < 100_000_000 else 128 if parameters < 500_000_000 else 64
