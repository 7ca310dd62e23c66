"""Slides or patients that are judged together, read in blocks, so that matrices are never copied as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_stats.types._matrices import group_means
from sequoia_stats.types.arrays import AnyFloats
from sequoia_stats.types.predictions import Predictions, common_rows, refuse_all_constant, refuse_few

#: Genes in a block when rows are copied or averaged; results do not depend on it. Every thread keeps one block.
BLOCK = 256


class Level(NamedTuple):
    """One level of a column of slides, like `Predictions.groups` and `Predictions.per_patient` without a copy.

    Parameters
    ----------
    data : Predictions
        All slides.
    name : str
        Name of the level in errors and notes.
    rows : array of shape (slides,) or None
        Rows of `data` that belong to the level; None if all do.
    codes : array of shape (slides,) or None
        Number of the patient of each of these rows if slides are averaged; None if they are kept.
    obs : DataFrame
        A row per unit, that is, slide or patient.
    """

    data: Predictions
    name: str
    rows: NDArray[np.intp] | None
    codes: NDArray[np.intp] | None
    obs: pd.DataFrame

    @property
    def n(self) -> int:
        """Number of units."""
        return len(self.obs)

    def block(self, matrix: AnyFloats, start: int, stop: int) -> AnyFloats:
        """Columns of a matrix of `data`, with a row per unit."""
        part = matrix[:, start:stop] if self.rows is None else matrix[self.rows, start:stop]
        return part if self.codes is None else group_means(part, self.codes)


def levels(data: Predictions, by: str | None, *, average: bool) -> Iterator[tuple[str, Level]]:
    """The levels of a column, sorted by name; with `average` the units are patients.

    Yields
    ------
    tuple of str and Level
        Without a column there is a single level with the name of `data`.

    Raises
    ------
    InputError
        If the column does not exist or is incomplete, or a level has too few units or no gene that varies.
    """
    if by is None:
        whole = Level(data, data.name, None, None, data.obs)
        yield data.name, _per_patient(whole) if average else whole
        return
    column = data.levels(by).to_numpy()
    for level in sorted(set(column)):
        rows = np.flatnonzero(column == level)
        found = Level(data, f"{data.name}, {by} {level}", rows, None, data.obs.iloc[rows])
        refuse_few(found.n, "slides", found.name)
        _refuse_constant(found)
        yield level, _per_patient(found) if average else found


def _per_patient(level: Level) -> Level:
    codes, patients = pd.factorize(level.obs["patient_id"])
    refuse_few(len(patients), "patients", level.name)
    if len(patients) == level.n:
        return level
    averaged = level._replace(codes=codes, obs=common_rows(level.obs, codes))
    _refuse_constant(averaged)
    return averaged


def _refuse_constant(level: Level) -> None:
    data, genes = level.data, len(level.data.genes)
    cuts = ((start, start + BLOCK) for start in range(0, genes, BLOCK))
    blocks = ((level.block(data.predicted, *cut), level.block(data.measured, *cut)) for cut in cuts)
    refuse_all_constant(blocks, genes, level.name)
