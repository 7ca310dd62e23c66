"""Harrell's concordance between a risk score and a survival outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sequoia_base.arguments import ProgressBar
from sequoia_base.results import Result
from sequoia_stats.errors import InputError, listing, part
from sequoia_stats.survival.pair_counts import bootstrap_weights, count_pairs, percentile_interval
from sequoia_stats.survival.strata import known_codes
from sequoia_stats.types.alignment import align
from sequoia_stats.types.arrays import as_numbers
from sequoia_stats.types.outcome import Outcome


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
    strata: Any = None,
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
    strata : array of shape (n,), Series, Categorical or list, optional
        Stratum of each patient, matched as groups are in `logrank_test`; none may be missing. Only pairs within a
        stratum are counted, as with ``concordance(Surv(time, event) ~ risk + strata(stratum))``.
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
        If lengths differ, a risk is not finite, or a stratum is missing.

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
    codes, weights = known_codes(strata, outcome), bootstrap_weights(outcome.n, bootstrap, seed)
    comparable, favourable = count_pairs(outcome, risk[None], weights, codes, progress=progress)
    _, concordant = count_pairs(outcome, risk[None], weights[:1], codes, tied=0)
    with np.errstate(invalid="ignore"):
        c = favourable[:, 0] / comparable
    low, high, n_used = percentile_interval(c[1:])
    total, strict, half = int(comparable[0]), int(concordant[0, 0]), favourable[0, 0]
    n_tied = int(2 * (half - strict))
    return Concordance(
        c_index=float(c[0]),
        low=low,
        high=high,
        concordant=strict,
        discordant=total - strict - n_tied,
        tied_risk=n_tied,
        bootstrap=n_used,
    )
