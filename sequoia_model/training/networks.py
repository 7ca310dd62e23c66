"""The network of a fold before it learns: its size, its random parameters, and those it starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sequoia_model.nets.architectures import build
from sequoia_model.nets.slide_network import SlideNetwork
from sequoia_model.training.options import TrainOptions
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


def new_network(options: TrainOptions, *, dim: int, n_clusters: int, n_genes: int, fold: int) -> SlideNetwork:
    """A network with random parameters, on the CPU.

    Parameters
    ----------
    options : TrainOptions
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
    name = options.architecture
    sizes = {_INPUT[name]: dim, "num_outputs": n_genes, "num_clusters": n_clusters}
    like = build({"architecture": name, **_SIZES[name][options.size], **sizes}, "the new network")
    return untrained(Weights((like,), (fold,), "new"), options.seed)[0]


def null_networks(network: SlideNetwork, options: TrainOptions, fold: int) -> dict[str, SlideNetwork]:
    """Untrained networks like a trained one, by the names of their layers ("untrained", "untrained_1", …)."""
    like = Weights((network,), (fold,), "training")
    return {
        f"untrained_{i}" if i else "untrained": untrained(like, options.seed + i)[0]
        for i in range(options.untrained)
    }


@dataclass(frozen=True)
class Start:
    """Trained weights from which networks start.

    Parameters
    ----------
    weights : Weights
        One network, which starts all folds, or one per fold.
    freeze : tuple of str
        Parts of the network that do not learn.
    """

    weights: Weights
    freeze: tuple[str, ...] = ()


def read_start(options: TrainOptions) -> Start | None:
    """The weights from which networks start, if the options name any."""
    return None if options.init is None else Start(load_weights(options.init), options.freeze)
