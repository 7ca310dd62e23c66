"""The result of comparing risk scores: tables, curves, and what a reader must know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from sequoia_base.results import Result
from sequoia_stats.errors import counted
from sequoia_stats.survival import KaplanMeier

#: The columns of ``comparison.csv``.
COMPARISON_COLUMNS = (
    *("score", "n", "events", "c_index", "c_low", "c_high"),
    *("hr_per_sd", "hr_low", "hr_high", "p", "logrank_p"),
)


@dataclass(frozen=True, eq=False)
class RiskComparison(Result):
    """Risk scores compared on the same patients; ``str`` prints it, ``to_dict`` is ``comparison.json``.

    Parameters
    ----------
    comparison : DataFrame
        A row per score, and one of the clinical-only model: ``score, n, events``; Harrell's C and its bootstrap
        interval ``c_index, c_low, c_high``; the hazard ratio per SD ``hr_per_sd, hr_low, hr_high, p`` (Wald);
        ``logrank_p``.
    pairs : DataFrame
        A row per two of them: ``a, b, c_difference`` (a - b), ``low, high, p``, from the same draws of patients.
    adjusted : DataFrame
        The terms of the models that are adjusted for covariates: ``score, term, n, events, hr, low, high, p``.
    gain : DataFrame
        What each score adds to the covariates: ``score, n, events, c_clinical, c_both, c_difference, low, high, p`` of
        cross-validated models, ``chi2, df, p_lr`` of the likelihood ratio test on all patients.
    proportional_hazards : DataFrame
        Whether hazard ratios are the same at all times: ``score, adjusted_for, term, chi2, df, p``.
    site_preserved : DataFrame
        ``score, folds`` ("random" or "site-preserved"), ``n, events, c_index, low, high, difference``.
    groups : DataFrame
        ``score, group, n, events, median, median_low, median_high`` (months).
    curves : dict
        Kaplan-Meier curves by score and group.
    patients : DataFrame
        What was compared: ``patient_id, time, event``, ``fold`` if there is one; then for each score the centred and
        scaled score under its name, and its group.
    endpoint : str
        What the event is.
    n_folds : int or None
        Folds within which everything is computed; None if no score was cross-validated.
    adjust : tuple of str
        Covariates of the clinical-only model.
    bootstrap : int
        Draws of patients for intervals.
    flow : DataFrame
        Who was left out: ``step, n_before, n_after, reason``.
    notes : tuple of str
        What a reader must know.
    """

    comparison: pd.DataFrame
    pairs: pd.DataFrame
    adjusted: pd.DataFrame
    gain: pd.DataFrame
    proportional_hazards: pd.DataFrame
    site_preserved: pd.DataFrame
    groups: pd.DataFrame
    curves: dict[str, dict[str, KaplanMeier]] = field(metadata={"show": False})
    patients: pd.DataFrame = field(metadata={"show": False})
    endpoint: str
    n_folds: int | None
    adjust: tuple[str, ...]
    bootstrap: int
    flow: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Number of patients."""
        return len(self.patients)

    @property
    def n_events(self) -> int:
        """Number of events."""
        return int(self.patients["event"].sum())

    def to_dict(self) -> dict[str, Any]:
        """The content of ``comparison.json``: plain values, None if undefined or infinite."""
        return {"n": self.n, "events": self.n_events, **super().to_dict()}

    def to_frame(self) -> pd.DataFrame:
        """A row per score."""
        return self.comparison

    def curves_frame(self) -> pd.DataFrame:
        """The curves: ``score, group, time`` (months), ``at_risk, events, censored, survival, low, high``."""
        parts = [
            curve.frame.assign(score=name, group=group)
            for name, curves in self.curves.items()
            for group, curve in curves.items()
        ]
        frame = pd.concat(parts, ignore_index=True)
        return frame[["score", "group", *frame.columns.drop(["score", "group"])]]

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by the stem of their file; those without a row are left out, but `pairs`."""
        tables = {
            "comparison": self.comparison,
            "pairs": self.pairs,
            "adjusted": self.adjusted,
            "gain": self.gain,
            "proportional_hazards": self.proportional_hazards,
            "site_preserved": self.site_preserved,
            "groups": self.groups,
            "curves": self.curves_frame(),
            "patients": self.patients,
        }
        return {stem: table for stem, table in tables.items() if len(table) or stem == "pairs"}

    def __str__(self) -> str:
        within = "" if self.n_folds is None else f"; within {counted(self.n_folds, 'fold')}"
        head = f"Risk of {counted(self.n, 'patient')}, {counted(self.n_events, 'event')} ({self.endpoint}){within}"
        beside = f" adjusted for {', '.join(self.adjust)}"
        titled = {
            "": self.comparison,
            "Difference of C (a - b)": self.pairs,
            f"Cox models{beside}": self.adjusted,
            f"What a score adds to {', '.join(self.adjust)} (cross-validated)": self.gain,
            "C in folds that keep sites apart": self.site_preserved,
            "Risk groups (months)": self.groups,
        }
        lines = [head]
        for title, table in titled.items():
            if len(table):
                text = table.to_string(index=False, na_rep="–", float_format=lambda value: f"{value:.4g}")
                lines += ["", *([title] if title else []), *text.splitlines()]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])
