"""Test of proportional hazards: whether the effect of a covariate changes with time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.results import Result
from sequoia_stats.errors import listing
from sequoia_stats.survival._newton import PartialLikelihood, Ties, centre_and_scale
from sequoia_stats.survival.cox import CoxFit
from sequoia_stats.survival.risk_sets import RiskSets
from sequoia_stats.types.arrays import AnyFloats
from sequoia_stats.types.outcome import Outcome

_SINGULAR = np.finfo(np.float64).eps  # solve() of R refuses a smaller reciprocal condition number


@dataclass(frozen=True, eq=False)
class ProportionalHazards(Result):
    """Test of proportional hazards of a Cox model.

    Attributes
    ----------
    n, n_events : int
        Patients and events of the model.
    ties : str
        Treatment of tied event times, "efron" or "breslow".
    p_value : float
        Of all terms together (GLOBAL). A small one says that a hazard ratio changes with time.
    frame : DataFrame
        A row per covariate and one for GLOBAL: ``term, chi2, df, p``. A categorical covariate is tested as a whole.
    note : str
        Terms that cannot be tested, whose row is NaN, and those whose test says nothing; empty if there are none.
    """

    n: int
    n_events: int
    ties: Ties
    p_value: float
    frame: pd.DataFrame = field(repr=False)
    note: str = ""

    def to_frame(self) -> pd.DataFrame:
        """A row per covariate, and one for all together."""
        return self.frame


def proportional_hazards_test(fit: CoxFit) -> ProportionalHazards:
    """Test whether the hazard ratios of a Cox model are the same at all times (Grambsch & Therneau 1994).

    The score test of adding to the model each covariate times g(t), where g is 1 less the Kaplan-Meier estimate just
    before t, of all patients also where the model has strata.
    Reference: ``survival::cox.zph(fit, transform = "km", terms = TRUE)`` of survival 3.

    Parameters
    ----------
    fit : CoxFit
        A model of `cox_regression`.

    Returns
    -------
    ProportionalHazards

    Examples
    --------
    >>> from sequoia_stats.survival import cox_regression
    >>> y = Outcome([5.0, 4.0, 3.0, 2.0, 1.0], [True, False, True, True, True], "OS")
    >>> test = proportional_hazards_test(cox_regression(y, pd.DataFrame({"score": [0.0, 2.0, 1.0, 0.0, 2.0]})))
    >>> test.frame["term"].tolist(), round(test.p_value, 4)
    (['score', 'GLOBAL'], 0.413)
    """
    from scipy.stats import chi2

    coef = fit.frame["coef"].to_numpy()
    free = np.isfinite(coef)
    owner = np.array(fit.design.owner, dtype=object)[free]
    x = fit.design.matrix.to_numpy()[:, free]
    centre, scale = centre_and_scale(x)
    likelihood = PartialLikelihood((x - centre) / scale, fit.outcome, fit.ties, fit.strata)
    g = _time_function(fit.outcome, likelihood.patients)
    score, information = _of_time(likelihood, coef[free] * scale, g)
    terms = {str(name): np.flatnonzero(owner == name) for name in dict.fromkeys(owner)}
    statistics = [_statistic(score, information, columns) for columns in terms.values()]
    statistics.append(_statistic(score, information, np.arange(owner.size)))
    names, df = [*terms, "GLOBAL"], [*(columns.size for columns in terms.values()), owner.size]
    frame = pd.DataFrame({"term": names, "chi2": statistics, "df": df})
    frame["p"] = chi2.sf(frame["chi2"], frame["df"])
    frame.loc[frame["chi2"] < 0, ["chi2", "p"]] = np.nan  # rounding of an information matrix that is almost 0
    return ProportionalHazards(
        n=fit.n,
        n_events=fit.n_events,
        ties=fit.ties,
        p_value=float(frame["p"].iloc[-1]),
        frame=frame,
        note=_note(frame, fit),
    )


def _note(frame: pd.DataFrame, fit: CoxFit) -> str:
    """What was not tested, and whose test says nothing."""
    untested = frame["term"][frame["chi2"].isna()]
    why = "its information matrix is singular" if len(frame) > 1 else "no term has an estimate"
    owner = dict(zip(fit.design.matrix, fit.design.owner, strict=True))
    unlimited = list(dict.fromkeys(owner[term] for term in fit.infinite))
    notes = {
        f"no test of {listing(untested)}: {why}": len(untested),
        f"do not rely on the test of {listing([*unlimited, 'GLOBAL'])}: no finite estimate of {listing(unlimited)}": (
            unlimited
        ),
    }
    return "; ".join(note for note, applies in notes.items() if applies)


def _time_function(outcome: Outcome, patients: NDArray[np.intp]) -> AnyFloats:
    """For the event of each of these patients: 1 less the share that survives until just before it; centred."""
    sets = RiskSets.of(outcome, at_events=True)
    survival = np.append(1.0, np.cumprod(1 - sets.events / sets.at_risk))
    g = 1 - survival[np.searchsorted(sets.times, sets.own[patients])]
    return g - g.mean()


def _of_time(likelihood: PartialLikelihood, coef: AnyFloats, g: AnyFloats) -> tuple[AnyFloats, AnyFloats]:
    """Score (k,) of the k covariates times g, and the information (2k, 2k) of the covariates and of these."""
    at = likelihood(coef)
    own = at.information.sum(axis=0)
    cross = np.einsum("e,eij->ij", g, at.information)
    changing = np.einsum("e,eij->ij", g**2, at.information)
    return g @ at.score, np.block([[own, cross], [cross, changing]])


def _statistic(score: AnyFloats, information: AnyFloats, columns: NDArray[np.intp]) -> float:
    """Score test of the columns times g, given all covariates; NaN if the matrix is singular or there is no column."""
    if not columns.size:
        return float("nan")
    k = score.size
    chosen = np.concatenate([np.arange(k), k + columns])
    matrix = information[np.ix_(chosen, chosen)]
    if not np.isfinite(matrix).all() or 1 / np.linalg.cond(matrix, 1) < _SINGULAR:
        return float("nan")
    u = np.concatenate([np.zeros(k), score[columns]])
    return float(u @ np.linalg.solve(matrix, u))
