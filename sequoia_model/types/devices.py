"""The device that computes, and how many tiles it takes at once."""

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
    """The device of this name: ``cpu``, ``cuda``, ``cuda:1``, ``mps``, or ``auto`` for a CUDA device if there is one.

    Raises
    ------
    InputError
        If the name is not valid, or this machine has no such device.
    """
    if name == "auto":
        return torch.device("cuda" if _THERE["cuda"]() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in _THERE:
        raise InputError(f"{name!r} is not a valid device", fix="--device auto|cpu|cuda|cuda:N|mps")
    n = _THERE[device.type]()
    if (device.index or 0) >= n:
        raise InputError(
            f"there is no device {name}: this machine has {f'only {n}' if n else 'none'} of this kind",
            fix="--device auto",
        )
    return device


def best_batch_size(device: torch.device, parameters: int) -> int:
    """The fastest number of tiles at once for a network with this many parameters, by measurement.

    More tiles do not fit into the caches of a CPU; a GPU is fastest with many, but a large network needs its memory.
    """
    if device.type == "cpu":
        return 4
    if device.type == "mps":
        return 32
    return 256 if parameters < 100_000_000 else 128 if parameters < 500_000_000 else 64
