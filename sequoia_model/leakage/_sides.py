"""Who is on which side of each fold, from any file that says so; nothing is refused that an audit should find."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sequoia_base.apart import h5ad
from sequoia_base.names import bare_slide
from sequoia_model.errors import InputError, listing, part
from sequoia_model.leakage._patient_table import PatientTable
from sequoia_model.legacy import tested_slides
from sequoia_model.splits import ROLES, Splits, published, read_lists

#: Files of a run folder, besides those of its folds.
SPLITS_FILE, PREDICTIONS_FILE = "splits.csv", "predictions.h5ad"
PatientOf = Callable[[str], str | None]
#: Splits: of a file or folder, in memory, or "published:BRCA".
Given = str | Path | Splits


@dataclass(frozen=True, eq=False)
class Sides:
    """Who is on which side of each fold, and which fold predicted whom.

    Parameters
    ----------
    kind : str
        What was read: splits, run, predictions or results.
    listed : DataFrame
        A row per name and role in a fold; columns ``fold`` (int), ``role``, ``name`` (a slide or a patient),
        ``patient``, and ``known`` (bool): whether anything says the patient. Empty if only predictions were read.
    tested : DataFrame
        The same of predicted slides, without roles. Empty if no predictions were read.
    of_slides : bool
        Whether the names in `listed` are those of slides.
    notes : tuple of str
        What a user must know about them.
    first : int
        What the file calls the first fold, which is fold 0 in `listed`: 0, or 1 if it counts folds from 1.
    """

    kind: str
    listed: pd.DataFrame
    tested: pd.DataFrame
    of_slides: bool = False
    notes: tuple[str, ...] = ()
    first: int = 0

    @property
    def folds(self) -> list[int]:
        """Numbers of the folds."""
        return sorted({*self.listed["fold"], *self.tested["fold"]})

    @property
    def patients(self) -> list[str]:
        """All patients."""
        return sorted({*self.listed["patient"], *self.tested["patient"]})

    @property
    def some_known(self) -> bool:
        """Whether the patient of any name is known; if not, two slides of one patient cannot be told."""
        return bool(self.listed["known"].any() or self.tested["known"].any())

    def of_role(self, fold: int, role: str, column: str = "patient") -> set[str]:
        """Patients, or names, on one side of a fold."""
        rows = self.listed[(self.listed["fold"] == fold) & (self.listed["role"] == role)]
        return set(rows[column])


def read_sides(path: str | Path, table: PatientTable, splits: Given | None = None) -> Sides:
    """Read splits of any layout, a run folder, predictions (.h5ad) or results of the published code (.pkl).

    Parameters
    ----------
    path : path
        The file or folder.
    table : PatientTable
        What a user says of slides and patients.
    splits : path, Splits or "published:BRCA", optional
        Whom the folds trained on whose predictions or results are read.

    Raises
    ------
    InputError
        If it is none of these, cannot be read, has nothing in common with the table or the splits, or says itself whom
        the folds trained on although splits are given.
    """
    sides = _read_sides(Path(path), table.patient)
    if splits is not None:
        sides = _beside(sides, splits, table.patient, path)
    if sides.of_slides or not len(sides.listed):
        table.refuse_other_slides([*sides.listed["name"], *sides.tested["name"]], path)
    table.refuse_other_patients(sides.patients, sides.kind, path)
    return sides


def _beside(sides: Sides, splits: Given, patient_of_name: PatientOf, path: object) -> Sides:
    """Predictions or results, and the splits by which their networks were trained."""
    if len(sides.listed):
        raise InputError(
            "splits are given beside a file that says itself whom the folds trained on",
            where=str(path),
            fix="leave out --splits, or audit predictions (.h5ad) or test_results.pkl",
        )
    beside = _given(splits, patient_of_name)
    name = splits.name if isinstance(splits, Splits) else str(splits)
    tested, counted_alike = _as_counted(sides.tested, beside)
    if lost := sorted(set(tested["fold"]) - set(beside.listed["fold"])):
        raise InputError(
            f"the splits have no fold {listing(lost)}, which predicted",
            where=f"{name}, which has the folds {listing(beside.folds)}; {path}",
            fix="give the splits of these networks; folds are counted from 0",
        )
    strangers = _strangers(beside.listed, tested, name)
    if not set(sides.tested["patient"]) & set(beside.listed["patient"]):
        raise InputError(
            "none of the predicted patients is in the splits",
            where=f"{path}: {listing(sides.patients, 3)}; {name}: {listing(beside.patients, 3)}",
            fix="give the splits of these networks; if names differ, --patients says whose the slides are",
        )
    notes = (*sides.notes, *beside.notes, *counted_alike, *strangers)
    return Sides(sides.kind, beside.listed, tested, beside.of_slides, notes)


def _as_counted(tested: pd.DataFrame, beside: Sides) -> tuple[pd.DataFrame, list[str]]:
    """Predicted slides with the folds as the splits have them here, where both count folds from 1; and a note.

    Agreement of patients must not decide: folds that are paired wrongly are often shifted by one. A fold 0 does, for
    files that count from 1 have none.
    """
    own = {fold + beside.first for fold in beside.listed["fold"]}
    if not beside.first or not set(tested["fold"]) <= own:
        return tested, []
    note = f"no fold 0 predicted, so fold {beside.first} there is taken for that of the splits, fold 0 here"
    return tested.assign(fold=tested["fold"] - beside.first), [note]


def _given(splits: Given, patient_of_name: PatientOf) -> Sides:
    if isinstance(splits, Splits):
        return sides_of(splits)
    kind, colon, cancer = str(splits).partition(":")
    if kind == "published" and colon:
        return sides_of(published(cancer))
    return _of_lists(Path(splits), patient_of_name)


def _strangers(listed: pd.DataFrame, tested: pd.DataFrame, name: str) -> list[str]:
    """A note on predicted patients who are in no fold."""
    lost = sorted(set(tested["patient"]) - set(listed["patient"]))
    n = part(len(lost), tested["patient"].nunique(), "predicted patient", "are")
    return [f"{n} not in {name}: {listing(lost, 3)}"] if lost else []


def _read_sides(path: Path, patient_of_name: PatientOf) -> Sides:
    if path.is_dir() and any((path / name).exists() for name in (SPLITS_FILE, PREDICTIONS_FILE)):
        return _of_run(path, patient_of_name)
    if path.suffix.lower() in (".pkl", ".pickle"):
        pairs = tested_slides(path)
        known = [(fold, "", name) for name, fold in pairs if fold is not None]
        if not known:
            raise InputError("the results do not say which fold tested whom", where=str(path))
        tested, notes = _frame(known, patient_of_name, path)
        if lost := len(pairs) - len(known):
            notes = (*notes, f"{part(lost, len(pairs), 'slide', 'have')} no fold")
        return Sides("results", _nobody(), tested, notes=notes)
    if path.suffix.lower() == ".h5ad":
        tested, notes = _predicted(path, patient_of_name)
        return Sides("predictions", _nobody(), tested, notes=notes)
    return _of_lists(path, patient_of_name)


def _of_lists(path: Path, patient_of_name: PatientOf) -> Sides:
    """Splits of any layout."""
    lists = read_lists(path)
    rows = [(fold, role, name) for fold, pairs in enumerate(lists.folds) for name, role in pairs]
    listed, notes = _frame(rows, patient_of_name, path, of_patients=lists.of_patients)
    notes = (*lists.notes, *notes)
    return Sides("splits", listed, _nobody(), not lists.of_patients, notes, lists.first)


def sides_of(splits: Splits) -> Sides:
    """Splits in memory, as `read_sides` gives those of a file."""
    rows = [
        (fold, role, patient)
        for fold in range(splits.n_folds)
        for role in ROLES
        for patient in splits.patients(fold, role)
    ]
    listed, _ = _frame(rows, lambda name: name, splits.name, of_patients=True)
    return Sides("splits", listed, _nobody())


def _of_run(folder: Path, patient_of_name: PatientOf) -> Sides:
    """The splits of a run and what its predictions say; either may be missing."""
    listed, tested = _nobody(), _nobody()
    notes: list[str] = []
    if (folder / SPLITS_FILE).exists():
        read = _of_lists(folder / SPLITS_FILE, patient_of_name)
        listed = read.listed
        notes += read.notes
    else:
        notes.append(f"there is no {SPLITS_FILE}, so only the predictions are looked at")
    if (folder / PREDICTIONS_FILE).exists():
        tested, more = _predicted(folder / PREDICTIONS_FILE, patient_of_name)
        notes += more
        if len(listed):
            tested, counted_alike = _as_counted(tested, read)
            notes += counted_alike
            notes += _strangers(listed, tested, SPLITS_FILE)
    else:
        notes.append(f"there is no {PREDICTIONS_FILE}, so only the splits are looked at")
    return Sides("run", listed, tested, notes=tuple(notes))


def _predicted(path: Path, patient_of_name: PatientOf) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The fold that predicted each slide, from the obs of predictions."""
    _, obs, _ = h5ad.names(path)
    if "fold" not in obs:
        raise InputError(
            "the predictions do not say which fold made them: there is no column fold",
            where=f"{path}, obs: {listing(obs.columns) or 'no columns'}",
        )
    fold = pd.to_numeric(obs["fold"].astype("object"), errors="coerce").to_numpy(float, na_value=float("nan"))
    patients = obs.get("patient_id", obs.index)
    owner = {bare_slide(str(slide)): str(patient) for slide, patient in zip(obs.index, patients, strict=True)}
    known = [
        (int(number), "", str(slide))
        for slide, number in zip(obs.index, fold, strict=True)
        if number == number
    ]
    if not known:
        raise InputError(
            "no prediction says which fold made it, as where all networks predict a new cohort",
            where=f"{path}, obs, column fold",
            fix="audit the splits of the training",
        )
    tested, notes = _frame(known, lambda name: patient_of_name(owner[name]) or owner[name], path)
    if lost := len(obs) - len(known):
        notes = (*notes, f"{part(lost, len(obs), 'slide', 'have')} no fold, as where all networks predict")
    return tested, notes


def _nobody() -> pd.DataFrame:
    nothing = {"fold": int, "role": object, "name": object, "patient": object, "known": bool}
    return pd.DataFrame({column: pd.Series(dtype=kind) for column, kind in nothing.items()})


def _frame(
    rows: Iterable[tuple[int, str, str]],
    patient_of_name: PatientOf,
    where: object,
    *,
    of_patients: bool = False,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """A row per name and role in a fold, each once; and a note on slides without a patient."""
    table = pd.DataFrame(rows, columns=["fold", "role", "name"])
    table["name"] = table["name"].map(str if of_patients else bare_slide)
    names = list(dict.fromkeys(table["name"]))
    owner = {name: patient_of_name(name) for name in names}
    unknown = [] if of_patients else [name for name in names if not owner[name]]
    table["patient"] = [owner[name] or name for name in table["name"]]
    table["known"] = ~table["name"].isin(unknown)
    n = part(len(unknown), len(names), "slide", "have")
    note = f"{n} no patient, so each counts as its own patient: {listing(unknown, 3)}"
    if table.empty:
        raise InputError("nobody is in any fold", where=str(where))
    return table.reset_index(drop=True), (note,) if unknown else ()
