"""Splits: which patients train, validate and test in each fold; as a type, and read from tables of patients."""

from sequoia_base.splits.assignment import ROLES, Dealt, Splits, check_words
from sequoia_base.splits.tables import (
    located,
    patient_roles,
    patient_splits,
    read_patient_splits,
    read_split_texts,
)

__all__ = [
    "ROLES",
    "Dealt",
    "Splits",
    "check_words",
    "located",
    "patient_roles",
    "patient_splits",
    "read_patient_splits",
    "read_split_texts",
]
