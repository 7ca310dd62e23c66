"""Cross-validation of risk in a folder: networks learn from features and outcomes, fold by fold."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from sequoia_base.arguments import ProgressBar, check_limits, whole
from sequoia_base.flow import Flow
from sequoia_model.risk._one_fold import refuse_unfit_fold
from sequoia_model.risk._run_files import assemble_risk, describe_risk, risk_record
from sequoia_model.risk._work import RiskJob, RiskSources, RiskWork, patients_of_folds
from sequoia_model.risk.data import RiskData
from sequoia_model.risk.options import RiskOptions
from sequoia_model.risk.result import RiskRun
from sequoia_model.splits import Splits
from sequoia_model.training.audited_splits import audited_splits
from sequoia_model.training.fold_work import FolderJob, OnEpoch, refuse_unknown, train_folds
from sequoia_model.training.networks import new_network
from sequoia_model.types.devices import choose_device, networks_that_fit


def train_risk(
    features: str | Path | Iterable[str | Path],
    outcome: str | Path,
    output: str | Path,
    options: RiskOptions = RiskOptions(),
    *,
    splits: Splits | str | Path | None = None,
    n_folds: int | None = None,
    val: float | None = None,
    site: str | None = None,
    encoder: str | None = None,
    patients: str | Path | None = None,
    only: int | None = None,
    device: str = "auto",
    jobs: int = 1,
    cache: str | Path | None = None,
    checkpoint_seconds: float = 20.0,
    force: bool = False,
    progress: ProgressBar | None = None,
    on_epoch: OnEpoch | None = None,
) -> RiskRun:
    """Train networks of risk in every fold, tell the risk of its test part, and compare with the baselines.

    Parameters
    ----------
    features : path, or iterable of path
        Feature files, and folders that are searched with their subfolders.
    outcome : path
        The outcome of each patient: a CSV with the columns ``patient_id``, ``time`` (months) and ``event`` (0 or 1).
    output : path
        The run folder, created if it does not exist. Folds that are finished in it are kept, one that was interrupted
        goes on where it stopped, and other processes may work on it at the same time.
    options : RiskOptions
        How the networks learn.
    splits : Splits or path, optional
        Roles of the patients in every fold, as `read_splits` reads them, or a run folder. By default they are drawn,
        with the events spread evenly over the folds.
    n_folds, val, site
        As in `train`, if folds are drawn. A `val` of 0 lets validation patients train.
    encoder : str, optional
        The encoder of the features, if the files do not name it.
    patients : path, optional
        A table of slides and their patients; by default TCGA barcodes, or else the names of the slides.
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
    force : bool, default False
        Whether to train finished folds again, and replace a run that was made with other settings; for one process.
    progress : callable, optional
        Wraps the slides that are read, as a progress bar does.
    on_epoch : callable, optional
        Called with the row of the log after each epoch of this process.

    Returns
    -------
    RiskRun
        The outcome of each fold, and the summary if all are done.

    Raises
    ------
    InputError
        If an argument or the data cannot be used, a part of a fold has too few events, the splits do not fit or leak,
        the folder holds a run with other settings, or every fold failed.
    """
    begun = time.time()
    check_limits({"jobs": jobs}, {"jobs": whole(1)})
    place = choose_device(device)
    options = replace(options, no_val=options.no_val or val == 0).completed(place.type)
    paths = (features,) if isinstance(features, str | Path) else tuple(features)
    kept = None if cache is None else Path(cache)
    sources = RiskSources(tuple(map(Path, paths)), Path(outcome), encoder, patients, kept)
    data = sources.load(options.seed, jobs, progress)
    made, audited = audited_splits(
        splits, data, patients, seed=options.seed, no_val=options.no_val, balance=_events(data),
        balance_name="event", n_folds=n_folds, val=val, site=site,
    )  # fmt: skip
    flow, given = Flow.of(data.flow), splits is not None
    rows = patients_of_folds(made, data, options, flow, given=given)
    refuse_unknown(only, rows, made.note)
    for fold in rows:
        refuse_unfit_fold(data, fold, options, given=given)
    if given and made.note:
        data = replace(data, warnings=(*data.warnings, f"{made.name}: {made.note}"))
    settings = options.settings() | {
        "encoder": data.encoder,
        "data": data.digest,
        "splits": sha256(made.to_frame().to_csv(index=False).encode()).hexdigest(),
    }
    risk_record(Path(output)).begin(settings, lambda: describe_risk(Path(output), data, made), force=force)
    if jobs > 1 and place.type == "cuda":
        n_clusters, dim = data.means.shape[1:]
        like = new_network(options, dim=dim, n_clusters=n_clusters, n_genes=1, fold=0)
        jobs = networks_that_fit(place, sum(p.numel() for p in like.parameters()), jobs)
    folder = FolderJob(Path(output), settings, str(place), jobs, only, begun, force, checkpoint_seconds)
    job = RiskJob(folder, sources, options, made)
    work = RiskWork(job, data, rows, on_epoch)
    return assemble_risk(work, train_folds(work, job.again), flow, audited)


def _events(data: RiskData) -> dict[str, object] | None:
    """Whether each patient has the event, by which folds are drawn; None if all have it."""
    if data.event.all():
        return None
    return {name: "yes" if event else "no" for name, event in zip(data.names, data.event, strict=True)}
