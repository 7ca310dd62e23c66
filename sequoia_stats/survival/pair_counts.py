"""Pairs of patients that concordance counts: for many scores, and for many draws of the patients, at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sequoia_base.arguments import ProgressBar
from sequoia_stats.survival.risk_sets import RiskSets
from sequoia_stats.survival.strata import rows_of_strata
from sequoia_stats.types.outcome import Outcome

_BLOCK_BYTES = 64 * 2**20


def bootstrap_weights(n: int, replicates: int, seed: int) -> NDArray[np.float32]:
    """How often each of n patients is drawn, of shape (1 + replicates, n); row 0 has every patient once."""
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / max(n, 1)), replicates)
    return np.vstack([np.ones((1, n)), draws]).astype(np.float32)


def percentile_interval(replicates: NDArray[np.float64]) -> tuple[float, float, int]:
    """The 2.5% and 97.5% quantiles of the replicates that are a number (NaN if none is), and how many these are."""
    there = replicates[np.isfinite(replicates)]
    low, high = np.quantile(there, [0.025, 0.975]) if there.size else (np.nan, np.nan)
    return float(low), float(high), int(there.size)


def count_pairs(
    outcome: Outcome,
    risks: NDArray[np.float64],
    weights: NDArray[np.float32],
    strata: NDArray[np.intp],
    *,
    tied: float = 0.5,
    progress: ProgressBar | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Comparable pairs in every draw, and those in which a higher risk comes with the earlier event.

    With A[i, j] = 1 where i has an event and j of the same stratum comes after it and the events at the same time, a
    draw has sum_ij w_i A_ij w_j comparable pairs. The others are one matrix product per score, over all draws. Blocks
    of events bound the memory. Whole numbers below 2**24, and their halves, are exact in float32; a sum over the
    patients of a draw is at most n.

    Parameters
    ----------
    outcome : Outcome
        The n patients.
    risks : array of shape (k, n)
        Of every score.
    weights : array of shape (B, n)
        How often each patient is in each draw.
    strata : array of shape (n,)
        The number of each patient's stratum.
    tied : float, default 0.5
        What a pair of equal risk counts: 0, 0.5 or 1.
    progress : callable, optional
        ``progress(blocks, total)`` wraps the iterator over blocks of events.

    Returns
    -------
    comparable : array of shape (B,)
        Pairs that a draw compares.
    concordant : array of shape (B, k)
        Those in which the patient with the earlier event has the higher risk, and `tied` for those of equal risk.
    """
    comparable, concordant = np.zeros(len(weights)), np.zeros((len(weights), len(risks)))
    parts = [_Stratum(outcome, rows, weights, risks) for rows in rows_of_strata(strata)]
    blocks = [(part, block) for part in parts for block in part.blocks()]
    for part, block in blocks if progress is None else progress(blocks, len(blocks)):
        own = part.weights[:, part.events[block]]
        comparable += np.einsum("bi,bi->b", part.after[:, part.later[block]], own, dtype=np.float64)
        for k, pairs in enumerate(part.pairs(block, tied)):
            products = part.weights[:, part.later[block][0] :] @ pairs.T
            concordant[:, k] += np.einsum("bi,bi->b", products, own, dtype=np.float64)
    return comparable, concordant


class _Stratum:
    """The patients of a stratum in order of time; events come before censorings at the same time."""

    def __init__(
        self,
        outcome: Outcome,
        rows: NDArray[np.intp],
        weights: NDArray[np.float32],
        risks: NDArray[np.float64],
    ) -> None:
        sets = RiskSets.of(outcome, at_events=True, rows=rows)
        ordered = rows[sets.order]
        self.weights, self.risks = weights[:, ordered], risks[:, ordered]
        self.events = np.flatnonzero(outcome.event[ordered])
        #: Where the patients that come after each event begin, and the weight of all from a position on.
        self.later = np.repeat(sets.first + sets.events, sets.events)
        self.after = np.zeros((len(weights), ordered.size + 1), dtype=np.float32)
        self.after[:, :-1] = np.cumsum(self.weights[:, ::-1], axis=1)[:, ::-1]

    def blocks(self) -> list[slice]:
        """Blocks of events, such that an array of one by all patients or all draws is not too large."""
        step = max(1, _BLOCK_BYTES // (4 * max(self.weights.shape)))
        return [slice(i, i + step) for i in range(0, self.events.size, step)]

    def pairs(self, block: slice, tied: float) -> Iterator[NDArray[np.float32]]:
        """Of each score: what every event counts with each patient from the first that comes after one of them."""
        later, start = self.later[block, None], self.later[block][0]
        comparable = np.arange(start, self.weights.shape[1]) >= later
        for risk in self.risks:
            own, others = risk[self.events[block], None], risk[start:]
            counts = (own > others).astype(np.float32)
            if tied:
                counts += np.float32(tied) * (own == others)
            yield counts * comparable
