"""Log-rank test between groups of patients."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from sequoia_base.results import Result
from sequoia_stats.errors import InputError
from sequoia_stats.survival.risk_sets import RiskSets
from sequoia_stats.types.alignment import as_groups
from sequoia_stats.types.outcome import Outcome


@dataclass(frozen=True, eq=False)
class LogRank(Result):
    """Log-rank test.

    Attributes
    ----------
    statistic : float
        Chi-squared on `df` degrees of freedom.
    df : int
        Number of groups that are at risk at some event, minus 1.
    p_value : float
        Upper tail of the chi-squared distribution.
    frame : DataFrame
        A row per group: ``group, n, observed, expected`` (events); in sorted order, or that of a Categorical.
    n_missing : int
        Patients left out, without a group.
    """

    statistic: float
    df: int
    p_value: float
    frame: pd.DataFrame = field(repr=False)
    n_missing: int = 0


def logrank_test(outcome: Outcome, groups: Any) -> LogRank:
    """Compare the survival of groups by the log-rank test (Mantel 1966).

    Reference: ``survival::survdiff(Surv(time, event) ~ group)``; equal times, and those that differ by
    rounding (`Outcome.tied_time`), form one risk set, with the hypergeometric variance.

    Parameters
    ----------
    outcome : Outcome
        The n patients.
    groups : array of shape (n,) or (n, 1), Series, Categorical or list
        Group of every patient: text, numbers or booleans. A Series is matched by its labels if the outcome has some.
        A patient whose group is missing (None, NaN, NA, or the text that these become) is left out and counted.

    Returns
    -------
    LogRank

    Raises
    ------
    InputError
        If lengths or labels differ, there is no event, or fewer than two groups are at risk at an
        event.

    Examples
    --------
    >>> y = Outcome([1.0, 2.0, 3.0, 4.0], [True, True, True, True], "OS")
    >>> result = logrank_test(y, ["high", "high", "low", "low"])
    >>> round(result.statistic, 4), result.df
    (2.8824, 1)
    """
    labels, n_missing = as_groups(groups, outcome)
    known = labels.notna().to_numpy()
    outcome, labels = outcome[known], labels[known]
    if not outcome.n_events:
        raise InputError("the log-rank test needs events, and there are none")
    sets = RiskSets.of(outcome, at_events=True)
    frame = _observed_and_expected(outcome, sets, labels)
    # A group that leaves before the first event says nothing; survdiff drops it as well.
    informative = labels.isin(frame.group[frame.expected > 0]).to_numpy()
    codes = labels[informative].cat.codes.to_numpy()
    n_groups = np.unique(codes).size
    if n_groups < 2:
        raise InputError("the log-rank test needs two groups that are at risk at some event")
    from lifelines.statistics import multivariate_logrank_test

    test = multivariate_logrank_test(sets.own[informative], codes, outcome.event[informative])
    return LogRank(float(test.test_statistic), n_groups - 1, float(test.p_value), frame, n_missing)


def _observed_and_expected(outcome: Outcome, sets: RiskSets, labels: pd.Series) -> pd.DataFrame:
    """Events of every group, and those expected if all groups had the hazard of all patients."""
    cumulative = sets.steps(np.cumsum(sets.events / sets.at_risk), before=0.0)
    table = pd.DataFrame({"observed": outcome.event, "expected": cumulative})
    grouped = table.groupby(labels.cat.codes.to_numpy(), sort=True)
    frame = grouped.agg(n=("observed", "size"), observed=("observed", "sum"), expected=("expected", "sum"))
    groups = pd.Series(list(labels.cat.categories[frame.index]), frame.index)
    frame.insert(0, "group", groups)
    return frame.reset_index(drop=True)
