"""One network learns: epochs, validation, two-phase stopping, and resuming from a checkpoint.

Every random number comes from the seed, the fold and the epoch, so that an epoch repeated after a crash gives the same
bytes (on a CPU, with the same number of threads).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from sequoia_model.errors import InputError
from sequoia_model.nets.slide_network import SlideNetwork
from sequoia_model.training.checkpoints import Checkpoints, TrainingState
from sequoia_model.training.parts import FoldPart, Targets, give_back
from sequoia_model.training.recipes import Recipe, Stopping, Verdict
from sequoia_model.training.scores import column_correlations

#: Columns of the log, after the fold.
LOG_COLUMNS = ("epoch", "phase", "train_mse", "val_mse", "val_r", "lr", "saved", "seconds")


@dataclass(frozen=True)
class FitOptions:
    """How a network learns.

    Parameters
    ----------
    recipe : Recipe
        When it is saved, and when training stops.
    epochs : int
        Largest number of epochs; exactly this number without a validation part.
    batch_size : int
        Slides per step.
    lr : float
        Learning rate of Adam.
    precision : {"float32", "bfloat16"}
        Precision of the products.
    seed : int
        Random seed of the order of slides, of dropout and of drawn ks.
    fold : int
        Number of the fold, which also enters the random numbers.
    """

    recipe: Recipe
    epochs: int = 200
    batch_size: int = 16
    lr: float = 1e-3
    precision: str = "float32"
    seed: int = 0
    fold: int = 0


@dataclass(frozen=True, eq=False)
class Fitted:
    """What `fit` did; the network itself has the parameters that are kept.

    Parameters
    ----------
    epochs : int
        Number of epochs.
    kept_epoch : int
        The epoch, counted from 0, whose parameters the network has.
    stop : str
        Why training ended.
    log : list of dict
        A row for each epoch, with the entries of `LOG_COLUMNS`.
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


def fit(
    network: SlideNetwork,
    train: FoldPart,
    val: FoldPart | None,
    options: FitOptions,
    *,
    checkpoints: Checkpoints,
    device: torch.device,
    known_genes: NDArray[np.bool_] | None = None,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
) -> Fitted:
    """Train a network by Adam on the mean squared error over slides and genes.

    Parameters
    ----------
    network : SlideNetwork
        Trained in place; at the end it is on the CPU, in evaluation mode, and predicts in the unit of the expression.
        Parameters that require no gradient stay as they are.
    train : FoldPart
        The slides that it learns from.
    val : FoldPart, optional
        The slides that decide when it is saved and when training stops. Without them it learns for exactly
        `options.epochs` epochs, and the last one counts.
    options : FitOptions
        How it learns.
    checkpoints : Checkpoints
        Where its state is kept; a state found there is resumed.
    device : device
        Where it learns.
    known_genes : array of shape (genes,), bool, optional
        Genes that the network already predicts in the unit of the expression; none by default.
    on_epoch : callable, optional
        Called with the row of the log after each epoch.

    Returns
    -------
    Fitted
        The log, and which epoch was kept.

    Raises
    ------
    InputError
        If the loss is not finite, or a checkpoint cannot be written.
    """
    n_genes = train.expression.shape[1]
    standardised = options.recipe.standardised
    targets = Targets.standardised(train.expression, train.rows) if standardised else Targets.plain(n_genes)
    if standardised:
        _scale_head(network, targets, known_genes)
    network.to(device)
    learner = _Learner(network, train, val, targets, options, device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        fitted = _epochs(learner, checkpoints, on_epoch)
    network.to("cpu").eval()
    if standardised:
        _fold_in(network, targets)
    return fitted


def gene_layer(network: SlideNetwork) -> nn.Linear | nn.Conv1d:
    """The last layer of a network, which is linear: it has a row of weights for each gene."""
    layers = [module for module in network.modules() if isinstance(module, nn.Linear | nn.Conv1d)]
    return next(layer for layer in reversed(layers) if layer.weight.shape[0] == network.num_outputs)


def _scale_head(network: SlideNetwork, targets: Targets, known: NDArray[np.bool_] | None) -> None:
    """Let the last layer predict scaled genes: what it knows is scaled, other genes begin at their mean."""
    layer = gene_layer(network)
    bias = cast(Tensor, layer.bias)
    told = torch.zeros(len(bias), dtype=torch.bool) if known is None else torch.from_numpy(known)
    with torch.no_grad():
        scale, shift = torch.from_numpy(targets.scale), torch.from_numpy(targets.shift)
        layer.weight[told] /= scale[told].reshape(-1, *[1] * (layer.weight.ndim - 1))
        bias.copy_(torch.where(told, (bias - shift) / scale, 0))  # 0: the training mean


def _fold_in(network: SlideNetwork, targets: Targets) -> None:
    """Give the last layer the scale and the shift of the genes: the network then predicts in their unit."""
    layer = gene_layer(network)
    with torch.no_grad():
        scale, shift = torch.from_numpy(targets.scale), torch.from_numpy(targets.shift)
        layer.weight.mul_(scale.reshape(-1, *[1] * (layer.weight.ndim - 1)))
        cast(Tensor, layer.bias).mul_(scale).add_(shift)


class _Learner:
    """A network, its optimizer and its data: what an epoch needs."""

    def __init__(
        self,
        network: SlideNetwork,
        train: FoldPart,
        val: FoldPart | None,
        targets: Targets,
        options: FitOptions,
        device: torch.device,
    ) -> None:
        self.network, self.train, self.val = network, train, val
        self.targets, self.options, self.device = targets, options, device
        learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
        fused = device.type in ("cpu", "cuda")
        self.optimizer = torch.optim.Adam(learning, lr=options.lr, fused=fused)

    def learn(self, epoch: int) -> float:
        """One pass over the training slides in random order; returns the MSE, weighted by slides."""
        entropy = np.random.SeedSequence([self.options.seed, self.options.fold, epoch])
        order = np.random.default_rng(entropy).permutation(len(self.train))
        torch.manual_seed(int(entropy.generate_state(1, np.uint64)[0]))
        self.network.train()
        total = torch.zeros((), dtype=torch.float64, device="cpu")
        for x, y in self.train.batches(self.options.batch_size, self.targets, self.device, order):
            with self._precision():
                loss = mse_loss(self.network(x).float(), y)
            loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)  # here: not in memory beside those of the next pass
            total += loss.detach().double().cpu() * len(x)
        return float(total) / len(self.train)

    def validate(self) -> tuple[float, float]:
        """MSE in scaled genes, and the mean correlation; NaN without a validation part."""
        if self.val is None:
            return math.nan, math.nan
        self.network.eval()
        losses, predicted, measured = [], [], []
        with torch.inference_mode():
            for x, y in self.val.batches(self.options.batch_size, self.targets, self.device):
                with self._precision():
                    output = self.network(x).float()
                losses.append(float(mse_loss(output, y)))
                predicted.append(output.cpu().numpy())
                measured.append(y.cpu().numpy())
        if self.options.recipe.averaged_over == "batches":
            by_batch = [_mean_r(*pair, constant=math.nan) for pair in zip(measured, predicted, strict=True)]
            return float(np.mean(losses)), _mean(np.array(by_batch))
        mse = float(np.average(losses, weights=[len(some) for some in predicted]))
        return mse, _mean_r(np.concatenate(measured), np.concatenate(predicted), constant=0.0)

    def _precision(self) -> AbstractContextManager[Any]:
        halved = self.options.precision == "bfloat16"
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=halved)


