"""The model matrix of a regression: numbers, and indicators of levels."""

from __future__ import annotations

from numbers import Number

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_stats.errors import InputError, listing

_RANK = 1e-9  # a covariate that adds less than this to the others follows from them


def design_matrix(covariates: pd.DataFrame) -> pd.DataFrame:
    """Numbers as they are; for everything else one indicator per level but the first, named "column: level".

    Raises
    ------
    InputError
        If a column is infinite, constant, or a combination of those before it.
    """
    columns: dict[str, NDArray[np.float64]] = {}
    for name, values in covariates.items():
        if values.map(lambda value: isinstance(value, Number | np.bool_)).all():
            columns[str(name)] = values.to_numpy(dtype=np.float64)
            continue
        texts = values.astype(str).to_numpy()
        levels = np.unique(texts)
        columns |= {f"{name}: {level}": (texts == level).astype(np.float64) for level in levels[1:]}
        if levels.size == 1:
            columns[f"{name}"] = np.zeros(len(values))
    design = pd.DataFrame(columns)
    matrix = design.to_numpy()
    if not np.isfinite(matrix).all():
        raise InputError(
            "a covariate is infinite", where=listing(design.columns[~np.isfinite(matrix).all(axis=0)])
        )
    constant = design.columns[np.ptp(matrix, axis=0) <= 1e-12 * np.abs(matrix).max(axis=0)]
    if len(constant):
        raise InputError(
            f"{listing(constant)} is the same for all {len(design)} patients that have every covariate"
        )
    standard = (matrix - matrix.mean(axis=0)) / matrix.std(axis=0)
    ranks = [
        np.linalg.matrix_rank(standard[:, : k + 1], tol=_RANK * len(standard)) for k in range(matrix.shape[1])
    ]
    redundant = design.columns[np.diff(ranks, prepend=0) == 0]
    if len(redundant):
        raise InputError(
            f"{listing(redundant)} follows from the other covariates", fix="leave one of them out"
        )
    return design
