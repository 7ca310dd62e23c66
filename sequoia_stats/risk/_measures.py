"""What is said of one model: concordance, hazard ratio and the difference of its risk groups, within folds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.risk._standard import StandardScores
from sequoia_stats.survival import (
    CoxFit,
    KaplanMeier,
    cox_regression,
    likelihood_ratio,
    logrank_test,
    proportional_hazards_test,
)
from sequoia_stats.types.outcome import Outcome

#: The term of a score in a Cox model.
PER_SD = "risk score per SD"
_TEST = ["score", "adjusted_for", "term", "chi2", "df", "p"]
_NAN = math.nan
_SMALL_P = 0.05
#: Fewest events of a fold.
_FEWEST_EVENTS = 2


@dataclass(frozen=True, eq=False)
class ComparedPatients:
    """The patients that are compared.

    Parameters
    ----------
    outcome : Outcome
        With their ids.
    strata : Series, optional
        The fold of each; None if no model was cross-validated.
    """

    outcome: Outcome
    strata: pd.Series | None

    @property
    def ids(self) -> pd.Index:
        """Their ids."""
        assert self.outcome.patients is not None
        return self.outcome.patients

    def where(self, kept: pd.Series) -> ComparedPatients:
        """Those for whom `kept` is true."""
        rows = kept.to_numpy(dtype=np.bool_)
        return ComparedPatients(self.outcome[rows], None if self.strata is None else self.strata[rows])


def hazard_of(
    model: StandardScores, patients: ComparedPatients
) -> tuple[dict[str, float], pd.DataFrame, list[str]]:
    """Hazard ratio per SD, by a Cox model stratified by fold.

    Parameters
    ----------
    model : StandardScores
        The scores of these patients.
    patients : ComparedPatients
        The patients.

    Returns
    -------
    numbers : dict
        ``hr_per_sd, hr_low, hr_high, p``; NaN if patients of a fold all have the same score.
    hazards : DataFrame
        The test of proportional hazards: ``score, adjusted_for, term, chi2, df, p``.
    notes : list of str
        What to know of the estimate.
    """
    undefined = dict.fromkeys(("hr_per_sd", "hr_low", "hr_high", "p"), _NAN)
    if not _varies(model.scores, patients.strata):
        within = "" if patients.strata is None else " within every fold"
        note = f"{model.name}: all patients have the same score{within}, so there is no hazard ratio"
        return undefined, pd.DataFrame(columns=_TEST), [note]
    fit = cox_regression(patients.outcome, model.scores.to_frame(PER_SD), strata=patients.strata)
    term = fit.frame.set_index("term").loc[PER_SD]
    numbers = {
        name: float(term[column]) for name, column in zip(undefined, ["hr", "low", "high", "p"], strict=True)
    }
    hazards, notes = _hazards(model.name, fit), [f"{model.name}: {fit.note}"] if fit.note else []
    if (p := float(hazards["p"].iloc[-1])) < _SMALL_P:
        notes.append(
            f"{model.name}: its hazard ratio changes with time (test of proportional hazards: p = {p:.2g})"
        )
    return numbers, hazards, notes


def logrank_of(model: StandardScores, patients: ComparedPatients) -> tuple[float, list[str]]:
    """The p of the log-rank test of high against low risk, stratified by fold; NaN, and why, if there is none."""
    sure = model.groups != "uncertain"
    known = patients.where(sure)
    try:
        return logrank_test(known.outcome, model.groups[sure], strata=known.strata).p_value, []
    except InputError as error:  # no event, or no fold with both groups at risk at one
        return _NAN, [f"{model.name}: no log-rank test: {error.what}"]


def adjusted(
    model: StandardScores, covariates: pd.DataFrame, patients: ComparedPatients
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """A Cox model of the score beside covariates, stratified by fold, and the test of what the score adds to them.

    Parameters
    ----------
    model : StandardScores
        The scores of these patients.
    covariates : DataFrame
        Typed covariates of the same patients, without a missing value.
    patients : ComparedPatients
        The patients.

    Returns
    -------
    terms : DataFrame
        ``score, term, n, events, hr, low, high, p``, the score first. Patients and events are those of the model.
    hazards : DataFrame
        The test of proportional hazards, as in `hazard_of`.
    test : dict
        ``chi2, df, p_lr``: the likelihood ratio test against the model of the covariates alone.
    """
    columns = ["score", "term", "n", "events", "hr", "low", "high", "p"]
    if not _varies(model.scores, patients.strata):
        undefined = {"chi2": _NAN, "df": 0, "p_lr": _NAN}
        return pd.DataFrame(columns=columns), pd.DataFrame(columns=_TEST), undefined
    beside = pd.concat([model.scores.rename(PER_SD), covariates], axis=1)
    full = cox_regression(patients.outcome, beside, strata=patients.strata)
    reduced = cox_regression(patients.outcome, covariates, strata=patients.strata)
    test = likelihood_ratio(full, reduced)
    terms = full.frame.assign(score=model.name, n=full.n, events=full.n_events)
    numbers = {"chi2": test.chi2, "df": test.df, "p_lr": test.p}
    return terms[columns], _hazards(model.name, full), numbers


def stacked(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Tables with the same columns below each other; pandas warns where one of several has no row."""
    tables = list(tables)
    return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)


def refuse_few_events(patients: ComparedPatients, where: str) -> None:
    """Refuse folds with fewer than two events, in which nearly no pair of patients can be compared.

    Raises
    ------
    InputError
        Naming the folds.
    """
    strata = pd.Series(0, patients.ids) if patients.strata is None else patients.strata
    events = pd.Series(patients.outcome.event, patients.ids).groupby(strata.to_numpy()).agg(["size", "sum"])
    few = events[events["sum"] < _FEWEST_EVENTS]
    if few.empty:
        return
    said = [
        f"{counted(int(n), 'patient')} with a score have {counted(int(d), 'event')}"
        for n, d in few.to_numpy()
    ]
    if patients.strata is not None:
        said = [f"fold {fold}: {words}" for fold, words in zip(few.index, said, strict=True)]
    raise InputError(
        f"{listing(said)}, but {_FEWEST_EVENTS} or more are needed",
        where=where,
        fix="check the events; or give patients with a longer follow-up"
        + ("" if patients.strata is None else ", or scores of fewer folds"),
    )


def groups_frame(curves: Mapping[str, Mapping[str, KaplanMeier]]) -> pd.DataFrame:
    """A row per score and risk group: ``score, group, n, events, median, median_low, median_high`` (months)."""
    columns = ["score", "group", "n", "events", "median", "median_low", "median_high"]
    rows = [
        (name, group, curve.n, curve.n_events, curve.median, curve.median_low, curve.median_high)
        for name, own in curves.items()
        for group, curve in own.items()
    ]
    return pd.DataFrame(rows, columns=columns)


def _hazards(name: str, fit: CoxFit) -> pd.DataFrame:
    """The test that hazard ratios are the same at all times."""
    beside = ", ".join(owner for owner in dict.fromkeys(fit.design.owner) if owner != PER_SD)
    return proportional_hazards_test(fit).frame.assign(score=name, adjusted_for=beside)[_TEST]


def _varies(scores: pd.Series, strata: pd.Series | None) -> bool:
    """Whether patients of one fold have different scores."""
    if strata is None:
        return scores.nunique() > 1
    return bool((scores.groupby(strata.to_numpy()).nunique() > 1).any())
