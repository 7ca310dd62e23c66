"""Risk scores of several models, read from files or frames, and the patients that all of them share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from sequoia_base.flow import Flow
from sequoia_base.names import table_stem, written_otherwise
from sequoia_base.outcomes import read_fold_scales, read_outcome_table, read_risk_table, scales_beside
from sequoia_stats.errors import InputError, counted, listing, part
from sequoia_stats.survival import RISK_GROUPS
from sequoia_stats.types.outcome import Outcome

_SAME_TIME = (
    1e-6  # share by which the times of a patient may differ in two files, which may have rounded them
)


@dataclass(frozen=True, eq=False)
class RiskScores:
    """The risk scores of one model.

    Parameters
    ----------
    name : str
        What the model is called: the stem of its file.
    frame : DataFrame
        Index = patient_id; ``risk_score`` (higher = earlier event) and, where they are known, ``fold`` (Int64), the
        fold that tested the patient, ``group`` ("low", "high" or "uncertain"), ``time`` and ``event``.
    training : DataFrame, optional
        Index = fold; ``n_train, mean, sd, cutoff`` of the scores of the fold's training patients.
    where : str
        The file, for errors.
    """

    name: str
    frame: pd.DataFrame
    training: pd.DataFrame | None = None
    where: str = ""

    def __post_init__(self) -> None:
        frame, where = self.frame, self.where or self.name
        if "patient_id" in frame:
            frame = frame.set_index("patient_id")
        frame = frame.set_axis(frame.index.astype(str).rename("patient_id"), axis=0)
        repeated = frame.index[frame.index.duplicated()].unique()
        if len(repeated):
            raise InputError(
                f"{counted(len(repeated), 'patient has', 'patients have')} several scores: {listing(repeated)}",
                where=where,
                fix="give one score per patient",
            )
        if "risk_score" not in frame:
            raise InputError(f"there is no risk_score among {listing(frame.columns)}", where=where)
        scores = pd.to_numeric(frame["risk_score"], errors="coerce").astype(np.float64)
        if odd := list(frame.index[~np.isfinite(scores)]):
            raise InputError(
                f"{part(len(odd), len(frame), 'score', 'are')} not finite", where=f"{where}: {listing(odd)}"
            )
        frame = frame.assign(risk_score=scores)
        if "group" in frame and (other := set(frame["group"]) - set(RISK_GROUPS)):
            raise InputError(
                f"a group is {listing(RISK_GROUPS)}, not {listing(map(repr, sorted(map(str, other))))}",
                where=where,
            )
        if "fold" in frame and frame["fold"].isna().all():
            frame = frame.drop(columns="fold")
        if "fold" in frame:
            folds = pd.to_numeric(frame["fold"], errors="coerce").astype("Float64")
            if odd := list(frame.index[frame["fold"].notna() & ~(folds % 1 == 0).fillna(False)]):
                raise InputError(
                    f"{part(len(odd), len(frame), 'fold', 'are')} no whole number",
                    where=f"{where}: {listing(odd)}",
                )
            frame = frame.assign(fold=folds.astype("Int64"))
        object.__setattr__(self, "frame", frame)
        object.__setattr__(self, "where", where)

    @property
    def folds(self) -> pd.Series | None:
        """The fold of every patient; None if the model was not cross-validated."""
        return self.frame.get("fold")

    def of(self, patients: pd.Index) -> RiskScores:
        """The scores of these patients, in this order."""
        return replace(self, frame=self.frame.loc[patients])


def read_risk_scores(path: str | Path) -> RiskScores:
    """Read the scores of a file, and the scale of each fold from ``<stem>.folds.csv`` beside it if that is there.

    Parameters
    ----------
    path : path
        ``risk.csv`` of ``sequoia-model risk``, ``scores.csv`` of ``sequoia-stats signature score``, or any CSV with
        ``patient_id`` and ``risk_score``. "name=path" gives the scores another name than the stem of the file.

    Raises
    ------
    InputError
        If a file cannot be read, or the scale of a fold is missing.
    """
    name, path = named_file(path)
    beside = scales_beside(path)
    scores = RiskScores(name, read_risk_table(path), None, str(path))
    if not beside.exists():
        return scores
    training = read_fold_scales(beside)
    if scores.folds is None:
        raise InputError(
            "the scores have no fold, but there is a scale for each", where=f"{path} and {beside}"
        )
    absent = sorted(set(scores.folds.dropna()) - set(training.index))
    if absent:
        raise InputError(
            f"there is no scale for {counted(len(absent), 'fold')} of the scores: {listing(absent)}",
            where=f"{beside}; its folds are {listing(training.index)}",
            fix="write both files by one command",
        )
    return replace(scores, training=training)


def named_file(source: str | Path) -> tuple[str, Path]:
    """The name of the scores in a file, and the file: "image=runs/a/risk.csv", or a file that is named by its stem.

    Examples
    --------
    >>> named_file("image=runs/a/risk.csv"), named_file("scores.csv")
    (('image', PosixPath('runs/a/risk.csv')), ('scores', PosixPath('scores.csv')))
    """
    name, _, path = str(source).partition("=")
    if name and path and "/" not in name and not Path(source).exists():
        return name, Path(path)
    return table_stem(source), Path(source)


def as_scores(scores: Sequence[str | Path] | Mapping[str, pd.DataFrame | RiskScores]) -> list[RiskScores]:
    """The models to compare, each by a name of its own.

    Parameters
    ----------
    scores : sequence of path, or mapping of str to DataFrame or RiskScores
        Files as in `read_risk_scores`, or scores by name; a frame has ``patient_id`` as column or index, and the
        columns of `RiskScores`.

    Raises
    ------
    InputError
        If there is none, or two have one name.
    """
    if isinstance(scores, Mapping):
        return [
            replace(one, name=name) if isinstance(one, RiskScores) else RiskScores(name, one)
            for name, one in scores.items()
        ] or _none()
    files = [scores] if isinstance(scores, str | Path) else list(scores)
    stems: dict[str, list[str]] = {}
    for file in files:
        stems.setdefault(named_file(file)[0], []).append(str(file))
    if twice := {stem: named for stem, named in stems.items() if len(named) > 1}:
        first, second, *_ = next(iter(twice.values()))
        raise InputError(
            f"several files are called {listing(twice)}, which would be the name of several models",
            where=listing(file for named in twice.values() for file in named),
            fix=f"give each a name of its own: signature={named_file(first)[1]} image={named_file(second)[1]}",
        )
    return [read_risk_scores(file) for file in files] or _none()


def _none() -> list[RiskScores]:
    raise InputError("there are no risk scores to compare", fix="give one file of scores or more")


def as_outcome_table(outcome: str | Path | pd.DataFrame | Outcome) -> tuple[pd.DataFrame, str]:
    """The outcome of each patient (index patient_id; time, event) and where it is from.

    Parameters
    ----------
    outcome : path, DataFrame or Outcome
        ``outcome.csv``; or a frame of the same; or an outcome that names its patients.
    """
    if isinstance(outcome, str | Path):
        return read_outcome_table(outcome), str(outcome)
    if isinstance(outcome, Outcome):
        if outcome.patients is None:
            raise InputError("the outcome does not name its patients", fix="Outcome(..., patients=ids)")
        outcome = pd.DataFrame({"time": outcome.time, "event": outcome.event}, outcome.patients)
    table = outcome.set_index("patient_id") if "patient_id" in outcome else outcome
    return table.set_axis(table.index.astype(str).rename("patient_id"), axis=0), "the outcome"


def shared_patients(
    models: Sequence[RiskScores], outcome: pd.DataFrame, where: str, flow: Flow
) -> tuple[list[RiskScores], pd.DataFrame]:
    """All models and the outcome, of the patients that all of them have, sorted by id.

    Who is left out is counted. A patient whose fold is not known is left out where others have one.

    Parameters
    ----------
    models : sequence of RiskScores
        The models.
    outcome : DataFrame
        Index = patient_id; ``time, event``.
    where : str
        The file of the outcome, for errors.
    flow : Flow
        The ledger; lines are added.

    Raises
    ------
    InputError
        If no patient is shared, two models have different folds, or a model has another outcome.
    """
    kept = outcome.index
    for model in models:
        there = model.frame.index.intersection(outcome.index, sort=False)
        if there.empty:
            raise InputError(
                f"no patient of {model.name} has an outcome",
                where=f"{model.where}: {listing(model.frame.index, 3)}; {where}: {listing(outcome.index, 3)}",
                fix="give the outcome of the same patients, with the same ids",
            )
        refuse_spellings(model, outcome.index, where)
        refuse_other_outcome(model, outcome.loc[there], where)
        n, known = len(model.frame), there
        flow.add(f"patients: {model.name}", n, len(there), f"{n - len(there)} have no outcome")
        if model.folds is not None and (lost := int(model.folds[there].isna().sum())):
            known = there[model.folds[there].notna()]
            flow.add(f"folds: {model.name}", len(there), len(known), f"{lost} are in no fold")
        kept = kept.intersection(known, sort=False)
    if kept.empty:
        raise InputError(
            "no patient has a score of every model and an outcome",
            where=listing([*(f"{model.where}: {listing(model.frame.index, 3)}" for model in models), where]),
            fix="give scores of the same patients",
        )
    names = listing((model.name for model in models), len(models))
    flow.add(
        "patients: outcome", len(outcome), len(kept), f"{len(outcome) - len(kept)} lack a score of {names}"
    )
    kept = kept.sort_values()
    _refuse_other_folds([model.of(kept) for model in models])
    return [model.of(kept) for model in models], outcome.loc[kept]


def refuse_spellings(model: RiskScores, known: pd.Index, where: str) -> None:
    """Refuse ids that differ from those of the outcome only in how they are written: these patients would be lost."""
    pairs = written_otherwise(model.frame.index, known)
    if pairs:
        shown = listing((f"{ours!r} and {theirs!r}" for ours, theirs in pairs), 3)
        raise InputError(
            f"{counted(len(pairs), 'patient has an id', 'patients have ids')} that the two files write differently",
            where=f"{model.where}; {where}; there and here: {shown}",
            fix="write the ids in the same way in both files",
        )


def refuse_other_outcome(model: RiskScores, outcome: pd.DataFrame, where: str) -> None:
    """Refuse scores of a model that was trained on another endpoint, as its own file shows."""
    if not {"time", "event"} <= set(model.frame):
        return
    own = model.frame.loc[outcome.index]
    same = np.isclose(own["time"].astype(float), outcome["time"], rtol=_SAME_TIME, atol=0)
    odd = outcome.index[~(same & (own["event"].astype(bool) == outcome["event"].astype(bool)))]
    if len(odd):
        first = odd[0]
        pair = [f"{table.loc[first, 'time']:g}, {int(table.loc[first, 'event'])}" for table in (own, outcome)]
        raise InputError(
            f"{model.name} was tested on another outcome: {part(len(odd), len(outcome), 'patient', 'have')} another "
            "time or event",
            where=f"{model.where} and {where}: {listing(odd)}; {first}: time, event {pair[0]} and {pair[1]}",
            fix="give the outcome of the endpoint that the model was trained for",
        )


def _refuse_other_folds(models: Sequence[RiskScores]) -> None:
    """Refuse models that were cross-validated in different folds: their pairs of patients would not be the same."""
    with_folds = [model for model in models if model.folds is not None]
    for model in with_folds[1:]:
        first = with_folds[0]
        assert first.folds is not None and model.folds is not None
        odd = model.folds.index[model.folds.to_numpy() != first.folds.to_numpy()]
        if len(odd):
            patient = odd[0]
            raise InputError(
                f"{first.name} and {model.name} have different folds: "
                f"{part(len(odd), len(model.folds), 'patient', 'are')} in another one",
                where=f"{first.where} and {model.where}: {listing(odd)}; {patient}: fold {first.folds[patient]} "
                f"and {model.folds[patient]}",
                fix="train both on one file of splits (--splits)",
            )
