"""MeasuredTable: measured expression of which only the names are in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sequoia_model.errors import InputError, listing

if TYPE_CHECKING:
    from sequoia_model.prediction.predictions_file import PredictionsFile

#: Numbers of rows, each with its values of some genes (float32).
Rows = Iterator[tuple[int, NDArray[np.float32]]]


@dataclass(frozen=True, eq=False)
class MeasuredTable:
    """A table of measured expression, of which only the names are in memory.

    Parameters
    ----------
    path : path
    slides, patients, cohorts : array of shape (rows,), str
        What each row names; "" where it does not.
    columns : mapping of str to int
        Place of each gene that is there.
    read : callable
        Chosen rows, in ascending order, of chosen columns.
    """

    path: Path
    slides: NDArray[np.object_]
    patients: NDArray[np.object_]
    cohorts: NDArray[np.object_]
    columns: Mapping[str, int]
    read: Callable[[NDArray[np.int64], list[int]], Rows]

    def rows_of(self, names: NDArray[np.object_]) -> dict[str, list[int]]:
        """Rows by the names in one of the columns of names."""
        rows: dict[str, list[int]] = {}
        for row, name in enumerate(names):
            if name:
                rows.setdefault(name, []).append(row)
        return rows

    def match(self, slides: Sequence[str], patients: Sequence[str]) -> list[list[int]]:
        """Rows of each slide: its own, else those of its patient, else none.

        Raises
        ------
        InputError
            If no slide has any.
        """
        by_slide, by_patient = self.rows_of(self.slides), self.rows_of(self.patients)
        found = [
            by_slide.get(slide) or by_patient.get(patient, [])
            for slide, patient in zip(slides, patients, strict=True)
        ]
        if not any(found):
            theirs = listing([*by_slide, *by_patient], 3)
            raise InputError(
                f"none of the {len(slides)} slides is in the measured expression, nor its patient",
                where=f"{self.path}; there: {theirs or 'no names'}; slides: {listing(slides, 3)}",
                fix="slides are matched by name, then patients by patient_id (--patients CSV says whose they are)",
            )
        return found

    def fill(
        self, file: PredictionsFile, layer: str, rows: Sequence[Sequence[int]], genes: Sequence[str]
    ) -> list[int]:
        """Write the rows of each slide into a layer; genes that are not there stay NaN.

        Parameters
        ----------
        file : PredictionsFile
        layer : str
            Holds a row of NaN for each slide.
        rows : sequence of sequence of int
            The rows of each slide, as from `match`.
        genes : sequence of str
            Names of the columns of `file`.

        Returns
        -------
        list of int
            Slides whose rows differ, which are left NaN.

        Raises
        ------
        InputError
            If a value is infinite or no number.
        """
        wanted: dict[int, list[int]] = {}
        for slide, numbers in enumerate(rows):
            for row in numbers:
                wanted.setdefault(row, []).append(slide)
        present = [i for i, gene in enumerate(genes) if gene in self.columns]
        written: set[int] = set()
        unequal: set[int] = set()
        whole = np.full(len(genes), np.nan, dtype=np.float32)
        columns = [self.columns[genes[i]] for i in present]
        for row, line in self.read(np.array(sorted(wanted), dtype=np.int64), columns):
            self._refuse_infinite(line, row, [genes[i] for i in present])
            whole[present] = line
            for slide in wanted[row]:
                if slide not in written:
                    file.set_row(layer, slide, whole)
                    written.add(slide)
                elif not np.array_equal(file.row(layer, slide), whole, equal_nan=True):
                    unequal.add(slide)
        for slide in unequal:
            file.set_row(layer, slide, np.full_like(whole, np.nan))
        return sorted(unequal)

    def _refuse_infinite(self, line: NDArray[np.float32], row: int, genes: Sequence[str]) -> None:
        infinite = np.isinf(line)
        if infinite.any():
            name = self.slides[row] or self.patients[row]
            raise InputError(
                f"{int(infinite.sum())} measured values are infinite",
                where=f"{self.path}, {name}, gene {genes[int(infinite.argmax())]}",
            )
