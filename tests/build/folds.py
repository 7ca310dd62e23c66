"""Splits of patients P1, P2, …, and signatures of their folds made without a fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sequoia_base.splits import Splits
from sequoia_stats.signature import FoldSignatures
from sequoia_stats.types.cohort import Cohort
from tests.build.cohorts import make_signature


def make_splits(patients: Sequence[str], n_folds: int = 3, val: bool = True) -> Splits:
    """Patient i is tested in fold i % n_folds, validates (or trains) in the next one, and trains in the others."""
    tested = np.arange(len(patients)) % n_folds
    roles = {
        f"fold_{fold}": np.where(
            tested == fold, "test", np.where(val & ((tested + 1) % n_folds == fold), "val", "train")
        )
        for fold in range(n_folds)
    }
    return Splits(pd.DataFrame(roles, pd.Index(patients), dtype=object), name="made splits")


def make_fold_signatures(
    cohort: Cohort,
    coefficients: Sequence[Mapping[str, float]],
    splits: Splits | None = None,
    transform: str = "rank",
) -> FoldSignatures:
    """A signature with given coefficients for each fold of the splits, by default `make_splits` of the cohort."""
    splits = splits or make_splits(list(cohort.patients), len(coefficients))
    trained = [
        splits.roles.index[splits.roles[f"fold_{k}"].isin(["train", "val"])] for k in range(splits.n_folds)
    ]
    made = [
        make_signature(cohort, one, transform, trained_on=list(patients))
        for one, patients in zip(coefficients, trained, strict=True)
    ]
    return FoldSignatures(tuple(made), splits)
