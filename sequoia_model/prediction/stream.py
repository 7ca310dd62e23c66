"""From feature files to a predictions file, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from sequoia_base.atomic import new_file, refuse_existing
from sequoia_model.errors import InputError, listing
from sequoia_model.feature_files import find
from sequoia_model.nets.ensemble import ensemble as average
from sequoia_model.nets.ensemble import on_device
from sequoia_model.prediction.held_out import ENSEMBLES, Choice
from sequoia_model.prediction.ledger import Before, Ledger, provenance
from sequoia_model.prediction.plan import Task, make_plan
from sequoia_model.prediction.predictions_file import PredictionsFile
from sequoia_model.prediction.summary import PredictionRun
from sequoia_model.targets.inputs import Needs, Slide, in_order, load_slide
from sequoia_model.types.bag import FeatureBag
from sequoia_model.types.devices import choose_device
from sequoia_model.weights.loading import Weights, load_weights
from sequoia_model.weights.loading import untrained as untrained_networks

Progress = Callable[[Iterable[Any], int], Iterable[Any]]


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
    device: str = "auto",
    jobs: int = 1,
    batch_size: int = 16,
    seed: int = 0,
    force: bool = False,
    progress: Progress | None = None,
    before: Before | None = None,
) -> PredictionRun:
    """Predict the genes of slides from their features, and write them as AnnData.

    Slides stream through: what is in memory does not depend on their number. One that cannot be predicted is
    listed, and the rest is done.

    Parameters
    ----------
    features : path, or iterable of path
        Feature files, and folders that are searched in depth.
    weights : Weights, str or path
        As `load_weights` gives or takes them: a folder, or ``hub:ORG/NAME``.
    output : path
        The predictions file (.h5ad): obs = slides in the order of the files, with ``patient_id``, ``fold``,
        ``n_folds``, ``n_tiles`` and, where it is known, ``cohort``; X = predicted log2(FPKM-UQ+1), float32; layers
        ``std`` over the networks, ``measured``, ``untrained``, ``untrained_1``, ...; uns = provenance.
    encoder : str, optional
        What made the features of files that do not say so, or of weights that do not.
    genes : path or sequence of str, optional
        Names of the outputs, where the weights have none and they are not the 20,820 published ones.
    patients : path or mapping of str to str, optional
        Patient of each slide; by default its TCGA barcode, else the patient that `measured` names.
    measured : path, optional
        Reference table (``wsi_file_name, patient_id, tcga_project, rna_*``) or AnnData, in log2(FPKM-UQ+1).
    untrained : int, default 0
        So many predictions by the same architecture with fresh parameters, seeds `seed`, `seed` + 1, ...
    ensemble : {"held-out", "all"}
        With published weights, a patient of the published splits gets the network alone that was not trained on
        it, or all.
    device : str, default "auto"
        ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
    jobs : int, default 1
        Threads that read and cluster; the result is the same for any number.
    batch_size : int, default 16
        Slides of a forward pass.
    seed : int, default 0
        Of the clustering and of untrained networks.
    force : bool, default False
        Whether an output that exists may be replaced.
    progress : callable, optional
        Wraps an iterable of known length, as a progress bar does.
    before : Before, optional
        What was lost before there were features; told with what is lost here.

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
            "predict takes feature files and folders",
            where=features.slide,
            fix="write_features(bag, path), and give the path",
        )
    files = find(features)
    tables = [item for item in (genes, patients, measured) if isinstance(item, str | Path)]
    refuse_existing(output, force=force, inputs=[*files, *tables])
    place = choose_device(device)
    loaded = weights if isinstance(weights, Weights) else load_weights(weights)
    plan = make_plan(
        files, loaded, encoder=encoder, genes=genes, patients=patients, measured=measured, ensemble=ensemble,
        seed=seed,
    )  # fmt: skip
    trained = on_device(loaded.networks, place)
    fresh = {
        f"untrained_{i}" if i else "untrained": on_device(untrained_networks(loaded, seed + i), place)
        for i in range(untrained)
    }
    ledger = Ledger(plan, loaded, before or Before())
    with new_file(output) as temporary, PredictionsFile(temporary, plan.genes, ["std", *fresh]) as file:
        if plan.table is not None:
            file.add_layer("measured", len(plan.tasks))
            rows = [task.rows for task in plan.tasks]
            ledger.unequal = frozenset(plan.table.fill(file, "measured", rows, plan.genes))
        slides = in_order(
            plan.tasks, lambda task: _load(task, plan.needs), jobs=jobs, ahead=jobs + batch_size
        )
        with closing(slides):
            shown = slides if progress is None else progress(slides, len(plan.tasks))
            for batch in _batches(shown, batch_size, ledger):
                matrices = _outputs(batch, trained, fresh, place)
                _write(batch, matrices, file, ledger)
        ledger.refuse_nothing()
        if plan.table is not None:
            file.keep_rows("measured", [task.position for task, _ in ledger.done])
        run = ledger.summary(output, ensemble, untrained)
        file.finish(ledger.obs(), provenance(run, loaded, seed=seed, device=str(place)))
    return run


