"""k-fold cross-validation of a penalised Cox path: the curve, its minimum, and how often no gene is chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray

from sequoia_base.results import Result
from sequoia_stats.coxpath.engines import CoxPath, PathSettings, path_without
from sequoia_stats.errors import InputError, listing
from sequoia_stats.survival.partial_likelihood import cox_deviance
from sequoia_stats.types.outcome import Outcome

Progress = Callable[[Iterable[CoxPath], int], Iterable[CoxPath]]


@dataclass(frozen=True, eq=False)
class CrossValidation(Result):
    """Cross-validated partial-likelihood deviance along the path that was fitted on all patients.

    Parameters
    ----------
    lambdas, mean, se : array of shape (L,)
        Penalties; mean deviance per event over folds; its standard error. Over several fold draws both are
        averaged.
    n_nonzero : array of shape (L,)
        Number of genes that the model on all patients chooses at each penalty.
    index_min, index_1se : int
        Position of the smallest mean, and of the largest penalty within one standard error of it.
    draws : DataFrame
        One row per draw of the folds: ``draw, lambda_min, lambda_1se, n_genes_min, n_genes_1se``, genes as chosen
        at the draw's own penalties.
    n_folds : int
    """

    lambdas: NDArray[np.float64] = field(metadata={"show": False})
    mean: NDArray[np.float64] = field(metadata={"show": False})
    se: NDArray[np.float64] = field(metadata={"show": False})
    n_nonzero: NDArray[np.intp] = field(metadata={"show": False})
    index_min: int = field(metadata={"show": False})
    index_1se: int = field(metadata={"show": False})
    draws: pd.DataFrame = field(metadata={"show": False})
    n_folds: int

    @property
    def lambda_min(self) -> float:
        """Penalty with the smallest mean deviance."""
        return float(self.lambdas[self.index_min])

    @property
    def lambda_1se(self) -> float:
        """Largest penalty whose mean deviance is within one standard error of the smallest."""
        return float(self.lambdas[self.index_1se])

    @property
    def repeats(self) -> int:
        """Number of fold draws."""
        return len(self.draws)

    @property
    def null_draws(self) -> int:
        """In how many fold draws the draw's own lambda.min chooses no gene."""
        return int((self.draws["n_genes_min"] == 0).sum())

    @property
    def null_draws_1se(self) -> int:
        """In how many fold draws the draw's own lambda.1se chooses no gene."""
        return int((self.draws["n_genes_1se"] == 0).sum())

    @property
    def at_path_end(self) -> bool:
        """Whether the minimum lies at the smallest penalty tried, so that the path was too short to hold it."""
        return self.index_min == self.lambdas.size - 1

    def to_dict(self) -> dict[str, object]:
        """Summary without the curve, which `to_frame` gives."""
        names = ("lambda_min", "lambda_1se", "repeats", "null_draws", "null_draws_1se", "at_path_end")
        return {"n_folds": self.n_folds, **{name: getattr(self, name) for name in names}}

    def to_frame(self) -> pd.DataFrame:
        """The curve: ``lambda, deviance, low, high, n_nonzero``; low and high are one standard error away."""
        return pd.DataFrame(
            {
                "lambda": self.lambdas,
                "deviance": self.mean,
                "low": self.mean - self.se,
                "high": self.mean + self.se,
                "n_nonzero": self.n_nonzero,
            }
        )


def stratified_folds(
    event: NDArray[np.bool_], n_folds: int, repeats: int = 1, seed: int = 0
) -> NDArray[np.int64]:
    """Draw folds that share out events and censored patients evenly.

    Parameters
    ----------
    event : array of shape (n,)
    n_folds, repeats, seed : int

    Returns
    -------
    array of shape (repeats, n)
        Fold of each patient, 1 to n_folds.

    Raises
    ------
    InputError
        If there are fewer patients, or fewer events, than folds.
    """
    if n_folds < 3:
        raise InputError(f"{n_folds} folds are too few for a standard error", fix="use at least 3")
    if repeats < 1:
        raise InputError(f"repeats is {repeats}", fix="draw the folds at least once")
    if event.size < n_folds:
        raise InputError(f"{event.size} patients are fewer than {n_folds} folds")
    if event.sum() < n_folds:
        raise InputError(f"{int(event.sum())} events are fewer than {n_folds} folds", fix="use fewer folds")
    folds = np.empty((repeats, event.size), dtype=np.int64)
    for row, child in zip(folds, np.random.SeedSequence(seed).spawn(repeats), strict=True):
        generator = np.random.default_rng(child)
        start = 0
        for stratum in (np.flatnonzero(event), np.flatnonzero(~event)):
            row[generator.permutation(stratum)] = (np.arange(stratum.size) + start) % n_folds + 1
            start += stratum.size
    return folds


