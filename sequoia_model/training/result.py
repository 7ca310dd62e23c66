"""The outcome of a training run: of each fold, and of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from sequoia_base.results import Result
from sequoia_base.runs import ItemState
from sequoia_model.errors import Failure, counted
from sequoia_model.leakage import Audit
from sequoia_model.training.folds import FoldRows
from sequoia_model.training.summary import Summary


@dataclass(frozen=True)
class FoldRun(Result):
    """The outcome of a fold.

    Parameters
    ----------
    fold : int
        Its number.
    state : str
        "done" or "failed".
    n_train, n_val, n_test : int
        Number of slides of each part; of patients in a run that learns risk.
    epochs, kept_epoch : int, optional
        Number of epochs, and the one, counted from 0, whose network is kept.
    stop : str
        Why training ended.
    seconds : float, optional
        Duration of the last attempt.
    computed : bool
        Whether this call did it; otherwise it was done before, or by another process.
    resumed_at : int, optional
        The epoch at which a checkpoint was resumed.
    threads : int, optional
        Number of threads of torch.
    device : str
        Where it learnt.
    note : str
        What to know about it.
    baselines : mapping
        What the baselines have chosen: the fields of `Chosen`, or the penalty of a run that learns risk.
    failure : Failure, optional
        Why it failed.
    log : list of dict
        A row for each epoch.
    """

    fold: int
    state: str
    n_train: int = 0
    n_val: int = 0
    n_test: int = 0
    epochs: int | None = None
    kept_epoch: int | None = None
    stop: str = ""
    seconds: float | None = None
    computed: bool = True
    resumed_at: int | None = None
    threads: int | None = None
    device: str = ""
    note: str = ""
    baselines: Mapping[str, float] = field(default_factory=dict)
    failure: Failure | None = None
    log: list[dict[str, Any]] = field(default_factory=list, metadata={"show": False})

    @classmethod
    def of(cls, rows: FoldRows, state: ItemState, *, computed: bool) -> FoldRun:
        """A fold that is done."""
        known = state.details
        return cls(
            rows.fold, "done", len(rows.train), len(rows.val), len(rows.test), known["epochs"], known["kept_epoch"],
            known["stop"], state.seconds, computed, known["resumed_at"], known["threads"], known["device"], state.note,
            known.get("baselines", {}), log=known["log"],
        )  # fmt: skip

    @classmethod
    def failed(cls, fold: int, failure: Failure) -> FoldRun:
        """A fold that failed."""
        return cls(fold, "failed", failure=failure)


@dataclass(frozen=True)
class TrainingRun(Result):
    """What `train` did.

    Parameters
    ----------
    output : str
        The run folder.
    n_slides, n_patients, n_genes : int
        Size of the training data.
    encoder, units : str
        Of the features, and of the measured expression.
    folds : tuple of FoldRun
        The folds that were asked for.
    missing : tuple of int
        Folds that are still to be trained, by this call or another; predictions and summary wait for them.
    audit : Audit
        The audit of the splits: near-duplicates, and what test parts differ in.
    summary : Summary, optional
        How good the predictions of the test parts are; None while folds are missing.
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
    n_genes: int
    encoder: str
    units: str
    folds: tuple[FoldRun, ...]
    missing: tuple[int, ...]
    audit: Audit
    summary: Summary | None
    failed: tuple[Failure, ...]
    flow: pd.DataFrame
    warnings: tuple[str, ...]

    @property
    def n_failed_folds(self) -> int:
        """Number of folds that failed in this call."""
        return sum(fold.failure is not None for fold in self.folds)

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values, ready for JSON."""
        summary = None if self.summary is None else self.summary.to_dict()
        return super().to_dict() | {"summary": summary}

    def __str__(self) -> str:
        who = f"{counted(self.n_slides, 'slide')} of {counted(self.n_patients, 'patient')}"
        lines = [f"{who} × {counted(self.n_genes, 'gene')}, {self.units}, features of {self.encoder}"]
        lines += fold_lines(self.folds, self.missing)
        lines += ["", f"audit of {self.audit}"]
        if self.summary is not None:
            lines += ["", self.summary.to_markdown()]
        return "\n".join(lines)


def fold_lines(folds: Sequence[FoldRun], missing: Sequence[int]) -> list[str]:
    """A line for each fold that was asked for, and one for those that are still to be trained.

    Parameters
    ----------
    folds : sequence of FoldRun
        The folds that were asked for.
    missing : sequence of int
        Those that are not done.
    """
    lines = []
    for run in folds:
        if run.failure is not None:
            lines.append(f"  fold {run.fold}: failed: {run.failure.reason}")
            continue
        kept = f"{counted(run.epochs, 'epoch')}, kept epoch {run.kept_epoch}" if run.epochs else ""
        before = "" if run.computed else ", done before"
        sizes = f"{run.n_train} train, {run.n_val} validate, {run.n_test} tested"
        lines.append(f"  fold {run.fold}: {sizes}; {kept} ({run.stop}){before}")
    if missing:
        lines.append(f"  still to be trained: {', '.join(f'fold {fold}' for fold in missing)}")
    return lines
