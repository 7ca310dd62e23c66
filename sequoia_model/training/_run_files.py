"""The files of a run folder, apart from those of the folds: what stands there first, and what the folds add up to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sequoia_base.atomic import new_file, write_text
from sequoia_base.flow import Flow
from sequoia_base.names import patient_of
from sequoia_base.results import jsonable
from sequoia_base.runs import stored_state
from sequoia_model.errors import InputError, listing
from sequoia_model.leakage import Audit
from sequoia_model.nets.slide_network import SlideTransformer
from sequoia_model.prediction._file import PredictionsFile
from sequoia_model.splits import Splits
from sequoia_model.training.data import TrainingData
from sequoia_model.training.fit import LOG_COLUMNS
from sequoia_model.training.folds import FoldRows
from sequoia_model.training.one_fold import FoldPredictions, results_file
from sequoia_model.training.result import FoldRun, TrainingRun
from sequoia_model.training.summary import CrossValidated, Summary, summarise
from sequoia_model.weights.heads import write_heads
from sequoia_model.weights.loading import load_weights
from sequoia_model.weights.side_file import SIDE_FILE, write_side_file

RUN, HEADS, PREDICTIONS = "run.json", "heads.h5", "predictions.h5ad"
LOG_TABLE, SUMMARY = "log.csv", "summary.md"
_SCHEMA = "sequoia-run-1"


def begin_run(
    output: Path, settings: Mapping[str, Any], data: TrainingData, splits: Splits, *, force: bool
) -> None:
    """Write what is known before the first fold; a run with the same settings goes on.

    Parameters
    ----------
    output : path
        The run folder.
    settings : mapping
        What the networks depend on, as plain values.
    data : TrainingData
        Encoder, genes and units.
    splits : Splits
        Roles of the patients.
    force : bool
        Whether a run with other settings is replaced.

    Raises
    ------
    InputError
        If the folder holds a run with other settings, or other files and no run; if it cannot be written.
    """
    path = output / RUN
    before = _read_run(path)
    if before is None and output.is_dir() and any(output.iterdir()) and not force:
        names = sorted(item.name for item in output.iterdir())
        raise InputError(
            f"the folder holds {listing(names, 3)}, but no {RUN}",
            where=str(output),
            fix="give another folder",
        )
    other = [] if before is None else _differences(before.get("settings", {}), settings)
    if other and not force:
        raise InputError(
            f"the run folder was made with other settings: {listing(other, 4)}",
            where=str(path),
            fix="give the same options to go on, another folder, or --force to train anew",
        )
    if before is not None and not other and not force and (output / SIDE_FILE).is_file():
        return
    try:
        output.mkdir(parents=True, exist_ok=True)
        for name in (SIDE_FILE, PREDICTIONS, HEADS, LOG_TABLE, SUMMARY):  # of the run before
            (output / name).unlink(missing_ok=True)
        for folder in [*output.glob("fold_*"), *output.glob(".runs/*.checkpoint")]:
            shutil.rmtree(folder)
    except OSError as error:
        raise InputError(f"the run folder cannot be written: {error.strerror}", where=str(output)) from None
    _write_run(output / RUN, {"schema": _SCHEMA, "finished": False, "settings": dict(settings)})
    slides = dict(zip(data.slides, data.patients, strict=True))
    told = all(patient_of(slide) == patient for slide, patient in slides.items())
    write_side_file(
        output, encoder=data.encoder, genes=data.genes, units=data.units, splits=splits, slides=None if told else slides
    )  # fmt: skip


def assemble(
    output: Path,
    settings: Mapping[str, Any],
    data: TrainingData,
    rows: Sequence[FoldRows],
    runs: Sequence[FoldRun],
    flow: Flow,
    audited: Audit,
) -> TrainingRun:
    """Join the folds if all are done: predictions, heads, log, summary and the record of the run.

    Parameters
    ----------
    output : path
        The run folder.
    settings : mapping
        What the networks depend on.
    data : TrainingData
        What the folds learnt from.
    rows : sequence of FoldRows
        All folds of the splits.
    runs : sequence of FoldRun
        The outcome of those that were asked for.
    flow : Flow
        What was lost before.
    audited : Audit
        The audit of the splits.
    """
    states = [stored_state(output, f"fold_{fold.fold}") for fold in rows]
    done = [state.state == "done" and state.made == dict(settings) for state in states]
    missing = tuple(fold.fold for fold, is_done in zip(rows, done, strict=True) if not is_done)
    summary = None
    if not missing:
        all_runs = [FoldRun.of(fold, state, computed=False) for fold, state in zip(rows, states, strict=True)]
        summary = _join(output, data, rows, all_runs, settings, flow, audited)
    return TrainingRun(
        str(output), len(data.slides), len(set(data.patients)), len(data.genes), data.encoder, data.units,
        tuple(runs), missing, audited, summary, data.failed, flow.to_frame(), data.warnings,
    )  # fmt: skip


def _join(
    output: Path,
    data: TrainingData,
    rows: Sequence[FoldRows],
    runs: Sequence[FoldRun],
    settings: Mapping[str, Any],
    flow: Flow,
    audited: Audit,
) -> Summary:
    results = [FoldPredictions.load(output / results_file(fold.fold)) for fold in rows]
    weights = load_weights(output)
    notes = [f"Fold {run.fold}: {run.note}" for run in runs if run.note]
    summary = summarise(_cross_validated(data, rows, results, notes))
    _write_predictions(output / PREDICTIONS, data, rows, results, weights.digests, settings, flow)
    transformers = {
        fold: network
        for fold, network in zip(weights.folds, weights.networks, strict=True)
        if isinstance(network, SlideTransformer)
    }
    if transformers:
        write_heads(output / HEADS, transformers, data.genes)
    log = pd.DataFrame(
        [{"fold": run.fold, **row} for run in runs for row in run.log], columns=["fold", *LOG_COLUMNS]
    )
    write_text(output / LOG_TABLE, log.to_csv(index=False, lineterminator="\n"))
    page = f"{summary.to_markdown().rstrip()}\n\n## Audit of the splits\n\n```\n{audited}\n```\n"
    write_text(output / SUMMARY, page)
    folds = [
        {name: value for name, value in run.to_dict().items() if name not in ("computed", "failure")}
        | {"sha256": digest}
        for run, digest in zip(runs, weights.digests, strict=True)
    ]
    _write_run(
        output / RUN,
        {
            "schema": _SCHEMA,
            "finished": True,
            "settings": dict(settings),
            "n_slides": len(data.slides),
            "n_patients": len(set(data.patients)),
            "n_genes": len(data.genes),
            "units": data.units,
            "folds": folds,
            "audit": audited.to_dict(),
            "flow": flow.to_frame(),
            "warnings": data.warnings,
            "versions": _versions(),
            "written": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )
    return summary


def _cross_validated(
    data: TrainingData, rows: Sequence[FoldRows], results: Sequence[FoldPredictions], notes: Sequence[str]
) -> CrossValidated:
    tested = np.concatenate([fold.test for fold in rows])
    methods = list(results[0].predicted)
    return CrossValidated(
        slides=tuple(data.slides[row] for row in tested),
        patients=data.patients[tested],
        folds=np.concatenate([np.full(len(fold.test), fold.fold) for fold in rows]),
        genes=data.genes,
        measured=data.expression[tested],
        predicted={name: np.concatenate([one.predicted[name] for one in results]) for name in methods},
        ranking={name: np.stack([one.ranking[name] for one in results]) for name in methods},
        ranked_on=tuple(fold.ranked_on for fold in rows),
        n_ranked_by=tuple(len(set(data.patients[fold.ranking])) for fold in rows),
        notes=tuple(notes),
    )


def _write_predictions(
    path: Path,
    data: TrainingData,
    rows: Sequence[FoldRows],
    results: Sequence[FoldPredictions],
    digests: Sequence[str],
    settings: Mapping[str, Any],
    flow: Flow,
) -> None:
    """Write the test part of every fold, one after the other."""
    nulls = [name for name in results[0].predicted if name.startswith("untrained")]
    tested = np.concatenate([fold.test for fold in rows])
    obs = pd.DataFrame(
        {
            "patient_id": data.patients[tested],
            "fold": np.concatenate([np.full(len(fold.test), fold.fold) for fold in rows]),
            "cohort": data.cohorts[tested],
        },
        index=pd.Index([data.slides[row] for row in tested], dtype=object),
    )
    if not data.cohorts.astype(bool).any():
        del obs["cohort"]
    with (
        new_file(path) as temporary,
        PredictionsFile(temporary, data.genes, ["measured", *nulls, "ridge"]) as file,
    ):
        for fold, one in zip(rows, results, strict=True):
            layers = {name: one.predicted[name] for name in (*nulls, "ridge")}
            file.append(X=one.predicted["network"], measured=data.expression[fold.test], **layers)
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
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("sequoia-histology", "torch", "numpy")}


def _read_run(path: Path) -> dict[str, Any] | None:
    """The record of a run; None if there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError("the record of the run cannot be read", where=f"{path} ({error})") from None
    if not isinstance(content, dict) or content.get("schema") != _SCHEMA:
        raise InputError(f"the file is not the record of a run ({_SCHEMA})", where=str(path))
    return content


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs, in words: "lr is 0.001, not 0.01"."""
    long = {"data": "features, expression or patients differ", "splits": "the splits differ"}
    return [
        long.get(name, f"{name} is {before.get(name)}, not {now.get(name)}")
        for name in dict.fromkeys([*now, *before])
        if jsonable(before.get(name)) != jsonable(now.get(name))
    ]


def _write_run(path: Path, content: Mapping[str, Any]) -> None:
    write_text(path, json.dumps(jsonable(content), indent=1) + "\n")