def check_foldids(foldids: NDArray[np.int64], event: NDArray[np.bool_]) -> None:
    """Check folds that a user gives: at least 3, numbered from 1 without a gap, an event inside each.

    Raises
    ------
    InputError
    """
    for row in foldids:
        numbers = np.unique(row)
        if not np.array_equal(numbers, np.arange(1, numbers.size + 1)) or numbers.size < 3:
            raise InputError(
                "folds must be numbered 1, 2, ... without a gap, and be at least 3",
                where=f"folds found: {listing(numbers)}",
            )
        empty = [fold for fold in numbers if not event[row == fold].any()]
        if empty:
            raise InputError(f"{len(empty)} folds hold no event", where=f"folds {listing(empty)}")


def cross_validate(
    x: NDArray[np.float64],
    outcome: Outcome,
    foldids: NDArray[np.int64],
    settings: PathSettings,
    *,
    engine: str = "glmnet",
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> tuple[CoxPath, CrossValidation]:
    """Fit a path on all patients and cross-validate it, as cv.glmnet with ``lambda = NULL``, ``grouped = TRUE``.

    Each fold fits a path of its own, whose coefficients are interpolated at the penalties of the path on all
    patients. With D the deviance, the contribution of fold k is D(all, β₋ₖ) − D(−k, β₋ₖ) per event in k, and the
    mean weighs folds by their events (van Houwelingen et al. 2006, Statistics in Medicine 25:3201).

    Parameters
    ----------
    x : array of shape (n, p)
        Transformed expression.
    outcome : Outcome
    foldids : array of shape (repeats, n)
        Folds numbered from 1.
    settings : PathSettings
        Of every path.
    engine : str
    n_jobs : int
        Worker processes; the result does not depend on it.
    progress : callable, optional
        Wraps the iterator over fitted paths: ``progress(iterator, total)``.

    Returns
    -------
    path : CoxPath
        On all patients.
    cross_validation : CrossValidation
    """
    check_foldids(foldids, outcome.event)
    folds = [(row == fold) for row in foldids for fold in np.unique(row)]
    tasks = [np.zeros(len(x), dtype=np.bool_), *folds]  # all patients first
    run = Parallel(n_jobs=min(n_jobs, len(tasks)), return_as="generator", max_nbytes="1M")
    fitted = run(delayed(path_without)(x, outcome, held_out, settings, engine) for held_out in tasks)
    paths = iter(progress(fitted, len(tasks)) if progress else fitted)
    path = next(paths)
    by_fold = np.array(
        [
            fold_deviance(linear_predictor(x, fold_path.at(path.lambdas)), outcome, held_out)
            for held_out, fold_path in zip(folds, paths, strict=True)
        ]
    )
    events = np.array([outcome.event[held_out].sum() for held_out in folds], dtype=np.float64)
    starts = np.cumsum([0, *(np.unique(row).size for row in foldids)])
    curves = [_curve(by_fold[first:last], events[first:last]) for first, last in pairwise(starts)]
    minima = [_minimum(mean, se) for mean, se in curves]
    draws = pd.DataFrame(
        {
            "draw": np.arange(1, len(curves) + 1),
            "lambda_min": path.lambdas[[i for i, _ in minima]],
            "lambda_1se": path.lambdas[[j for _, j in minima]],
            "n_genes_min": path.n_nonzero[[i for i, _ in minima]],
            "n_genes_1se": path.n_nonzero[[j for _, j in minima]],
        }
    )
    mean, se = (np.mean(part, axis=0) for part in zip(*curves, strict=True))
    index_min, index_1se = _minimum(mean, se)
    return path, CrossValidation(
        path.lambdas, mean, se, path.n_nonzero, index_min, index_1se, draws, n_folds=int(starts[1])
    )


def linear_predictor(x: NDArray[np.float64], coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """Risk of n patients under L models (coefficients of shape (L, p)); shape (n, L).

    Without BLAS, whose threads change digits and keep spinning while workers need the cores.
    """
    chosen = coefficients.any(axis=0)
    return np.einsum("ij,lj->il", x[:, chosen], coefficients[:, chosen])


def fold_deviance(
    eta: NDArray[np.float64], outcome: Outcome, held_out: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Deviance that the patients held out add, for models fitted without them.

    Parameters
    ----------
    eta : array of shape (n, L)
        Linear predictor of all patients, a column per model.
    outcome : Outcome
    held_out : array of bool, shape (n,)

    Returns
    -------
    array of shape (L,)
        D(all) − D(kept).
    """
    kept = ~held_out
    return cox_deviance(eta, outcome) - cox_deviance(eta[kept], outcome[kept])


def _curve(
    by_fold: NDArray[np.float64], events: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    per_event = by_fold / events[:, None]
    mean = np.average(per_event, axis=0, weights=events)
    variance = np.average((per_event - mean) ** 2, axis=0, weights=events)
    return mean, np.sqrt(variance / (events.size - 1))


def _minimum(mean: NDArray[np.float64], se: NDArray[np.float64]) -> tuple[int, int]:
    lowest = int(np.argmin(mean))  # the first, so the largest penalty, where several are equal
    return lowest, int(np.argmax(mean <= mean[lowest] + se[lowest]))
