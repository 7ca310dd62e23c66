"""The hazard ratio of a risk score, alone or beside covariates, and whether it is the same at all times."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.results import Result, jsonable
from sequoia_stats.errors import counted
from sequoia_stats.survival import CoxFit, cox_regression, likelihood_ratio, proportional_hazards_test
from sequoia_stats.types.cohort import Cohort

SCORE = "risk score per SD"
_TERMS = ["term", "n", "n_events", "hr", "low", "high", "p"]
_TESTS = ["term", "chi2", "df", "p"]


@dataclass(frozen=True)
class HazardRatio(Result):
    """Hazard ratio per standard deviation of the risk score, from a Cox model with Efron's ties.

    Parameters
    ----------
    covariates : tuple of str
        Covariates that the model is adjusted for.
    n, n_events : int
        Patients and events in the model.
    n_missing : int
        Patients left out, with a covariate missing.
    hr, low, high : float
        Hazard ratio with its 95% Wald interval.
    p, p_lr : float
        p-value of the Wald test, and of the likelihood ratio test of adding the score to the covariates.
    note : str
        What to know before reading the estimates.
    terms : DataFrame
        A row per term of the model: ``term, n, n_events, hr, low, high, p``. `n` counts the patients of a level; the
        level that the others are compared with is a row without an interval.
    proportional_hazards : DataFrame
        Test that hazard ratios are the same at all times, a row per covariate and one for all (GLOBAL): ``term, chi2,
        df, p``; see `sequoia_stats.survival.proportional_hazards_test`.
    """

    covariates: tuple[str, ...]
    n: int
    n_events: int
    n_missing: int
    hr: float
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    p_lr: float = math.nan
    note: str = ""
    terms: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=_TERMS),
        repr=False,
        compare=False,
        metadata={"show": False},
    )
    proportional_hazards: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=_TESTS),
        repr=False,
        compare=False,
        metadata={"show": False},
    )

    @property
    def model(self) -> str:
        """The model in words."""
        return f"model adjusted for {', '.join(self.covariates)}" if self.covariates else "unadjusted model"

    def numbers(self) -> dict[str, float]:
        """Hazard ratio, interval and p-values, by their names in ``validation.json``."""
        return {
            "hr_per_sd": self.hr,
            "hr_low": self.low,
            "hr_high": self.high,
            "p": self.p,
            "p_lr": self.p_lr,
        }

    def content(self) -> dict[str, Any]:
        """The model in ``validation.json``."""
        return {
            "covariates": jsonable(self.covariates),
            "n": self.n,
            "events": self.n_events,
            "n_missing": self.n_missing,
            **jsonable(self.numbers()),
            "note": self.note,
            "terms": jsonable(self.terms),
            "proportional_hazards": jsonable(self.proportional_hazards),
        }

    def lines(self) -> list[str]:
        """The model as it is printed."""
        missing = f"; {counted(self.n_missing, 'patient')} left out, with a missing covariate"
        head = f"{self.model}: {counted(self.n, 'patient')}, {counted(self.n_events, 'event')}"
        lines = [f"{head[0].upper()}{head[1:]}{missing if self.n_missing else ''}"]
        if self.note:
            lines.append(f"  note: {self.note}")
        if len(self.terms):
            lines += [f"  {line}" for line in table_lines(self.terms)]
            lines.append(
                "  Test of proportional hazards; a small p says that a hazard ratio changes with time"
            )
            lines += [f"  {line}" for line in table_lines(self.proportional_hazards)]
        return lines


def hazard_ratio(
    score: NDArray[np.float64], cohort: Cohort, adjust: tuple[str, ...], *, null: bool
) -> HazardRatio:
    """Cox model of the score, in SDs of this cohort, adjusted for the covariates."""
    covariates = cohort.covariates[list(adjust)]
    reduced = cox_regression(cohort.outcome, covariates) if adjust else None
    # nothing can be fitted to a constant score, whose SD rounding may make larger than 0; a null model has no other
    if null or (score == score[0]).all():
        hr, said = (1.0, "") if null else (math.nan, "all patients have the same risk score")
        if reduced is None:
            return HazardRatio(adjust, cohort.n, cohort.n_events, 0, hr=hr, note=said)
        alone = "; ".join(filter(None, [said, "the terms are those of the covariates alone"]))
        return HazardRatio(adjust, hr=hr, **_model(reduced, alone))
    full = cox_regression(cohort.outcome, covariates.assign(**{SCORE: score / score.std(ddof=1)}))
    term = full.frame.set_index("term").loc[SCORE]
    return HazardRatio(
        covariates=adjust,
        hr=float(term["hr"]),
        low=float(term["low"]),
        high=float(term["high"]),
        p=float(term["p"]),
        p_lr=likelihood_ratio(full, reduced).p,
        **_model(full),
    )


def table_lines(table: pd.DataFrame) -> list[str]:
    """A table as it is printed."""
    text = table.to_string(index=False, na_rep="–", float_format=lambda value: f"{value:.4g}")
    return text.splitlines()


def _model(fit: CoxFit, note: str = "") -> dict[str, Any]:
    """What a `HazardRatio` holds of a model besides the risk score."""
    test = proportional_hazards_test(fit)
    return {
        "n": fit.n,
        "n_events": fit.n_events,
        "n_missing": fit.n_missing,
        "note": "; ".join(filter(None, [note, fit.note, test.note])),
        "terms": _terms(fit),
        "proportional_hazards": test.frame,
    }


def _terms(fit: CoxFit) -> pd.DataFrame:
    """The terms of a model with their patients and events, after the level that they are compared with."""
    rows: list[dict[Any, Any]] = []
    owners = np.array(fit.design.owner, dtype=object)
    for row, owner in zip(fit.frame.to_dict("records"), owners, strict=True):
        if owner not in fit.design.reference:
            rows.append({**row, **_sizes(fit, np.ones(fit.n, dtype=np.bool_))})
            continue
        own = fit.design.matrix.loc[:, owners == owner]
        if row["term"] == own.columns[0]:
            first = f"{owner}: {fit.design.reference[owner]} (reference)"
            rows.append({"term": first, "hr": 1.0, **_sizes(fit, ~own.any(axis=1).to_numpy())})
        rows.append({**row, **_sizes(fit, own[row["term"]].to_numpy() == 1)})
    return pd.DataFrame(rows, columns=_TERMS)


def _sizes(fit: CoxFit, there: NDArray[np.bool_]) -> dict[Any, Any]:
    return {"n": int(there.sum()), "n_events": int(fit.outcome.event[there].sum())}
