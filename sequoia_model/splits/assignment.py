"""Splits: the role of every patient in every fold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sequoia_base.atomic import write_text
from sequoia_base.names import patient_of
from sequoia_model.errors import InputError, listing

#: What a patient can be in a fold; "" is none of them.
ROLES = ("train", "val", "test")


@dataclass(frozen=True, eq=False, repr=False)
class Splits:
    """Which patients train, validate and test in each fold.

    Parameters
    ----------
    roles : DataFrame
        Index = patient id, columns = ``fold_0``, ``fold_1``, …; values "train", "val", "test", or "" where the patient
        is not in the fold. Rows of one patient are made one where they do not contradict each other. Kept in the
        order of cohort and patient.
    cohort : Series, optional
        Cohort or cancer type of each patient, "" where it is not known.
    name, note : str
        What it is called, and what has to be known about it. Without a note it says itself what is missing for each
        patient to be held out once.

    Raises
    ------
    InputError
        If a patient has two roles in a fold, a role or a column has another name, or a fold has no patient to train on
        or holds none out.
    """

    roles: pd.DataFrame
    cohort: pd.Series | None = None
    name: str = "splits"
    note: str = ""

    def __post_init__(self) -> None:
        roles = self.roles.set_axis(pd.Index(self.roles.index.astype(str), name="patient_id"), axis=0)
        if roles.empty:
            raise InputError("there are no patients, or no folds", where=self.name)
        _check_words(roles, self.name)
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
        """Those who have a role in a fold."""
        return self.roles.index[self.roles[f"fold_{fold}"] == role]

    def test_fold(self, patient: str) -> int | None:
        """The fold whose test part holds a patient; None where it is in none, or not known at all.

        Raises
        ------
        InputError
            If the patient is in the test part of several folds.
        """
        if patient not in self.roles.index:
            return None
        folds = (self.roles.loc[patient] == "test").to_numpy().nonzero()[0].tolist()
        if len(folds) > 1:
            raise InputError(
                f"the patient {patient} is in the test part of {len(folds)} folds: {listing(folds)}",
                where=self.name,
                fix="take splits that test each patient once",
            )
        return folds[0] if folds else None

    def to_frame(self) -> pd.DataFrame:
        """A row per patient; columns ``cancer`` (only where it is known), ``patient_id``, ``fold_0`` and so on."""
        frame = self.roles.reset_index()
        if self.cohort is not None:
            frame.insert(0, "cancer", self.cohort.to_numpy())
        return frame

    def save(self, path: str | Path) -> None:
        """Write `to_frame` as CSV, which `read_splits` reads back; whole or not at all."""
        write_text(path, self.to_frame().to_csv(index=False, lineterminator="\n"))

    def __repr__(self) -> str:
        note = f"; {self.note}" if self.note else ""
        return f"<Splits {self.name}: {len(self.roles)} patients, {self.n_folds} folds{note}>"


def _refuse_samples(names: pd.Index, where: str) -> None:
    """Refuse names of samples, or of one patient in two spellings: they could be on both sides of a fold."""
    patients = pd.Series(names.map(lambda name: patient_of(name)), names, dtype=object).dropna()
    several = patients[patients.duplicated(keep=False)]
    if len(several):
        raise InputError(
            f"{len(several)} names are of {several.nunique()} patients, each of whom stands more than once",
            where=f"{where}: {listing(several.index, 4)}",
            fix="name patients, the first twelve characters of a TCGA barcode",
        )


def _check_words(roles: pd.DataFrame, name: str) -> None:
    wanted = [f"fold_{i}" for i in range(roles.shape[1])]
    if list(roles.columns) != wanted:
        raise InputError(
            f"the columns of folds are {listing(roles.columns)}",
            where=name,
            fix=f"they have to be {listing(wanted)}",
        )
    for fold in wanted:
        other = roles[fold][~roles[fold].isin(["", *ROLES])]
        if len(other):
            words = listing(f"{patient} ({word!r})" for patient, word in other.items())
            raise InputError(
                f"{len(other)} roles in {fold} are none of {', '.join(ROLES)}", where=f"{name}: {words}"
            )


def _one_row_each(roles: pd.DataFrame, name: str) -> pd.DataFrame:
    """The roles with one row a patient; two roles of a patient in one fold are refused."""
    if roles.index.is_unique:
        return roles
    for number in range(roles.shape[1]):
        said = roles[f"fold_{number}"]
        said = said[said != ""]
        several = said.groupby(level=0).agg(lambda words: ", ".join(sorted(set(words))))
        overlap = several[several.str.contains(",")]
        if len(overlap):
            raise InputError(
                f"{len(overlap)} patients have two roles in fold {number}",
                where=f"{name}: {listing(f'{patient} ({words})' for patient, words in overlap.items())}",
                fix="all slides of a patient have to be in the same part of a fold",
            )
    return roles.groupby(level=0).agg(_first_word)


def _first_word(words: Iterable[str]) -> str:
    return next((word for word in words if word), "")


def _check_folds(roles: pd.DataFrame, name: str) -> None:
    for number in range(roles.shape[1]):
        here = set(roles[f"fold_{number}"])
        if "train" not in here:
            raise InputError(f"fold {number} has no patient to train on", where=name)
        if not here & {"val", "test"}:
            raise InputError(f"fold {number} holds no patient out: all of them train", where=name)


def _shortcomings(roles: pd.DataFrame) -> str:
    """What keeps splits from testing each patient once, in words."""
    times = (roles == "test").sum(axis=1)
    if not times.any():
        return "there is no test part: val is all that is held out, and MCAT and SurvPath report on it"
    found = []
    if (never := int((times == 0).sum())) > 0:
        found.append(f"{never} of {len(roles)} patients are never in the test part")
    if (often := int((times > 1).sum())) > 0:
        found.append(f"{often} of {len(roles)} are in that of several folds")
    return ", ".join(found)
