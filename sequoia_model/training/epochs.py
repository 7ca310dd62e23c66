"""The epochs of a network, whatever it learns: the log, the epoch that is kept, and resuming from a checkpoint.

Every random number comes from the seeds and the epoch, so that an epoch repeated after a crash gives the same bytes
(on a CPU, with the same number of threads).
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from sequoia_model.errors import InputError, counted
from sequoia_model.nets.slide_network import SlideNetwork
from sequoia_model.training.checkpoints import Checkpoints, TrainingState
from sequoia_model.training.recipes import Verdict


@dataclass(frozen=True, eq=False)
class Fitted:
    """What `run_epochs` did; the network itself has the parameters that are kept.

    Parameters
    ----------
    epochs : int
        Number of epochs.
    kept_epoch : int
        The epoch, counted from 0, whose parameters the network has.
    stop : str
        Why training ended.
    log : list of dict
        A row for each epoch, with the columns of the learner.
    resumed_at : int, optional
        The epoch at which a checkpoint was resumed; None if training began anew.
    note : str
        What to know about the resumption.
    """

    epochs: int
    kept_epoch: int
    stop: str
    log: list[dict[str, Any]]
    resumed_at: int | None = None
    note: str = ""


class Learner(ABC):
    """A network, its optimizer, and what it learns in an epoch.

    Parameters
    ----------
    network : SlideNetwork
        Trained in place. Parameters that require no gradient stay as they are.
    stopping : dataclass
        State of saving and stopping. All of it but the recipe is kept in checkpoints.
    seeds : tuple of int
        What enters the random numbers beside the epoch.
    where : str
        What learns, for errors: "fold 2".
    epochs : int
        Largest number of epochs.
    lr : float
        Learning rate of Adam.
    precision : {"float32", "bfloat16"}
        Precision of the products.
    device : device
        Where the network learns.
    keeps_saved : bool
        Whether the network that was saved last is kept, not that of the last epoch.
    """

    #: Columns of the log.
    columns: ClassVar[tuple[str, ...]]
    #: Those of them that must be finite, if they were computed.
    losses: ClassVar[tuple[str, ...]]
    #: What to do where a loss is not finite.
    advice: ClassVar[str]

    def __init__(
        self,
        network: SlideNetwork,
        stopping: Any,
        *,
        seeds: tuple[int, ...],
        where: str,
        epochs: int,
        lr: float,
        precision: str,
        device: torch.device,
        keeps_saved: bool,
    ) -> None:
        self.network, self.stopping, self.device = network.to(device), stopping, device
        self.seeds, self.where = seeds, where
        self.epochs, self.lr, self.keeps_saved = epochs, lr, keeps_saved
        self._halved = precision == "bfloat16"
        learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
        fused = device.type in ("cpu", "cuda")
        self.optimizer = torch.optim.Adam(learning, lr=lr, fused=fused)

    @abstractmethod
    def epoch(self, number: int) -> dict[str, float]:
        """Learn from the training part and look at the others; returns the columns that they give."""

    @abstractmethod
    def judge(self, values: Mapping[str, float]) -> Verdict:
        """What follows from the values of an epoch."""

    def draws(self, epoch: int) -> np.random.Generator:
        """The random numbers of an epoch; those of torch are seeded as well."""
        entropy = np.random.SeedSequence([*self.seeds, epoch])
        torch.manual_seed(int(entropy.generate_state(1, np.uint64)[0]))
        return np.random.default_rng(entropy)

    def step(self, loss: Tensor) -> None:
        """A step of the optimizer."""
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)  # here: not in memory beside those of the next pass

    def precision(self) -> AbstractContextManager[Any]:
        """The context in which products have their precision."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self._halved)


def run_epochs(
    learner: Learner, checkpoints: Checkpoints, on_epoch: Callable[[dict[str, Any]], None] | None = None
) -> Fitted:
    """Let a network learn until training ends.

    Parameters
    ----------
    learner : Learner
        Its network ends on the CPU, in evaluation mode, with the parameters that are kept.
    checkpoints : Checkpoints
        Where its state is kept; a state found there is resumed.
    on_epoch : callable, optional
        Called with the row of the log after each epoch.

    Returns
    -------
    Fitted
        The log, and which epoch was kept.

    Raises
    ------
    InputError
        If a loss is not finite, or a checkpoint cannot be written.
    """
    with torch.random.fork_rng(devices=[learner.device] if learner.device.type == "cuda" else []):
        fitted = _epochs(learner, checkpoints, on_epoch)
    learner.network.to("cpu").eval()
    return fitted


def _epochs(
    learner: Learner, checkpoints: Checkpoints, on_epoch: Callable[[dict[str, Any]], None] | None
) -> Fitted:
    """Epochs until training ends; the network then has the parameters that are kept."""
    network = learner.network
    state = checkpoints.load(network, learner.optimizer)
    resumed_at = None if state is None else state.epochs
    note = (
        "the checkpoint was damaged, so training began anew" if checkpoints.damaged else _other_threads(state)
    )
    state = state or TrainingState(threads=torch.get_num_threads())
    learner.stopping = replace(learner.stopping, **state.stopping)
    while state.epochs < learner.epochs and not state.stop:
        state.stop = _epoch(learner, state, checkpoints)
        if on_epoch is not None:
            on_epoch(state.log[-1])
        ends = bool(state.stop) or state.epochs == learner.epochs
        if ends or checkpoints.due:
            stopping = learner.stopping
            state.stopping = {
                f.name: getattr(stopping, f.name) for f in fields(stopping) if f.name != "recipe"
            }
            checkpoints.save(state, network, learner.optimizer)
    kept = state.epochs - 1
    if learner.keeps_saved and state.saved_epoch is not None:
        kept = state.saved_epoch
        checkpoints.load_network(network, kept)
    reason = state.stop or counted(learner.epochs, "epoch")
    return Fitted(state.epochs, kept, reason, state.log, resumed_at, note)


def _epoch(learner: Learner, state: TrainingState, checkpoints: Checkpoints) -> str:
    """Learn, save if it is due, and write the row of the log; returns why training ends, or nothing."""
    epoch, start = state.epochs, time.monotonic()
    values = learner.epoch(epoch)
    for loss in (values[name] for name in learner.losses if name in values):
        if not math.isfinite(loss):
            raise InputError(
                f"the loss is {loss}", where=f"{learner.where}, epoch {epoch}", fix=learner.advice
            )
    verdict = learner.judge(values)
    if verdict.save:
        checkpoints.save_network(learner.network, epoch)
        state.saved_epoch = epoch
    seconds = round(time.monotonic() - start, 3)
    about = {
        "epoch": epoch,
        "phase": verdict.phase,
        "lr": learner.lr,
        "saved": verdict.save,
        "seconds": seconds,
    }
    row = about | values
    state.log.append({name: row.get(name, math.nan) for name in learner.columns})
    state.epochs += 1
    return verdict.stop


def _other_threads(state: TrainingState | None) -> str:
    """A note if a checkpoint was written with another number of threads."""
    now = torch.get_num_threads()
    if state is None or state.threads in (0, now):
        return ""
    return f"begun with {state.threads} threads and resumed with {now}: the last digits may differ"
