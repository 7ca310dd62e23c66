"""One fold: networks learn risk from its training patients, and tell that of its test patients beside the baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from sequoia_model.errors import InputError, counted
from sequoia_model.nets.slide_network import SlideNetwork
from sequoia_model.risk.concordance import counted_pairs
from sequoia_model.risk.data import RiskData
from sequoia_model.risk.fit import RiskPart, fit_risk, predict_risk
from sequoia_model.risk.options import RiskOptions
from sequoia_model.risk.recipes import RISK_RECIPES
from sequoia_model.risk.ridge_cox import fit_ridge_cox
from sequoia_model.training.baselines import pooled_features
from sequoia_model.training.checkpoints import Checkpoints
from sequoia_model.training.epochs import Fitted
from sequoia_model.training.folds import FoldRows, more_validation
from sequoia_model.training.networks import SMALL_INPUT, new_network, null_networks
from sequoia_model.training.principal_components import fit_components, refuse_few

#: Fewest events of each part: with one, everything depends on a single patient.
_FEWEST_EVENTS = {"train": 2, "val": 1, "test": 2}
_TRAINED = "trained"


def risk_file(fold: int) -> str:
    """Where the risks of a fold stand in a run folder, of all methods."""
    return f".runs/fold_{fold}.risks.safetensors"


@dataclass(frozen=True, eq=False)
class FoldRisks:
    """The risks of a fold.

    Parameters
    ----------
    rows : array of shape (n,), int64
        The test part, as rows of the patients.
    risks : mapping of str to array of shape (n,), float64
        By method: "network", "untrained", "untrained_1", …, "ridge_cox".
    trained : array of shape (n_train,), float64
        Risks of the training part by the network, on whose scale those of the test part are.
    """

    rows: NDArray[np.int64]
    risks: Mapping[str, NDArray[np.float64]]
    trained: NDArray[np.float64]

    def save(self, path: Path) -> None:
        """Write the arrays as a safetensors file."""
        save_file({"rows": self.rows, _TRAINED: self.trained, **self.risks}, path)

    @classmethod
    def load(cls, path: Path) -> FoldRisks:
        """Read what `save` wrote.

        Raises
        ------
        InputError
            If the file is damaged.
        """
        try:
            arrays = load_file(path)
            rows, trained = arrays.pop("rows"), arrays.pop(_TRAINED)
        except (SafetensorError, KeyError) as error:
            raise InputError(
                f"the risks of a fold are damaged: {error}",
                where=str(path),
                fix="train this fold again: --fold K --force",
            ) from None
        ordered = sorted(arrays, key=lambda name: (name != "network", name == "ridge_cox", name))
        return cls(rows, {name: arrays[name] for name in ordered}, trained)


def refuse_unfit_fold(data: RiskData, rows: FoldRows, options: RiskOptions, *, given: bool) -> None:
    """Refuse a fold from whose patients risk cannot be learnt or tested, before any fold learns.

    Errors name other ways out where the splits were `given`, not drawn.

    Raises
    ------
    InputError
        If a part that counts has too few events or no comparable pair, or there are too few dimensions or slides for
        the principal components of a small network.
    """
    parts = {"train": rows.train, "val": rows.val, "test": rows.test}
    if not RISK_RECIPES[options.recipe].stops:
        del parts["val"]  # it decides nothing
    others = "use other splits" if given else "use fewer folds (--folds), or more patients"
    for name, patients in parts.items():
        n, fewest = int(data.event[patients].sum()), _FEWEST_EVENTS[name]
        if len(patients) and n < fewest:
            raise InputError(
                f"the {name} part of fold {rows.fold} has {counted(n, 'event')} in "
                f"{counted(len(patients), 'patient')}; it needs {fewest} or more",
                where=f"{int(data.event.sum())} of {counted(len(data.event), 'patient')} have the event",
                fix=more_validation(given) if name == "val" else others,
            )
    for name in ("train", "test"):
        time, event = data.tied_time[parts[name]], data.event[parts[name]]
        if not counted_pairs(time, event, np.zeros(len(time)))[0]:
            raise InputError(
                f"no patient of the {name} part of fold {rows.fold} has an event before the time of another one, so "
                "there is no order of risks",
                where=counted(len(time), "patient"),
                fix=others,
            )
    if options.size == "small":
        refuse_few(data.means, data.slide_rows(rows.train), SMALL_INPUT)


def part_of(
    data: RiskData, patients: NDArray[np.int64], fusion: str, inputs: NDArray[np.float32] | None = None
) -> RiskPart:
    """Some patients as a network takes them.

    Parameters
    ----------
    data : RiskData
        All patients.
    patients : array of int64
        Their rows.
    fusion : {"late", "early"}
        How the slides of a patient become one risk.
    inputs : array of shape (slides, clusters, d), float32, optional
        What the network takes; by default the cluster means.
    """
    return RiskPart(
        data.means if inputs is None else inputs,
        tuple(data.slides_of[row] for row in patients),
        data.tied_time[patients],
        data.event[patients],
        fusion,
    )


def train_repeats(
    data: RiskData,
    rows: FoldRows,
    options: RiskOptions,
    *,
    checkpoints: Callable[[int], Checkpoints],
    device: torch.device,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
) -> tuple[SlideNetwork, list[Fitted]]:
    """Train the network of a fold, several times from other random numbers.

    Parameters
    ----------
    data : RiskData
        All patients.
    rows : FoldRows
        The patients of the fold. The test part is watched for the log, and decides nothing.
    options : RiskOptions
        How the networks learn.
    checkpoints : callable
        Where the state of a repeat is kept.
    device : device
        Where the networks learn.
    on_epoch : callable, optional
        Called with ``repeat`` and the row of the log after each epoch.

    Returns
    -------
    SlideNetwork
        That of repeat 0, on the CPU, in evaluation mode; it takes the features themselves.
    list of Fitted
        The log of each repeat.
    """
    small = options.size == "small"
    components = fit_components(data.means, data.slide_rows(rows.train), SMALL_INPUT) if small else None
    inputs = data.means if components is None else components.apply(data.means)
    train, val, test = (
        part_of(data, part, options.fusion, inputs) if len(part) else None
        for part in (rows.train, rows.val, rows.test)
    )
    assert train is not None  # no fold without a training part gets here
    n_clusters, dim = inputs.shape[1:]
    kept, fits = None, []
    for repeat in range(options.repeats):
        begun = replace(options, seed=options.seed + repeat)
        network = new_network(begun, dim=dim, n_clusters=n_clusters, n_genes=1, fold=rows.fold)

        def told(row: dict[str, Any], repeat: int = repeat) -> None:
            if on_epoch is not None:
                on_epoch({"repeat": repeat, **row})

        fitted = fit_risk(
            network, train, val, options, fold=rows.fold, repeat=repeat, test=test,
            checkpoints=checkpoints(repeat), device=device, on_epoch=told,
        )  # fmt: skip
        kept = kept or network
        fits.append(fitted)
    assert kept is not None  # there is one repeat at least
    if components is not None:
        kept.with_pca(components.mean, components.components)
    return kept, fits


def evaluate_risks(
    network: SlideNetwork, data: RiskData, rows: FoldRows, options: RiskOptions
) -> tuple[FoldRisks, float]:
    """The risks of the test part by the network, untrained networks and ridge Cox regression on mean features.

    Parameters
    ----------
    network : SlideNetwork
        The trained network.
    data : RiskData
        All patients.
    rows : FoldRows
        The baseline learns from the training part alone.
    options : RiskOptions
        Fusion, seed, and the number of untrained networks.

    Returns
    -------
    FoldRisks
    float
        The penalty that the baseline chose.
    """
    pooled = pooled_features(data.means)
    x = np.stack([pooled[slides].mean(axis=0) for slides in data.slides_of])
    ridge = fit_ridge_cox(
        x[rows.train], data.tied_time[rows.train], data.event[rows.train], seed=options.seed
    )
    test, train = (part_of(data, part, options.fusion) for part in (rows.test, rows.train))
    networks = {"network": network, **null_networks(network, options, rows.fold)}
    risks = {name: predict_risk(one, test) for name, one in networks.items()}
    risks["ridge_cox"] = ridge.predict(x[rows.test])
    return FoldRisks(rows.test, risks, predict_risk(network, train)), ridge.penalty
