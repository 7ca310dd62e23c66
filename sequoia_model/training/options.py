"""What a training run is asked to do: checked once, and kept with everything that the run writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar

from sequoia_base.arguments import Limit, check_limits, number, one_of, optional, whole
from sequoia_model.errors import InputError
from sequoia_model.nets import SummaryTransformer
from sequoia_model.nets.architectures import ARCHITECTURES
from sequoia_model.training.recipes import RECIPES

#: The sizes of networks; "full" is that of the paper.
SIZES = ("full", "small")
#: Precisions of the products; parameters, sums and losses are always float32.
PRECISIONS = ("float32", "bfloat16")


def precision_on(device: str) -> str:
    """The precision of the products by default, on this kind of device."""
    return "bfloat16" if device == "cuda" else "float32"


@dataclass(frozen=True)
class TrainOptions:
    """How networks learn.

    Parameters
    ----------
    architecture : {"summary_transformer", "tile_transformer", "tile_mlp"}, optional
        Architecture of the networks; by default that of `init`, or else "summary_transformer".
    size : {"full", "small"}, optional
        Sizes as in the paper; or depth 2, 4 heads of 32, hidden layers of 256, and features projected onto 128
        principal components of the training slides' cluster means.
    recipe : {"paper", "published-code", "strict"}
        When a network is saved and when training stops (`sequoia_model.training.recipes`).
    epochs : int
        Largest number of epochs; without a validation part, the exact number.
    batch_size : int
        Slides per step.
    lr : float
        Learning rate of Adam.
    precision : {"float32", "bfloat16"}, optional
        Precision of the products; by default bfloat16 on a GPU, float32 elsewhere.
    sample_percent : float, optional
        Percent of the training patients of each fold that are used, drawn at random; all by default.
    untrained : int
        Number of untrained networks per fold, the null of comparisons.
    init : str, optional
        Weights from which the networks start; their architecture and sizes are then those of the networks.
    freeze : tuple of str
        Parts of the network that do not learn.
    no_val : bool
        Whether validation patients train as well; training then lasts for exactly `epochs` epochs.
    seed : int
        Random seed, 0 or more.
    """

    architecture: str | None = None
    size: str | None = None
    recipe: str = "paper"
    epochs: int = 200
    batch_size: int = 16
    lr: float = 1e-3
    precision: str | None = None
    sample_percent: float | None = None
    untrained: int = 1
    init: str | None = None
    freeze: tuple[str, ...] = ()
    no_val: bool = False
    seed: int = 0

    LIMITS: ClassVar[Mapping[str, Limit]] = {
        "architecture": optional(one_of(tuple(ARCHITECTURES))),
        "size": optional(one_of(SIZES)),
        "recipe": one_of(tuple(RECIPES)),
        "epochs": whole(1),
        "batch_size": whole(1),
        "lr": number("a number above 0 and up to 1", lambda lr: 0 < lr <= 1),
        "precision": optional(one_of(PRECISIONS)),
        "sample_percent": optional(number("a number above 0 and up to 100", lambda share: 0 < share <= 100)),
        "untrained": whole(0),
        "seed": whole(0),
    }

    def __post_init__(self) -> None:
        check_limits({f.name: getattr(self, f.name) for f in fields(self)}, self.LIMITS)
        if self.freeze and self.init is None:
            raise InputError(
                "parts are frozen, but the network starts from random parameters",
                fix="give trained weights with --init, or leave out --freeze",
            )

    def completed(self, device: str, architecture: str | None = None) -> TrainOptions:
        """The options with a value for each of those that were left open.

        Parameters
        ----------
        device : str
            The kind of device, which decides the precision.
        architecture : str, optional
            That of the weights to start from, if there are any.

        Raises
        ------
        InputError
            If another architecture, or a size, was asked for than that of the weights to start from.
        """
        precision = self.precision or precision_on(device)
        if architecture is None:
            name, size = self.architecture or SummaryTransformer.architecture, self.size or SIZES[0]
            return replace(self, precision=precision, architecture=name, size=size)
        if self.size is not None or self.architecture not in (None, architecture):
            raise InputError(
                f"the networks have the architecture and sizes of the weights that they start from: {architecture}",
                where=str(self.init),
                fix="leave out --architecture and --size, or --init",
            )
        return replace(self, precision=precision, architecture=architecture)

    def settings(self) -> dict[str, Any]:
        """The options as plain values."""
        return asdict(self) | {"freeze": list(self.freeze)}
