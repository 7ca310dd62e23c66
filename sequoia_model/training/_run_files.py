"""The files of a run folder, apart from those of the folds: what stands there first, and what the folds add up to."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.atomic import new_file, write_text
from sequoia_base.flow import Flow
from sequoia_base.names import patient_of
from sequoia_base.results import jsonable
from sequoia_base.runs import HIDDEN, stored_state
from sequoia_model.errors import InputError, listing
from sequoia_model.leakage import Audit
from sequoia_model.nets import TileMLP
from sequoia_model.nets.slide_network import SlideNetwork
from sequoia_model.prediction._file import PredictionsFile
from sequoia_model.splits import Splits
from sequoia_model.training.baselines import Chosen, in_words
from sequoia_model.training.data import TrainingData
from sequoia_model.training.fit import LOG_COLUMNS
from sequoia_model.training.folds import FoldRows
from sequoia_model.training.one_fold import FoldPredictions, results_file
from sequoia_model.training.result import FoldRun, TrainingRun
from sequoia_model.training.summary import CrossValidated, Summary, summarise
from sequoia_model.weights._layouts import digest, read_network
from sequoia_model.weights.heads import write_heads
from sequoia_model.weights.side_file import SEEN, SIDE_FILE, SLIDES, write_side_file
from sequoia_model.weights.tensors import CONFIG, SAFETENSORS

RUN, HEADS, PREDICTIONS = "run.json", "heads.h5", "predictions.h5ad"
LOG_TABLE, SUMMARY = "log.csv", "summary.md"
_SCHEMA = "sequoia-run-1"
_OTHER = "give another folder, or remove this one"
_FOLD = re.compile(r"fold_\d+")


def begin_run(
    output: Path,
    settings: Mapping[str, Any],
    data: TrainingData,
    splits: Splits,
    seen: Collection[str],
    *,
    force: bool,
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
    seen : collection of str
        Patients outside the splits on whom the weights to start from were trained.
    force : bool
        Whether a run with other settings is replaced.

    Raises
    ------
    InputError
        If the folder holds a run with other settings, or other files and no run; if it cannot be written.
    """
    path = output / RUN
    before = _read_run(path)
    if before is None:
        _refuse_other_files(output)
    other = [] if before is None else _differences(before.get("settings", {}), settings)
    if other and not force:
        raise InputError(
            f"the run folder was made with other settings: {listing(other, 4)}",
            where=str(path),
            fix="give the same options to go on, another folder, or --force to train anew",
        )
    if before is not None and not other and (output / SIDE_FILE).is_file():
        return
    try:
        output.mkdir(parents=True, exist_ok=True)
        _remove_run(output)
    except OSError as error:
        raise InputError(f"the run folder cannot be written: {error.strerror}", where=str(output)) from None
    _write_run(output / RUN, {"schema": _SCHEMA, "finished": False, "settings": dict(settings)})
    slides = dict(zip(data.slides, data.patients, strict=True))
    told = all(patient_of(slide) == patient for slide, patient in slides.items())
    write_side_file(
        output, encoder=data.encoder, genes=data.genes, units=data.units, splits=splits, seen=seen,
        slides=None if told else slides,
    )  # fmt: skip


def _refuse_other_files(output: Path) -> None:
    """Refuse a folder that holds files of somebody else; hidden ones are no one's work."""
    names = sorted(item.name for item in output.iterdir()) if output.is_dir() else []
    if foreign := [name for name in names if not name.startswith(".")]:
        raise InputError(
            f"the folder holds {listing(foreign, 3)}, but no {RUN}",
            where=str(output),
            fix="give another folder",
        )


def _remove_run(output: Path) -> None:
    """Remove what a run with other settings has made, and nothing else."""
    for name in (SIDE_FILE, SLIDES, SEEN, PREDICTIONS, HEADS, LOG_TABLE, SUMMARY):
        (output / name).unlink(missing_ok=True)
    shutil.rmtree(output / "tensorboard", ignore_errors=True)
    for item in (output / HIDDEN).glob("fold_*"):
        if item.is_dir():
            shutil.rmtree(item, ignore_errors=True)
        elif item.suffix != ".lock":  # another process may hold it
            item.unlink(missing_ok=True)
    for folder in output.iterdir():
        if _FOLD.fullmatch(folder.name) and folder.is_dir():
            for name in (CONFIG, SAFETENSORS):
                (folder / name).unlink(missing_ok=True)
            with suppress(OSError):  # it holds files of somebody else, which stay
                folder.rmdir()


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
    done = folds_done(output, rows, settings)
    missing = tuple(fold.fold for fold in rows if fold.fold not in done)
    summary = None if missing else _join(output, data, rows, list(done.values()), settings, flow, audited)
    return TrainingRun(
        str(output), len(data.slides), len(set(data.patients)), len(data.genes), data.encoder, data.units,
        tuple(runs), missing, audited, summary, data.failed, flow.to_frame(), data.warnings,
    )  # fmt: skip


def folds_done(output: Path, rows: Sequence[FoldRows], settings: Mapping[str, Any]) -> dict[int, FoldRun]:
    """The folds that are done with these settings and whose files are there."""
    done = {}
    for fold in rows:
        name = f"fold_{fold.fold}"
        state = stored_state(output, name)
        files = (f"{name}/{CONFIG}", f"{name}/{SAFETENSORS}", results_file(fold.fold))
        if (
            state.state == "done"
            and state.made == dict(settings)
            and all((output / f).is_file() for f in files)
        ):
            done[fold.fold] = FoldRun.of(fold, state, computed=False)
    return done


def write_log(output: Path, runs: Iterable[FoldRun]) -> None:
    """Write the log of the folds that are done."""
    log = pd.DataFrame(
        [{"fold": run.fold, **row} for run in runs for row in run.log], columns=["fold", *LOG_COLUMNS]
    )
    write_text(output / LOG_TABLE, log.to_csv(index=False, lineterminator="\n"))


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


def _join(
    output: Path,
    data: TrainingData,
    rows: Sequence[FoldRows],
    runs: Sequence[FoldRun],
    settings: Mapping[str, Any],
    flow: Flow,
    audited: Audit,
) -> Summary:
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
    write_log(output, runs)
    page = f"{summary.to_markdown().rstrip()}\n\n## Audit of the splits\n\n```\n{audited}\n```\n"
    write_text(output / SUMMARY, page)
    folds = [
        {name: value for name, value in run.to_dict().items() if name not in ("computed", "failure")}
        | {"sha256": sha256}
        for run, sha256 in zip(runs, digests, strict=True)
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
        raise InputError(
            "the record of the run cannot be read", where=f"{path} ({error})", fix=_OTHER
        ) from None
    if not isinstance(content, dict) or content.get("schema") != _SCHEMA:
        raise InputError(f"the file is not the record of a run ({_SCHEMA})", where=str(path), fix=_OTHER)
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
