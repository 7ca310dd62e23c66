"""Risk groups by intervals: limits on the scale of each fold, the group that they leave, and how many are decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from sequoia_base.results import Result, jsonable
from sequoia_stats.conformal.abstention import interval_groups, measured_of, share_decided
from sequoia_stats.conformal.scores import ScoreIntervals, Width, score_intervals
from sequoia_stats.errors import InputError, counted, part

_WIDTHS = {"constant": "equally wide", "predicted": "as wide as the residual expected from the score"}


@dataclass(frozen=True, eq=False)
class RiskDecisions(Result):
    """Who is low risk, high risk or uncertain by the interval of the measured score.

    Parameters
    ----------
    frame : DataFrame
        A row per patient, by patient id: ``lower, upper``, limits of the measured score on its own scale, that of the
        patient's fold if there are folds; and ``group``: "low", "high" or "uncertain".
    intervals : ScoreIntervals
        The intervals on the scale of the calibration.
    n_measured, n_held : int
        Patients whose measured score is known, and those of them whose interval holds it.
    decided : DataFrame
        The share decided at several levels; see `share_decided`. Patients of a fold whose signature has no gene are
        left out, and nothing is expected if there are patients of no fold.
    """

    frame: pd.DataFrame = field(metadata={"show": False})
    intervals: ScoreIntervals
    n_measured: int
    n_held: int
    decided: pd.DataFrame

    def to_dict(self) -> dict[str, Any]:
        """Plain values: the intervals, the number of patients of each group, and the table of levels."""
        found = {"n_measured": self.n_measured, "n_held": self.n_held, "coverage": jsonable(self.coverage)}
        return {**self.intervals.to_dict(), **self.counts(), **found, "decided": jsonable(self.decided)}

    @property
    def coverage(self) -> float:
        """The share of known measured scores that lie in their interval; NaN if none is known."""
        return self.n_held / self.n_measured if self.n_measured else float("nan")

    def counts(self) -> dict[str, int]:
        """Number of patients of each group: ``n_high, n_low, n_uncertain``."""
        found = self.frame["group"].value_counts()
        return {f"n_{group}": int(found.get(group, 0)) for group in ("high", "low", "uncertain")}

    def __str__(self) -> str:
        of, n = self.intervals, self.counts()
        lines = [
            f"Intervals of {100 * of.level:g}% for the measured score, {_WIDTHS[of.width]}",
            f"  calibration    {counted(of.n, 'patient')}, r {of.r:.2f} of measured and predicted score",
            f"  groups written {n['n_high']} high, {n['n_low']} low, {n['n_uncertain']} uncertain",
            *(
                [f"  coverage       {self.coverage:.1%} of {counted(self.n_measured, 'measured score')}"]
                if self.n_measured
                else []
            ),
            "  level  decided             expected  on the measured side",
        ]
        for row in self.decided.to_dict("records"):
            decided = f"{row['n_decided']:,} of {row['n']:,} ({row['share']:.1%})"
            right = f"{row['n_right']:,} of {row['n_measured']:,}" if row["n_measured"] else "–"
            expected = "–" if np.isnan(row["expected"]) else f"{row['expected']:.1%}"
            lines.append(f"  {100 * row['level']:>4g}%  {decided:<18} {expected:>9}  {right}")
        if self.decided["expected"].notna().any():
            lines.append("  expected: if the scores were normal, with this r")
        return "\n".join([*lines, *(f"  note: {note}" for note in of.notes)])


def decide_risk(
    calibration: pd.DataFrame,
    scores: pd.DataFrame,
    cutoff: float,
    *,
    folds: pd.DataFrame | None = None,
    level: float = 0.9,
    width: Width = "shorter",
    within: str | None = None,
    notes: Sequence[str] = (),
) -> RiskDecisions:
    """Put patients into risk groups by the interval of their measured score.

    Parameters
    ----------
    calibration : DataFrame
        As in `score_intervals`. Scores of cross-validated signatures are standardised on the training patients of their
        fold, so that folds can be pooled.
    scores : DataFrame
        A row per patient, by patient id: ``predicted``, on the scale of the calibration; ``fold``, if signatures are
        cross-validated, missing for a patient of no fold, whose score is the mean over folds; and ``measured`` as far
        as it is known, which tells the coverage.
    cutoff : float
        Cut-off of the measured score, for patients of no fold.
    folds : DataFrame, optional
        The scale of the measured scores of each fold: ``fold, mean, sd, cutoff``. Where the SD is 0, as for a
        signature without genes, nobody is decided, and nobody counts for the calibration or the coverage.
    level, width, within
        As in `score_intervals`.
    notes : sequence of str
        What else to know before reading the intervals.

    Returns
    -------
    RiskDecisions

    Raises
    ------
    InputError
        As `score_intervals`; if no patient is of a fold whose scores differ.
    """
    if folds is not None:
        calibration, scores = (_without_empty(frame, folds) for frame in (calibration, scores))
    scale = _scale(scores, cutoff, folds)
    empty = scale["sd"] == 0  # a signature without genes: everybody has the same score
    if empty.all():
        raise InputError(
            "the signature of the fold of each patient has no gene, so no score needs an interval"
        )
    options: dict[str, Any] = {"width": width, "within": within}
    intervals = score_intervals(calibration, scores, level=level, **options)
    limits = intervals.frame[["lower", "upper"]]
    decided = share_decided(
        calibration, scores[~empty], scale["cutoff"], width=intervals.width, within=within
    )
    if empty.any():
        who = part(int(empty.sum()), len(empty), "patient", "are")
        notes = [*notes, f"{who} of a fold whose signature has no gene: uncertain, and counted nowhere else"]
    if folds is not None and (n := int(scores["fold"].isna().sum())):
        decided["expected"] = np.nan
        notes = [
            *notes,
            f"{part(n, len(scores), 'patient', 'are')} in no fold: theirs are means of the scores of all folds, but "
            f"the residuals are of scores of single folds, so {100 * level:g}% is no promise for them",
        ]
    own = limits.mul(scale["sd"], axis=0).add(scale["mean"], axis=0)
    own.loc[empty, "lower"], own.loc[empty, "upper"] = -np.inf, np.inf
    groups = interval_groups(
        limits["lower"].mask(empty, -np.inf), limits["upper"].mask(empty, np.inf), scale["cutoff"]
    )
    measured = measured_of(calibration, scores)
    held = (measured >= limits["lower"]) & (measured <= limits["upper"])
    n = int(measured.notna().sum())
    intervals = replace(intervals, notes=(*intervals.notes, *notes))
    return RiskDecisions(own.assign(group=groups), intervals, n, int(held.sum()), decided)


def _without_empty(scores: pd.DataFrame, folds: pd.DataFrame) -> pd.DataFrame:
    """The scores, of which those of folds where all have the same one are as if they were not measured."""
    if "measured" not in scores or "fold" not in scores:
        return scores
    empty = scores["fold"].isin(folds.loc[folds["sd"] == 0, "fold"])
    return scores.assign(measured=scores["measured"].mask(empty))


def _scale(scores: pd.DataFrame, cutoff: float, folds: pd.DataFrame | None) -> pd.DataFrame:
    """Mean and SD of the measured scores of the fold of each patient, and the cut-off in these SDs.

    The score of a patient of no fold is standardised already.
    """
    alone = {"mean": 0.0, "sd": 1.0, "cutoff": cutoff}
    if folds is None:
        return pd.DataFrame(alone, scores.index)
    scale = folds.set_index("fold")[["mean", "sd", "cutoff"]].astype(np.float64)
    spread = scale["sd"].where(scale["sd"] > 0)
    scale["cutoff"] = ((scale["cutoff"] - scale["mean"]) / spread).fillna(0.0)
    return (
        scale.reindex(scores["fold"].to_numpy(np.float64, na_value=np.nan))
        .set_axis(scores.index)
        .fillna(alone)
    )
