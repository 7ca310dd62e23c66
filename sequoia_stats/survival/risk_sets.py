"""Risk sets: patients sorted by time, and how many are at risk, have the event and are censored at every time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sequoia_stats.types.outcome import Outcome, unit_time


@dataclass(frozen=True, eq=False)
class RiskSets:
    """The risk set of every distinct time: the patients whose own time is that one or later.

    The only place that compares times. R's survival takes times that differ by rounding as one (`Outcome.tied_time`).
    glmnet does not, but moves censorings behind the events by 100 machine epsilons.

    Parameters
    ----------
    own : array of shape (n,)
        Time of each patient, as it is compared.
    order : array of shape (n,)
        Positions of the patients by increasing time; at equal times, events come before censorings.
    times : array of shape (K,)
        Distinct times, increasing.
    first : array of shape (K,)
        Where the risk set of each time begins: it is ``order[first:]``.
    events, censored : array of shape (K,)
        Patients with the event, and patients censored, at each time.
    """

    own: NDArray[np.float64]
    order: NDArray[np.intp]
    times: NDArray[np.float64]
    first: NDArray[np.intp]
    events: NDArray[np.int64]
    censored: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        outcome: Outcome,
        *,
        at_events: bool = False,
        as_glmnet: bool = False,
        rows: slice | NDArray[np.intp] = slice(None),
    ) -> RiskSets:
        """The risk sets of all distinct times, or only of those at which an event happens.

        `rows` are the patients of one stratum, by default all; `order` and `own` are theirs. Which times differ by
        rounding is decided among all patients, as R does.
        """
        own, event = (_glmnet_time(outcome) if as_glmnet else outcome.tied_time)[rows], outcome.event[rows]
        order = np.lexsort((~event, own))
        times, first, size = np.unique(own[order], return_index=True, return_counts=True)
        events = np.add.reduceat(event[order], first, dtype=np.int64) if times.size else size
        kept = events > 0 if at_events else slice(None)
        return cls(own, order, times[kept], first[kept], events[kept], (size - events)[kept])

    @property
    def at_risk(self) -> NDArray[np.int64]:
        """Number of patients at risk just before each time."""
        return self.order.size - self.first

    def steps(self, values: ArrayLike, *, before: float) -> NDArray[np.float64]:
        """A step function at the patients' times: `values` from each of `times` on, and `before` earlier."""
        passed = np.searchsorted(self.times, self.own, side="right")
        return np.concatenate([[before], values])[passed]


def _glmnet_time(outcome: Outcome) -> NDArray[np.float64]:
    """The times that glmnet compares."""
    return unit_time(outcome.time) + 100 * np.finfo(np.float64).eps * ~outcome.event
