"""One fold: a network learns from its training part, and predicts its test part beside the baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from sequoia_model.nets.slide_network import SlideNetwork
from sequoia_model.training.baselines import (
    Neighbours,
    Ridge,
    TrainingMean,
    fit_ridge,
    nearest_neighbours,
    pooled_features,
    training_mean,
)
from sequoia_model.training.checkpoints import Checkpoints
from sequoia_model.training.data import TrainingData
from sequoia_model.training.fit import FitOptions, Fitted, fit, predict
from sequoia_model.training.folds import FoldRows
from sequoia_model.training.networks import SMALL_INPUT, Start, new_network
from sequoia_model.training.options import PRECISIONS, TrainOptions
from sequoia_model.training.parts import Part
from sequoia_model.training.principal_components import fit_components
from sequoia_model.training.recipes import recipe_named
from sequoia_model.training.scores import gene_correlations

Matrix = NDArray[np.float32]
_RANKING = "ranking."


@dataclass(frozen=True, eq=False)
class FoldResults:
    """What a fold predicts.

    Parameters
    ----------
    rows : array of shape (n,), int64
        The test part, as rows of the training data.
    predicted : mapping of str to array of shape (n, genes), float32
        By method: "network", "untrained", "untrained_1", …, "ridge", "knn", "mean".
    ranking : mapping of str to array of shape (genes,), float64
        By method, the correlation of every gene on slides outside the test part (`FoldRows.ranking`).
    """

    rows: NDArray[np.int64]
    predicted: Mapping[str, Matrix]
    ranking: Mapping[str, NDArray[np.float64]]

    def save(self, path: Path) -> None:
        """Write the arrays as a safetensors file."""
        ranking = {f"{_RANKING}{name}": values for name, values in self.ranking.items()}
        save_file({"rows": self.rows, **self.predicted, **ranking}, path)

    @classmethod
    def load(cls, path: Path) -> FoldResults:
        """Read what `save` wrote."""
        arrays = load_file(path)
        ranking = {name: arrays.pop(name) for name in list(arrays) if name.startswith(_RANKING)}
        rows = arrays.pop("rows")
        return cls(rows, arrays, {name.removeprefix(_RANKING): values for name, values in ranking.items()})


def train_fold(
    data: TrainingData,
    rows: FoldRows,
    options: TrainOptions,
    start: Start | None,
    *,
    checkpoints: Checkpoints,
    device: torch.device,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
) -> tuple[SlideNetwork, Fitted]:
    """Train the network of a fold.

    Parameters
    ----------
    data : TrainingData
        Cluster means and measured expression of all slides.
    rows : FoldRows
        The slides of the fold; those of the test part are not touched.
    options : TrainOptions
        How the network learns.
    start : Start, optional
        Parameters that it starts from; random ones by default.
    checkpoints : Checkpoints
        Where the state of the training is kept.
    device : device
        Where the network learns.
    on_epoch : callable, optional
        Called with the row of the log after each epoch.

    Returns
    -------
    SlideNetwork
        On the CPU, in evaluation mode; it takes the features themselves and predicts in the unit of the expression.
    Fitted
        The log.
    """
    n_clusters = data.means.shape[1]
    components = fit_components(data.means, rows.train, SMALL_INPUT) if options.size == "small" else None
    inputs = data.means if components is None else components.apply(data.means)
    network = new_network(
        options,
        dim=inputs.shape[2],
        n_clusters=n_clusters,
        n_genes=len(data.genes),
        fold=rows.fold,
    )
    known = None if start is None else start.give(network, data.genes)
    fitted = fit(
        network,
        Part(inputs, data.expression, rows.train),
        Part(inputs, data.expression, rows.val) if len(rows.val) else None,
        FitOptions(
            recipe_named(options.recipe),
            epochs=options.epochs,
            batch_size=options.batch_size,
            lr=options.lr,
            precision=options.precision or PRECISIONS[0],
            seed=options.seed,
            fold=rows.fold,
        ),
        checkpoints=checkpoints,
        device=device,
        known_genes=known,
        on_epoch=on_epoch,
    )
    if components is not None:
        network.with_pca(components.mean, components.components)
    return network, fitted


def evaluate_fold(
    network: SlideNetwork,
    untrained: Mapping[str, SlideNetwork],
    data: TrainingData,
    rows: FoldRows,
) -> FoldResults:
    """Predict the test part with the network, untrained networks and the baselines.

    Parameters
    ----------
    network : SlideNetwork
        The trained network.
    untrained : mapping of str to SlideNetwork
        The null, by the name of its layer.
    data : TrainingData
        Cluster means and measured expression of all slides.
    rows : FoldRows
        The baselines learn from the training part alone.
    """
    pooled = pooled_features(data.means)
    x, y, patients = pooled[rows.train], data.expression[rows.train], data.patients[rows.train]
    baselines: dict[str, Ridge | Neighbours | TrainingMean] = {
        "ridge": fit_ridge(x, y, patients=patients),
        "knn": nearest_neighbours(x, y, patients=patients),
        "mean": training_mean(y),
    }
    methods: dict[str, Callable[[NDArray[np.int64]], NDArray[Any]]] = {
        **{name: _by_network(one, data) for name, one in {"network": network, **untrained}.items()},
        **{name: _by_baseline(fit, pooled) for name, fit in baselines.items()},
    }
    measured = data.expression[rows.ranking]
    predicted, ranking = {}, {}
    for name, method in methods.items():
        predicted[name] = np.ascontiguousarray(method(rows.test), dtype=np.float32)
        ranking[name] = gene_correlations(measured, method(rows.ranking))
    return FoldResults(rows.test, predicted, ranking)


def _by_baseline(
    baseline: Ridge | Neighbours | TrainingMean, pooled: NDArray[np.float64]
) -> Callable[[NDArray[np.int64]], NDArray[np.float64]]:
    return lambda some: baseline.predict(pooled[some])


def _by_network(network: SlideNetwork, data: TrainingData) -> Callable[[NDArray[np.int64]], Matrix]:
    return lambda some: predict(network, data.means, some)
