"""The network of a fold before it learns: its size, its random parameters, and those it starts from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sequoia_base.names import patient_of
from sequoia_model.errors import InputError, counted, listing
from sequoia_model.nets import freeze, transfer
from sequoia_model.nets.architectures import build
from sequoia_model.nets.slide_network import SlideNetwork
from sequoia_model.prediction.plan import has_gene_names, output_genes
from sequoia_model.splits import Splits, published
from sequoia_model.training.options import TrainOptions
from sequoia_model.types.units import NOT_STATED, same_unit
from sequoia_model.weights.loading import Weights, load_weights, untrained

#: Principal components that a small network takes.
SMALL_INPUT = 128
#: The arguments of each architecture by size; those of "full" are the paper's.
_SIZES: dict[str, dict[str, dict[str, Any]]] = {
    "summary_transformer": {
        "full": {"depth": 6, "nheads": 16, "dimensions_f": 64, "dimensions_s": 64, "dimensions_c": 64},
        "small": {"depth": 2, "nheads": 4, "dimensions_f": 32, "dimensions_s": 32, "dimensions_c": 32},
    },
    "tile_transformer": {
        "full": {"depth": 6, "heads": 16, "mlp_dim": 2048, "dim_head": 64},
        "small": {"depth": 2, "heads": 4, "mlp_dim": 256, "dim_head": 32},
    },
    "tile_mlp": {"full": {"layers": [256, 256]}, "small": {"layers": [256, 256]}},
}
#: What each architecture calls the length of its input.
_INPUT = {"summary_transformer": "input_dim", "tile_transformer": "dim", "tile_mlp": "input_dim"}


class NetworkOptions(Protocol):
    """The options that say what a new network is."""

    @property
    def architecture(self) -> str | None:
        """Name of the architecture."""

    @property
    def size(self) -> str | None:
        """Name of the size."""

    @property
    def untrained(self) -> int:
        """Number of untrained networks beside it."""

    @property
    def seed(self) -> int:
        """Random seed."""


def new_network(
    options: NetworkOptions, *, dim: int, n_clusters: int, n_genes: int, fold: int
) -> SlideNetwork:
    """A network with random parameters, on the CPU.

    Parameters
    ----------
    options : NetworkOptions
        Architecture, size and seed.
    dim : int
        Length of its input: of a feature vector, or the number of principal components.
    n_clusters : int
        Number of cluster means of a slide.
    n_genes : int
        Number of outputs.
    fold : int
        Number of the fold, which enters the random numbers.
    """
    name, size = options.architecture, options.size
    assert name is not None and size is not None  # they are completed first
    sizes = {_INPUT[name]: dim, "num_outputs": n_genes, "num_clusters": n_clusters}
    like = build({"architecture": name, **_SIZES[name][size], **sizes}, "the new network")
    return untrained(Weights((like,), (fold,), "new"), options.seed)[0]


def null_networks(network: SlideNetwork, options: NetworkOptions, fold: int) -> dict[str, SlideNetwork]:
    """Untrained networks like a trained one, by the names of their layers ("untrained", "untrained_1", …)."""
    like = Weights((network,), (fold,), "training")
    return {
        f"untrained_{i}" if i else "untrained": untrained(like, options.seed + i)[0]
        for i in range(options.untrained)
    }


@dataclass(frozen=True)
class Start:
    """Trained weights from which networks start, for fine-tuning or after training on other genes.

    Parameters
    ----------
    weights : Weights
        One network, which starts all folds, or one per fold.
    freeze : tuple of str
        Parts of the network that do not learn.
    """

    weights: Weights
    freeze: tuple[str, ...] = ()

    def network(self, fold: int) -> SlideNetwork:
        """The network from which a fold starts."""
        alone = len(self.weights.networks) == 1
        return self.weights.networks[0 if alone else self.weights.folds.index(fold)]

    def new(
        self, genes: Sequence[str], options: TrainOptions, fold: int
    ) -> tuple[SlideNetwork, NDArray[np.bool_]]:
        """A network of the same sizes for other genes, without the PCA in front, and which of the genes it knows.

        Genes that the weights predict keep their part of the last layer; the others start from random parameters.
        """
        source = self.network(fold)
        like = build(
            {**source.sizes, "architecture": source.architecture, "num_outputs": len(genes)}, "the network"
        )
        network = untrained(Weights((like,), (fold,), "new"), options.seed)[0]
        known = output_genes(self.weights) if has_gene_names(self.weights) else None
        body = {
            name: tensor for name, tensor in source.published_state().items() if not name.startswith("pca.")
        }
        transfer(network, body, genes=genes if known else None, from_genes=known)
        if self.freeze:
            freeze(network, self.freeze)
        return network, np.isin(genes, list(known or ()))

    def refuse_misfit(self, encoder: str, units: str, folds: Sequence[int]) -> None:
        """Refuse weights of another encoder, another unit, or other folds.

        Raises
        ------
        InputError
            Naming both.
        """
        weights = self.weights
        if weights.encoder not in (None, encoder):
            raise InputError(
                f"the weights to start from take features of {weights.encoder}, but the features are of {encoder}",
                where=weights.source,
            )
        if NOT_STATED not in (weights.units, units) and not same_unit(weights.units, units):
            raise InputError(
                f"the weights to start from predict {weights.units}, but the expression is in {units}",
                where=weights.source,
                fix="convert the expression: sequoia-stats expression convert",
            )
        if len(weights.folds) > 1 and not set(folds) <= set(weights.folds):
            raise InputError(
                f"the weights to start from have the folds {listing(weights.folds)}, but {len(folds)} are trained",
                where=weights.source,
                fix="give one network (its folder), or the same number of folds",
            )

    def doubts(self, units: str, tested: Mapping[int, Mapping[str, Collection[str]]]) -> list[str]:
        """What could not be checked, in words: whom the weights have seen, and whether units agree.

        Parameters
        ----------
        units : str
            Unit of the expression.
        tested : mapping of int to mapping of str to collection of str
            The slides of each patient whom a fold tests.
        """
        weights, found = self.weights, []
        if self._splits is None and not weights.seen:
            found.append(
                f"the weights to start from ({weights.source}) do not say on whom they were trained: if any of these "
                "patients is among them, test parts are not new to the networks"
            )
        alike = {name for fold, patients in tested.items() for name in self._known(fold, patients)[1]}
        if alike:
            found.append(
                f"{counted(len(alike), 'patient has the name', 'patients have the names')} of patients on whom the "
                f"weights to start from were trained, but none of their slides: {listing(sorted(alike), 3)}; taken as "
                "others"
            )
        if NOT_STATED in (weights.units, units) and weights.units != units:
            found.append(
                f"the weights to start from predict {weights.units}, and the unit of the expression is {units}: "
                "whether they agree is not known"
            )
        return found

    def refuse_seen(self, fold: int, tested: Mapping[str, Collection[str]]) -> None:
        """Refuse a network that has seen patients whom its fold tests.

        Parameters
        ----------
        fold : int
            Number of the fold.
        tested : mapping of str to collection of str
            The slides of each patient whom it tests.

        Raises
        ------
        InputError
            Naming them.
        """
        if known := self._known(fold, tested)[0]:
            raise InputError(
                f"fold {fold} tests {counted(len(known), 'patient')} whom the network that it starts from has seen",
                where=f"{self.weights.source}: {listing(known, 4)}",
                fix="start from weights of other patients, or give the splits of those weights with --splits; if they "
                "are other people with the same names, rename them in --patients",
            )

    def seen_outside(self, patients: Collection[str]) -> frozenset[str]:
        """The patients on whom the weights were trained, except these, whom `refuse_seen` looks after."""
        splits, weights = self._splits, self.weights
        trained = set(weights.seen)
        if splits is not None:
            used = [f"fold_{fold}" for fold in weights.folds if f"fold_{fold}" in splits.roles]
            trained |= set(splits.roles.index[splits.roles[used].isin(["train", "val"]).any(axis=1)])
        return frozenset(trained - set(patients))

    @property
    def _splits(self) -> Splits | None:
        """Splits of the patients on whom the weights were trained, if they say so."""
        weights = self.weights
        return weights.splits or (None if weights.cancer is None else published(weights.cancer))

    def _known(self, fold: int, tested: Mapping[str, Collection[str]]) -> tuple[list[str], list[str]]:
        """Patients whom the network of a fold has seen, and those who only have the names of such."""
        splits, weights = self._splits, self.weights
        from_fold = weights.folds[0] if len(weights.folds) == 1 else fold
        roles = {} if splits is None else splits.roles[f"fold_{from_fold}"].to_dict()
        known = [name for name in tested if name in weights.seen or roles.get(name, "") in ("train", "val")]
        alike = [
            name
            for name in known
            if name not in weights.seen  # of whom slides are not known
            and patient_of(name) is None
            and weights.slides
            and not any(slide in weights.slides for slide in tested[name])
        ]
        return [name for name in known if name not in alike], alike


def read_start(options: TrainOptions) -> Start | None:
    """The weights from which networks start, if the options name any."""
    return None if options.init is None else Start(load_weights(options.init), options.freeze)
