"""k-fold cross-validation of a penalised Cox path: the curve, its minimum, and how often no gene is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray

from sequoia_base.arguments import Limit, ProgressBar, check_limits, whole
from sequoia_base.results import Result
from sequoia_stats.coxpath.path_engines import CoxPath, PathSettings, path_without
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.survival.partial_likelihood import cox_deviance
from sequoia_stats.types.outcome import Outcome

#: Smallest numbers of folds and of draws; a standard error needs three folds.
FOLD_LIMITS: Mapping[str, Limit] = {"folds": whole(3), "repeats": whole(1)}


@dataclass(frozen=True, eq=False)
class CrossValidation(Result):
    """Cross-validated partial-likelihood deviance along the path that was fitted on all patients.

    Parameters
    ----------
    lambdas : array of shape (L,)
        The penalties.
    mean, se : array of shape (L,)
        Mean deviance per event over folds, and its standard error; both averaged over the draws of the folds.
    n_nonzero : array of shape (L,)
        Number of genes that the model of all patients chooses at each penalty.
    index_min, index_1se : int
        Position of the smallest mean, and of the largest penalty whose mean is within one standard error of it.
    draws : DataFrame
        A row per draw of the folds: ``draw, lambda_min, lambda_1se, n_genes_min, n_genes_1se``, with the genes
        chosen at the draw's own penalties.
    n_folds : int
        Number of folds of a draw.
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
        """Number of draws whose own lambda.min chooses no gene."""
        return int((self.draws["n_genes_min"] == 0).sum())

    @property
    def null_draws_1se(self) -> int:
        """Number of draws whose own lambda.1se chooses no gene."""
        return int((self.draws["n_genes_1se"] == 0).sum())

    @property
    def at_path_end(self) -> bool:
        """Whether the minimum lies at the smallest penalty tried: a longer path might have a lower one."""
        return self.index_min == self.lambdas.size - 1

    def to_dict(self) -> dict[str, object]:
        """Plain values without the curve, which `to_frame` gives."""
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
    """Draw folds at random, with events and censored patients spread evenly over them.

    Parameters
    ----------
    event : array of bool, shape (n,)
        Whether each patient has the event.
    n_folds : int
        Number of folds, 3 or more.
    repeats : int
        Number of draws.
    seed : int
        Random seed, 0 or more.

    Returns
    -------
    array of shape (repeats, n)
        Fold of each patient, 1 to n_folds.

    Raises
    ------
    InputError
        If there are fewer patients, or fewer events, than folds.
    """
    check_limits({"folds": n_folds, "repeats": repeats}, FOLD_LIMITS)
    for n, noun in ((event.size, "patient"), (int(event.sum()), "event")):
        if n < n_folds:
            raise InputError(
                f"{counted(n, noun)} cannot be divided into {n_folds} folds", fix="use fewer folds"
            )
    folds = np.empty((repeats, event.size), dtype=np.int64)
    for row, child in zip(folds, np.random.SeedSequence(seed).spawn(repeats), strict=True):
        generator = np.random.default_rng(child)
        start = 0
        for stratum in (np.flatnonzero(event), np.flatnonzero(~event)):
            row[generator.permutation(stratum)] = (np.arange(stratum.size) + start) % n_folds + 1
            start += stratum.size
    return folds


def check_foldids(foldids: NDArray[np.int64], event: NDArray[np.bool_]) -> None:
    """Check folds that are given: three or more, numbered from 1 without a gap, with an event in each.

    Parameters
    ----------
    foldids : array of shape (repeats, n)
        Fold of each patient, a row per draw.
    event : array of bool, shape (n,)
        Whether each patient has the event.

    Raises
    ------
    InputError
        Naming the folds.
    """
    for row in foldids:
        numbers = np.unique(row)
        if not np.array_equal(numbers, np.arange(1, numbers.size + 1)) or numbers.size < 3:
            raise InputError(
                "there must be at least 3 folds, numbered 1, 2, ... without a gap",
                where=f"folds found: {listing(numbers)}",
            )
        empty = [fold for fold in numbers if not event[row == fold].any()]
        if empty:
            raise InputError(
                f"there is no event in {counted(len(empty), 'fold')}", where=f"folds {listing(empty)}"
            )


def cross_validate(
    x: NDArray[np.float64],
    outcome: Outcome,
    foldids: NDArray[np.int64],
    settings: PathSettings,
    *,
    engine: str = "glmnet",
    jobs: int = 1,
    progress: ProgressBar | None = None,
) -> tuple[CoxPath, CrossValidation]:
    """Fit a path on all patients and cross-validate it, as cv.glmnet with ``lambda = NULL``, ``grouped = TRUE``.

    Each fold fits a path of its own, whose coefficients are interpolated at the penalties of the path on all
    patients. With D the deviance, fold k contributes D(all, β₋ₖ) − D(−k, β₋ₖ) per event in k, and the mean weights
    folds by their events (van Houwelingen et al. 2006, Statistics in Medicine 25:3201).

    Parameters
    ----------
    x : array of shape (n, p)
        Transformed expression.
    outcome : Outcome
        The n patients.
    foldids : array of shape (repeats, n)
        Fold of each patient, numbered from 1, a row per draw.
    settings : PathSettings
        The settings of every path.
    engine : str
        Name of the engine.
    jobs : int
        Number of processes; the result does not depend on it.
    progress : callable, optional
        ``progress(paths, total)`` wraps the iterator over fitted paths.

    Returns
    -------
    path : CoxPath
        The path on all patients.
    cross_validation : CrossValidation
        The curve along that path.
    """
    check_foldids(foldids, outcome.event)
    folds = [(row == fold) for row in foldids for fold in np.unique(row)]
    tasks = [np.zeros(len(x), dtype=np.bool_), *folds]  # all patients first
    run = Parallel(n_jobs=min(jobs, len(tasks)), return_as="generator", max_nbytes="1M")
    fitted = run(delayed(path_without)(x, outcome, held_out, settings, engine) for held_out in tasks)
    paths = iter(progress(fitted, len(tasks)) if progress else fitted)
    path = next(paths)
    by_fold = np.array(
        [
            _added_deviance(_linear_predictor(x, fold_path.at(path.lambdas)), outcome, held_out)
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


def _linear_predictor(x: NDArray[np.float64], coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """Risk of n patients under L models (coefficients of shape (L, p)); shape (n, L).

    Does not use BLAS: its threads change digits, and keep spinning while other processes need the cores.
    """
    chosen = coefficients.any(axis=0)
    return np.einsum("ij,lj->il", x[:, chosen], coefficients[:, chosen])


def _added_deviance(
    eta: NDArray[np.float64], outcome: Outcome, held_out: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """D(all) − D(kept): the deviance that the patients held out add, for L models fitted without them; shape (L,)."""
    kept = ~held_out
    return cox_deviance(eta, outcome) - cox_deviance(eta[kept], outcome[kept])


def _curve(
    by_fold: NDArray[np.float64], events: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean deviance per event over folds, and its standard error."""
    per_event = by_fold / events[:, None]
    mean = np.average(per_event, axis=0, weights=events)
    variance = np.average((per_event - mean) ** 2, axis=0, weights=events)
    return mean, np.sqrt(variance / (events.size - 1))


def _minimum(mean: NDArray[np.float64], se: NDArray[np.float64]) -> tuple[int, int]:
    """Position of the smallest mean, and of the largest penalty within one standard error of it."""
    lowest = int(np.argmin(mean))  # the first of equal values, which has the largest penalty
    return lowest, int(np.argmax(mean <= mean[lowest] + se[lowest]))
