"""Whether test parts differ in sites, batches or clinical variables."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, kruskal

from sequoia_model.patients import as_numbers

#: The chi-squared distribution holds if at least this many are expected in each cell; otherwise labels are permuted.
_EXPECTED = 5
_PERMUTATIONS = 1999
_COLUMNS = ("column", "test", "statistic", "df", "p", "cramers_v", "n", "n_levels", "n_missing", "whole")


def associations(
    fold: Mapping[str, int], columns: Mapping[str, Mapping[str, str]], seed: int = 0
) -> pd.DataFrame:
    """Association of the test fold with each column.

    Parameters
    ----------
    fold : mapping of str to int
        The fold that tests each patient.
    columns : mapping of str to mapping of str to str
        For each column its value by patient, "" where it is missing. Numbers of which more than ten differ are
        compared by ranks, unless the title says that they are codes, as of sites (`as_numbers`).
    seed : int
        Random seed of the permutations.

    Returns
    -------
    DataFrame
        A row per column that has two levels or more. ``test`` is "chi-squared" (Pearson's, without correction), with
        p from its distribution, or "permutation" if it expects fewer than five patients in a cell: the same statistic,
        p the share of 1,999 shuffled folds (and the real one) that reach it; or "kruskal-wallis" for numbers, where
        ``cramers_v`` is missing. ``whole`` says whether each level lies in one fold, as where folds keep sites whole;
        the association is then meant.
    """
    rows = []
    for name, values in columns.items():
        texts = {patient: str(values.get(patient, "")).strip() for patient in fold}
        there = [patient for patient, text in texts.items() if text]
        folds = np.array([fold[patient] for patient in there])
        cells = np.array([texts[patient] for patient in there], dtype=object)
        n_levels = len(set(cells))
        if n_levels < 2 or len(set(folds)) < 2:
            continue
        found = {"column": name, "n": len(there), "n_levels": n_levels, "n_missing": len(texts) - len(there)}
        numbers = as_numbers(name, cells.tolist())
        if numbers is not None:
            rows.append(found | _by_rank(folds, numbers))
        elif 2 * n_levels <= len(there):
            rows.append(found | _by_level(folds, cells, seed))
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def _by_rank(folds: NDArray, numbers: NDArray[np.float64]) -> dict[str, object]:
    test = kruskal(*(numbers[folds == k] for k in np.unique(folds)))
    return {
        "test": "kruskal-wallis", "statistic": float(test.statistic), "df": len(np.unique(folds)) - 1,
        "p": float(test.pvalue), "cramers_v": np.nan, "whole": False,
    }  # fmt: skip


def _by_level(folds: NDArray, cells: NDArray, seed: int) -> dict[str, object]:
    _, row = np.unique(cells.astype(str), return_inverse=True)
    _, column = np.unique(folds, return_inverse=True)
    shape = (int(row.max()) + 1, int(column.max()) + 1)
    counts = _crossed(row, column, shape)
    test = chi2_contingency(counts, correction=False)
    name, p = "chi-squared", float(test.pvalue)
    if (test.expected_freq < _EXPECTED).any():
        name, generator = "permutation", np.random.default_rng(seed)
        expected, reached = test.expected_freq, 1
        for _ in range(_PERMUTATIONS):
            other = _crossed(row, generator.permutation(column), shape)
            reached += ((other - expected) ** 2 / expected).sum() >= test.statistic * (1 - 1e-9)
        p = reached / (_PERMUTATIONS + 1)
    return {
        "test": name, "statistic": float(test.statistic), "df": int(test.dof), "p": p,
        "cramers_v": float(np.sqrt(test.statistic / (len(folds) * (min(shape) - 1)))),
        "whole": bool(((counts > 0).sum(axis=1) == 1).all()),
    }  # fmt: skip


def _crossed(row: NDArray, column: NDArray, shape: tuple[int, int]) -> NDArray[np.float64]:
    counts = np.bincount(row * shape[1] + column, minlength=shape[0] * shape[1])
    return counts.reshape(shape).astype(np.float64)