Batch = list[tuple[Task, Slide]]


def _load(task: Task, needs: Needs) -> Slide:
    if isinstance(task.choice, InputError):
        raise task.choice
    return load_slide(task.path, needs)


def _batches(
    results: Iterable[tuple[Task, Slide | InputError]], size: int, ledger: Ledger
) -> Iterator[Batch]:
    """Slides that can be predicted, so many at a time; the others go into the ledger."""
    batch: Batch = []
    for task, slide in results:
        if isinstance(slide, InputError):
            ledger.fail(task, slide)
            continue
        batch.append((task, slide))
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
    x = np.stack([slide.means for _, slide in batch])
    used = np.zeros((len(batch), len(trained)), dtype=bool)
    for row, (task, _) in enumerate(batch):
        assert isinstance(task.choice, Choice)
        used[row, list(task.choice.networks)] = True
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused by name
        mean, spread = average(x, trained, used=used, device=device)
        layers = {name: average(x, networks, used=used, device=device)[0] for name, networks in fresh.items()}
    return {"X": mean, "std": spread, **layers}


def _write(batch: Batch, matrices: dict[str, np.ndarray], file: PredictionsFile, ledger: Ledger) -> None:
    """Rows of finite numbers; the slides of others have failed."""
    finite = np.all([np.isfinite(matrix) for matrix in matrices.values()], axis=0)
    kept = finite.all(axis=1)
    for (task, slide), row, good in zip(batch, finite, kept, strict=True):
        if good:
            ledger.done.append((task, slide.about))
            continue
        genes = [gene for gene, fine in zip(ledger.plan.genes, row, strict=True) if not fine]
        what = f"the predictions of {len(genes)} of {len(row)} genes are NaN or infinite: {listing(genes, 3)}"
        ledger.fail(task, InputError(what, fix="check features and weights"))
    file.append(**{name: matrix[kept] for name, matrix in matrices.items()})
    ledger.n_negative += int((matrices["X"][kept] < 0).sum())


def check_options(output: str | Path, ensemble: str, **numbers: int) -> None:
    """Refuse what no work could make right.

    Parameters
    ----------
    output : path
        Has to end in .h5ad.
    ensemble : str
    **numbers : int
        Options that have a lowest value: 1 for jobs and batch_size, 0 for others.

    Raises
    ------
    InputError
        Where one cannot be used.
    """
    if Path(output).suffix.lower() != ".h5ad":
        raise InputError("the output is an .h5ad file", where=str(output), fix="-o NAME.h5ad")
    if ensemble not in ENSEMBLES:
        raise InputError(f"there is no ensemble {ensemble!r}", fix=f"--ensemble {'|'.join(ENSEMBLES)}")
    for name, number in numbers.items():
        lowest = int(name in ("jobs", "batch_size"))
        if number < lowest:
            option = f"--{name.replace('_', '-')}"
            raise InputError(f"{option} is {number}, and has to be at least {lowest}")
