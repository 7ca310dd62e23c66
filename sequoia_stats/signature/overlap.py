"""Whom a signature was trained on: kept as hashes, and looked for among the patients that it scores."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.names import hashed_patients, tcga_patient
from sequoia_stats.errors import InputError, counted, listing

if TYPE_CHECKING:
    from sequoia_stats.signature.signature import Signature

OVERLAP_UNKNOWN = (
    "the signature does not name its training patients (schema version 1), so nobody checked whether it was trained "
    "on these"
)


def hash_training(patients: Iterable[str]) -> list[str]:
    """Sorted sha256 of the ids of training patients; a sample of TCGA counts as its patient."""
    return hashed_patients({tcga_patient(str(patient)) for patient in patients})


def seen_in_training(signature: Signature, patients: pd.Index) -> NDArray[np.bool_] | None:
    """Which patients the signature was trained on.

    Ids are compared as they are written, and as the TCGA patient of a sample's barcode.

    Returns
    -------
    array of shape (patients,) or None
        None if the signature does not say, as in schema version 1.
    """
    known = signature.training.get("patients")
    if known is None:
        return None
    hashes = set(known)
    names = ({str(patient), tcga_patient(str(patient))} for patient in patients)
    return np.array([not hashes.isdisjoint(hashed_patients(both)) for both in names], dtype=bool)


def check_overlap(
    signature: Signature, patients: pd.Index, name: str, *, allowed: bool
) -> tuple[int | None, str]:
    """How many patients of `name` the signature was trained on, None if it is not known, and what to say about it.

    Raises
    ------
    InputError
        If there are any, unless that is allowed.
    """
    seen = seen_in_training(signature, patients)
    if seen is None:
        return None, OVERLAP_UNKNOWN
    n, of_all = int(seen.sum()), counted(len(patients), "patient")
    if n and not allowed:
        raise InputError(
            f"the signature was trained on {n} of the {of_all} to be scored",
            where=f"{name}: {listing(patients[seen], 5)}",
            fix="leave them out; or score each patient by a signature that has not seen them (signature fit --splits, "
            "then signature score --signatures); or use --allow-overlap, also if others only have the same ids",
        )
    said = f"the signature was trained on {n} of the {of_all}: their scores look better than those of new patients"
    return n, said if n else ""
