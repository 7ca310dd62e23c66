"""The device that computes, and how many tiles it takes at once."""

from __future__ import annotations

from collections.abc import Callable

import torch

from sequoia_model.errors import InputError

#: Memory of a parameter in training: itself, its gradient, the two moments of Adam, and as much for activations.
_BYTES_IN_TRAINING = 32
#: What CUDA keeps for each process.
_BYTES_OF_A_PROCESS = 2**30
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


def networks_that_fit(device: torch.device, parameters: int, wanted: int) -> int:
    """How many networks can be trained at once on a CUDA device, with the memory that is free now; one at least.

    Parameters
    ----------
    device : device
        The CUDA device.
    parameters : int
        Number of parameters of a network.
    wanted : int
        Number of networks, at most.
    """
    free, _ = torch.cuda.mem_get_info(device)
    return max(1, min(wanted, int(free // (parameters * _BYTES_IN_TRAINING + _BYTES_OF_A_PROCESS))))


def batches_at_once(device: torch.device) -> int:
    """How many batches a network computes at once: one for each thread of torch on a CPU, otherwise one."""
    return torch.get_num_threads() if device.type == "cpu" else 1
