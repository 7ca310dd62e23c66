"""Splits from files: ours, and those of CLAM, MCAT and SurvPath, which name slides or patients."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from sequoia_base.names import bare_slide
from sequoia_model.errors import InputError, listing
from sequoia_model.patients import find_patients, patient_columns, read_patients, read_texts
from sequoia_model.splits.assignment import ROLES, Splits

_FILE = re.compile(r"splits?_(\d+)(_bool)?\.csv", re.IGNORECASE)
_FOLD = re.compile(r"fold_\d+")
#: Slides or patients of one fold, each with its role.
Pairs = list[tuple[str, str]]


def read_splits(path: str | Path, patients: str | Path | Mapping[str, str] | None = None) -> Splits:
    """Read splits, whoever wrote them.

    Parameters
    ----------
    path : path
        A CSV with a row per patient and a column per fold (ours, and the published ones); or a file of one fold, with
        a column of names for each role (CLAM ``splits_0.csv``; without ``test``: MCAT, SurvPath) or with a row per
        name and True in the column of its role (CLAM ``splits_0_bool.csv``); or a folder of such files, whose numbers
        are the folds. Where a folder has both kinds, they have to agree; ``_descriptor`` files are passed over.
    patients : path or mapping of str to str, optional
        Slide to patient, or a CSV of them (`read_patients`), where names are neither TCGA barcodes nor patients.

    Returns
    -------
    Splits
        Of patients. A file of one fold is fold 0. Without a test part roles stay as they are, and ``note`` says so.

    Raises
    ------
    InputError
        If a file cannot be read or is none of these, the number of a fold is missing, a slide has no patient, or a
        patient has two roles in a fold.
    """
    path = Path(path)
    given = patients if patients is None or isinstance(patients, Mapping) else read_patients(patients)
    name = path.name.partition(".")[0]
    if path.is_dir():
        return _of_names(_read_folder(path), given, path, name)
    texts = read_texts(path)
    if not any(map(_FOLD.fullmatch, texts.columns)):
        return _of_names([_read_fold(texts, path)], given, path, name)
    if patients is not None:
        raise InputError("the splits name patients themselves", where=str(path), fix="leave --patients out")
    table = patient_columns(texts, path)
    folds = sorted(filter(_FOLD.fullmatch, texts.columns), key=lambda fold: int(fold.partition("_")[2]))
    index = pd.Index(table["patient_id"])
    roles = texts[folds].apply(lambda column: column.str.lower()).set_axis(index, axis=0)
    cohort = table["cohort"].set_axis(index) if "cohort" in table else None
    try:
        return Splits(roles, cohort, name)
    except InputError as error:
        raise _located(error, name, path) from None


def _of_names(folds: list[Pairs], given: Mapping[str, str] | None, path: Path, name: str) -> Splits:
    """Splits of patients from the slides of every fold."""
    table = None if given is None else {bare_slide(slide): patient for slide, patient in given.items()}
    slides = dict.fromkeys(slide for pairs in folds for slide, _ in pairs)
    patient = find_patients(slides, table, path)
    columns = [
        pd.Series(
            [role for _, role in pairs],
            [patient[slide] for slide, _ in pairs],
            name=f"fold_{i}",
            dtype=object,
        )
        for i, pairs in enumerate(folds)
    ]
    try:
        return Splits(pd.concat([column.to_frame() for column in columns]).fillna(""), name=name)
    except InputError as error:
        raise _located(error, name, path) from None


def _located(error: InputError, name: str, path: Path) -> InputError:
    """The error with the file in place of the name that was made of it."""
    return InputError(error.what, where=f"{path}{error.where.removeprefix(name)}", fix=error.fix)


def _read_folder(folder: Path) -> list[Pairs]:
    """The folds of a folder in the order of their numbers."""
    plain: dict[int, Path] = {}
    flags: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        if found := _FILE.fullmatch(path.name):
            kind, number = flags if found[2] else plain, int(found[1])
            if number in kind:
                raise InputError(f"two files are of fold {number}", where=f"{kind[number]}, {path}")
            kind[number] = path
    numbers = plain.keys() | flags.keys()
    if not numbers:
        raise InputError("the folder has no files of splits", where=f"{folder}/splits_0.csv, …")
    missing = sorted(set(range(max(numbers) + 1)) - numbers)
    if missing:
        raise InputError(
            f"{len(missing)} folds are missing, counted from 0 to {max(numbers)}",
            where=listing(folder / f"splits_{number}.csv" for number in missing),
        )
    folds = []
    for number in sorted(numbers):
        read = [
            _read_fold(read_texts(kind[number]), kind[number]) for kind in (plain, flags) if number in kind
        ]
        if len({frozenset(pairs) for pairs in read}) > 1:
            differ = sorted({slide for slide, _ in set(read[0]) ^ set(read[1])})
            raise InputError(
                f"the two files of fold {number} differ in {len(differ)} slides: {listing(differ)}",
                where=f"{plain[number]}, {flags[number]}",
                fix="remove the one that does not hold",
            )
        folds.append(read[0])
    return folds


def _read_fold(texts: pd.DataFrame, path: Path) -> Pairs:
    """The names of one fold with their roles, from columns of names or of True and False."""
    roles = [title for title in texts.columns if title in ROLES]
    others = [title for title in texts.columns if title not in ROLES]
    if "train" not in roles or len(roles) < 2 or len(set(roles)) < len(roles) or len(others) > 1:
        raise InputError(
            f"these are no splits that can be read; the columns are {listing(texts.columns)}",
            where=str(path),
            fix="patient_id, fold_0, fold_1, …; or train, val, test, as CLAM, MCAT and SurvPath write them",
        )
    if path.stem.endswith("_descriptor"):
        raise InputError(
            "this file counts slides and does not name them", where=str(path), fix="give its folder"
        )
    cells = texts[roles].apply(lambda column: column.str.lower())
    if others:  # 1 and 0 beside a column of slides are no names
        cells = cells.replace({"1": "true", "0": "false"})
    if not cells.isin(["true", "false"]).all(axis=None):
        return [(bare_slide(name), role) for role in roles for name in texts[role] if name]
    if not others:
        raise InputError("there is True and False, and no column of slides", where=str(path))
    return [(bare_slide(s), role) for role in roles for s in texts.loc[cells[role] == "true", others[0]]]
