"""Harrell's C of several risk scores of the same patients, and their paired differences."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.arguments import ProgressBar, check_limits, whole
from sequoia_base.results import Result
from sequoia_stats.errors import InputError, listing, part
from sequoia_stats.survival.pair_counts import bootstrap_weights, count_pairs, percentile_interval
from sequoia_stats.survival.strata import known_codes
from sequoia_stats.types.alignment import align
from sequoia_stats.types.arrays import as_numbers
from sequoia_stats.types.outcome import Outcome


@dataclass(frozen=True, eq=False)
class ConcordanceComparison(Result):
    """Harrell's C of several scores of the same patients.

    Attributes
    ----------
    n, n_events : int
        Patients and events.
    bootstrap : int
        Bootstrap replicates that had a comparable pair.
    scores : DataFrame
        A row per score: ``score, c_index, low, high``, with the 95% percentile interval.
    pairs : DataFrame
        A row per pair of scores: ``a, b, c_difference`` (C of a less C of b), ``low, high`` (95% percentile interval),
        ``p``.
    replicates : array of shape (B, k)
        C of every score in each bootstrap replicate; NaN in one without a comparable pair.
    """

    n: int
    n_events: int
    bootstrap: int
    scores: pd.DataFrame = field(repr=False)
    pairs: pd.DataFrame = field(repr=False)
    replicates: NDArray[np.float64] = field(repr=False, metadata={"show": False})

    def to_frame(self) -> pd.DataFrame:
        """A row per score."""
        return self.scores


def compare_concordance(
    outcome: Outcome,
    scores: pd.DataFrame,
    *,
    strata: Any = None,
    bootstrap: int = 1000,
    seed: int = 0,
    progress: ProgressBar | None = None,
) -> ConcordanceComparison:
    """Compare Harrell's C of several scores by a bootstrap in which all of them see the same patients.

    A replicate draws n patients with replacement, once for all scores and whatever their stratum, so that what the
    scores have in common cancels in their difference. Intervals are the 2.5% and 97.5% quantiles of the replicates. p
    inverts that interval of the difference: 2 (m + 1) / (B + 1), at most 1, where m is the smaller of the numbers of
    replicates at or below 0 and at or above 0 (Efron & Tibshirani 1993, ch. 13 and 15.4; Davison & Hinkley 1997, eq.
    4.11 for the 1). It is at least 2 / (B + 1).

    Parameters
    ----------
    outcome : Outcome
        The n patients.
    scores : DataFrame of shape (n, k)
        A column per score; a higher one means that the event is expected earlier. Rows are matched by their labels if
        the outcome has some.
    strata : array of shape (n,), Series, Categorical or list, optional
        As in `harrell_c`: only pairs within a stratum are counted.
    bootstrap : int, default 1000
        Number of replicates; with 0, intervals and p are NaN.
    seed : int
        Random seed, 0 or more; with the same one, `harrell_c` draws the same patients.
    progress : callable, optional
        ``progress(blocks, total)`` wraps the iterator over blocks of events.

    Returns
    -------
    ConcordanceComparison

    Raises
    ------
    InputError
        If rows differ from the patients, there is no score, two have one name, one is not finite, or a stratum is
        missing.

    Examples
    --------
    >>> y = Outcome([1.0, 2.0, 3.0, 4.0], [True, True, False, True], "OS")
    >>> found = compare_concordance(y, pd.DataFrame({"good": [4, 3, 2, 1], "bad": [1, 2, 3, 4]}), bootstrap=9)
    >>> found.scores.c_index.tolist(), found.pairs.c_difference.tolist()
    ([1.0, 0.0], [1.0])
    """
    check_limits({"bootstrap": bootstrap, "seed": seed}, {"bootstrap": whole(0), "seed": whole(0)})
    risks = _risks(scores, outcome)
    weights = bootstrap_weights(outcome.n, bootstrap, seed)
    comparable, concordant = count_pairs(
        outcome, risks.to_numpy().T, weights, known_codes(strata, outcome), progress=progress
    )
    with np.errstate(invalid="ignore"):
        c = concordant / comparable[:, None]
    of_score = pd.DataFrame({"score": risks.columns, "c_index": c[0]}).assign(**_intervals(c[1:]))
    a, b = np.array(list(combinations(range(risks.shape[1]), 2)), dtype=np.intp).reshape(-1, 2).T
    difference = c[:, a] - c[:, b]
    of_pair = pd.DataFrame(
        {"a": risks.columns[a], "b": risks.columns[b], "c_difference": difference[0]}
    ).assign(**_intervals(difference[1:]), p=[_p_value(column) for column in difference[1:].T])
    return ConcordanceComparison(
        n=outcome.n,
        n_events=outcome.n_events,
        bootstrap=int((comparable[1:] > 0).sum()),
        scores=of_score,
        pairs=of_pair,
        replicates=c[1:],
    )


def _risks(scores: pd.DataFrame, outcome: Outcome) -> pd.DataFrame:
    """The scores as numbers, in the order of the patients."""
    if not isinstance(scores, pd.DataFrame) or not scores.shape[1]:
        raise InputError("there are no scores to compare", fix="pass a DataFrame with a column per score")
    if not scores.columns.is_unique:
        raise InputError(
            f"scores have one name: {listing(scores.columns[scores.columns.duplicated()].unique())}",
            fix="rename them",
        )
    aligned = align(scores.set_axis(scores.columns.map(str), axis=1), outcome, "scores")
    risks = aligned.apply(lambda column: as_numbers(column, f"values of {column.name}"))
    for name, column in risks.items():
        if lost := int((~np.isfinite(column)).sum()):
            raise InputError(
                f"{part(lost, outcome.n, 'value', 'are')} not finite in the score {name!r}",
                where=listing(column.index[~np.isfinite(column)]),
            )
    return risks


def _intervals(replicates: NDArray[np.float64]) -> dict[str, list[float]]:
    """The ends of the interval of each column."""
    found = [percentile_interval(column) for column in replicates.T]
    return {"low": [low for low, _, _ in found], "high": [high for _, high, _ in found]}


def _p_value(replicates: NDArray[np.float64]) -> float:
    """Two-sided p of a difference from its bootstrap replicates; NaN if none is a number."""
    there = replicates[np.isfinite(replicates)]
    if not there.size:
        return float("nan")
    m = min((there <= 0).sum(), (there >= 0).sum())
    return float(min(1.0, 2 * (m + 1) / (there.size + 1)))
