"""The outcome of a run that learns risk."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from sequoia_base.results import Result
from sequoia_model.errors import Failure, counted
from sequoia_model.leakage import Audit
from sequoia_model.risk.summary import RiskSummary
from sequoia_model.training.result import FoldRun, fold_lines


@dataclass(frozen=True)
class RiskRun(Result):
    """What `train_risk` did.

    Parameters
    ----------
    output : str
        The run folder.
    n_slides, n_patients, n_events : int
        Slides, their patients, and how many of these have the event.
    encoder : str
        Of the features.
    folds : tuple of FoldRun
        The folds that were asked for; their sizes are numbers of patients, their epochs those of repeat 0.
    missing : tuple of int
        Folds that are still to be trained, by this call or another; risks and summary wait for them.
    audit : Audit
        The audit of the splits: near-duplicates, and what test parts differ in.
    summary : RiskSummary, optional
        C on the test parts; None while folds are missing.
    failed : tuple of Failure
        Slides whose features cannot be used.
    flow : DataFrame
        Ledger of what was lost: ``step, n_before, n_after, reason``.
    warnings : tuple of str
        What the user should know, counted.
    """

    output: str
    n_slides: int
    n_patients: int
    n_events: int
    encoder: str
    folds: tuple[FoldRun, ...]
    missing: tuple[int, ...]
    audit: Audit
    summary: RiskSummary | None
    failed: tuple[Failure, ...]
    flow: pd.DataFrame
    warnings: tuple[str, ...]

    @property
    def n_failed_folds(self) -> int:
        """Number of folds that failed in this call."""
        return sum(fold.failure is not None for fold in self.folds)

    def __str__(self) -> str:
        who = f"{counted(self.n_slides, 'slide')} of {counted(self.n_patients, 'patient')}"
        lines = [f"{who}, {counted(self.n_events, 'event')}, features of {self.encoder}"]
        lines += [*fold_lines(self.folds, self.missing), "", f"audit of {self.audit}"]
        if self.summary is not None:
            lines += ["", self.summary.to_markdown()]
        return "\n".join(lines)
