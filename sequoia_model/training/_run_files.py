"""The files of a run folder of `train` beside those of the folds: what stands there first, and what they add up to."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.atomic import new_file, write_text
from sequoia_base.flow import Flow
from sequoia_base.results import jsonable
from sequoia_model.leakage import Audit
from sequoia_model.nets import TileMLP
from sequoia_model.nets.slide_network import SlideNetwork
from sequoia_model.prediction._file import PredictionsFile
from sequoia_model.splits import Splits
from sequoia_model.training._work import GeneWork
from sequoia_model.training.baselines import Chosen, in_words
from sequoia_model.training.data import TrainingData
from sequoia_model.training.fold_work import LOG_TABLE
from sequoia_model.training.folds import FoldRows
from sequoia_model.training.one_fold import FoldPredictions, results_file
from sequoia_model.training.pages import with_audit
from sequoia_model.training.result import FoldRun, TrainingRun
from sequoia_model.training.run_record import (
    SUMMARY,
    FolderRecord,
    recorded_folds,
    untold_patients,
    versions,
)
from sequoia_model.training.summary import CrossValidated, Summary, summarise
from sequoia_model.weights._layouts import digest, read_network
from sequoia_model.weights.heads import HEADS, write_heads
from sequoia_model.weights.side_file import write_side_file
from sequoia_model.weights.tensors import CONFIG, SAFETENSORS

PREDICTIONS = "predictions.h5ad"


def run_record(output: Path) -> FolderRecord:
    """The record of a run of `train`."""
    made = (PREDICTIONS, HEADS, LOG_TABLE, "tensorboard")
    return FolderRecord(output, "sequoia-run-1", "features, expression or patients", made)


def describe(output: Path, data: TrainingData, splits: Splits, seen: Collection[str]) -> None:
    """Write the side file of a run folder.

    Parameters
    ----------
    output : path
        The run folder.
    data : TrainingData
        Encoder, genes and units.
    splits : Splits
        Roles of the patients.
    seen : collection of str
        Patients outside the splits on whom the weights to start from were trained.
    """
    write_side_file(
        output, encoder=data.encoder, genes=data.genes, units=data.units, splits=splits, seen=seen,
        slides=untold_patients(data.slides, data.patients), tile_um=data.tile_um,
    )  # fmt: skip


def assemble(work: GeneWork, runs: Sequence[FoldRun], flow: Flow, audited: Audit) -> TrainingRun:
    """Join the folds if all are done: predictions, heads, log, summary and the record of the run.

    Parameters
    ----------
    work : GeneWork
        What the folds learnt from, and how.
    runs : sequence of FoldRun
        The outcome of those that were asked for.
    flow : Flow
        What was lost before.
    audited : Audit
        The audit of the splits.
    """
    data, done = work.data, work.done()
    missing = tuple(fold.fold for fold in work.rows if fold.fold not in done)
    summary = None if missing else _join(work, list(done.values()), flow, audited)
    return TrainingRun(
        str(work.job.output), len(data.slides), len(set(data.patients)), len(data.genes), data.encoder, data.units,
        tuple(runs), missing, audited, summary, data.failed, flow.to_frame(), data.warnings,
    )  # fmt: skip


class _Networks(Mapping[int, SlideNetwork]):
    """The networks of the folds, each read when it is asked for: together they would need much memory."""

    def __init__(self, output: Path, folds: Sequence[int]) -> None:
        self._output, self._folds = output, folds

    def __getitem__(self, fold: int) -> SlideNetwork:
        folder = self._output / f"fold_{fold}"
        return read_network(folder / SAFETENSORS, folder / CONFIG)

    def __iter__(self) -> Iterator[int]:
        return iter(self._folds)

    def __len__(self) -> int:
        return len(self._folds)


def _join(work: GeneWork, runs: Sequence[FoldRun], flow: Flow, audited: Audit) -> Summary:
    output, data, rows, settings = work.job.output, work.data, work.rows, work.job.settings
    notes = [f"Fold {run.fold}: {run.note}" for run in runs if run.note]
    together = _cross_validated(
        output, data, rows, [Chosen(**run.baselines) for run in runs if run.baselines], notes
    )
    summary = summarise(together)
    digests = [digest(output / f"fold_{fold.fold}" / SAFETENSORS) for fold in rows]
    _write_predictions(output / PREDICTIONS, data, rows, together, digests, settings, flow)
    del together
    networks = _Networks(output, [fold.fold for fold in rows])
    if settings["architecture"] != TileMLP.architecture:
        write_heads(output / HEADS, networks, data.genes)
    work.write_log()
    write_text(output / SUMMARY, with_audit(summary.to_markdown(), audited))
    run_record(output).finish(
        settings,
        n_slides=len(data.slides),
        n_patients=len(set(data.patients)),
        n_genes=len(data.genes),
        units=data.units,
        folds=recorded_folds(runs, digests),
        audit=audited.to_dict(),
        flow=flow.to_frame(),
        warnings=data.warnings,
    )
    return summary


def _cross_validated(
    output: Path,
    data: TrainingData,
    rows: Sequence[FoldRows],
    chosen: Sequence[Chosen],
    notes: Sequence[str],
) -> CrossValidated:
    """The test parts of all folds, one after the other; a fold is in memory only while it is copied."""
    tested = np.concatenate([fold.test for fold in rows])
    predicted: dict[str, NDArray[np.float32]] = {}
    ranking: dict[str, list[NDArray[np.float64]]] = {}
    at = 0
    for fold in rows:
        one = FoldPredictions.load(output / results_file(fold.fold))
        assert np.array_equal(one.rows, fold.test)  # the settings of the run hold the splits
        for name, values in one.predicted.items():
            whole = predicted.setdefault(name, np.empty((len(tested), values.shape[1]), dtype=np.float32))
            whole[at : at + len(values)] = values
        for name, r in one.ranking.items():
            ranking.setdefault(name, []).append(r)
        at += len(fold.test)
    return CrossValidated(
        slides=tuple(data.slides[row] for row in tested),
        patients=data.patients[tested],
        folds=np.concatenate([np.full(len(fold.test), fold.fold) for fold in rows]),
        genes=data.genes,
        measured=data.expression[tested],
        predicted=predicted,
        ranking={name: np.stack(r) for name, r in ranking.items()},
        ranked_on=tuple(fold.ranked_on for fold in rows),
        n_ranked_by=tuple(len(set(data.patients[fold.ranking])) for fold in rows),
        chosen=in_words(chosen) if chosen else "",
        notes=tuple(notes),
    )


def _write_predictions(
    path: Path,
    data: TrainingData,
    rows: Sequence[FoldRows],
    together: CrossValidated,
    digests: Sequence[str],
    settings: Mapping[str, Any],
    flow: Flow,
) -> None:
    """Write the test parts of all folds."""
    layers = [name for name in together.predicted if name != "network"]
    cohorts = data.cohorts[np.concatenate([fold.test for fold in rows])]
    name = path.resolve().parent.name
    obs = pd.DataFrame(
        {
            "patient_id": together.patients,
            "fold": together.folds,
            "cohort": [cohort or None for cohort in cohorts] if any(cohorts) else name,
        },
        index=pd.Index(list(together.slides), dtype=object),
    )
    with (
        new_file(path) as temporary,
        PredictionsFile(temporary, data.genes, ["measured", *layers]) as file,
    ):
        predicted = together.predicted
        file.append(
            X=predicted["network"], measured=together.measured, **{name: predicted[name] for name in layers}
        )
        file.finish(obs, _provenance(path, data, rows, digests, settings, flow))


def _provenance(
    path: Path,
    data: TrainingData,
    rows: Sequence[FoldRows],
    digests: Sequence[str],
    settings: Mapping[str, Any],
    flow: Flow,
) -> dict[str, Any]:
    """The content of uns: nothing that differs from run to run."""
    return {
        "name": path.resolve().parent.name,
        "note": f"cross-validation: each slide is predicted by the network of {len(rows)} that held its patient out",
        "flow": flow.to_columns(),
        "units": data.units,
        "warnings": np.array(data.warnings, dtype=object),
        "encoder": data.encoder,
        "weights": {
            "folds": np.array([fold.fold for fold in rows], dtype=np.int64),
            "digests": np.array(digests, dtype=object),
        },
        "ensemble": "held-out",
        "settings": json.dumps(jsonable(settings), sort_keys=True),
        "seed": int(settings["seed"]),
        "versions": versions(),
    }
