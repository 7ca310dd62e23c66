"""Work on the folds of a run folder: who trains which fold, in how many processes, and what is kept of it."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch

from sequoia_base.arguments import ProgressBar
from sequoia_base.flow import Flow
from sequoia_base.runs import LOG, Claim, RunFolder, attempt
from sequoia_model.errors import Failure, InputError, SequoiaError
from sequoia_model.splits import Splits
from sequoia_model.training._run_files import folds_done, write_log
from sequoia_model.training.checkpoints import Checkpoints
from sequoia_model.training.data import TrainingData, load_training_data
from sequoia_model.training.folds import FoldRows, rows_of_folds
from sequoia_model.training.networks import Start, null_networks, read_start
from sequoia_model.training.one_fold import evaluate_fold, results_file, train_fold
from sequoia_model.training.options import TrainOptions
from sequoia_model.training.result import FoldRun
from sequoia_model.weights.loading import save_weights
from sequoia_model.weights.tensors import CONFIG, SAFETENSORS

#: Called with the row of the log after each epoch.
OnEpoch = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class Sources:
    """Where the training data come from; the parameters are those of `load_training_data`.

    Parameters
    ----------
    features : tuple of path
        Feature files, and folders of them.
    measured : path
        Measured expression.
    encoder, genes, patients, cache
        As in `load_training_data`.
    """

    features: tuple[Path, ...]
    measured: Path
    encoder: str | None = None
    genes: str | Path | None = None
    patients: str | Path | None = None
    cache: Path | None = None

    def load(self, seed: int, jobs: int = 1, progress: ProgressBar | None = None) -> TrainingData:
        """Read everything, or what the cache holds of it."""
        return load_training_data(
            self.features, self.measured, encoder=self.encoder, genes=self.genes, patients=self.patients,
            cache=self.cache, seed=seed, jobs=jobs, progress=progress,
        )  # fmt: skip


@dataclass(frozen=True)
class Job:
    """What a process needs to work on folds.

    Parameters
    ----------
    sources : Sources
        Where the data come from.
    options : TrainOptions
        How networks learn.
    splits : Splits
        Roles of the patients.
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
    tensorboard : bool
        Whether to write event files.
    """

    sources: Sources
    options: TrainOptions
    splits: Splits
    output: Path
    settings: Mapping[str, Any]
    device: str
    processes: int
    only: int | None
    begun: float
    force: bool
    checkpoint_seconds: float
    tensorboard: bool


def train_folds(
    job: Job,
    data: TrainingData,
    rows: Sequence[FoldRows],
    start: Start | None,
    on_epoch: OnEpoch | None = None,
) -> list[FoldRun]:
    """Train every fold that is not done, in this process and in further ones.

    Parameters
    ----------
    job : Job
        What the further processes need.
    data : TrainingData
        The data, as this process has read them.
    rows : sequence of FoldRows
        All folds of the splits.
    start : Start, optional
        Weights from which networks start.
    on_epoch : callable, optional
        Called with the row of the log after each epoch of this process.

    Returns
    -------
    list of FoldRun
        The outcome of each fold that was asked for.
    """
    others = 0 if job.only is not None else min(job.processes, len(rows)) - 1
    with _helpers(job, others):
        return _Worker(job, data, rows, start, on_epoch).run()


@contextmanager
def _helpers(job: Job, n: int) -> Iterator[None]:
    """Further processes that work on the same folder while the block runs."""
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_help, args=(job, n + 1), daemon=True) for _ in range(n)]
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


def _help(job: Job, processes: int) -> None:
    """The work of a further process, which says nothing: what it did stands in the folder."""
    try:
        torch.set_num_threads(max(1, torch.get_num_threads() // processes))
        data = job.sources.load(job.options.seed)
        if data.digest != job.settings["data"]:  # a file has changed since; the first process goes on alone
            return
        rows = rows_of_folds(job.splits, data.patients, job.options, Flow())
        _Worker(job, data, rows, read_start(job.options)).run()
    except (KeyboardInterrupt, SequoiaError):
        pass


class _Worker:
    """One process at work on folds."""

    def __init__(
        self,
        job: Job,
        data: TrainingData,
        rows: Sequence[FoldRows],
        start: Start | None,
        on_epoch: OnEpoch | None = None,
    ) -> None:
        self.job, self.data, self.rows, self.start, self.on_epoch = job, data, rows, start, on_epoch
        self.settings = dict(job.settings)
        self.key = sha256(json.dumps(self.settings, sort_keys=True).encode()).hexdigest()

    def run(self) -> list[FoldRun]:
        """Train every fold that is not done, and report the outcome of each."""
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
        claim.recover()
        state = claim.state
        meanwhile = (state.settled or 0) > self.job.begun
        whole = state.state == "done" and state.made == self.settings and claim.has_outputs(_outputs(fold))
        if whole and (meanwhile or not self.job.force):
            return FoldRun.of(fold, state, computed=False)
        if state.failure is not None and meanwhile and state.settings == self.settings:
            return FoldRun.failed(fold.fold, state.failure)
        claim.begin("train", self.settings)
        self._train(claim, fold)
        write_log(self.job.output, folds_done(self.job.output, self.rows, self.settings).values())
        return FoldRun.of(fold, claim.state, computed=True)

    def _train(self, claim: Claim, fold: FoldRows) -> None:
        """Train, predict, and move the files of a fold to their places."""
        job, name = self.job, claim.name
        place = claim.place(f".runs/{name}.checkpoint")
        checkpoints = Checkpoints(place, self.key, every=job.checkpoint_seconds)
        if job.force:
            checkpoints.clear()
        with _tensorboard(job, fold.fold, self.on_epoch) as told:
            network, fitted = train_fold(
                self.data, fold, job.options, self.start, checkpoints=checkpoints, device=torch.device(job.device),
                on_epoch=told,
            )  # fmt: skip
        claim.advance("predict", epochs=fitted.epochs, kept_epoch=fitted.kept_epoch)
        nulls = null_networks(network, job.options, fold.fold)
        predictions, chosen, about_baselines = evaluate_fold(network, nulls, self.data, fold)
        save_weights(network, claim.part / name)
        (claim.part / ".runs").mkdir()
        predictions.save(claim.part / results_file(fold.fold))
        claim.remember(
            log=fitted.log, stop=fitted.stop, resumed_at=fitted.resumed_at, device=job.device,
            threads=torch.get_num_threads(), baselines=asdict(chosen),
        )  # fmt: skip
        claim.place(name).mkdir(exist_ok=True)
        claim.finish(_outputs(fold), note="; ".join(filter(None, [fitted.note, about_baselines])))
        checkpoints.clear()


def _outputs(fold: FoldRows) -> list[str]:
    """The files of a fold, in the order in which they get their names."""
    name = f"fold_{fold.fold}"
    return [f"{name}/{CONFIG}", f"{name}/{SAFETENSORS}", results_file(fold.fold)]


@contextmanager
def _tensorboard(job: Job, fold: int, on_epoch: OnEpoch | None) -> Iterator[OnEpoch | None]:
    """What is told of an epoch, with event files for TensorBoard if they are wanted."""
    if not job.tensorboard:
        yield None if on_epoch is None else lambda row: on_epoch({"fold": fold, **row})
        return
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(job.output / "tensorboard" / f"fold_{fold}") as writer:

        def told(row: Mapping[str, Any]) -> None:
            for name in ("train_mse", "val_mse", "val_r"):
                writer.add_scalar(name, row[name], row["epoch"])
            if on_epoch is not None:
                on_epoch({"fold": fold, **row})

        yield told
