"""Checkpoints: where training goes on after it was killed.

The state of an epoch is one file, which is replaced as a whole. Networks that training saves have files of their own,
named by epoch, so that a checkpoint always finds the one that it speaks of.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sequoia_base.atomic import to_disk
from sequoia_model.errors import InputError

_STATE, _MOMENTS = "state.safetensors", ("step", "exp_avg", "exp_avg_sq")


@dataclass
class TrainingState:
    """What is known after an epoch, apart from the tensors.

    Parameters
    ----------
    epochs : int
        Number of epochs done.
    stopping : dict
        State of saving and stopping, by field of the learner's `stopping`.
    saved_epoch : int, optional
        The epoch whose network is saved; None if none is.
    log : list of dict
        A row for each epoch.
    stop : str
        Why training has ended; empty if it goes on.
    threads : int
        Number of threads of torch; another number gives other last digits.
    """

    epochs: int = 0
    stopping: dict[str, Any] = field(default_factory=dict)
    saved_epoch: int | None = None
    log: list[dict[str, Any]] = field(default_factory=list)
    stop: str = ""
    threads: int = 0


class Checkpoints:
    """The checkpoint of one network and the networks saved so far, in a folder.

    Parameters
    ----------
    path : path
        The folder; created when something is saved.
    key : str
        What the training depends on. A checkpoint with another key is not used.
    every : float
        Seconds between two checkpoints, at least.

    Attributes
    ----------
    damaged : bool
        Whether `load` found a checkpoint that cannot be read.
    """

    def __init__(self, path: Path, key: str, *, every: float = 20.0) -> None:
        self.path, self.key, self._every = path, key, every
        self.damaged = False
        self._written = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether the last checkpoint is so old that another should be written."""
        return time.monotonic() - self._written >= self._every

    def save_network(self, network: nn.Module, epoch: int) -> None:
        """Save a network; earlier ones stay until the next checkpoint.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        self._write(self._network(epoch), dict(network.state_dict()), {})

    def load_network(self, network: nn.Module, epoch: int) -> None:
        """Give a network the parameters that were saved after an epoch."""
        network.load_state_dict(load_file(self._network(epoch)))

    def save(self, state: TrainingState, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Write the state after an epoch, and remove saved networks of which it does not speak.

        Raises
        ------
        InputError
            If it cannot be written; the state before it stays.
        """
        tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
        for name, parameter in network.named_parameters():
            moments = optimizer.state.get(parameter, {})
            tensors |= {f"{kind}.{name}": moments[kind] for kind in _MOMENTS if kind in moments}
        self._write(self.path / _STATE, tensors, {"key": self.key, "state": json.dumps(asdict(state))})
        self._written = time.monotonic()
        kept = None if state.saved_epoch is None else self._network(state.saved_epoch)
        for file in self.path.glob("network_*.safetensors"):
            if file != kept:
                file.unlink(missing_ok=True)

    def load(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> TrainingState | None:
        """Restore the state of the last checkpoint; None if there is none, none of this training, or it is damaged."""
        if not (self.path / _STATE).exists():
            return None
        try:
            with safe_open(self.path / _STATE, framework="pt") as file:
                about: Mapping[str, str] = file.metadata() or {}
                if about.get("key") != self.key:
                    return None
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            state = TrainingState(**json.loads(about["state"]))
            if state.saved_epoch is not None:
                load_file(self._network(state.saved_epoch))
        except (OSError, SafetensorError, ValueError, KeyError, TypeError):
            self.damaged = True
            return None
        network.load_state_dict({name: tensors[f"network.{name}"] for name in network.state_dict()})
        for name, parameter in network.named_parameters():
            moments = {kind: tensors.get(f"{kind}.{name}") for kind in _MOMENTS}
            optimizer.state.pop(parameter, None)
            if all(tensor is not None for tensor in moments.values()):
                optimizer.state[parameter] = {
                    kind: tensor.to(parameter.device)
                    for kind, tensor in moments.items()
                    if tensor is not None
                }
        return state

    def clear(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _network(self, epoch: int) -> Path:
        return self.path / f"network_{epoch}.safetensors"

    def _write(self, path: Path, tensors: dict[str, Tensor], about: dict[str, str]) -> None:
        temporary = path.with_suffix(".new")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            save_file({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, temporary, about)
            to_disk(temporary)
            os.replace(temporary, path)
        except (OSError, SafetensorError) as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            reason = getattr(error, "strerror", None) or str(error).rpartition(": ")[2]
            raise InputError(
                f"the checkpoint cannot be written: {reason}",
                where=str(path),
                fix="free some space on the disk; the same command then goes on from the checkpoint before",
            ) from None
