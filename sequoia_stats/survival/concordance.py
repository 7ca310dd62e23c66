"""Harrell's concordance between a risk score and a survival outcome."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sequoia_base.arguments import ProgressBar
from sequoia_base.results import Result
from sequoia_stats.errors import InputError, listing, part
from sequoia_stats.survival.risk_sets import RiskSets
from sequoia_stats.types.alignment import align
from sequoia_stats.types.arrays import as_numbers
from sequoia_stats.types.outcome import Outcome

_BLOCK_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Concordance(Result):
    """Harrell's C, with the pairs it counts.

    Attributes
    ----------
    c_index : float
        (concordant + tied_risk / 2) / comparable; NaN if no pair is comparable.
    low, high : float
        95% percentile bootstrap interval; NaN without a bootstrap.
    concordant, discordant, tied_risk : int
        Comparable pairs in which the patient with the earlier event has the higher, the lower, or the same risk.
    bootstrap : int
        Bootstrap replicates that had a comparable pair.
    """

    c_index: float
    low: float
    high: float
    concordant: int
    discordant: int
    tied_risk: int
    bootstrap: int = 0


def harrell_c(
    outcome: Outcome,
    risk: ArrayLike,
    *,
    bootstrap: int = 0,
    seed: int = 0,
    progress: ProgressBar | None = None,
) -> Concordance:
    """Harrell's C: how often the patient with the higher risk has the earlier event.

    A pair is comparable if the earlier of the two times is an event. At the same time, an event comes before a
    censoring, and two events are not comparable. A tied risk counts half (Harrell 1982). Reference:
    ``survival::concordance(Surv(time, event) ~ risk, reverse = TRUE)``.

    Parameters
    ----------
    outcome : Outcome
        The n patients.
    risk : array of shape (n,) or (n, 1), or Series
        A higher risk means that the event is expected earlier. ``-risk`` gives 1 - C. A Series is matched by its
        labels if the outcome has some.
    bootstrap : int
        Number of bootstrap replicates (patients drawn with replacement) for the interval; 0 for none.
    seed : int
        Random seed of the bootstrap, 0 or more.
    progress : callable, optional
        ``progress(blocks, total)`` wraps the iterator over blocks of events.

    Returns
    -------
    Concordance
        A constant risk gives 0.5.

    Raises
    ------
    InputError
        If lengths differ or a risk is not finite.

    Examples
    --------
    >>> y = Outcome([1.0, 2.0, 3.0, 4.0], [True, True, False, True], "OS")
    >>> harrell_c(y, [4, 3, 2, 1]).c_index
    1.0
    """
    risk = align(as_numbers(risk, "risks"), outcome, "risks").to_numpy()
    invalid = np.flatnonzero(~np.isfinite(risk))
    if invalid.size:
        raise InputError(
            f"{part(invalid.size, risk.size, 'risk', 'are')} not finite",
            where=f"positions {listing(invalid)}",
        )
    draws = np.random.default_rng(seed).multinomial(
        outcome.n, np.full(outcome.n, 1 / max(outcome.n, 1)), bootstrap
    )
    weights = np.vstack([np.ones((1, outcome.n)), draws]).astype(np.float32)  # row 0: the data as they are
    comparable, concordant, tied = _pair_counts(outcome, risk, weights, progress)
    with np.errstate(invalid="ignore"):
        c = (concordant + tied / 2) / comparable
    replicates = c[1:][np.isfinite(c[1:])]
    low, high = np.quantile(replicates, [0.025, 0.975]) if replicates.size else (np.nan, np.nan)
    pairs = int(comparable[0]), int(concordant[0]), int(tied[0])
    return Concordance(
        c_index=float(c[0]),
        low=float(low),
        high=float(high),
        concordant=pairs[1],
        discordant=pairs[0] - pairs[1] - pairs[2],
        tied_risk=pairs[2],
        bootstrap=int(replicates.size),
    )


def _pair_counts(
    outcome: Outcome,
    risk: NDArray[np.float64],
    weights: NDArray[np.float32],
    progress: ProgressBar | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Comparable, concordant and tied pairs in every replicate; `weights` (B, n) says how often each patient was drawn.

    With A[i, j] = 1 where i has an event and j comes after it and the events at the same time, a replicate has
    sum_ij w_i A_ij w_j comparable pairs: one matrix product for all replicates. Blocks of events bound the memory.
    Integers below 2**24 are exact in float32, and a product holds at most n.
    """
    sets = RiskSets.of(outcome, at_events=True)
    risk, weights = risk[sets.order], weights[:, sets.order]
    rows = np.flatnonzero(outcome.event[sets.order])
    later = np.repeat(
        sets.first + sets.events, sets.events
    )  # where the patients that come after each event begin
    counts = np.zeros((3, len(weights)))
    step = max(1, _BLOCK_BYTES // (4 * max(outcome.n, len(weights))))
    blocks = [slice(i, i + step) for i in range(0, rows.size, step)]
    for block in blocks if progress is None else progress(blocks, len(blocks)):
        start, own = later[block][0], risk[rows[block], None]
        others = risk[start:]
        comparable = np.arange(start, outcome.n) >= later[block, None]
        for count, pairs in zip(
            counts, (comparable, comparable & (own > others), comparable & (own == others)), strict=True
        ):
            products = weights[:, start:] @ pairs.T.astype(np.float32)
            count += np.einsum("bi,bi->b", products, weights[:, rows[block]], dtype=np.float64)
    return counts[0], counts[1], counts[2]
