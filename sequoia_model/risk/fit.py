"""One network learns risk: patients in batches, the Cox loss, and the loss of all validation patients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sequoia_model.errors import InputError
from sequoia_model.nets.slide_network import SlideNetwork
from sequoia_model.risk.concordance import concordance
from sequoia_model.risk.options import RiskOptions
from sequoia_model.risk.partial_likelihood import cox_loss
from sequoia_model.risk.recipes import RISK_RECIPES, LossStopping
from sequoia_model.training.checkpoints import Checkpoints
from sequoia_model.training.epochs import Fitted, Learner, run_epochs
from sequoia_model.training.options import PRECISIONS
from sequoia_model.training.parts import give_back
from sequoia_model.training.recipes import Verdict

#: Columns of the log, after fold and repeat.
RISK_LOG_COLUMNS = ("epoch", "train_loss", "val_loss", "val_c", "test_c", "lr", "saved", "seconds")
#: Patients whose risks are computed at a time.
_AT_A_TIME = 64

_Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RiskPart:
    """Some patients, their slides and their outcome.

    Parameters
    ----------
    inputs : array of shape (slides, clusters, d), float32
        Cluster means of all slides, also of other patients; often a memory map.
    slides : tuple of array of int64
        The rows of each patient's slides in `inputs`, one or more.
    time : array of shape (patients,), float64
        Months, tied where they are equal: `sequoia_base.tied_times` of the whole cohort.
    event : array of shape (patients,), bool
        Whether the event was seen.
    fusion : {"late", "early"}
        The risk of a patient with several slides: the mean of the slides' risks, or the risk of the mean of their
        inputs.
    """

    inputs: NDArray[np.float32]
    slides: tuple[_Rows, ...]
    time: NDArray[np.float64]
    event: NDArray[np.bool_]
    fusion: str = "late"

    def __len__(self) -> int:
        return len(self.slides)

    def log_hazards(self, some: _Rows, device: torch.device, network: Callable[[Tensor], Tensor]) -> Tensor:
        """What a network on a device says of some of the patients: (b,), float64, on the CPU."""
        slides = [self.slides[patient] for patient in some]
        count = np.array([len(rows) for rows in slides])
        x = self.inputs[np.concatenate(slides)]
        give_back(self.inputs)
        several = len(x) > len(some)
        if several and self.fusion == "early":
            x = np.add.reduceat(x, np.cumsum(count) - count, axis=0) / count[:, None, None].astype(np.float32)
        told = network(torch.from_numpy(x).to(device, non_blocking=True))[:, 0].cpu().double()
        if several and self.fusion == "late":
            patient = torch.from_numpy(np.repeat(np.arange(len(some)), count))
            told = torch.zeros(len(some), dtype=told.dtype).index_add(0, patient, told) / torch.from_numpy(
                count
            )
        return told


def fit_risk(
    network: SlideNetwork,
    train: RiskPart,
    val: RiskPart | None,
    options: RiskOptions,
    *,
    fold: int = 0,
    repeat: int = 0,
    test: RiskPart | None = None,
    checkpoints: Checkpoints,
    device: torch.device,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
) -> Fitted:
    """Train a network with one output by Adam on the Cox loss of batches of patients.

    Each patient comes once in an epoch, in an order that depends on seed, repeat, fold and epoch. A batch without
    events, or of one patient, says nothing and gives no step.

    Parameters
    ----------
    network : SlideNetwork
        Trained in place; at the end it is on the CPU, in evaluation mode. Its output is a log-hazard, up to a constant.
    train : RiskPart
        The patients that it learns from.
    val : RiskPart, optional
        The patients whose loss decides which epoch is kept, and when training stops (`sequoia_model.risk.recipes`).
        Without them it learns for exactly `options.epochs` epochs, and the last one counts.
    options : RiskOptions
        How it learns.
    fold, repeat : int
        They enter the random numbers.
    test : RiskPart, optional
        Patients whose C is written into the log of each epoch, and decides nothing.
    checkpoints : Checkpoints
        Where its state is kept; a state found there is resumed.
    device : device
        Where it learns.
    on_epoch : callable, optional
        Called with the row of the log after each epoch.

    Returns
    -------
    Fitted
        Which epoch was kept, and the log: losses are per event, and the training loss is that of the batches, whose
        risk sets are smaller than those of all patients.

    Raises
    ------
    InputError
        If a part that counts has no event, a loss is not finite, or a checkpoint cannot be written.
    """
    decides = val is not None and RISK_RECIPES[options.recipe].stops
    for name, part in (("train", train), ("val", val if decides else None)):
        if part is not None and not part.event.any():
            raise InputError(
                f"no patient of the {name} part has an event",
                where=f"fold {fold}: {len(part)} patients",
                fix="use splits that spread the events over the folds",
            )
    learner = _RiskLearner(network, train, val, test, options, (repeat, fold), device)
    return run_epochs(learner, checkpoints, on_epoch)


def predict_risk(network: SlideNetwork, part: RiskPart) -> NDArray[np.float64]:
    """Log-hazards (patients,), by a network on the CPU in evaluation mode; higher means an earlier event."""
    return _risks(network, part, torch.device("cpu"))


def random_batches(
    event: NDArray[np.bool_], size: int, draws: np.random.Generator, *, stratified: bool = False
) -> Iterator[_Rows]:
    """Batches of patients, each of whom comes exactly once.

    Parameters
    ----------
    event : array of shape (n,), bool
        Whether each patient has the event.
    size : int
        Patients in a batch; the last one may have fewer.
    draws : Generator
        Gives the order.
    stratified : bool
        Whether events are spread evenly: the number of events in a batch is then the share of all that its size
        asks for, rounded down or up.

    Yields
    ------
    array of int64
        The patients of a batch.
    """
    order = draws.permutation(len(event))
    if stratified and event.any():
        n, n_events = len(event), int(event.sum())
        first = draws.integers(n)  # systematic sampling: as many events in any stretch, but for one
        slots = (np.arange(n_events) * n + first) // n_events
        failing, spread = event[order], np.zeros(n, dtype=bool)
        spread[slots] = True
        mixed = np.empty_like(order)
        mixed[spread], mixed[~spread] = order[failing], order[~failing]
        order = mixed
    yield from (order[start : start + size] for start in range(0, len(order), size))


def _risks(network: Callable[[Tensor], Tensor], part: RiskPart, device: torch.device) -> NDArray[np.float64]:
    """Log-hazards of all patients of a part."""
    every = np.arange(len(part))
    with torch.inference_mode():
        told = [
            part.log_hazards(every[start : start + _AT_A_TIME], device, network)
            for start in range(0, len(part), _AT_A_TIME)
        ]
    return torch.cat(told).numpy()


class _RiskLearner(Learner):
    """Learns risk by the Cox loss."""

    columns = RISK_LOG_COLUMNS
    losses = ("train_loss", "val_loss")
    advice = "use a lower --lr; check that features have no extreme values"
    stopping: LossStopping

    def __init__(
        self,
        network: SlideNetwork,
        train: RiskPart,
        val: RiskPart | None,
        test: RiskPart | None,
        options: RiskOptions,
        place: tuple[int, int],
        device: torch.device,
    ) -> None:
        recipe = RISK_RECIPES[options.recipe]
        super().__init__(
            network,
            LossStopping(recipe),
            seeds=(options.seed, *place),
            where="repeat {}, fold {}".format(*place),
            epochs=options.epochs,
            lr=options.lr,
            precision=options.precision or PRECISIONS[0],
            device=device,
            keeps_saved=val is not None and recipe.stops,
        )
        self._train, self._val, self._test, self._options = train, val, test, options

    def epoch(self, number: int) -> dict[str, float]:
        """Training loss, loss and C of the validation part, and C of the test part, if there are such parts."""
        values = {"train_loss": self._learn(number)}
        self.network.eval()
        if (val := self._val) is not None:
            risk = _risks(self.network, val, self.device)  # in float32, as the risks that are written
            loss = cox_loss(torch.from_numpy(risk), val.time, val.event, ties=self._options.ties)
            values |= {"val_loss": float(loss), "val_c": concordance(val.time, val.event, risk)}
        if (test := self._test) is not None:
            values["test_c"] = concordance(test.time, test.event, _risks(self.network, test, self.device))
        return values

    def judge(self, values: Mapping[str, float]) -> Verdict:
        """Without a validation part nothing is saved, and training does not stop early."""
        return Verdict(1, False) if self._val is None else self.stopping.step(values["val_loss"])

    def _learn(self, epoch: int) -> float:
        """One pass over the training patients; returns the loss per event."""
        part, options = self._train, self._options
        draws = self.draws(epoch)
        self.network.train()
        total, events = 0.0, 0
        for some in random_batches(part.event, options.batch_size, draws, stratified=options.stratified):
            time, event = part.time[some], part.event[some]
            if len(some) == 1 or not event.any():
                continue
            loss = cox_loss(part.log_hazards(some, self.device, self._told), time, event, ties=options.ties)
            self.step(loss)
            total += loss.item() * int(event.sum())
            events += int(event.sum())
        return total / events if events else 0.0

    def _told(self, x: Tensor) -> Tensor:
        """What the network says of slides, in its precision."""
        with self.precision():
            return self.network(x).float()
