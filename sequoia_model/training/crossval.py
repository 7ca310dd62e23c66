"""Cross-validation in a folder: one network per fold, resumed if interrupted, shared by several processes."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sequoia_base.arguments import ProgressBar, check_limits, whole
from sequoia_base.flow import Flow
from sequoia_base.runs import LOG, Claim, RunFolder, attempt
from sequoia_base.tables import read_table
from sequoia_model.errors import Failure, InputError, SequoiaError, listing
from sequoia_model.leakage import SlideMeans, audit, audit_splits
from sequoia_model.patients import one_value_each, patient_columns
from sequoia_model.splits import Splits, draw, read_splits
from sequoia_model.training._run_files import assemble, begin_run
from sequoia_model.training.baselines import pooled_features
from sequoia_model.training.checkpoints import Checkpoints
from sequoia_model.training.data import TrainingData, load_training_data
from sequoia_model.training.folds import FoldRows, rows_of_folds
from sequoia_model.training.networks import Start, null_networks, read_start
from sequoia_model.training.one_fold import evaluate_fold, refuse_unfit, results_file, train_fold
from sequoia_model.training.options import TrainOptions
from sequoia_model.training.result import FoldRun, TrainingRun
from sequoia_model.types.devices import choose_device
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
class _Job:
    """What a process needs to work on folds."""

    sources: Sources
    options: TrainOptions
    splits: Splits
    output: Path
    settings: Mapping[str, Any]
    device: str
    threads: int
    only: int | None
    force: bool
    begun: float
    checkpoint_seconds: float
    tensorboard: bool


def train(
    features: str | Path | Iterable[str | Path],
    measured: str | Path,
    output: str | Path,
    options: TrainOptions = TrainOptions(),
    *,
    splits: Splits | str | Path | None = None,
    n_folds: int | None = None,
    val: float | None = None,
    site: str | None = None,
    encoder: str | None = None,
    genes: str | Path | None = None,
    patients: str | Path | None = None,
    only: int | None = None,
    device: str = "auto",
    jobs: int = 1,
    cache: str | Path | None = None,
    checkpoint_seconds: float = 20.0,
    tensorboard: bool = False,
    force: bool = False,
    progress: ProgressBar | None = None,
    on_epoch: OnEpoch | None = None,
) -> TrainingRun:
    """Train one network per fold, predict the test part of each, and compare with the baselines.

    Parameters
    ----------
    features : path, or iterable of path
        Feature files, and folders that are searched with their subfolders.
    measured : path
        Measured expression: a table (``wsi_file_name`` or ``patient_id``, genes) or AnnData.
    output : path
        The run folder, created if it does not exist. Folds that are finished in it are kept, one that was interrupted
        goes on where it stopped, and other processes may work on it at the same time.
    options : TrainOptions
        How the networks learn.
    splits : Splits or path, optional
        Roles of the patients in every fold, as `read_splits` reads them. By default they are drawn.
    n_folds : int, optional
        Number of folds, if they are drawn; 5 by default.
    val : float, optional
        Share of the patients outside the test part that validates, if folds are drawn; 0.1 by default.
    site : str, optional
        A column of `patients`, if folds are drawn: patients of one level stay together.
    encoder : str, optional
        The encoder of the features, if the files do not name it.
    genes : path, optional
        The genes that are learnt, one per line; by default all of `measured`.
    patients : path, optional
        A table of slides and their patients; by default TCGA barcodes, else the patients that `measured` names.
    only : int, optional
        The one fold to train; by default all.
    device : str, default "auto"
        ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
    jobs : int, default 1
        Number of processes that work on folds; they share the threads of torch.
    cache : path, optional
        The folder that keeps cluster means for the next run.
    checkpoint_seconds : float, default 20
        Seconds between two checkpoints, at least; does not change the result.
    tensorboard : bool, default False
        Whether to write event files for TensorBoard into ``tensorboard/``.
    force : bool, default False
        Whether to train finished folds again, and replace a run that was made with other settings; for one process.
    progress : callable, optional
        Wraps the slides that are read, as a progress bar does.
    on_epoch : callable, optional
        Called with the row of the log after each epoch of this process.

    Returns
    -------
    TrainingRun
        The outcome of each fold, and the summary if all are done.

    Raises
    ------
    InputError
        If an argument or the data cannot be used, the splits do not fit them, the folder holds a run with other
        settings, or every fold failed.
    """
    check_limits({"jobs": jobs}, {"jobs": whole(1)})
    place = choose_device(device)
    options = options.on(place.type)
    paths = (features,) if isinstance(features, str | Path) else tuple(features)
    sources = Sources(
        tuple(map(Path, paths)),
        Path(measured),
        encoder,
        genes,
        patients,
        None if cache is None else Path(cache),
    )
    data = sources.load(options.seed, jobs, progress)
    seen = SlideMeans(data.slides, pooled_features(data.means).astype(np.float32), data.encoder)
    about = patients if patients is not None else dict(zip(data.slides, data.patients, strict=True))
    if isinstance(splits, str | Path):
        audit(splits, patients=about).refuse_leaks()  # told with the names of those on both sides
    made = _splits(splits, data, options, patients, n_folds=n_folds, val=val, site=site)
    audited = audit_splits(made, seen, about, seed=options.seed)
    audited.refuse_leaks()
    flow = Flow.of(data.flow)
    rows = rows_of_folds(made, data.patients, options, flow)
    if only is not None and not 0 <= only < len(rows):
        raise InputError(f"there is no fold {only}: the folds are 0 to {len(rows) - 1}", fix="--fold K")
    start = read_start(options)
    if start is not None:
        start.refuse_misfit(data.encoder, data.units, [fold.fold for fold in rows])
        options = replace(options, architecture=start.weights.architecture)
    for fold in rows:
        refuse_unfit(data, fold, options, start)
    if start is not None:
        start.new(
            data.genes, options, rows[0].fold
        )  # refuses what cannot be copied or frozen, before any fold learns
    settings = options.settings() | {
        "init": None if start is None else list(start.weights.digests),
        "encoder": data.encoder,
        "data": data.digest,
        "splits": sha256(made.to_frame().to_csv(index=False).encode()).hexdigest(),
    }
    begin_run(Path(output), settings, data, made, force=force)
    threads = max(1, torch.get_num_threads() // jobs)
    job = _Job(
        sources, options, made, Path(output), settings, str(place), threads, only, force, time.time(),
        checkpoint_seconds, tensorboard,
    )  # fmt: skip
    with _helpers(job, min(jobs, len(rows)) - 1 if only is None else 0):
        runs = _work(job, data, rows, start, on_epoch)
    if all(run.failure is not None for run in runs):
        raise _as_error(runs)
    return assemble(Path(output), settings, data, rows, runs, flow, audited)


def _splits(
    given: Splits | str | Path | None,
    data: TrainingData,
    options: TrainOptions,
    patients: str | Path | None,
    **drawn: Any,
) -> Splits:
    """The splits that are given, or drawn from the patients of the training data."""
    asked = {name: value for name, value in drawn.items() if value is not None}
    if given is not None:
        wrong = [f"--{name.removeprefix('n_')}" for name in asked if name != "val" or asked["val"] != 0]
        if wrong:
            raise InputError(f"{listing(wrong)} cannot be used with given splits", fix="leave it out")
        return given if isinstance(given, Splits) else read_splits(given)
    column = asked.pop("site", None)
    if column is not None:
        asked["sites"] = _levels(patients, column, data)
    if options.no_val:
        asked["val"] = 0.0
    if data.cohorts.astype(bool).all():
        asked["cohorts"] = dict(zip(data.patients, data.cohorts, strict=True))
    return draw(data.patients, seed=options.seed, **asked)


def _levels(patients: str | Path | None, column: str, data: TrainingData) -> dict[str, str]:
    """The level of each patient in a column of the table of patients."""
    if patients is None:
        raise InputError(f"there is no table with the column {column!r}", fix="give it with --patients")
    texts = read_table(patients, missing=())
    if column not in texts:
        raise InputError(
            f"there is no column {column!r}", where=f"{patients}; there: {listing(texts.columns)}"
        )
    table = patient_columns(texts, patients)
    pairs = zip(table["patient_id"], texts[column], strict=True)
    known = one_value_each(pairs, "patient", f"{patients}, column {column}")
    return {patient: known.get(patient, "") for patient in data.patients}


@contextmanager
def _helpers(job: _Job, n: int) -> Iterator[None]:
    """Further processes that work on the same folder while the block runs."""
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_help, args=(job,), daemon=True) for _ in range(n)]
    for process in processes:
        process.start()
    before = torch.get_num_threads()
    torch.set_num_threads(job.threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        for process in processes:
            process.join(timeout=10)
            process.terminate()


def _help(job: _Job) -> None:
    """The work of a further process, which says nothing: what it did stands in the folder."""
    try:
        torch.set_num_threads(job.threads)
        data = job.sources.load(job.options.seed)
        rows = rows_of_folds(job.splits, data.patients, job.options, Flow())
        _work(job, data, rows, read_start(job.options))
    except (KeyboardInterrupt, SequoiaError):
        pass


def _work(
    job: _Job,
    data: TrainingData,
    rows: Sequence[FoldRows],
    start: Start | None,
    on_epoch: OnEpoch | None = None,
) -> list[FoldRun]:
    """Train every fold that is not done, and report the outcome of each."""
    folder = RunFolder(job.output, item="fold", facts=("epochs", "kept_epoch"))
    named = {f"fold_{fold.fold}": fold for fold in rows if job.only in (None, fold.fold)}
    ended: dict[str, FoldRun] = {}
    for name, claim in folder.in_turn(list(named)):
        if isinstance(claim, InputError):
            ended[name] = FoldRun.failed(named[name].fold, Failure.of(name, job.output, claim))
            continue
        with claim:
            ended[name] = _process(claim, named[name], job, data, start, on_epoch)
    return [ended[name] for name in named]


def _process(
    claim: Claim, rows: FoldRows, job: _Job, data: TrainingData, start: Start | None, on_epoch: OnEpoch | None
) -> FoldRun:
    work = lambda: _outcome(claim, rows, job, data, start, on_epoch)  # noqa: E731
    ended = attempt(work, claim.name, job.output / LOG)
    if isinstance(ended, SequoiaError):
        failure = Failure.of(claim.name, "", ended)
        claim.fail(failure)
        return FoldRun.failed(rows.fold, failure)
    return ended


def _outcome(
    claim: Claim, rows: FoldRows, job: _Job, data: TrainingData, start: Start | None, on_epoch: OnEpoch | None
) -> FoldRun:
    claim.recover()
    name, state = claim.name, claim.state
    outputs = [f"{name}/{CONFIG}", f"{name}/{SAFETENSORS}", results_file(rows.fold)]
    settings = dict(job.settings)
    done = state.state == "done" and state.made == settings and claim.has_outputs(outputs)
    if done and (not job.force or (state.settled or 0) > job.begun):
        return FoldRun.of(rows, claim.state, computed=False)
    key = sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    checkpoints = Checkpoints(claim.place(f".runs/{name}.checkpoint"), key, every=job.checkpoint_seconds)
    if job.force and done:
        checkpoints.clear()
    claim.begin("train", settings)
    with _tensorboard(job, rows.fold, on_epoch) as told:
        network, fitted = train_fold(
            data, rows, job.options, start, checkpoints=checkpoints, device=torch.device(job.device), on_epoch=told
        )  # fmt: skip
    claim.advance("predict", epochs=fitted.epochs, kept_epoch=fitted.kept_epoch)
    results, about_baselines = evaluate_fold(
        network, null_networks(network, job.options, rows.fold), data, rows
    )
    save_weights(network, claim.part / name)
    (claim.part / ".runs").mkdir()
    results.save(claim.part / results_file(rows.fold))
    claim.remember(log=fitted.log, stop=fitted.stop, resumed_at=fitted.resumed_at)
    claim.place(name).mkdir(exist_ok=True)
    claim.finish(outputs, note="; ".join(filter(None, [fitted.note, about_baselines])))
    checkpoints.clear()
    return FoldRun.of(rows, claim.state, computed=True)


@contextmanager
def _tensorboard(job: _Job, fold: int, on_epoch: OnEpoch | None) -> Iterator[OnEpoch | None]:
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


def _as_error(runs: Sequence[FoldRun]) -> InputError:
    first = next(run.failure for run in runs if run.failure is not None)
    which = f"fold {runs[0].fold} failed" if len(runs) == 1 else f"all {len(runs)} folds failed; the first"
    return InputError(f"{which}: {first.what}", where=first.where, fix=first.fix)
