"""One network learns genes: its epochs, their validation, and predictions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from sequoia_model.nets.slide_network import SlideNetwork
from sequoia_model.training.checkpoints import Checkpoints
from sequoia_model.training.epochs import Fitted, Learner, run_epochs
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
    fitted = run_epochs(_GeneLearner(network, train, val, targets, options, device), checkpoints, on_epoch)
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


class _GeneLearner(Learner):
    """Learns genes by their mean squared error."""

    columns = LOG_COLUMNS
    losses = ("train_mse", "val_mse")
    advice = "use a lower --lr; check that features and expression have no extreme values"
    stopping: Stopping

    def __init__(
        self,
        network: SlideNetwork,
        train: FoldPart,
        val: FoldPart | None,
        targets: Targets,
        options: FitOptions,
        device: torch.device,
    ) -> None:
        super().__init__(
            network,
            Stopping(options.recipe),
            seeds=(options.seed, options.fold),
            where=f"fold {options.fold}",
            epochs=options.epochs,
            lr=options.lr,
            precision=options.precision,
            device=device,
            keeps_saved=val is not None and options.recipe.evaluated == "saved",
        )
        self._train, self._val, self._targets, self._options = train, val, targets, options

    def epoch(self, number: int) -> dict[str, float]:
        """Training and validation, of which the latter may be missing."""
        learnt = {"train_mse": self._learn(number)}
        return learnt if self._val is None else learnt | self._validate(self._val)

    def judge(self, values: Mapping[str, float]) -> Verdict:
        """Without a validation part nothing is saved, and training does not stop early."""
        if self._val is None:
            return Verdict(1, False)
        return self.stopping.step(values["val_mse"], values["val_r"])

    def _learn(self, epoch: int) -> float:
        """One pass over the training slides in random order; returns the MSE, weighted by slides."""
        order = self.draws(epoch).permutation(len(self._train))
        self.network.train()
        total = torch.zeros((), dtype=torch.float64, device="cpu")
        for x, y in self._train.batches(self._options.batch_size, self._targets, self.device, order):
            with self.precision():
                loss = mse_loss(self.network(x).float(), y)
            self.step(loss)
            total += loss.detach().double().cpu() * len(x)
        return float(total) / len(self._train)

    def _validate(self, val: FoldPart) -> dict[str, float]:
        """MSE in scaled genes, and the mean correlation."""
        self.network.eval()
        losses, predicted, measured = [], [], []
        with torch.inference_mode():
            for x, y in val.batches(self._options.batch_size, self._targets, self.device):
                with self.precision():
                    output = self.network(x).float()
                losses.append(float(mse_loss(output, y)))
                predicted.append(output.cpu().numpy())
                measured.append(y.cpu().numpy())
        if self._options.recipe.averaged_over == "batches":
            by_batch = [_mean_r(*pair, constant=math.nan) for pair in zip(measured, predicted, strict=True)]
            return {"val_mse": float(np.mean(losses)), "val_r": _mean(np.array(by_batch))}
        mse = float(np.average(losses, weights=[len(some) for some in predicted]))
        r = _mean_r(np.concatenate(measured), np.concatenate(predicted), constant=0.0)
        return {"val_mse": mse, "val_r": r}


def _mean_r(measured: NDArray[np.float32], predicted: NDArray[np.float32], *, constant: float) -> float:
    """Mean over the genes that vary; `constant` is the value of one whose predictions do not, NaN to leave it out."""
    r = column_correlations(measured.astype(np.float64), predicted.astype(np.float64))
    r[np.ptp(predicted, axis=0) == 0] = constant
    return _mean(r[np.ptp(measured, axis=0) > 0])


def _mean(values: NDArray[np.float64]) -> float:
    """Mean of the values that are not NaN; NaN if there is none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


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
