"""Splits: the role of every patient in every fold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sequoia_base.atomic import write_text
from sequoia_base.errors import InputError, counted, listing
from sequoia_base.names import patient_of

#: What a patient can be in a fold; "" if the patient is not in it.
ROLES = ("train", "val", "test")


@dataclass(frozen=True)
class Dealt:
    """How whole sites were dealt to test parts.

    Parameters
    ----------
    solver : str
        "greedy" or "milp".
    unevenness : float
        How far test parts are from even in patients, in those of each cohort and in what is balanced: a share of what
        an even part holds, on average.
    gap : float, optional
        By how much another deal could at most be better, as a share of 1 + `unevenness`; None without a bound: of
        the greedy deal, also where the solver found none that is better.
    val_unevenness : float, optional
        The largest unevenness of a val part; None if the solver did not deal them.
    """

    solver: str
    unevenness: float
    gap: float | None = None
    val_unevenness: float | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Splits:
    """Which patients train, validate and test in each fold.

    Parameters
    ----------
    roles : DataFrame
        Index = patient id, columns = ``fold_0``, ``fold_1``, …; values "train", "val", "test", or "" if the patient
        is not in the fold. Rows of one patient are joined if they do not contradict each other. Kept in the order of
        cohort and patient.
    cohort : Series, optional
        Cohort or cancer type of each patient, "" if it is not known.
    name : str
        Name of the splits.
    note : str
        What a user must know about them. By default it says which patients are not tested exactly once.
    dealt : Dealt, optional
        How whole sites were dealt, if they were.

    Raises
    ------
    InputError
        If a patient has two roles in a fold, a role or a column has another name, or a fold has no patients to train
        on or none to hold out.
    """

    roles: pd.DataFrame
    cohort: pd.Series | None = None
    name: str = "splits"
    note: str = ""
    dealt: Dealt | None = None

    def __post_init__(self) -> None:
        roles = self.roles.set_axis(pd.Index(self.roles.index.astype(str), name="patient_id"), axis=0)
        if roles.empty:
            raise InputError("there are no patients, or no folds", where=self.name)
        check_words(roles, self.name)
        roles = _one_row_each(roles, self.name)
        cohort = self.cohort
        if cohort is not None and not cohort.astype(bool).any():
            cohort = None
        if cohort is not None:
            cohort = cohort[~cohort.index.duplicated()].reindex(roles.index, fill_value="").rename("cancer")
            cohort = cohort.sort_index(kind="stable").sort_values(kind="stable")
            roles = roles.loc[cohort.index]
        else:
            roles = roles.sort_index()
        _refuse_samples(roles.index, self.name)
        _check_folds(roles, self.name)
        object.__setattr__(self, "roles", roles)
        object.__setattr__(self, "cohort", cohort)
        object.__setattr__(self, "note", self.note or _shortcomings(roles))

    @property
    def n_folds(self) -> int:
        """Number of folds."""
        return self.roles.shape[1]

    @property
    def is_partition(self) -> bool:
        """Whether each patient is in the test part of exactly one fold."""
        return bool(((self.roles == "test").sum(axis=1) == 1).all())

    @property
    def sizes(self) -> pd.DataFrame:
        """Number of patients by fold (rows) and role (columns)."""
        counts = [[(self.roles[fold] == role).sum() for role in ROLES] for fold in self.roles]
        return pd.DataFrame(counts, pd.RangeIndex(self.n_folds, name="fold"), list(ROLES))

    def patients(self, fold: int, role: str) -> pd.Index:
        """The patients who have a role in a fold."""
        return self.roles.index[self.roles[f"fold_{fold}"] == role]

    def test_fold(self, patient: str) -> int | None:
        """The fold that tests a patient; None if no fold does, or the patient is not known.

        Raises
        ------
        InputError
            If several folds test the patient.
        """
        if patient not in self.roles.index:
            return None
        folds = (self.roles.loc[patient] == "test").to_numpy().nonzero()[0].tolist()
        if len(folds) > 1:
            raise InputError(
                f"patient {patient} is in the test part of {len(folds)} folds: {listing(folds)}",
                where=self.name,
                fix="use splits that test each patient once",
            )
        return folds[0] if folds else None

    def to_frame(self) -> pd.DataFrame:
        """A row per patient; columns ``cancer`` (only if it is known), ``patient_id``, ``fold_0`` and so on."""
        frame = self.roles.reset_index()
        if self.cohort is not None:
            frame.insert(0, "cancer", self.cohort.to_numpy())
        return frame

    def save(self, path: str | Path) -> None:
        """Write `to_frame` as a CSV that `read_splits` reads back; whole or not at all."""
        write_text(path, self.to_frame().to_csv(index=False, lineterminator="\n"))

    def __repr__(self) -> str:
        note = f"; {self.note}" if self.note else ""
        return f"<Splits {self.name}: {counted(len(self.roles), 'patient')}, {counted(self.n_folds, 'fold')}{note}>"


def _refuse_samples(names: pd.Index, where: str) -> None:
    """Refuse samples, and patients in two spellings: one patient could train and be tested in the same fold."""
    patients = pd.Series(names.map(lambda name: patient_of(name)), names, dtype=object).dropna()
    several = patients[patients.duplicated(keep=False)]
    if len(several):
        raise InputError(
            f"{len(several)} names belong to {counted(several.nunique(), 'patient')}",
            where=f"{where}: {listing(several.index, 4)}",
            fix="give each patient once, by the first twelve characters of the TCGA barcode",
        )


def check_words(roles: pd.DataFrame, name: str) -> None:
    """Refuse columns that are not numbered as folds, and words that are not roles.

    Raises
    ------
    InputError
        Naming the columns, or the patients.
    """
    wanted = [f"fold_{i}" for i in range(roles.shape[1])]
    if list(roles.columns) != wanted:
        raise InputError(
            f"the columns of the folds are {listing(roles.columns)}",
            where=name,
            fix=f"they must be {listing(wanted)}",
        )
    for fold in wanted:
        other = roles[fold][~roles[fold].isin(["", *ROLES])]
        if len(other):
            words = listing(f"{patient} ({word!r})" for patient, word in other.items())
            raise InputError(
                f"{counted(len(other), 'role is', 'roles are')} not valid in {fold}",
                where=f"{name}: {words}",
                fix=f"use {', '.join(ROLES)}, or leave it empty",
            )


def _one_row_each(roles: pd.DataFrame, name: str) -> pd.DataFrame:
    """The roles with one row per patient; two roles of a patient in one fold are refused."""
    if roles.index.is_unique:
        return roles
    for number in range(roles.shape[1]):
        said = roles[f"fold_{number}"]
        said = said[said != ""]
        several = said.groupby(level=0).agg(lambda words: ", ".join(sorted(set(words))))
        overlap = several[several.str.contains(",")]
        if len(overlap):
            raise InputError(
                f"{counted(len(overlap), 'patient has', 'patients have')} two roles in fold {number}",
                where=f"{name}: {listing(f'{patient} ({words})' for patient, words in overlap.items())}",
                fix="put all slides of a patient into the same part of a fold",
            )
    return roles.groupby(level=0).agg(_first_word)


def _first_word(words: Iterable[str]) -> str:
    return next((word for word in words if word), "")


def _check_folds(roles: pd.DataFrame, name: str) -> None:
    for number in range(roles.shape[1]):
        here = set(roles[f"fold_{number}"])
        if "train" not in here:
            raise InputError(f"fold {number} has no patients to train on", where=name)
        if not here & {"val", "test"}:
            raise InputError(f"fold {number} holds out no patients: all of them train", where=name)


def _shortcomings(roles: pd.DataFrame) -> str:
    """Which patients are not tested exactly once, in words."""
    times = (roles == "test").sum(axis=1)
    if not times.any():
        return (
            "there is no test part: only val is held out, as in MCAT and SurvPath, which report results on it"
        )
    found, of_all = [], f"of {counted(len(roles), 'patient')}"
    if (never := int((times == 0).sum())) > 0:
        found.append(f"{never} {of_all} {'is' if never == 1 else 'are'} never tested")
    if (often := int((times > 1).sum())) > 0:
        found.append(f"{often} {of_all} {'is' if often == 1 else 'are'} tested in several folds")
    return ", ".join(found)
