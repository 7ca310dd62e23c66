"""Cross-validation in a folder: one network per fold, resumed if interrupted, shared by several processes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from sequoia_base.arguments import ProgressBar, check_limits, whole
from sequoia_base.flow import Flow
from sequoia_model.errors import InputError
from sequoia_model.splits import Splits
from sequoia_model.training._run_files import assemble, describe, run_record
from sequoia_model.training._work import GeneJob, GeneWork, Sources
from sequoia_model.training.audited_splits import audited_splits
from sequoia_model.training.data import TrainingData
from sequoia_model.training.fold_work import FolderJob, OnEpoch, refuse_unknown, train_folds
from sequoia_model.training.folds import FoldRows, rows_of_folds
from sequoia_model.training.networks import Start, new_network, read_start
from sequoia_model.training.one_fold import refuse_unfit, slides_by_patient
from sequoia_model.training.options import TrainOptions
from sequoia_model.training.result import TrainingRun
from sequoia_model.types.devices import choose_device, networks_that_fit


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
        Number of processes that work on folds; they share the threads of torch. On a GPU, at most as many as fit.
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
    begun = time.time()
    check_limits({"jobs": jobs}, {"jobs": whole(1)})
    if tensorboard and find_spec("tensorboard") is None:
        raise InputError(
            "TensorBoard is not installed", fix="uv pip install tensorboard, or leave out --tensorboard"
        )
    place = choose_device(device)
    start = read_start(options)
    options = options.completed(place.type, None if start is None else start.weights.architecture)
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
    made, audited = audited_splits(
        splits, data, patients, seed=options.seed, no_val=options.no_val, n_folds=n_folds, val=val, site=site
    )
    flow = Flow.of(data.flow)
    given = splits is not None
    rows = rows_of_folds(made, data.patients, options, flow, given=given)
    refuse_unknown(only, rows, made.note)
    _refuse_unfit(data, rows, options, start, given=given)
    if given and made.note:
        data = replace(data, warnings=(*data.warnings, f"{made.name}: {made.note}"))
    if start is not None:
        tested = {fold.fold: slides_by_patient(data, fold) for fold in rows}
        data = replace(data, warnings=(*data.warnings, *start.doubts(data.units, tested)))
    settings = options.settings() | {
        "init": None if start is None else list(start.weights.digests),
        "encoder": data.encoder,
        "data": data.digest,
        "splits": sha256(made.to_frame().to_csv(index=False).encode()).hexdigest(),
    }
    seen = frozenset() if start is None else start.seen_outside(made.roles.index)
    run_record(Path(output)).begin(settings, lambda: describe(Path(output), data, made, seen), force=force)
    if jobs > 1 and place.type == "cuda":
        n_clusters, dim = data.means.shape[1:]
        like = new_network(options, dim=dim, n_clusters=n_clusters, n_genes=len(data.genes), fold=0)
        jobs = networks_that_fit(place, sum(p.numel() for p in like.parameters()), jobs)
    folder = FolderJob(Path(output), settings, str(place), jobs, only, begun, force, checkpoint_seconds)
    job = GeneJob(folder, sources, options, made, tensorboard)
    work = GeneWork(job, data, rows, start, on_epoch)
    return assemble(work, train_folds(work, job.again), flow, audited)


def _refuse_unfit(
    data: TrainingData, rows: Sequence[FoldRows], options: TrainOptions, start: Start | None, *, given: bool
) -> None:
    """Refuse what a fold could only find out after others have learnt."""
    if start is not None:
        start.refuse_misfit(data.encoder, data.units, [fold.fold for fold in rows])
    for fold in rows:
        refuse_unfit(data, fold, options, start, given=given)
    if start is not None:
        start.new(data.genes, options, rows[0].fold)  # what cannot be copied or frozen
