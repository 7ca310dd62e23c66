"""From feature files to a predictions file, batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sequoia_base.apart import begin
from sequoia_base.arguments import ProgressBar
from sequoia_base.atomic import new_file, refuse_existing
from sequoia_base.conformal import IntervalOptions
from sequoia_base.flow import Flow
from sequoia_base.runs import attempt
from sequoia_base.search import PassedOver
from sequoia_model.errors import Failure, InputError, SequoiaError, counted, listing
from sequoia_model.feature_files import find, read
from sequoia_model.nets.ensemble import ensemble as average
from sequoia_model.nets.ensemble import on_device
from sequoia_model.prediction._file import PredictionsFile
from sequoia_model.prediction.held_out import ENSEMBLES, NetworkChoice
from sequoia_model.prediction.intervals import (
    INTERVAL_COLUMN,
    NetworkPredictions,
    promises,
    write_intervals,
)
from sequoia_model.prediction.plan import Plan, PlannedSlide, has_gene_names, make_plan, refuse_risk
from sequoia_model.prediction.result import PredictionRun, RunRecord, provenance
from sequoia_model.targets.network_input import InputSpec, NetworkInput, in_order, load_input, refuse_misfit
from sequoia_model.types.bag import FeatureBag
from sequoia_model.types.devices import choose_device
from sequoia_model.weights.loading import Weights, load_weights
from sequoia_model.weights.loading import untrained as untrained_networks

Batch = list[tuple[PlannedSlide, NetworkInput]]


def predict(
    features: str | Path | Iterable[str | Path],
    weights: Weights | str | Path,
    *,
    output: str | Path,
    encoder: str | None = None,
    genes: str | Path | Sequence[str] | None = None,
    patients: str | Path | Mapping[str, str] | None = None,
    measured: str | Path | None = None,
    untrained: int = 0,
    ensemble: str = "held-out",
    intervals: IntervalOptions | None = None,
    calibration: str | Path | None = None,
    device: str = "auto",
    jobs: int = 1,
    batch_size: int = 16,
    seed: int = 0,
    force: bool = False,
    progress: ProgressBar | None = None,
) -> PredictionRun:
    """Predict the genes of slides from their features, and write them as AnnData.

    Slides are read and predicted in batches, so memory does not depend on their number. A slide that cannot be
    predicted is reported, and the others are still predicted.

    Parameters
    ----------
    features : path, or iterable of path
        Feature files, and folders that are searched with their subfolders.
    weights : Weights, str or path
        The networks, or their place for `load_weights`: a folder, or ``hub:ORG/NAME``.
    output : path
        The predictions file (.h5ad): obs = slides in the order of the files, with ``patient_id``, ``fold``,
        ``n_folds``, ``n_tiles`` and, if known, ``cohort``; X = predicted log2(FPKM-UQ+1), float32; layers
        ``std`` over the networks, ``measured``, ``untrained``, ``untrained_1``, ...; uns = provenance.
    encoder : str, optional
        The encoder of the features, if the files or the weights do not name it.
    genes : path or sequence of str, optional
        Names of the outputs, if the weights have none and they are not the 20,820 published ones.
    patients : path or mapping of str to str, optional
        Patient of each slide; by default its TCGA barcode, else the patient that `measured` names.
    measured : path, optional
        Measured expression in the unit of the weights: a table (``wsi_file_name, patient_id, tcga_project, rna_*``) or
        AnnData.
    untrained : int, default 0
        Number of predictions by untrained networks of the same architecture, with seeds `seed`, `seed` + 1, ...
    ensemble : {"held-out", "all"}
        Whether a patient in the splits of the weights, published or of a training run, is predicted only by the
        network that was not trained on the patient, or by all.
    intervals : IntervalOptions, optional
        How intervals are put around every gene (layers lower and upper); by default there are none. Groups are cohorts,
        or a column of the table `patients`, which then has a row for each calibration patient too.
    calibration : path, optional
        A predictions file with measured values that calibrates the intervals; by default that of the run folder in
        which the weights are.
    device : str, default "auto"
        ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
    jobs : int, default 1
        Number of threads that read; does not change the result.
    batch_size : int, default 16
        Slides per pass through the networks; the last digits may depend on it.
    seed : int, default 0
        Random seed of the clusters and of untrained networks.
    force : bool, default False
        Whether to replace an existing output.
    progress : callable, optional
        Wraps an iterable of known length, as a progress bar does.

    Returns
    -------
    PredictionRun
        Counts, failed slides with their reasons, and warnings.

    Raises
    ------
    InputError
        If an argument, the weights or a table cannot be used, or no slide could be predicted; nothing is written.
    """
    check_options(output, ensemble, jobs=jobs, batch_size=batch_size, untrained=untrained, seed=seed)
    if isinstance(features, FeatureBag):
        raise InputError(
            "predict takes feature files and folders, not a bag",
            where=features.slide,
            fix="write_features(bag, path), and give the path",
        )
    passed = PassedOver()
    files = find(features, passed)
    tables = [item for item in (genes, patients, measured, calibration) if isinstance(item, str | Path)]
    refuse_existing(output, force=force, inputs=[*files, *tables])
    begin()  # the reader of features, while the weights are loaded
    place = choose_device(device)
    loaded = weights if isinstance(weights, Weights) else load_weights(weights)
    refuse_risk(loaded)
    if genes is None and not has_gene_names(loaded):
        _refuse_misfit(files[0], InputSpec.of(loaded, encoder, seed))
    plan = make_plan(
        files, loaded, encoder=encoder, genes=genes, patients=patients, measured=measured, ensemble=ensemble, seed=seed,
        intervals=intervals, calibration=calibration,
    )  # fmt: skip
    flow = Flow()
    if passed:
        flow.add("feature files: found", len(files) + passed.total(), len(files), f"passed over: {passed}")
    return run_plan(
        plan, output, untrained=untrained, device=place, jobs=jobs, batch_size=batch_size, progress=progress,
        flow=flow,
    )  # fmt: skip


def _refuse_misfit(path: Path, spec: InputSpec) -> None:
    """Refuse features that the networks do not take, for which names of genes would be no help."""
    try:
        bag = read(path, tiles=False, encoder=spec.encoder)
    except InputError:
        return  # told with those of the other files, once there are names
    try:
        refuse_misfit(bag, spec)
    except InputError as error:
        raise InputError(error.what, where=str(path), fix=error.fix) from None


def run_plan(
    plan: Plan,
    output: str | Path,
    *,
    untrained: int,
    jobs: int,
    batch_size: int,
    progress: ProgressBar | None = None,
    device: torch.device,
    failed: Sequence[Failure] = (),
    flow: Flow | None = None,
) -> PredictionRun:
    """Predict the slides of a plan, whose files are feature files.

    Parameters
    ----------
    plan : Plan
        What is predicted, and how.
    output : path
        The predictions file; an existing one is replaced.
    untrained, jobs, batch_size, progress
        As in `predict`.
    device : device
        Where the networks run.
    failed : sequence of Failure
        Slides that were lost before, to be reported with those that are lost here.
    flow : Flow, optional
        What was lost before.

    Raises
    ------
    InputError
        If the measured expression cannot be used, or no slide could be predicted; nothing is written.
    """
    trained = on_device(plan.weights.networks, device)
    fresh = {
        f"untrained_{i}" if i else "untrained": on_device(
            untrained_networks(plan.weights, plan.spec.seed + i), device
        )
        for i in range(untrained)
    }
    record = RunRecord(plan, list(failed), (flow or Flow()).copy())
    with ExitStack() as stack:
        temporary = stack.enter_context(new_file(output))
        file = stack.enter_context(PredictionsFile(temporary, plan.genes, ["std", *fresh]))
        by_network = stack.enter_context(_kept_networks(plan, output))
        if plan.measured is not None:
            _write_measured(plan, file, record)
        inputs = in_order(
            plan.slides,
            lambda slide: attempt(lambda: _load(slide, plan.spec), slide.name, log_beside(output)),
            jobs=jobs,
            ahead=jobs + batch_size,
        )
        with closing(inputs):
            shown = inputs if progress is None else progress(inputs, len(plan.slides))
            for batch in _batches(shown, batch_size, record):
                matrices = _outputs(batch, trained, fresh, device)
                kept = _write(batch, matrices, file, record)
                if by_network is not None and kept.any():
                    x = np.stack([loaded.means for _, loaded in batch])[kept]
                    by_network.append(
                        np.stack([average(x, [network], device=device)[0] for network in trained])
                    )
        record.refuse_nothing()
        if plan.measured is not None:
            done = {slide.name for slide, _ in record.done}
            file.keep_rows("measured", [i for i, slide in enumerate(plan.slides) if slide.name in done])
        obs, intervals = record.obs(), None
        if plan.calibration is not None:
            served = record.interval_plan()
            intervals = write_intervals(
                file,
                served,
                plan.calibration,
                plan.genes,
                measured=plan.measured is not None,
                by_network=by_network,
            )
            obs[INTERVAL_COLUMN] = promises(served)
        run = record.result(output, untrained, intervals)
        file.finish(obs, provenance(run, plan, str(device)))
    return run


def _kept_networks(plan: Plan, output: str | Path) -> AbstractContextManager[NetworkPredictions | None]:
    """A place for the predictions of each network, if intervals need them."""
    if plan.calibration is None or plan.calibration.options.method != "cv+":
        return nullcontext()
    return NetworkPredictions.beside(output, len(plan.weights.networks), len(plan.slides), len(plan.genes))


def log_beside(output: str | Path) -> Path:
    """The file for the tracebacks of slides that failed for a reason that nobody foresaw: beside the output."""
    return Path(output).with_suffix(".log")


def check_options(output: str | Path, ensemble: str, **numbers: int) -> None:
    """Refuse options that cannot be used, before any work is done.

    Parameters
    ----------
    output : path
        Must end in .h5ad.
    ensemble : str
        Must be one of `ENSEMBLES`.
    **numbers : int
        Options that have a lowest value: 1 for jobs and batch_size, 0 for others.

    Raises
    ------
    InputError
        If one cannot be used.
    """
    if Path(output).suffix.lower() != ".h5ad":
        raise InputError("the output must be an .h5ad file", where=str(output), fix="-o NAME.h5ad")
    if ensemble not in ENSEMBLES:
        raise InputError(f"{ensemble!r} is not a valid ensemble", fix=f"--ensemble {'|'.join(ENSEMBLES)}")
    for name, number in numbers.items():
        lowest = int(name in ("jobs", "batch_size"))
        if number < lowest:
            raise InputError(f"{name} must be {lowest} or more, but is {number}")


def _write_measured(plan: Plan, file: PredictionsFile, record: RunRecord) -> None:
    """Write the measured expression of every slide of the plan."""
    assert plan.measured is not None
    file.add_layer("measured", len(plan.slides))
    for i, values in plan.measured.values([slide.rows for slide in plan.slides], plan.genes):
        if values is None:
            record.contradictory.add(plan.slides[i].name)
        else:
            file.set_row("measured", i, values)
            record.measured_range = (
                float(np.fmin.reduce(values, initial=record.measured_range[0])),
                float(np.fmax.reduce(values, initial=record.measured_range[1])),
            )


def _load(slide: PlannedSlide, spec: InputSpec) -> NetworkInput:
    if isinstance(slide.choice, InputError):
        raise slide.choice
    return load_input(slide.file, spec)


def _batches(
    results: Iterable[tuple[PlannedSlide, NetworkInput | SequoiaError]], size: int, record: RunRecord
) -> Iterator[Batch]:
    """Slides that can be predicted, in batches; the others are recorded as failed."""
    batch: Batch = []
    for slide, loaded in results:
        if isinstance(loaded, SequoiaError):
            record.fail(slide, loaded)
            continue
        batch.append((slide, loaded))
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _outputs(
    batch: Batch,
    trained: Sequence[nn.Module],
    fresh: Mapping[str, Sequence[nn.Module]],
    device: torch.device,
) -> dict[str, np.ndarray]:
    """X and the layers of some slides."""
    x = np.stack([loaded.means for _, loaded in batch])
    used = np.zeros((len(batch), len(trained)), dtype=bool)
    for row, (slide, _) in enumerate(batch):
        assert isinstance(slide.choice, NetworkChoice)
        used[row, list(slide.choice.networks)] = True
    with np.errstate(over="ignore", invalid="ignore"):  # values that are not finite are refused by name
        mean, spread = average(x, trained, used=used, device=device)
        layers = {name: average(x, networks, used=used, device=device)[0] for name, networks in fresh.items()}
    return {"X": mean, "std": spread, **layers}


def _write(
    batch: Batch, matrices: dict[str, np.ndarray], file: PredictionsFile, record: RunRecord
) -> NDArray[np.bool_]:
    """Write the rows that are finite, and tell which are; the other slides are recorded as failed."""
    finite = np.all([np.isfinite(matrix) for matrix in matrices.values()], axis=0)
    kept = finite.all(axis=1)
    for (slide, loaded), row, good in zip(batch, finite, kept, strict=True):
        if good:
            record.done.append((slide, loaded.notes))
            continue
        genes = [gene for gene, fine in zip(record.plan.genes, row, strict=True) if not fine]
        what = f"the predictions of {len(genes)} of {counted(len(row), 'gene')} are NaN or infinite"
        fix = "check features and weights"
        record.fail(slide, InputError(f"{what}: {listing(genes, 3)}", fix=fix))
    file.append(**{name: matrix[kept] for name, matrix in matrices.items()})
    predicted = matrices["X"][kept]
    record.n_negative += int((predicted < 0).sum())
    record.smallest = float(predicted.min(initial=record.smallest))
    record.largest = float(predicted.max(initial=record.largest))
    return np.asarray(kept)
