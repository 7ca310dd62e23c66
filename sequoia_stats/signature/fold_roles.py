"""What the patients of a cohort do in the folds of splits, however their ids are written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd

from sequoia_base.names import tcga_patient, written_otherwise
from sequoia_base.splits import Splits
from sequoia_stats.errors import InputError, counted, listing, part

#: Whom a signature of a fold is trained on: its penalty is chosen within these patients, so nobody need validate.
TRAINS = ("train", "val")


def roles_of(patients: pd.Index, splits: Splits) -> pd.DataFrame:
    """The role of each patient in each fold, "" where there is none; rows as in `patients`.

    Ids are compared as they are written, and as the TCGA patient of a sample's barcode.
    """
    known = splits.roles.index
    names = [name if name in known else tcga_patient(name) for name in map(str, patients)]
    return splits.roles.reindex(names).fillna("").set_axis(patients, axis=0)


def check_tested(splits: Splits) -> None:
    """Refuse splits without a test part, and those that test a patient in several folds.

    Raises
    ------
    InputError
        Naming the patients.
    """
    times = (splits.roles == "test").sum(axis=1)
    if not times.any():
        raise InputError(
            "the splits have no test part, so there is nobody whom a signature has not seen",
            where=splits.name,
            fix="use splits that test each patient once",
        )
    if len(often := times.index[times > 1]):
        raise InputError(
            f"{part(len(often), len(times), 'patient', 'are')} tested in several folds",
            where=f"{splits.name}: {listing(often)}",
            fix="use splits that test each patient once",
        )


def refuse_other_spelling(patients: pd.Index, name: str, splits: Splits) -> None:
    """Refuse patients who are in no fold only because the splits write their ids in another way.

    Raises
    ------
    InputError
        Naming the patients of `name`, with both spellings.
    """
    if alike := written_otherwise(map(str, patients), splits.roles.index):
        pairs = listing((f"{ours!r} and {theirs!r}" for ours, theirs in alike), 3)
        raise InputError(
            f"{counted(len(alike), 'patient is', 'patients are')} written in another way in the splits",
            where=f"{name} and {splits.name}: {pairs}",
            fix="write the ids alike",
        )


@contextmanager
def in_fold(fold: int) -> Iterator[None]:
    """Add the fold to the place of an error."""
    try:
        yield
    except InputError as error:
        error.where = f"fold {fold}" + (f"; {error.where}" if error.where else "")
        raise
