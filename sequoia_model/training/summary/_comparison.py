"""Two methods on the same genes and slides: how far one is ahead, and how much of that other patients could change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sequoia_model.training.scores import Doubles, explained, gene_correlations, squared_errors

#: Replicates of the bootstrap, and fewest patients of every fold for which it is done.
REPLICATES, FEWEST_PATIENTS = 1000, 5
#: Genes that are drawn at a time.
_GENES = 512


@dataclass(frozen=True, eq=False)
class TestPart:
    """The test part of one fold, cut to the genes on which two methods are compared.

    Parameters
    ----------
    measured, first, second : arrays of shape (n, genes)
        Measured values, and predictions of both methods.
    patients : array of shape (n,)
        Number of the patient of each slide, from 0 on without gaps.
    """

    measured: NDArray[np.floating]
    first: NDArray[np.floating]
    second: NDArray[np.floating]
    patients: NDArray[np.intp]

    @property
    def n_patients(self) -> int:
        """Number of patients."""
        return int(self.patients.max()) + 1


@dataclass(frozen=True)
class Difference:
    """How far the first method is ahead of the second.

    Parameters
    ----------
    n : int
        Number of genes, counted once in each fold.
    first, second : float
        The score of both; NaN where only the difference is defined.
    difference : float
        Above 0 if the first is better.
    low, high : float
        95% interval of it, from drawing patients with replacement within folds; NaN if a fold has too few patients.
    behind : float
        Share of the genes for which the second is better.
    """

    n: int
    first: float
    second: float
    difference: float
    low: float
    high: float
    behind: float


def difference_in_r(folds: Sequence[TestPart], seed: int) -> Difference:
    """Mean difference of r over genes, within folds, weighted by their slides."""
    sizes = [len(fold.measured) for fold in folds]
    r = [
        (gene_correlations(fold.measured, fold.first), gene_correlations(fold.measured, fold.second))
        for fold in folds
    ]
    first, second = (float(np.average([pair[i].mean() for pair in r], weights=sizes)) for i in (0, 1))
    behind = np.concatenate([a < b for a, b in r])
    drawn = [
        sum(_drawn_r(w, fold.measured[:, g], fold.first[:, g], fold.second[:, g]) for g in _blocks(fold))
        / fold.measured.shape[1]
        for fold, w in _draws(folds, seed)
    ]
    low, high = _interval(np.average(drawn, axis=0, weights=sizes) if drawn else None)
    return Difference(len(behind), first, second, first - second, low, high, float(behind.mean()))


def difference_in_error(folds: Sequence[TestPart], seed: int) -> Difference:
    """Median over genes, counted once in each fold, of the share of the second's squared error that the first saves."""
    saved = np.concatenate(
        [
            explained(squared_errors(fold.measured, fold.first), squared_errors(fold.measured, fold.second))
            for fold in folds
        ]
    )
    known = saved[~np.isnan(saved)]
    drawn = [
        np.concatenate([_drawn_saving(w, fold, g) for g in _blocks(fold)], axis=1)
        for fold, w in _draws(folds, seed)
    ]
    low, high = _interval(np.nanmedian(np.concatenate(drawn, axis=1), axis=1) if drawn else None)
    middle = float(np.median(known)) if len(known) else np.nan
    behind = float((known < 0).mean()) if len(known) else np.nan
    return Difference(len(known), np.nan, np.nan, middle, low, high, behind)


def _draws(folds: Sequence[TestPart], seed: int) -> Iterator[tuple[TestPart, Doubles]]:
    """Each fold with how often each slide is drawn, replicates × slides; nothing if a fold has too few patients."""
    if min(fold.n_patients for fold in folds) < FEWEST_PATIENTS:
        return
    generator = np.random.default_rng(seed)
    for fold in folds:
        n = fold.n_patients
        times = generator.multinomial(n, np.full(n, 1 / n), size=REPLICATES).astype(np.float64)
        yield fold, times[:, fold.patients]


def _drawn_r(weights: Doubles, measured: NDArray, first: NDArray, second: NDArray) -> Doubles:
    """Sum over genes of the difference of r, per replicate."""
    total = weights.sum(axis=1, keepdims=True)
    x, *others = (_centred(values) for values in (measured, first, second))  # so that little cancels below
    mean_x = weights @ x / total
    spread_x = weights @ x**2 / total - mean_x**2
    found = []
    for y in others:
        mean_y = weights @ y / total
        spread = spread_x * (weights @ y**2 / total - mean_y**2)
        shared = weights @ (x * y) / total - mean_x * mean_y
        floor = 1e-18 * np.mean(x**2, axis=0) * np.mean(y**2, axis=0)  # equal values, but for rounding
        r = np.divide(shared, np.sqrt(np.maximum(spread, 0)), out=np.zeros_like(shared), where=spread > floor)
        found.append(np.clip(r, -1, 1).sum(axis=1))
    return found[0] - found[1]


def _drawn_saving(weights: Doubles, fold: TestPart, genes: slice) -> Doubles:
    errors = [
        weights @ (fold.measured[:, genes].astype(np.float64) - predicted[:, genes]) ** 2
        for predicted in (fold.first, fold.second)
    ]
    return explained(*errors)


def _interval(drawn: Doubles | None) -> tuple[float, float]:
    if drawn is None:
        return np.nan, np.nan
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def _centred(values: NDArray) -> Doubles:
    numbers = values.astype(np.float64)
    return numbers - numbers.mean(axis=0)


def _blocks(fold: TestPart) -> Iterator[slice]:
    return (slice(at, at + _GENES) for at in range(0, fold.measured.shape[1], _GENES))
