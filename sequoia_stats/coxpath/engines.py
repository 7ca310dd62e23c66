"""Engines that fit a penalised Cox path, behind one door and one result type.

To add an engine, write a class with the method `path` of `Engine` and put an instance into `ENGINES`; cross-
validation, signatures and the command line find it there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sequoia_stats import rbridge
from sequoia_stats.errors import InputError
from sequoia_stats.types.outcome import Outcome


@dataclass(frozen=True, eq=False)
class CoxPath:
    """Coefficients of a penalised Cox model along a decreasing sequence of penalties.

    Parameters
    ----------
    lambdas : array of shape (L,)
        Penalties, decreasing, on the 1/n scale of the log-likelihood.
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
    """What an engine is asked for; None leaves the engine's own default.

    Parameters
    ----------
    alpha : float
        Mixing of the LASSO (1) and ridge (0) penalties.
    lambda_min_ratio : float, optional
        Smallest penalty of the path as a share of the largest.
    lambdas : tuple of float, optional
        The penalties themselves, decreasing.
    n_lambda : int
        Length of the path where `lambdas` is not given.
    thresh, maxit : float, int
        Convergence threshold and largest number of passes.
    """

    alpha: float = 1.0
    lambda_min_ratio: float | None = None
    lambdas: tuple[float, ...] | None = None
    n_lambda: int = 100
    thresh: float = 1e-7
    maxit: int = 100_000

    def __post_init__(self) -> None:
        if not 0 < self.alpha <= 1:
            raise InputError(f"alpha is {self.alpha}, and must lie above 0 and at most at 1")
        if self.lambda_min_ratio is not None and not 0 < self.lambda_min_ratio < 1:
            raise InputError(f"lambda_min_ratio is {self.lambda_min_ratio}, and must lie between 0 and 1")


class Engine(Protocol):
    """What fits a path."""

    def path(self, x: NDArray[np.float64], outcome: Outcome, settings: PathSettings) -> CoxPath:
        """Fit the whole path on x (n × p)."""
        ...

    def versions(self) -> Mapping[str, str]:
        """Versions of the software that a signature records."""
        ...


class GlmnetEngine:
    """R's glmnet (Simon et al. 2011, Journal of Statistical Software 39(5)): the reference."""

    def path(self, x: NDArray[np.float64], outcome: Outcome, settings: PathSettings) -> CoxPath:
        """Fit by ``glmnet(x, Surv(time / max(time), event), family = "cox")``."""
        rbridge.require("glmnet", "survival")
        answer = rbridge.call(
            "cox_path.R",
            "cox_path",
            x=x,
            # glmnet's separation of events from censorings at the same time is lost for large times
            time=outcome.time / outcome.time.max(),
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


ENGINES: dict[str, Engine] = {"glmnet": GlmnetEngine()}


def get_engine(name: str) -> Engine:
    """The engine of that name; InputError where there is none."""
    if name not in ENGINES:
        raise InputError(f"there is no engine {name!r}", fix=f"choose one of {', '.join(ENGINES)}")
    return ENGINES[name]


def cox_path(
    x: NDArray[np.float64], outcome: Outcome, settings: PathSettings | None = None, *, engine: str = "glmnet"
) -> CoxPath:
    """Fit a penalised Cox path.

    Parameters
    ----------
    x : array of shape (n, p)
        Transformed expression, finite; at least two columns, none constant.
    outcome : Outcome
        n patients; ties are handled by Breslow's method.
    settings : PathSettings, optional
    engine : str

    Returns
    -------
    CoxPath
    """
    return get_engine(engine).path(x, outcome, settings or PathSettings())


def path_without(
    x: NDArray[np.float64], outcome: Outcome, held_out: NDArray[np.bool_], settings: PathSettings, engine: str
) -> CoxPath:
    """The path of a fold: fitted without the patients that are held out. Runs in worker processes."""
    return cox_path(x[~held_out], outcome[~held_out], settings, engine=engine)
