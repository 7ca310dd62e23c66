"""One fold: a network learns from its training part, and predicts its test part beside the baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from sequoia_model.errors import InputError, listing
from sequoia_model.nets.slide_network import SlideNetwork
from sequoia_model.training.baselines import (
    Chosen,
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
from sequoia_model.training.epochs import Fitted
from sequoia_model.training.fit import FitOptions, fit, predict
from sequoia_model.training.folds import FoldRows, more_validation
from sequoia_model.training.networks import SMALL_INPUT, Start, new_network
from sequoia_model.training.options import PRECISIONS, TrainOptions
from sequoia_model.training.parts import FoldPart, give_back
from sequoia_model.training.principal_components import PrincipalComponents, fit_components, refuse_few
from sequoia_model.training.recipes import recipe_named
from sequoia_model.training.scores import gene_correlations

_RANKING = "ranking."


def results_file(fold: int) -> str:
    """Where the predictions of a fold stand in a run folder, of all methods."""
    return f".runs/fold_{fold}.results.safetensors"


@dataclass(frozen=True, eq=False)
class FoldPredictions:
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
    predicted: Mapping[str, NDArray[np.float32]]
    ranking: Mapping[str, NDArray[np.float64]]

    def save(self, path: Path) -> None:
        """Write the arrays as a safetensors file."""
        ranking = {f"{_RANKING}{name}": values for name, values in self.ranking.items()}
        save_file({"rows": self.rows, **self.predicted, **ranking}, path)

    @classmethod
    def load(cls, path: Path) -> FoldPredictions:
        """Read what `save` wrote.

        Raises
        ------
        InputError
            If the file is damaged.
        """
        try:
            arrays = load_file(path)
            rows = arrays.pop("rows")
        except (SafetensorError, KeyError) as error:
            raise InputError(
                f"the predictions of a fold are damaged: {error}",
                where=str(path),
                fix="train this fold again: --fold K --force",
            ) from None
        ranking = {name: arrays.pop(name) for name in list(arrays) if name.startswith(_RANKING)}
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
    components = _components(data, rows, options, start)
    inputs = data.means if components is None else components.apply(data.means)
    if start is None:
        n_clusters, dim = inputs.shape[1:]
        sizes = {"dim": dim, "n_clusters": n_clusters, "n_genes": len(data.genes)}
        network, known = new_network(options, **sizes, fold=rows.fold), None
    else:
        network, known = start.new(data.genes, options, rows.fold)
    fitted = fit(
        network,
        FoldPart(inputs, data.expression, rows.train),
        FoldPart(inputs, data.expression, rows.val) if len(rows.val) else None,
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


def _components(
    data: TrainingData, rows: FoldRows, options: TrainOptions, start: Start | None
) -> PrincipalComponents | None:
    """What is in front of the network: what the weights to start from had there, or else what its size asks for."""
    if start is not None:
        pca = start.network(rows.fold).pca
        return None if pca is None else PrincipalComponents(pca.mean.numpy(), pca.components.numpy())
    return fit_components(data.means, rows.train, SMALL_INPUT) if options.size == "small" else None


def refuse_unfit(
    data: TrainingData, rows: FoldRows, options: TrainOptions, start: Start | None, *, given: bool = False
) -> None:
    """Refuse data on which the network of a fold cannot be built, before any fold learns.

    Errors name other ways out where the splits were `given`, not drawn.

    Raises
    ------
    InputError
        If there are too few dimensions or slides for the principal components of a small network; or if the weights
        to start from have other sizes, or have seen patients whom the fold tests.
    """
    if len(rows.val) and (data.expression[rows.val] == data.expression[rows.val[0]]).all():
        raise InputError(
            f"the val part of fold {rows.fold} has the same expression in all {len(rows.val)} slides, so there is no "
            "correlation that could decide",
            where=listing((data.slides[row] for row in rows.val), 3),
            fix=more_validation(given),
        )
    if len(rows.val) and options.recipe == "published-code" and options.batch_size == 1:
        raise InputError(
            "published-code averages correlations over batches, and there is none in a batch of one slide",
            fix="use a larger --batch-size, or another --recipe",
        )
    if start is None:
        if options.size == "small":
            refuse_few(data.means, rows.train, SMALL_INPUT)
        return
    start.refuse_seen(rows.fold, slides_by_patient(data, rows))
    wanted, (clusters, dim) = start.network(rows.fold), data.means.shape[1:]
    if (wanted.num_clusters, wanted.input_dim) != (clusters, dim):
        raise InputError(
            f"the weights to start from take {wanted.num_clusters} × {wanted.input_dim}, but slides have "
            f"{clusters} × {dim}",
            where=start.weights.source,
        )


def slides_by_patient(data: TrainingData, rows: FoldRows) -> dict[str, list[str]]:
    """The slides of each patient whom a fold tests."""
    found: dict[str, list[str]] = {}
    for row in rows.test:
        found.setdefault(data.patients[row], []).append(data.slides[row])
    return found


def evaluate_fold(
    network: SlideNetwork,
    untrained: Mapping[str, SlideNetwork],
    data: TrainingData,
    rows: FoldRows,
) -> tuple[FoldPredictions, Chosen, str]:
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

    Returns
    -------
    FoldPredictions
        Without enough validation slides, genes are ranked on training slides: for the baselines, on predictions of
        slides whose patients were left out; for networks, on slides that they learnt from.
    Chosen
        What the baselines have chosen.
    str
        What to know about the baselines; empty if nothing.
    """
    pooled = pooled_features(data.means)
    give_back(data.means)
    x, y, patients = pooled[rows.train], data.expression[rows.train], data.patients[rows.train]
    ridge, knn = fit_ridge(x, y, patients=patients), nearest_neighbours(x, y, patients=patients)
    baselines: dict[str, Ridge | Neighbours | TrainingMean] = {
        "ridge": ridge,
        "knn": knn,
        "mean": training_mean(y),
    }
    methods: dict[str, Callable[[NDArray[np.int64]], NDArray[Any]]] = {
        **{name: _by_network(one, data) for name, one in {"network": network, **untrained}.items()},
        **{name: _by_baseline(fit, pooled) for name, fit in baselines.items()},
    }
    predicted = {
        name: np.ascontiguousarray(method(rows.test), dtype=np.float32) for name, method in methods.items()
    }
    measured = data.expression[rows.ranking]
    on_training = rows.ranked_on == "training"
    left_out = {"ridge": ridge.left_out_r, "knn": knn.left_out_r} if on_training else {}
    ranking = {
        name: left_out[name] if name in left_out else gene_correlations(measured, method(rows.ranking))
        for name, method in methods.items()
    }
    note = "; ".join(f"{name}: {fit.note}" for name, fit in (("ridge", ridge), ("kNN", knn)) if fit.note)
    return FoldPredictions(rows.test, predicted, ranking), Chosen.of(ridge, knn), note


def _by_baseline(
    baseline: Ridge | Neighbours | TrainingMean, pooled: NDArray[np.float64]
) -> Callable[[NDArray[np.int64]], NDArray[np.float64]]:
    return lambda some: baseline.predict(pooled[some])


def _by_network(
    network: SlideNetwork, data: TrainingData
) -> Callable[[NDArray[np.int64]], NDArray[np.float32]]:
    return lambda some: predict(network, data.means, some)
