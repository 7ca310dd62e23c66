"""Folds of a run folder, whatever is learnt: who trains which fold, in how many processes, and which are done."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import torch

from sequoia_base.atomic import write_text
from sequoia_base.runs import LOG, Claim, RunFolder, attempt, stored_state
from sequoia_model.errors import Failure, InputError, SequoiaError
from sequoia_model.training.folds import FoldRows
from sequoia_model.training.result import FoldRun

#: Called with the row of the log after each epoch.
OnEpoch = Callable[[Mapping[str, Any]], None]
LOG_TABLE = "log.csv"


@dataclass(frozen=True)
class FolderJob:
    """How a run folder is filled, as plain values that another process can be given.

    Parameters
    ----------
    output : path
        The run folder.
    settings : mapping
        What the networks depend on, as plain values.
    device : str
        Where networks learn.
    processes : int
        Number of processes, which share the threads of torch.
    only : int, optional
        The one fold to train.
    begun : float
        When the run began, in seconds since 1970: what other processes ended later counts as ended by this run.
    force : bool
        Whether folds that were finished before are trained again.
    checkpoint_seconds : float
        Seconds between two checkpoints, at least.
    """

    output: Path
    settings: Mapping[str, Any]
    device: str
    processes: int
    only: int | None
    begun: float
    force: bool
    checkpoint_seconds: float

    @property
    def key(self) -> str:
        """What checkpoints depend on."""
        return sha256(json.dumps(dict(self.settings), sort_keys=True).encode()).hexdigest()


class FoldWork(ABC):
    """What one process does with the folds: how a fold is learnt, and which files it leaves.

    Parameters
    ----------
    job : FolderJob
        How the folder is filled.
    rows : sequence of FoldRows
        All folds of the splits.

    Attributes
    ----------
    COLUMNS : tuple of str
        Columns of the log, after the fold.
    """

    COLUMNS: ClassVar[tuple[str, ...]]

    def __init__(self, job: FolderJob, rows: Sequence[FoldRows]) -> None:
        self.job, self.rows = job, rows

    @abstractmethod
    def outputs(self, fold: FoldRows) -> list[str]:
        """The files of a fold, in the order in which they get their names."""

    @abstractmethod
    def learn(self, claim: Claim, fold: FoldRows, checkpoints: Path) -> str:
        """Write the files of a fold into ``claim.part``, keep its facts in the claim, and return what to know of it.

        Checkpoints stand in the folder of this name until the fold is finished.
        """

    def done(self) -> dict[int, FoldRun]:
        """The folds that are done with these settings and whose files are there."""
        found = {}
        for fold in self.rows:
            state = stored_state(self.job.output, f"fold_{fold.fold}")
            there = all((self.job.output / name).is_file() for name in self.outputs(fold))
            if state.state == "done" and state.made == dict(self.job.settings) and there:
                found[fold.fold] = FoldRun.of(fold, state, computed=False)
        return found

    def write_log(self) -> None:
        """Write the log of the folds that are done."""
        rows = [{"fold": run.fold, **row} for run in self.done().values() for row in run.log]
        log = pd.DataFrame(rows, columns=["fold", *self.COLUMNS])
        write_text(self.job.output / LOG_TABLE, log.to_csv(index=False, lineterminator="\n"))

    def run(self) -> list[FoldRun]:
        """Train every fold that is asked for and not done, and report the outcome of each."""
        folder = RunFolder(self.job.output, item="fold", facts=("epochs", "kept_epoch"))
        named = {f"fold_{fold.fold}": fold for fold in self.rows if self.job.only in (None, fold.fold)}
        ended: dict[str, FoldRun] = {}
        for name, claim in folder.in_turn(list(named)):
            if isinstance(claim, InputError):
                failure = Failure.of(name, self.job.output, claim)
                ended[name] = FoldRun.failed(named[name].fold, failure)
                continue
            with claim:
                ended[name] = self._attempted(claim, named[name])
        return [ended[name] for name in named]

    def _attempted(self, claim: Claim, fold: FoldRows) -> FoldRun:
        ended = attempt(lambda: self._outcome(claim, fold), claim.name, self.job.output / LOG)
        if isinstance(ended, SequoiaError):
            failure = Failure.of(claim.name, "", ended)
            claim.fail(failure)
            return FoldRun.failed(fold.fold, failure)
        return ended

    def _outcome(self, claim: Claim, fold: FoldRows) -> FoldRun:
        """Train a fold, unless it is done, or has failed in another process since this run began."""
        job, settings = self.job, dict(self.job.settings)
        claim.recover()
        state = claim.state
        meanwhile = (state.settled or 0) > job.begun
        whole = state.state == "done" and state.made == settings and claim.has_outputs(self.outputs(fold))
        if whole and (meanwhile or not job.force):
            return FoldRun.of(fold, state, computed=False)
        if state.failure is not None and meanwhile and state.settings == settings:
            return FoldRun.failed(fold.fold, state.failure)
        claim.begin("train", settings)
        checkpoints = claim.place(f".runs/{claim.name}.checkpoint")
        if job.force:
            shutil.rmtree(checkpoints, ignore_errors=True)
        note = self.learn(claim, fold, checkpoints)
        claim.place(claim.name).mkdir(exist_ok=True)
        claim.finish(self.outputs(fold), note=note)
        shutil.rmtree(checkpoints, ignore_errors=True)
        self.write_log()
        return FoldRun.of(fold, claim.state, computed=True)


def train_folds(work: FoldWork, again: Callable[[], FoldWork | None]) -> list[FoldRun]:
    """Train every fold that is not done, in this process and in further ones.

    Parameters
    ----------
    work : FoldWork
        The work of this process.
    again : callable
        Makes the same work in a further process, to which it is sent; None if the data have changed since.

    Returns
    -------
    list of FoldRun
        The outcome of each fold that was asked for.

    Raises
    ------
    InputError
        If every one of them failed.
    """
    job = work.job
    others = 0 if job.only is not None else min(job.processes, len(work.rows)) - 1
    with _helpers(again, others):
        runs = work.run()
    if all(run.failure is not None for run in runs):
        raise _as_error(runs)
    return runs


def refuse_unknown(only: int | None, rows: Sequence[FoldRows], where: str) -> None:
    """Refuse a fold to train that the splits do not have.

    Raises
    ------
    InputError
        Naming those that they have.
    """
    if only is not None and not 0 <= only < len(rows):
        raise InputError(
            f"there is no fold {only}: the folds are 0 to {len(rows) - 1}", where=where, fix="--fold K"
        )


@contextmanager
def _helpers(again: Callable[[], FoldWork | None], n: int) -> Iterator[None]:
    """Further processes that work on the same folder while the block runs."""
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_help, args=(again, n + 1), daemon=True) for _ in range(n)]
    for process in processes:
        process.start()
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, before // (n + 1)))
    try:
        yield
    finally:
        torch.set_num_threads(before)
        for process in processes:
            process.join(timeout=10)
            process.terminate()


def _help(again: Callable[[], FoldWork | None], processes: int) -> None:
    """The work of a further process, which says nothing: what it did stands in the folder."""
    try:
        torch.set_num_threads(max(1, torch.get_num_threads() // processes))
        work = again()
        if work is not None:  # otherwise a file has changed since; the first process goes on alone
            work.run()
    except (KeyboardInterrupt, SequoiaError):
        pass


def _as_error(runs: Sequence[FoldRun]) -> InputError:
    first = next(run.failure for run in runs if run.failure is not None)
    which = f"fold {runs[0].fold} failed" if len(runs) == 1 else f"all {len(runs)} folds failed; the first"
    return InputError(f"{which}: {first.what}", where=first.where, fix=first.fix)
