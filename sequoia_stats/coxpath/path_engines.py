"""Engines that fit a penalised Cox path, behind one function and one result type.

To add an engine, write a class with the methods of `PathEngine` and put an instance into `PATH_ENGINES`:
cross-validation, signatures and the command line find it there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from sequoia_base.arguments import Limit, check_limits, number, one_of, optional
from sequoia_stats import rbridge
from sequoia_stats.types.outcome import Outcome, unit_time


@dataclass(frozen=True, eq=False)
class CoxPath:
    """Coefficients of a penalised Cox model along a decreasing sequence of penalties.

    Parameters
    ----------
    lambdas : array of shape (L,)
        Penalties, decreasing, on the scale of the log-likelihood divided by n.
    coefficients : array of shape (L, p)
        Per unit of the columns of x as they were given.
    alpha : float
        1 for the LASSO, between 0 and 1 for the elastic net.
    seconds : float
        Time spent in the engine's own fit, without any conversion.
    """

    lambdas: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    alpha: float
    seconds: float

    @property
    def n_nonzero(self) -> NDArray[np.intp]:
        """Number of genes chosen at every penalty."""
        return (self.coefficients != 0).sum(axis=1)

    def at(self, lambdas: NDArray[np.float64]) -> NDArray[np.float64]:
        """Coefficients at other penalties: linear between the fitted ones, constant outside (as glmnet's predict)."""
        order = slice(None, None, -1)
        left = np.interp(lambdas, self.lambdas[order], np.arange(self.lambdas.size)[order])
        low = np.floor(left).astype(int)
        high = np.ceil(left).astype(int)
        gap = self.lambdas[low] - self.lambdas[high]
        inside = np.clip(lambdas, self.lambdas[-1], self.lambdas[0]) - self.lambdas[high]
        share = np.divide(inside, gap, out=np.ones_like(inside), where=gap > 0)[:, None]
        return share * self.coefficients[low] + (1 - share) * self.coefficients[high]


@dataclass(frozen=True)
class PathSettings:
    """What an engine is asked to fit; None leaves the engine's own default.

    Parameters
    ----------
    alpha : float
        1 for the LASSO, between 0 and 1 for the elastic net.
    lambda_min_ratio : float, optional
        Smallest penalty of the path as a share of the largest.
    lambdas : tuple of float, optional
        The penalties, decreasing.
    n_lambda : int
        Number of penalties, if `lambdas` is not given.
    thresh : float
        Convergence threshold.
    maxit : int
        Largest number of passes over the data.
    """

    LIMITS: ClassVar[Mapping[str, Limit]] = {
        "alpha": number("above 0 and at most 1", lambda alpha: 0 < alpha <= 1),
        "lambda_min_ratio": optional(number("between 0 and 1", lambda ratio: 0 < ratio < 1)),
    }

    alpha: float = 1.0
    lambda_min_ratio: float | None = None
    lambdas: tuple[float, ...] | None = None
    n_lambda: int = 100
    thresh: float = 1e-7
    maxit: int = 100_000

    def __post_init__(self) -> None:
        check_limits(vars(self), self.LIMITS)


class PathEngine(Protocol):
    """What an engine must have."""

    def path(self, x: NDArray[np.float64], outcome: Outcome, settings: PathSettings) -> CoxPath:
        """Fit the whole path on x (n × p)."""
        ...

    def versions(self) -> Mapping[str, str]:
        """Versions of its software, which a signature records."""
        ...


class GlmnetEngine:
    """R's glmnet (Simon et al. 2011, Journal of Statistical Software 39(5)), the reference."""

    def path(self, x: NDArray[np.float64], outcome: Outcome, settings: PathSettings) -> CoxPath:
        """Fit by ``glmnet(x, Surv(time / 2^k, event), family = "cox")``, with all times below 1."""
        rbridge.require("glmnet", "survival")
        answer = rbridge.call(
            "cox_path.R",
            "cox_path",
            x=x,
            # with large times, glmnet cannot tell an event from a censoring at the same time
            time=unit_time(outcome.time),
            event=outcome.event.astype(np.float64),
            alpha=settings.alpha,
            lambda_min_ratio=settings.lambda_min_ratio,
            lambdas=None if settings.lambdas is None else np.array(settings.lambdas),
            n_lambda=settings.n_lambda,
            thresh=settings.thresh,
            maxit=settings.maxit,
        )
        return CoxPath(
            lambdas=np.atleast_1d(answer["lambdas"]),
            coefficients=np.ascontiguousarray(np.atleast_2d(answer["coefficients"]).T),
            alpha=settings.alpha,
            seconds=answer["seconds"],
        )

    def versions(self) -> Mapping[str, str]:
        """Versions of R, glmnet and survival."""
        return rbridge.versions(("glmnet", "survival"))


PATH_ENGINES: dict[str, PathEngine] = {"glmnet": GlmnetEngine()}


def path_engine(name: str) -> PathEngine:
    """The engine of that name; InputError if there is none."""
    check_limits({"engine": name}, {"engine": one_of(PATH_ENGINES)})
    return PATH_ENGINES[name]


def cox_path(
    x: NDArray[np.float64], outcome: Outcome, settings: PathSettings | None = None, *, engine: str = "glmnet"
) -> CoxPath:
    """Fit a penalised Cox path.

    Parameters
    ----------
    x : array of shape (n, p)
        Transformed expression, finite; at least two columns, none constant.
    outcome : Outcome
        The n patients; ties are handled by Breslow's method.
    settings : PathSettings, optional
        The penalties and the convergence threshold.
    engine : str
        Name of the engine.

    Returns
    -------
    CoxPath
    """
    return path_engine(engine).path(x, outcome, settings or PathSettings())


def path_without(
    x: NDArray[np.float64], outcome: Outcome, held_out: NDArray[np.bool_], settings: PathSettings, engine: str
) -> CoxPath:
    """The path of a fold, fitted without the patients held out; here, because a worker process then imports little."""
    return cox_path(x[~held_out], outcome[~held_out], settings, engine=engine)
