"""Kaplan-Meier curves, median survival and median follow-up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sequoia_base.results import Result
from sequoia_base.tied_times import rounding_gap
from sequoia_stats.errors import InputError
from sequoia_stats.survival.risk_sets import RiskSets
from sequoia_stats.types.outcome import Outcome

#: Groups of patients by risk, in the order in which they are shown.
RISK_GROUPS = ("low", "high", "uncertain")


@dataclass(frozen=True, eq=False)
class KaplanMeier(Result):
    """A Kaplan-Meier curve with its 95% log-log confidence band.

    Attributes
    ----------
    label : str
        What the patients have in common: "high", "low".
    n, n_events : int
        Patients and events.
    median, median_low, median_high : float
        Median survival in months and its 95% interval; NaN if the curve, or the band, stays above 0.5.
    frame : DataFrame
        A row per distinct time, from time 0: ``time`` (months), ``at_risk`` (just before), ``events``,
        ``censored``, ``survival``, ``low``, ``high``. After time 0, the band is NaN as long as survival is 1
        or 0.
    """

    label: str
    n: int
    n_events: int
    median: float
    median_low: float
    median_high: float
    frame: pd.DataFrame = field(repr=False, metadata={"show": False})

    def at(self, times: ArrayLike) -> NDArray[np.float64]:
        """Survival at `times` (months); NaN beyond the last follow-up."""
        own, times = self._times(times)
        value = self.frame["survival"].to_numpy()[np.searchsorted(own, times, side="right") - 1]
        return np.where(times > own[-1], np.nan, value)

    def at_risk(self, times: ArrayLike) -> NDArray[np.int64]:
        """Number of patients still under observation just before `times` (months)."""
        own, times = self._times(times)
        return np.append(self.frame["at_risk"].to_numpy(), 0)[np.searchsorted(own, times, side="left")]

    def _times(self, times: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Times of the curve, and `times`, each replaced by that of the curve from which only rounding divides it."""
        own, times = self.frame["time"].to_numpy(), np.asarray(times, dtype=np.float64)
        gap = rounding_gap(own[1:])
        near = own[np.minimum(np.searchsorted(own, times - gap), own.size - 1)]
        return own, np.where(np.abs(near - times) <= gap, near, times)


def kaplan_meier_curve(outcome: Outcome, label: str = "") -> KaplanMeier:
    """Estimate survival over time (Kaplan & Meier 1958).

    Times that differ by rounding are one (`Outcome.tied_time`), the smallest of them.
    Reference: ``survival::survfit(Surv(time, event) ~ 1, conf.type = "log-log")``, and its ``summary()$table`` for
    the median: the first time at which survival is at most 0.5, or the middle of the step on which it is exactly 0.5.

    Parameters
    ----------
    outcome : Outcome
        The n patients.
    label : str
        What they have in common, kept in the result.

    Returns
    -------
    KaplanMeier

    Raises
    ------
    InputError
        If there is no patient.

    Examples
    --------
    >>> curve = kaplan_meier_curve(Outcome([1.0, 2.0, 3.0, 4.0], [True, False, True, False], "OS"))
    >>> curve.at([0, 1, 3]).round(3).tolist(), curve.at_risk([0, 2]).tolist()
    ([1.0, 0.75, 0.375], [4, 3])
    """
    if not outcome.n:
        raise InputError("there are no patients, so there is no survival curve", where=label)
    from lifelines import KaplanMeierFitter

    sets = RiskSets.of(outcome)
    fitter = KaplanMeierFitter().fit(sets.own, outcome.event, timeline=[0.0, *sets.times])
    survival, band = fitter.survival_function_.iloc[:, 0].to_numpy(), fitter.confidence_interval_
    inside = (survival > 0) & (survival < 1)  # elsewhere the log-log band does not exist
    frame = pd.DataFrame(
        {
            "time": np.append(0.0, sets.times),
            "at_risk": np.append(outcome.n, sets.at_risk),
            "events": np.append(0, sets.events),
            "censored": np.append(0, sets.censored),
            "survival": survival,
            "low": np.where(inside, band.iloc[:, 0], np.nan),
            "high": np.where(inside, band.iloc[:, 1], np.nan),
        }
    )
    frame.loc[0, ["low", "high"]] = 1.0  # at time 0 all patients are alive, as in survfit0()
    return KaplanMeier(
        label=label,
        n=outcome.n,
        n_events=outcome.n_events,
        median=_time_to_half(frame, "survival"),
        median_low=_time_to_half(frame, "low"),
        median_high=_time_to_half(frame, "high"),
        frame=frame,
    )


def group_curves(outcome: Outcome, groups: ArrayLike) -> dict[str, KaplanMeier]:
    """Kaplan-Meier curve of each risk group that has patients, in the order of `RISK_GROUPS`.

    Who is tied is decided among all patients, as in survfit().

    Parameters
    ----------
    outcome : Outcome
        Times in months and events of n patients.
    groups : array of shape (n,)
        "low", "high" or "uncertain".
    """
    labels, tied = np.asarray(groups), replace(outcome, time=outcome.tied_time)
    there = [group for group in RISK_GROUPS if (labels == group).any()]
    return {group: kaplan_meier_curve(tied[labels == group], label=group) for group in there}


def median_follow_up(outcome: Outcome) -> float:
    """Median follow-up in months by the reverse Kaplan-Meier method (Schemper & Smith 1996).

    Censoring counts as the event. NaN if fewer than half are followed until they are censored.
    """
    return kaplan_meier_curve(Outcome(outcome.time, ~outcome.event, outcome.endpoint)).median


def _time_to_half(frame: pd.DataFrame, column: str) -> float:
    """First time at which a curve is at most 0.5, as ``print.survfit`` finds it."""
    time, curve = frame["time"].to_numpy(), frame[column].to_numpy()
    tolerance = np.sqrt(np.finfo(np.float64).eps)
    reached = np.flatnonzero(curve < 0.5 + tolerance)
    if not reached.size:
        return float("nan")
    below = np.flatnonzero(curve < curve[reached[0]])
    if abs(curve[reached[0]] - 0.5) < tolerance and below.size:
        return float((time[reached[0]] + time[below[0]]) / 2)
    return float(time[reached[0]])
