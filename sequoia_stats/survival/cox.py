"""Cox proportional hazards regression."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.arguments import check_limits, one_of
from sequoia_base.results import Result
from sequoia_stats.errors import InputError, counted, listing, part
from sequoia_stats.survival._newton import Maximum, Ties, maximise
from sequoia_stats.survival.design import Covariates, Design, covariate_table, make_design
from sequoia_stats.survival.risk_sets import RiskSets
from sequoia_stats.survival.strata import rows_of_strata, stratum_codes
from sequoia_stats.types.arrays import AnyFloats
from sequoia_stats.types.outcome import Outcome

_Z95 = 1.959963984540054  # normal quantile at .975


@dataclass(frozen=True, eq=False)
class CoxFit(Result):
    """A fitted Cox model.

    Attributes
    ----------
    n, n_events : int
        Patients and events that the model used.
    n_missing : int
        Patients left out, with a covariate or their stratum missing.
    ties : str
        "efron" or "breslow".
    log_likelihood, log_likelihood_null : float
        Log partial likelihood of the model and of the same patients without covariates.
    frame : DataFrame
        A row per term: ``term, coef, se, hr, low, high, z, p`` (95% interval and p by Wald).
    infinite : tuple of str
        Terms without a finite estimate.
    note : str
        What to know before reading the estimates; empty if there is nothing.
    used : array of bool, shape (patients given,)
        The patients that the model used.
    design : Design
        Their covariates as the numbers that the model saw.
    outcome : Outcome
        Their outcome.
    strata : array of shape (n,)
        The number of the stratum of each of them; 0 for all if there are no strata.
    """

    n: int
    n_events: int
    n_missing: int
    ties: Ties
    log_likelihood: float
    log_likelihood_null: float
    frame: pd.DataFrame = field(repr=False)
    infinite: tuple[str, ...]
    note: str
    used: NDArray[np.bool_] = field(repr=False, metadata={"show": False})
    design: Design = field(repr=False, metadata={"show": False})
    outcome: Outcome = field(repr=False, metadata={"show": False})
    strata: NDArray[np.intp] = field(repr=False, metadata={"show": False})

    @property
    def df(self) -> int:
        """Number of terms that have an estimate."""
        return int(self.frame["coef"].notna().sum())

    def to_frame(self) -> pd.DataFrame:
        """A row per term."""
        return self.frame


class LikelihoodRatio(NamedTuple):
    """Likelihood ratio test."""

    chi2: float
    df: int
    p: float


def cox_regression(
    outcome: Outcome, covariates: Covariates, *, ties: Ties = "efron", strata: Any = None
) -> CoxFit:
    """Fit a Cox model (Cox 1972) as ``survival::coxph`` does.

    Parameters
    ----------
    outcome : Outcome
        The n patients.
    covariates : DataFrame, Series, mapping, structured array, or array of shape (n,) or (n, k)
        Same patients; rows are matched by their labels if both sides have them. Numbers and booleans enter as they
        are, per unit. A category, ordered or not, enters as R's ``factor()`` does: an indicator per level, against the
        first level of a Categorical, or the first of texts in alphabetical order. Texts of which most are numbers are
        numbers; texts that are a few whole numbers are levels (`sequoia_stats.types.covariates.read_covariate`).
        A patient with a missing value is left out and counted.
    ties : {"efron", "breslow"}
        Treatment of tied event times.
    strata : array of shape (n,), Series, Categorical or list, optional
        Stratum of each patient, matched as groups are in `logrank_test`: each has a baseline hazard of its own, and
        hazard ratios are common, as with ``coxph(Surv(time, event) ~ x + strata(stratum))``. A patient without one is
        left out and counted. A stratum without events adds nothing.

    Returns
    -------
    CoxFit
        Where a hazard ratio has no finite estimate (a level has no event, or all of them; the score puts the events in
        order), ``note`` names the term, and the value is the one at which R stops as well, with a wide interval. The
        other terms are not affected. A term that says nothing new about the patients at risk at the events is NaN.

    Raises
    ------
    InputError
        If there is no covariate, or rows differ from the patients; if one is constant, infinite or a combination of
        the others, has texts among its numbers, or more levels than events; if fewer than two events are left;
        if no stratum has two patients at risk at an event.

    Examples
    --------
    >>> y = Outcome([5.0, 4.0, 3.0, 2.0, 1.0], [True, False, True, True, True], "OS")
    >>> fit = cox_regression(y, pd.DataFrame({"score": [0.0, 2.0, 1.0, 0.0, 2.0]}))
    >>> fit.n, fit.n_events, round(float(fit.frame.hr[0]), 4)
    (5, 4, 1.1224)
    """
    check_limits({"ties": ties}, {"ties": one_of(get_args(Ties))})
    codes = stratum_codes(strata, outcome)
    design = make_design(covariate_table(covariates, outcome), outcome, codes >= 0)
    kept, terms, codes = outcome[design.used], design.matrix.columns, codes[design.used]
    silent = _silent_strata(kept, codes)
    fitted = maximise(design.matrix.to_numpy(), kept, ties, codes)
    return CoxFit(
        n=kept.n,
        n_events=kept.n_events,
        n_missing=int((~design.used).sum()),
        ties=ties,
        log_likelihood=fitted.log_likelihood,
        log_likelihood_null=fitted.log_likelihood_null,
        frame=_terms(terms, fitted.coef, fitted.se),
        infinite=tuple(terms[fitted.infinite]),
        note="; ".join(filter(None, [_note(fitted, terms, kept.n_events), silent, design.note])),
        used=design.used,
        design=design,
        outcome=kept,
        strata=codes,
    )


def likelihood_ratio(full: CoxFit, reduced: CoxFit | None = None) -> LikelihoodRatio:
    """Likelihood ratio test of nested Cox models on the same patients.

    Parameters
    ----------
    full : CoxFit
        The larger model.
    reduced : CoxFit, optional
        The smaller one; without it, the model without covariates.

    Returns
    -------
    LikelihoodRatio
        ``chi2, df, p``, as R's ``anova(reduced, full)`` and ``summary(full)$logtest``.

    Raises
    ------
    InputError
        If the models used different patients, strata or ties, or are not nested.
    """
    from scipy.stats import chi2

    if reduced is None:
        smaller, terms = full.log_likelihood_null, 0
    else:
        smaller, terms = reduced.log_likelihood, reduced.df
        if full.ties != reduced.ties or not np.array_equal(full.used, reduced.used):
            raise InputError(
                f"the models differ in their patients ({full.n} and {reduced.n}) or in the treatment of ties",
                fix="fit both to the patients without a missing covariate (full.used)",
            )
        if not np.array_equal(full.strata, reduced.strata):
            raise InputError("the models differ in their strata", fix="fit both with the same strata")
        if not set(reduced.frame["term"]) < set(full.frame["term"]):
            raise InputError(
                "the models are not nested: all terms of the smaller one must be in the larger one"
            )
    statistic = max(0.0, 2 * (full.log_likelihood - smaller))
    df = full.df - terms
    return LikelihoodRatio(statistic, df, float(chi2.sf(statistic, df)) if df else 1.0)


def _silent_strata(outcome: Outcome, codes: NDArray[np.intp]) -> str:
    """A note on strata in which nobody can be compared with the patient who has the event, if there are any."""
    strata = rows_of_strata(codes)
    sets = [RiskSets.of(outcome, at_events=True, rows=rows) for rows in strata]
    silent = sum(not (one.at_risk > 1).any() for one in sets)
    if silent == len(sets):
        raise InputError(
            "no stratum has two patients at risk at an event", fix="join strata, or leave them out"
        )
    if not silent:
        return ""
    return f"{part(silent, len(sets), 'stratum', 'have', 'strata')} no event with two patients at risk, and no weight"


def _terms(terms: pd.Index, coef: AnyFloats, se: AnyFloats) -> pd.DataFrame:
    """A row per term, with Wald's interval and test."""
    from scipy.stats import norm

    z = coef / se
    with np.errstate(over="ignore"):
        ratios = {"hr": np.exp(coef), "low": np.exp(coef - _Z95 * se), "high": np.exp(coef + _Z95 * se)}
    return pd.DataFrame(
        {"term": terms, "coef": coef, "se": se, **ratios, "z": z, "p": 2 * norm.sf(np.abs(z))}
    )


def _note(fitted: Maximum, terms: pd.Index, n_events: int) -> str:
    """What the estimates suffer from, in words."""
    unknown = np.isnan(fitted.coef)
    grows = (
        "keeps growing with the coefficient" if fitted.converged else "was growing when the iterations ended"
    )
    notes = {
        "the iterations did not converge": not fitted.converged,
        f"no finite estimate for {listing(terms[fitted.infinite])}: the likelihood {grows}, so that the hazard ratio "
        "may be infinite, or 0": fitted.infinite.any(),
        f"no estimate for {listing(terms[unknown])}: among the patients at risk at the events, it is constant or a "
        "combination of the terms before it": unknown.any(),
        f"{counted(n_events, 'event')} are few for {counted(len(terms), 'term')}": n_events < len(terms),
    }
    return "; ".join(note for note, applies in notes.items() if applies)