def _mean_r(measured: NDArray[np.float32], predicted: NDArray[np.float32], *, constant: float) -> float:
    """Mean over the genes that vary; `constant` is the value of one whose predictions do not, NaN to leave it out."""
    r = column_correlations(measured.astype(np.float64), predicted.astype(np.float64))
    r[np.ptp(predicted, axis=0) == 0] = constant
    return _mean(r[np.ptp(measured, axis=0) > 0])


def _mean(values: NDArray[np.float64]) -> float:
    """Mean of the values that are not NaN; NaN if there is none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


def _epochs(
    learner: _Learner, checkpoints: Checkpoints, on_epoch: Callable[[dict[str, Any]], None] | None
) -> Fitted:
    """Epochs until training ends; the network then has the parameters that are kept."""
    options, network = learner.options, learner.network
    state = checkpoints.load(network, learner.optimizer)
    resumed_at = None if state is None else state.epochs
    note = (
        "the checkpoint was damaged, so training began anew" if checkpoints.damaged else _other_threads(state)
    )
    state = state or TrainingState(threads=torch.get_num_threads())
    stopping = Stopping(options.recipe, **state.stopping)
    while state.epochs < options.epochs and not state.stop:
        verdict = _epoch(learner, stopping, state, checkpoints)
        if on_epoch is not None:
            on_epoch(state.log[-1])
        state.stop = verdict.stop
        ends = bool(state.stop) or state.epochs == options.epochs
        if ends or checkpoints.due:
            state.stopping = {
                f.name: getattr(stopping, f.name) for f in fields(stopping) if f.name != "recipe"
            }
            checkpoints.save(state, network, learner.optimizer)
    kept = state.epochs - 1
    if learner.val is not None and options.recipe.evaluated == "saved" and state.saved_epoch is not None:
        kept = state.saved_epoch
        checkpoints.load_network(network, kept)
    reason = state.stop or f"{options.epochs} epochs"
    return Fitted(state.epochs, kept, reason, state.log, resumed_at, note)


def _epoch(learner: _Learner, stopping: Stopping, state: TrainingState, checkpoints: Checkpoints) -> Verdict:
    """Learn, validate, save if it is due, and write the row of the log."""
    epoch, start = state.epochs, time.monotonic()
    train_mse = learner.learn(epoch)
    val_mse, val_r = learner.validate()
    if not math.isfinite(train_mse) or (learner.val is not None and not math.isfinite(val_mse)):
        raise InputError(
            f"the loss is {train_mse if not math.isfinite(train_mse) else val_mse}",
            where=f"fold {learner.options.fold}, epoch {epoch}",
            fix="use a lower --lr; check that features and expression have no extreme values",
        )
    verdict = Verdict(1, False) if learner.val is None else stopping.step(val_mse, val_r)
    if verdict.save:
        checkpoints.save_network(learner.network, epoch)
        state.saved_epoch = epoch
    seconds = round(time.monotonic() - start, 3)
    values = (epoch, verdict.phase, train_mse, val_mse, val_r, learner.options.lr, verdict.save, seconds)
    state.log.append(dict(zip(LOG_COLUMNS, values, strict=True)))
    state.epochs += 1
    return verdict


def _other_threads(state: TrainingState | None) -> str:
    """A note if a checkpoint was written with another number of threads."""
    now = torch.get_num_threads()
    if state is None or state.threads in (0, now):
        return ""
    return f"begun with {state.threads} threads and resumed with {now}: the last digits may differ"


def predict(
    network: nn.Module, inputs: NDArray[np.float32], rows: NDArray[np.int64], *, batch_size: int = 16
) -> NDArray[np.float32]:
    """Genes (n, genes) of some slides, by a network on the CPU in evaluation mode."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(rows), batch_size):
            x = torch.from_numpy(inputs[rows[start : start + batch_size]])
            give_back(inputs)
            parts.append(network(x).numpy())
    return np.concatenate(parts)
