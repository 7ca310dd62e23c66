"""How intervals are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sequoia_base.arguments import Limit, check_limits, one_of
from sequoia_base.conformal.quantiles import PROMISE_LEVEL
from sequoia_base.errors import InputError

INTERVAL_METHODS = ("pooled", "cv+")


@dataclass(frozen=True)
class IntervalOptions:
    """How the intervals of genes are made.

    Parameters
    ----------
    level : float, default 0.9
        The promised coverage.
    method : {"pooled", "cv+"}
        Residuals of all folds around the mean of the networks; or around the prediction of the network that each
        residual is of (Barber et al. 2021, Annals of Statistics 49:486), which guarantees 1 − 2 (1 − level) for any
        networks, and needs their single predictions.
    normalised : bool, default False
        Whether the width follows the predicted value, in genes whose residuals depend on it and whose intervals
        become shorter on average.
    within : str, optional
        Name of the grouping of patients within which intervals keep their promise, such as site.
    weighted : bool, default False
        Whether calibration patients weigh as much as new patients resemble them (covariate shift).

    Raises
    ------
    InputError
        If a value is not possible, or CV+ is combined with `normalised` or `weighted`.
    """

    level: float = 0.9
    method: str = "pooled"
    normalised: bool = False
    within: str | None = None
    weighted: bool = False

    LIMITS: ClassVar[Mapping[str, Limit]] = {"level": PROMISE_LEVEL, "method": one_of(INTERVAL_METHODS)}

    def __post_init__(self) -> None:
        check_limits(vars(self), self.LIMITS)
        other = [name for name in ("normalised", "weighted") if getattr(self, name)]
        if self.method == "cv+" and other:
            raise InputError(f"intervals by cv+ cannot be {' and '.join(other)}", fix="use the method pooled")

    def to_dict(self) -> dict[str, Any]:
        """The options as plain values; `within` is "" if there is none."""
        return vars(self) | {"within": self.within or ""}
