"""Validation of a signature on a cohort: risk groups, log-rank test, Cox models, concordance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.arguments import ProgressBar, check_limits, one_of, whole
from sequoia_base.results import Result, jsonable
from sequoia_stats.errors import InputError, counted
from sequoia_stats.io import wanted_covariates
from sequoia_stats.signature._hazard_ratios import SCORE, HazardRatio, hazard_ratio, table_lines
from sequoia_stats.signature.lasso_cox import check_events
from sequoia_stats.signature.scoring import Scale, risk_groups
from sequoia_stats.signature.signature import Signature
from sequoia_stats.survival import (
    KaplanMeier,
    LogRank,
    group_curves,
    harrell_c,
    logrank_test,
)
from sequoia_stats.types.cohort import Cohort, as_cohort
from sequoia_stats.types.covariate_statements import summarise, summary_lines, texts_of
from sequoia_stats.types.outcome import Outcome

if TYPE_CHECKING:
    from anndata import AnnData

Cut = Literal["frozen", "median"]
NAN = math.nan


@dataclass(frozen=True)
class CutResult(Result):
    """Two risk groups, and the test of their difference.

    Parameters
    ----------
    threshold : float
        The cut-off: a score above it is high risk; a tie is low.
    n_high, n_low : int
        Number of patients of each group.
    logrank_p : float
        p-value of the log-rank test; NaN if one group is empty.
    logrank : LogRank or None
        The test, with observed and expected events.
    """

    threshold: float
    n_high: int
    n_low: int
    logrank_p: float
    logrank: LogRank | None = field(default=None, compare=False, metadata={"show": False})


@dataclass(frozen=True, eq=False)
class Validation(Result):
    """The performance of a signature on one cohort; ``str`` prints it, ``to_dict`` is ``validation.json``.

    Parameters
    ----------
    cohort, note : str
        Name of the cohort, and the sentence about it for captions.
    n, n_events : int
        Patients and events of the cohort.
    endpoint : str
        Endpoint of the cohort.
    signature_endpoint : str
        Endpoint that the signature was trained to predict.
    scale : str
        Where the transform was computed; see `RiskScore`.
    cut : str
        Rule of the cut-off that made the groups of `scores` and `curves`.
    scores : DataFrame
        A row per patient: ``patient_id, risk_score, group`` ("high" or "low").
    outcome : Outcome
        Outcome of the patients.
    curves : dict
        Kaplan-Meier curves of "low" and "high", without empty groups.
    cuts : dict
        Groups and their test by the "frozen" and the "median" cut-off.
    unadjusted, adjusted : HazardRatio
        Hazard ratios, with the test that they are the same at all times; `adjusted` is None if no covariate was
        requested.
    c_index, c_low, c_high : float
        Harrell's C with its bootstrap percentile interval.
    genes_missing, weight_lost : tuple, float
        See `RiskScore`.
    null_model : bool
        Whether the signature has no gene; the hazard ratio is then 1 and C 0.5 by definition.
    is_training_cohort : bool
        Whether the signature was trained on this very cohort, judged by its hash.
    n_overlap : int or None
        Number of patients that the signature was trained on; None if it does not say whom.
    covariates : dict
        What each covariate of the cohort is, in the model or not; see `covariates.summarise`.
    scale_details : dict
        Groups, reference and notes of the scale, if there are any; see `RiskScore`.
    """

    cohort: str
    note: str
    n: int
    n_events: int
    endpoint: str
    signature_endpoint: str
    scale: str
    cut: str
    scores: pd.DataFrame
    outcome: Outcome
    curves: dict[str, KaplanMeier]
    cuts: dict[str, CutResult]
    unadjusted: HazardRatio
    adjusted: HazardRatio | None
    c_index: float
    c_low: float
    c_high: float
    genes_missing: tuple[str, ...]
    weight_lost: float
    null_model: bool
    is_training_cohort: bool = field(default=False)
    n_overlap: int | None = field(default=None)
    covariates: dict[str, dict[str, Any]] = field(default_factory=dict)
    scale_details: dict[str, Any] = field(default_factory=dict)

    @property
    def logrank(self) -> LogRank | None:
        """The log-rank test of the groups shown; None if one is empty."""
        return self.cuts[self.cut].logrank

    def to_dict(self) -> dict[str, Any]:
        """The content of ``validation.json``: plain values, None if undefined or infinite.

        An upper limit that is infinite and one that is undefined, as that of a reference level, are both None; the note
        of the model tells which terms have no finite estimate.
        """
        content = {
            "cohort": self.cohort,
            "note": self.note,
            "n": self.n,
            "events": self.n_events,
            "endpoint": self.endpoint,
            "signature_endpoint": self.signature_endpoint,
            "is_training_cohort": self.is_training_cohort,
            "n_overlap": self.n_overlap,
            "scale": self.scale,
            **self.scale_details,
            "cut": self.cut,
            **self.unadjusted.numbers(),
            "hr_note": self.unadjusted.note,
            "c_index": self.c_index,
            "c_low": self.c_low,
            "c_high": self.c_high,
            "genes_missing": self.genes_missing,
            "n_genes_missing": len(self.genes_missing),
            "weight_lost": self.weight_lost,
            "null_model": self.null_model,
            "cuts": self.cuts,
            "covariate_types": self.covariates,
            "unadjusted": self.unadjusted.content(),
            "adjusted": None if self.adjusted is None else self.adjusted.content(),
        }
        return {name: jsonable(value) for name, value in content.items()}

    def to_frame(self) -> pd.DataFrame:
        """A row per statistic: ``statistic, estimate, low, high, p, n, n_events``."""
        ratios = [("HR per SD", self.unadjusted)]
        if self.adjusted is not None:
            ratios.append((f"HR per SD, adjusted for {', '.join(self.adjusted.covariates)}", self.adjusted))
        rows: list[tuple[Any, ...]] = [
            (name, ratio.hr, ratio.low, ratio.high, ratio.p, ratio.n, ratio.n_events)
            for name, ratio in ratios
        ]
        rows.append(("Harrell's C", self.c_index, self.c_low, self.c_high, NAN, self.n, self.n_events))
        rows += [
            (f"log-rank, {name} cut", NAN, NAN, NAN, cut.logrank_p, self.n, self.n_events)
            for name, cut in self.cuts.items()
        ]
        return pd.DataFrame(rows, columns=["statistic", "estimate", "low", "high", "p", "n", "n_events"])

    def _whose_scale(self) -> str:
        """The reference or the groups of the scale, in brackets; "" if there are none."""
        if reference := self.scale_details.get("reference"):
            return f" ({reference['cohort']}, {counted(reference['n'], 'patient')})"
        groups = self.scale_details.get("scale_within", {})
        return f" (within {', '.join(f'{name}: {n}' for name, n in groups.items())})" if groups else ""

    def __str__(self) -> str:
        head = [
            f"Validation on {self.cohort}: {counted(self.n, 'patient')}, {counted(self.n_events, 'event')} "
            f"({self.endpoint}); the signature was trained to predict {self.signature_endpoint}",
            *([f"  {self.note}"] if self.note else []),
            *(["  training cohort: the performance is apparent"] if self.is_training_cohort else []),
            *(["  null model: no gene was chosen"] if self.null_model else []),
            f"  scale {self.scale}{self._whose_scale()}; {counted(len(self.genes_missing), 'gene')} missing, with "
            f"{self.weight_lost:.1%} of the weight",
            *(f"  {line}" for line in summary_lines(self.covariates)),
            *(f"  note: {note}" for note in self.scale_details.get("notes", ())),
        ]
        models = [self.unadjusted, *([self.adjusted] if self.adjusted else [])]
        body = [
            "",
            *table_lines(self.to_frame()),
            *(line for model in models for line in ["", *model.lines()]),
        ]
        return "\n".join([*head, *(f"  {line}".rstrip() for line in body)])


def validate(
    signature: Signature,
    cohort: Cohort | AnnData,
    *,
    cut: Cut = "frozen",
    adjust: str | Sequence[str] = (),
    categorical: str | Sequence[str] = (),
    missing: str | Sequence[str] = (),
    scale: Scale = "cohort",
    reference: Any = None,
    scale_within: Any = None,
    max_weight_lost: float = 0.5,
    allow_overlap: bool = False,
    bootstrap: int = 1000,
    seed: int = 0,
    progress: ProgressBar | None = None,
) -> Validation:
    """Validate a signature on a cohort.

    Parameters
    ----------
    signature : Signature
        The signature to validate.
    cohort : Cohort or AnnData
        The patients to validate it on.
    cut : {"frozen", "median"}
        Cut-off that makes the groups shown: the training median of the signature, or the median of this cohort. Both
        are tested.
    adjust : str or sequence of str
        Covariates of the adjusted Cox model, by the cohort's names or other spellings of pam50, er, pr, her2, age.
    categorical : str or sequence of str
        Covariates whose numbers are codes of levels.
    missing : str or sequence of str
        Texts and numbers that mean a missing value of a covariate.
    scale : {"cohort", "training"}
        Where the transform is computed; see `Signature.risk_score`.
    reference : ScaleReference, cohort or path, optional
        A fixed cohort whose parameters the transform takes; see `Signature.risk_score`.
    scale_within : str, Series or array of shape (patients,), optional
        Study of each patient, or the covariate that holds it; see `Signature.risk_score`.
    max_weight_lost : float
        Largest share of the signature's weight that may be lost with missing genes.
    allow_overlap : bool
        Validate on patients that the signature was trained on as well, and count them. The very cohort of the training
        is always accepted: its performance is called apparent.
    bootstrap : int
        Number of bootstrap replicates of patients for the interval of C; 0 for none.
    seed : int
        Random seed of the bootstrap, 0 or more.
    progress : callable, optional
        ``progress(blocks, total)`` wraps the iterator over the blocks of events that are counted for C.

    Returns
    -------
    Validation

    Raises
    ------
    InputError
        If a covariate is absent or has values that cannot be read, too much weight is lost with missing genes, there
        are fewer than two events, or the signature was trained on some of the patients.
    """
    cohort = as_cohort(cohort).declare(
        categorical=texts_of(categorical, "categorical"), missing=texts_of(missing, "missing")
    )
    check_limits(
        {"cut": cut, "bootstrap": bootstrap, "seed": seed},
        {"cut": one_of(get_args(Cut)), "bootstrap": whole(0), "seed": whole(0)},
    )
    covariates = _covariates(adjust, cohort)
    check_events(cohort)
    apparent = cohort.sha256() == signature.training["sha256"]
    risk = signature.risk_score(
        cohort,
        scale=scale,
        reference=reference,
        scale_within=scale_within,
        max_weight_lost=max_weight_lost,
        allow_overlap=allow_overlap or apparent,
    )
    score, outcome = risk.scores.to_numpy(), cohort.outcome
    thresholds = {"frozen": signature.cutoff, "median": float(np.median(score))}
    groups = {name: risk_groups(score, threshold) for name, threshold in thresholds.items()}
    replicates = 0 if signature.is_null else bootstrap
    concordance = harrell_c(outcome, score, bootstrap=replicates, seed=seed, progress=progress)
    frame = pd.DataFrame({"patient_id": cohort.patients, "risk_score": score, "group": groups[cut]})
    return Validation(
        cohort=cohort.name,
        note=cohort.note,
        n=cohort.n,
        n_events=cohort.n_events,
        endpoint=outcome.endpoint,
        signature_endpoint=signature.endpoint,
        scale=risk.scale,
        cut=cut,
        scores=frame,
        outcome=outcome,
        curves=group_curves(outcome, groups[cut]),
        cuts={name: _cut_result(outcome, groups[name], thresholds[name]) for name in thresholds},
        unadjusted=hazard_ratio(score, cohort, (), null=signature.is_null),
        adjusted=hazard_ratio(score, cohort, covariates, null=signature.is_null) if covariates else None,
        c_index=concordance.c_index,
        c_low=concordance.low,
        c_high=concordance.high,
        genes_missing=risk.genes_missing,
        weight_lost=risk.weight_lost,
        null_model=signature.is_null,
        is_training_cohort=apparent,
        n_overlap=risk.n_overlap,
        covariates=summarise(cohort.covariates, cohort.readings),
        scale_details=risk.scale_details(),
    )


def _covariates(adjust: str | Sequence[str], cohort: Cohort) -> tuple[str, ...]:
    """The covariates of the adjusted model, by the cohort's names."""
    found = wanted_covariates(
        texts_of(adjust, "adjust"),
        cohort.covariates,
        cohort.readings,
        f"cohort {cohort.name}",
        "adjust (--adjust)",
    )
    if SCORE in found:
        raise InputError(f"the covariate {SCORE!r} has the name of the score itself", fix="rename it")
    return found


def _cut_result(outcome: Outcome, groups: NDArray[np.str_], threshold: float) -> CutResult:
    n_high = int((groups == "high").sum())
    try:
        test = logrank_test(outcome, groups)
    except InputError:  # fewer than two groups are at risk at some event
        test = None
    return CutResult(threshold, n_high, outcome.n - n_high, test.p_value if test else NAN, test)
