"""What a run that learns risk is asked to do: checked once, and kept with everything that the run writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar

from sequoia_base.arguments import Limit, check_limits, one_of, whole
from sequoia_model.nets import SummaryTransformer
from sequoia_model.risk.partial_likelihood import TIES
from sequoia_model.risk.recipes import RISK_RECIPES
from sequoia_model.training.options import SIZES, TrainOptions, precision_on

#: How the slides of a patient become one risk: the mean of their cluster means, or the mean of their risks.
FUSIONS = ("late", "early")
#: Limits that are those of `TrainOptions`.
_SHARED = ("architecture", "size", "epochs", "batch_size", "lr", "precision", "untrained", "seed")


@dataclass(frozen=True)
class RiskOptions:
    """How networks learn risk.

    Parameters
    ----------
    architecture : {"summary_transformer", "tile_transformer", "tile_mlp"}, optional
        Architecture of the networks; "summary_transformer" by default.
    size : {"full", "small"}, optional
        As in `TrainOptions`; "full" by default.
    recipe : {"strict", "paper"}
        Which epoch counts, and when training stops (`sequoia_model.risk.recipes`).
    epochs : int
        Largest number of epochs; without a validation part, the exact number.
    batch_size : int
        Patients per step.
    lr : float
        Learning rate of Adam.
    precision : {"float32", "bfloat16"}, optional
        Precision of the products; by default bfloat16 on a GPU, float32 elsewhere. The loss is always float64.
    ties : {"efron", "breslow"}
        How the loss treats events at the same time.
    fusion : {"late", "early"}
        The risk of a patient with several slides: the mean of the slides' risks, or the risk of the mean of their
        inputs.
    stratified : bool
        Whether every batch has as many events for its size as all training patients, as near as can be. Each patient
        still comes exactly once in an epoch.
    repeats : int
        How many times each fold learns from other random numbers, to show how far the result depends on them.
    untrained : int
        Number of untrained networks per fold, the null of comparisons.
    no_val : bool
        Whether validation patients train as well; training then lasts for exactly `epochs` epochs.
    seed : int
        Random seed, 0 or more.
    """

    architecture: str | None = None
    size: str | None = None
    recipe: str = "strict"
    epochs: int = 50
    batch_size: int = 64
    lr: float = 1e-3
    precision: str | None = None
    ties: str = "efron"
    fusion: str = "late"
    stratified: bool = False
    repeats: int = 5
    untrained: int = 1
    no_val: bool = False
    seed: int = 0

    LIMITS: ClassVar[Mapping[str, Limit]] = {
        **{name: TrainOptions.LIMITS[name] for name in _SHARED},
        "recipe": one_of(tuple(RISK_RECIPES)),
        "batch_size": whole(2),  # one patient has no partial likelihood
        "ties": one_of(TIES),
        "fusion": one_of(FUSIONS),
        "repeats": whole(1),
    }

    def __post_init__(self) -> None:
        check_limits({f.name: getattr(self, f.name) for f in fields(self)}, self.LIMITS)

    def completed(self, device: str) -> RiskOptions:
        """The options with a value for each of those that were left open.

        Parameters
        ----------
        device : str
            The kind of device, which decides the precision.
        """
        return replace(
            self,
            architecture=self.architecture or SummaryTransformer.architecture,
            size=self.size or SIZES[0],
            precision=self.precision or precision_on(device),
        )

    def settings(self) -> dict[str, Any]:
        """The options as plain values."""
        return asdict(self)
