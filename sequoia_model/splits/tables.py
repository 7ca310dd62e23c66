"""Reads splits from files: ours, and those of CLAM, MCAT and SurvPath, which name slides or patients."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sequoia_base.atomic import existing_file
from sequoia_base.names import bare_slide, patient_of
from sequoia_base.splits import (
    ROLES,
    Splits,
    check_words,
    located,
    patient_roles,
    patient_splits,
    read_split_texts,
)
from sequoia_model.errors import InputError, counted, listing, part
from sequoia_model.patients import known_patients
from sequoia_model.types.beginnings import kind_of_file

_FILE = re.compile(r"splits?_(\d+)(_bool)?\.csv", re.IGNORECASE)
#: The slides or patients of one fold, each with its role.
Pairs = list[tuple[str, str]]


def read_splits(path: str | Path, patients: str | Path | Mapping[str, str] | None = None) -> Splits:
    """Read splits of our own, of CLAM, MCAT or SurvPath.

    Parameters
    ----------
    path : path
        One of

        - a CSV with a row per patient and a column per fold: ours, and the published ones. Folds may be counted from
          1, ``fold_1`` to ``fold_5``; the first is fold 0 all the same. Capitals in titles make no difference;
        - a CSV with a row per patient and one column ``fold``, the number of the fold that tests the patient, counted
          from 0 or 1; in the other folds the patient trains;
        - a file of one fold with a column of names for each role: CLAM's ``splits_0.csv``, or without ``test`` those
          of MCAT and SurvPath;
        - a file of one fold with a row per name and True in the column of its role: CLAM's ``splits_0_bool.csv``;
        - a folder of such files, numbered by fold. If it has both kinds, they must agree; ``_descriptor`` files are
          ignored.
    patients : path or mapping of str to str, optional
        Slide to patient, or a table of them; needed if the names are neither TCGA barcodes nor patients.

    Returns
    -------
    Splits
        A file of one fold becomes fold 0. If there is no test part, ``note`` says so.

    Raises
    ------
    InputError
        If a file cannot be read or is not one of these, a fold is missing, a slide has no patient, or a patient has
        two roles in a fold.
    """
    path = Path(path)
    given = known_patients(patients)
    name = path.name.partition(".")[0]
    if path.is_dir():
        return _of_names(_read_folder(path), given, path, name)
    texts = _read(path)
    made = patient_splits(texts, path)
    if made is None:
        return _of_names([_read_fold(texts, path)], given, path, name)
    if isinstance(patients, str | Path):  # a mapping says what is known anyhow
        raise InputError("the splits already name patients", where=str(path), fix="leave out --patients")
    return made


@dataclass(frozen=True)
class Lists:
    """What files of splits list, whatever it is: nothing is refused that an audit should find.

    Parameters
    ----------
    folds : tuple of tuple of (str, str)
        Names of each fold, with their roles.
    of_patients : bool
        Whether the names are those of patients; otherwise of slides, or of either.
    notes : tuple of str
        How the file was understood, where there is a doubt, and who is in no fold.
    first : int
        What the file calls the first fold: 0, or 1 if it counts folds from 1.
    """

    folds: tuple[tuple[tuple[str, str], ...], ...]
    of_patients: bool
    notes: tuple[str, ...] = ()
    first: int = 0


def read_lists(path: str | Path) -> Lists:
    """Read the files that `read_splits` reads, but let names be on several sides of a fold.

    Raises
    ------
    InputError
        If a file cannot be read or is not one of these, or a fold is missing.
    """
    path = Path(path)
    if path.is_dir():
        return Lists(tuple(map(tuple, _read_folder(path))), of_patients=False)
    texts = _read(path)
    read = patient_roles(texts, path)
    if read is None:
        return Lists((tuple(_read_fold(texts, path)),), of_patients=False)
    names, roles, notes = read.table["patient_id"], read.roles, read.notes
    check_words(roles.set_axis(names, axis=0), str(path))
    if len(lost := names[(roles == "").all(axis=1)]):
        notes = (*notes, f"{part(len(lost), len(names), 'row', 'are')} in no fold: {listing(lost, 3)}")
    folds = (zip(names, roles[fold], strict=True) for fold in roles)
    by_fold = tuple(tuple(pair for pair in fold if pair[1]) for fold in folds)
    return Lists(by_fold, of_patients=True, notes=notes, first=read.first)


def _read(path: Path) -> pd.DataFrame:
    """The texts of a table of splits."""
    _refuse_no_table(path)
    return read_split_texts(path)


_OTHERWISE = "for the published splits use --from published:BRCA, or another cancer; otherwise {}"
_AS_CSV = "write its slides or patients as a CSV with a column for each of train, val and test"


def _refuse_no_table(path: Path) -> None:
    """Refuse the arrays, archives and pickles in which published code keeps its folds, by what they are."""
    what = kind_of_file(existing_file(path), compressed=False)
    way_out = "unpack it and give the folder or table in it" if what == "a zip archive" else _AS_CSV
    if path.suffix.lower() in (".xlsx", ".xlsm", ".xls"):
        what, way_out = "an Excel workbook", "save its sheet as CSV"
    elif path.suffix.lower() == ".json":
        what = "JSON"
    if what:
        raise InputError(
            f"the file is {what}, but splits are read from CSV tables",
            where=str(path),
            fix=_OTHERWISE.format(way_out),
        )


def _of_names(folds: list[Pairs], given: Mapping[str, str] | None, path: Path, name: str) -> Splits:
    """Splits of patients from the slides of every fold."""
    slides = dict.fromkeys(slide for pairs in folds for slide, _ in pairs)
    patient = _patients_of(slides, given, path)
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
        raise located(error, name, path) from None


def _patients_of(slides: Iterable[str], given: Mapping[str, str] | None, path: Path) -> dict[str, str]:
    """The patient of each slide: as given, else the name itself if it is a given patient, else by its barcode."""
    table = given or {}
    patients = set(table.values())
    found = {s: table.get(s) or (s if s in patients else patient_of(s)) for s in slides}
    if absent := [slide for slide, patient in found.items() if not patient]:
        raise InputError(
            f"{part(len(absent), len(found), 'slide', 'have')} no patient",
            where=f"{path}: {listing(absent)}",
            fix="--patients CSV, with the columns slide and patient_id"
            if given is None
            else "add them to --patients",
        )
    return {slide: patient for slide, patient in found.items() if patient}


def _read_folder(folder: Path) -> list[Pairs]:
    """The folds of a folder in the order of their numbers."""
    plain: dict[int, Path] = {}
    flags: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        if found := _FILE.fullmatch(path.name):
            kind, number = flags if found[2] else plain, int(found[1])
            if number in kind:
                raise InputError(f"there are two files for fold {number}", where=f"{kind[number]}, {path}")
            kind[number] = path
    numbers = plain.keys() | flags.keys()
    if not numbers:
        held = listing(sorted(path.name for path in folder.iterdir()), 3) or "nothing"
        raise InputError(
            "the folder has no files of splits (splits_0.csv, splits_1.csv, …)",
            where=f"{folder}, which holds {held}",
            fix=_OTHERWISE.format(_AS_CSV),
        )
    missing = sorted(set(range(max(numbers) + 1)) - numbers)
    if missing:
        raise InputError(
            f"{counted(len(missing), 'fold is', 'folds are')} missing between 0 and {max(numbers)}",
            where=listing(folder / f"splits_{number}.csv" for number in missing),
        )
    folds = []
    for number in sorted(numbers):
        read = [_read_fold(_read(kind[number]), kind[number]) for kind in (plain, flags) if number in kind]
        if len({frozenset(pairs) for pairs in read}) > 1:
            differ = sorted({slide for slide, _ in set(read[0]) ^ set(read[1])})
            raise InputError(
                f"the two files for fold {number} differ in {counted(len(differ), 'slide')}: {listing(differ)}",
                where=f"{plain[number]}, {flags[number]}",
                fix="remove the one that is wrong",
            )
        folds.append(read[0])
    return folds


def _read_fold(texts: pd.DataFrame, path: Path) -> Pairs:
    """The names of one fold with their roles, from columns of names or of True and False."""
    roles = [title for title in texts.columns if title in ROLES]
    others = [title for title in texts.columns if title not in ROLES]
    if "train" not in roles or len(roles) < 2 or len(others) > 1:
        raise InputError(
            f"the table does not hold splits; its columns are {listing(texts.columns)}",
            where=str(path),
            fix="use patient_id, fold_0, fold_1, …; patient_id, fold; or train, val, test, as CLAM, MCAT and "
            "SurvPath do",
        )
    if path.stem.endswith("_descriptor"):
        raise InputError(
            "the file counts slides, but does not name them", where=str(path), fix="give its folder"
        )
    cells = texts[roles].apply(lambda column: column.str.lower())
    if others:  # next to a column of slides, 1 and 0 are not names
        cells = cells.replace({"1": "true", "0": "false"})
    if not cells.isin(["true", "false"]).all(axis=None):
        return [(bare_slide(name), role) for role in roles for name in texts[role] if name]
    if not others:
        raise InputError("there are True and False, but no column of slides", where=str(path))
    return [(bare_slide(s), role) for role in roles for s in texts.loc[cells[role] == "true", others[0]]]
