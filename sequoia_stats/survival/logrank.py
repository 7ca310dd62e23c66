"""Log-rank test between groups of patients."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.results import Result
from sequoia_stats.errors import InputError
from sequoia_stats.survival.risk_sets import RiskSets
from sequoia_stats.survival.strata import rows_of_strata, stratum_codes
from sequoia_stats.types.alignment import as_groups
from sequoia_stats.types.outcome import Outcome

_SINGULAR = 1e-10  # a smaller share of the largest eigenvalue is a rounding error


@dataclass(frozen=True, eq=False)
class LogRank(Result):
    """Log-rank test.

    Attributes
    ----------
    statistic : float
        Chi-squared on `df` degrees of freedom.
    df : int
        Number of groups that are at risk at some event, minus 1. With strata, minus the number of sets of groups that
        share no stratum.
    p_value : float
        Upper tail of the chi-squared distribution.
    frame : DataFrame
        A row per group: ``group, n, observed, expected`` (events); in sorted order, or that of a Categorical.
    n_missing : int
        Patients left out, without a group or a stratum.
    """

    statistic: float
    df: int
    p_value: float
    frame: pd.DataFrame = field(repr=False)
    n_missing: int = 0


def logrank_test(outcome: Outcome, groups: Any, *, strata: Any = None) -> LogRank:
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
    strata : array of shape (n,), Series, Categorical or list, optional
        Stratum of each patient, in the same forms: patients are compared within strata, and observed events, expected
        events and variances are summed over them (Mantel & Haenszel 1959), as with
        ``survdiff(Surv(time, event) ~ group + strata(stratum))``. A patient without one is left out and counted. A
        stratum without events, or with one group, adds nothing to the statistic.

    Returns
    -------
    LogRank

    Raises
    ------
    InputError
        If lengths or labels differ, there is no event, or fewer than two groups are at risk at an event (of one
        stratum).

    Examples
    --------
    >>> y = Outcome([1.0, 2.0, 3.0, 4.0], [True, True, True, True], "OS")
    >>> result = logrank_test(y, ["high", "high", "low", "low"])
    >>> round(result.statistic, 4), result.df
    (2.8824, 1)
    """
    labels, _ = as_groups(groups, outcome)
    codes = stratum_codes(strata, outcome)
    known = labels.notna().to_numpy() & (codes >= 0)
    outcome, labels, codes = outcome[known], labels[known].cat.remove_unused_categories(), codes[known]
    if not outcome.n_events:
        raise InputError("the log-rank test needs events, and there are none")
    group, names = labels.cat.codes.to_numpy(), list(labels.cat.categories)
    parts = [
        _expected_events(RiskSets.of(outcome, at_events=True, rows=rows), group[rows], len(names))
        for rows in rows_of_strata(codes)
    ]
    expected, variance, together = (np.sum(sums, axis=0) for sums in zip(*parts, strict=True))
    df = _degrees_of_freedom(together > 0)
    if not df:
        raise InputError(
            "the log-rank test needs two groups that are at risk at some event"
            + ("" if strata is None else " in the same stratum")
        )
    from scipy.stats import chi2

    observed = np.bincount(group[outcome.event], minlength=len(names))
    difference = observed - expected
    statistic = float(difference @ np.linalg.pinv(variance, rcond=_SINGULAR, hermitian=True) @ difference)
    frame = pd.DataFrame(
        {"group": pd.Series(names), "n": np.bincount(group), "observed": observed, "expected": expected}
    )
    return LogRank(statistic, df, float(chi2.sf(statistic, df)), frame, int((~known).sum()))


def _expected_events(
    sets: RiskSets, group: NDArray[np.integer], n_groups: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Of one stratum: events expected in each of G groups if all had the same hazard, and what belongs to them.

    Parameters
    ----------
    sets : RiskSets
        Of the n patients of the stratum, at events.
    group : array of shape (n,)
        The number of the group of each of them.
    n_groups : int
        G, over all strata.

    Returns
    -------
    expected : array of shape (G,)
        Expected events.
    variance : array of shape (G, G)
        Their hypergeometric covariance.
    together : array of shape (G, G)
        Not zero where two groups are at risk at the same event.
    """
    own = group[sets.order, None] == np.arange(n_groups)
    share = np.cumsum(own[::-1], axis=0)[::-1][sets.first] / sets.at_risk[:, None]
    weight = sets.events * (sets.at_risk - sets.events) / np.maximum(sets.at_risk - 1, 1)
    variance = np.diag(weight @ share) - (share * weight[:, None]).T @ share
    return sets.events @ share, variance, share.T @ share


def _degrees_of_freedom(together: NDArray[np.bool_]) -> int:
    """Groups that are at risk at an event, less the sets of them that are never at risk together (usually one)."""
    from scipy.sparse.csgraph import connected_components

    at_risk = together.diagonal()
    n_sets, _ = connected_components(together[np.ix_(at_risk, at_risk)], directed=False)
    return int(at_risk.sum()) - n_sets
