"""Measured expression of any size: names are read at the start, values in blocks of rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.apart import h5ad
from sequoia_base.atomic import existing_file
from sequoia_base.gene_names import examine
from sequoia_base.names import bare_slide, refuse_open_quotes, tcga_patient, written_otherwise
from sequoia_base.patient_tables import PATIENT_COLUMNS
from sequoia_model.errors import InputError, counted, listing
from sequoia_model.targets._table import ROWS_AT_A_TIME, Block, read_blocks, read_header, read_names, texts
from sequoia_model.types.units import NOT_STATED

#: What columns of slides, patients and cohorts are called.
_TITLES = tuple(PATIENT_COLUMNS[what] for what in ("slide", "patient_id", "cohort"))
_PREFIX = "rna_"
#: Titles of a table that are no genes: those of other columns, and what pandas and R write over row names.
_NO_GENE = re.compile(
    rf"({'|'.join(title for titles in PATIENT_COLUMNS.values() for title in titles)}|Unnamed: \d+|)"
)
#: What the first column is called where it holds the names of genes.
_GENE_TITLE = re.compile(r"genes?([ ._-]?(name|symbol|id)s?)?|symbols?|hugo.*|ensembl.*", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Measured:
    """Measured expression that has only its names in memory.

    Parameters
    ----------
    path : path
        The file.
    slides, patients, cohorts : array of shape (rows,), str
        The slide, patient and cohort of each row; "" if it does not name one.
    columns : mapping of str to int
        Column of each gene that the file holds.
    names : sequence of str
        Names of all columns that may be genes, as in the file.
    read : callable
        Takes numbers of rows, ascending, and columns, and yields the values in blocks.
    units : str
        Unit of the values, as the file states it: ``uns["units"]`` of an AnnData; a table cannot.
    """

    path: Path
    slides: NDArray[np.object_]
    patients: NDArray[np.object_]
    cohorts: NDArray[np.object_]
    columns: Mapping[str, int]
    names: Sequence[str]
    read: Callable[[NDArray[np.int64], list[int]], Iterator[Block]]
    units: str = NOT_STATED

    def patient_by_slide(self) -> dict[str, str]:
        """The patient of each slide, if a row names both."""
        pairs = zip(self.slides, self.patients, strict=True)
        return {slide: patient for slide, patient in pairs if slide and patient and slide != patient}

    def match(self, slides: Sequence[str], patients: Sequence[str]) -> list[tuple[int, ...]]:
        """The rows of each slide: its own, or else those of its patient, or else none.

        Raises
        ------
        InputError
            If no slide has any.
        """
        by_slide, by_patient = _rows_by_name(self.slides), _rows_by_name(self.patients)
        found = [
            tuple(by_slide.get(slide) or by_patient.get(patient, []))
            for slide, patient in zip(slides, patients, strict=True)
        ]
        lost = [name for name, numbers in zip(patients, found, strict=True) if not numbers]
        if alike := written_otherwise(lost, by_patient):
            shown = listing((f"{ours!r} and {theirs!r}" for ours, theirs in alike), 3)
            raise InputError(
                f"{counted(len(alike), 'patient has an id', 'patients have ids')} that two tables write differently",
                where=f"{self.path}; of the slides and there: {shown}",
                fix="write the ids in the same way; spreadsheets and pandas drop leading zeros, R puts dots into names",
            )
        if not any(found):
            theirs = listing([*by_slide, *by_patient], 3)
            which = "the slide is not" if len(slides) == 1 else f"none of the {len(slides)} slides is"
            raise InputError(
                f"{which} in the measured expression, by its own name or by its patient",
                where=f"{self.path}; there: {theirs or 'no names'}; slides: {listing(slides, 3)}",
                fix="slides are matched by name, then patients by patient_id (name them with --patients CSV)",
            )
        return found

    def values(
        self, rows: Sequence[Sequence[int]], genes: Sequence[str]
    ) -> Iterator[tuple[int, NDArray[np.float32] | None]]:
        """The values of each slide that has rows, in the order of the file.

        Parameters
        ----------
        rows : sequence of sequence of int
            The rows of each slide, as from `match`.
        genes : sequence of str
            Which genes, in this order; NaN for those that the file lacks.

        Yields
        ------
        tuple of int and array of shape (genes,), float32
            Position of a slide in `rows`, and its values; None if its rows differ.

        Raises
        ------
        InputError
            If a value is infinite or not a number.
        """
        wanted: dict[int, list[int]] = {}
        for slide, numbers in enumerate(rows):
            for row in numbers:
                wanted.setdefault(row, []).append(slide)
        unread = [len(numbers) for numbers in rows]
        several: dict[int, NDArray[np.float32] | None] = {}  # values so far of slides that have several rows
        for row, line in self._lines(np.array(sorted(wanted), dtype=np.int64), genes):
            for slide in wanted[row]:
                unread[slide] -= 1
                before = several.pop(slide, line)
                same = before is not None and np.array_equal(before, line, equal_nan=True)
                if unread[slide]:
                    several[slide] = line.copy() if same else None
                else:
                    yield slide, line if same else None

    def matrix(self, rows: Sequence[Sequence[int]], genes: Sequence[str]) -> NDArray[np.float32]:
        """The values of all slides at once, slides × genes; NaN if there is no value, or several that differ."""
        matrix = np.full((len(rows), len(genes)), np.nan, dtype=np.float32)
        for slide, line in self.values(rows, genes):
            if line is not None:
                matrix[slide] = line
        return matrix

    def _lines(
        self, rows: NDArray[np.int64], genes: Sequence[str]
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Rows one by one, with a value for each gene."""
        present = np.array([i for i, gene in enumerate(genes) if gene in self.columns], dtype=np.int64)
        columns = [self.columns[genes[i]] for i in present]
        for numbers, values in self.read(rows, columns):
            self._refuse_infinite(numbers, values, [genes[i] for i in present])
            block = np.full((len(numbers), len(genes)), np.nan, dtype=np.float32)
            block[:, present] = values
            yield from zip(numbers.tolist(), block, strict=True)

    def _refuse_infinite(
        self, numbers: NDArray[np.int64], values: NDArray[np.float32], genes: Sequence[str]
    ) -> None:
        infinite = np.isinf(values)
        if infinite.any():
            row, gene = np.argwhere(infinite)[0]
            name = self.slides[numbers[row]] or self.patients[numbers[row]]
            n = int(infinite[row].sum())
            raise InputError(
                f"{counted(n, 'measured value is', 'measured values are')} infinite",
                where=f"{self.path}, {name}, gene {genes[gene]}",
                fix="write NA for missing values",
            )


def open_measured(
    path: str | Path, genes: Sequence[str] | None = None, *, names: Collection[str] = ()
) -> Measured:
    """Open measured expression: names are read, values are not.

    Parameters
    ----------
    path : path
        The published layout (``wsi_file_name, patient_id, tcga_project, rna_*``; .csv, .tsv, also .gz), or an .h5ad
        whose obs are slides or patients: its layer ``measured`` if it has one, else its X.
    genes : sequence of str, optional
        The genes that are wanted. By default all: the columns whose names begin with ``rna_``, or if there are none,
        every column that has not the title of a slide, patient, cohort or site.
    names : collection of str, optional
        Slides and patients that rows should be of. If they are those of the columns, the error says so.

    Raises
    ------
    InputError
        If the file cannot be read, has no column of slides or patients, has its genes in rows, has a wanted gene
        twice, or none of them.
    """
    path = existing_file(path)
    is_h5ad = path.suffix.lower() == ".h5ad"
    measured = _open_h5ad(path, names) if is_h5ad else _open_csv(path, genes, names)
    if genes is None:
        if not measured.columns:
            raise InputError("the measured expression has no genes", where=str(path))
    elif not any(gene in measured.columns for gene in genes):
        there = examine(name.removeprefix(_PREFIX) for name in measured.names)
        kinds = f": there, {there}" if there.are_identifiers else ""
        raise InputError(
            f"none of the {len(genes)} genes is in the measured expression{kinds}",
            where=f"{path}; wanted: {listing(genes, 3)}; there: {listing(measured.names, 3) or 'no genes'}",
            fix="genes are matched by their exact names, with or without 'rna_' before them",
        )
    return measured


def _rows_by_name(names: NDArray[np.object_]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        if name:
            rows.setdefault(name, []).append(row)
    return rows


def _refuse_genes_in_rows(
    path: Path, titles: Iterable[str], rows: Iterable[str], names: Collection[str]
) -> None:
    """Refuse a table that has the slides or patients as its columns, and none as a row."""
    wanted = set(names)
    if not wanted.isdisjoint(rows):
        return
    turned = [title for title in titles if not wanted.isdisjoint((bare_slide(title), tcga_patient(title)))]
    if turned:
        raise _genes_in_rows(path, turned)


def _genes_in_rows(path: Path, titles: Sequence[str]) -> InputError:
    return InputError(
        "the measured expression has its genes in rows: slides or patients are its columns",
        where=f"{path}, columns {listing(titles, 3)}",
        fix="transpose it: a row for each slide or patient, a column for each gene",
    )


# --- csv ------------------------------------------------------------------------------------------------------------


def _open_csv(path: Path, genes: Sequence[str] | None, of: Collection[str]) -> Measured:
    header, delimiter = read_header(path)
    places: dict[str, list[int]] = {}
    for i, title in enumerate(header):
        places.setdefault(title, []).append(i)
    wanted = _genes_of(header) if genes is None else genes
    found = {gene: places.get(_PREFIX + gene) or places.get(gene, []) for gene in wanted}
    repeated = [gene for gene, at in found.items() if len(at) > 1]
    if repeated:
        what = f"{counted(len(repeated), 'gene has', 'genes have')} several columns: {listing(repeated)}"
        raise InputError(what, where=str(path))
    chosen = [next((places[name][0] for name in names if name in places), None) for names in _TITLES]
    if chosen[0] is None and chosen[1] is None:
        _refuse_genes_in_rows(path, header, (), of)
        if _GENE_TITLE.fullmatch(header[0].strip()):
            raise _genes_in_rows(path, header)
        raise InputError(
            "the measured expression names neither slides nor patients",
            where=f"{path}; its columns begin with {listing(header, 4)}",
            fix="it needs a column wsi_file_name or patient_id",
        )
    slides, patients, cohorts = read_names(path, delimiter, header, chosen)
    refuse_open_quotes([*slides, *patients], path)
    _refuse_genes_in_rows(path, header, [*map(bare_slide, slides), *patients], of)
    columns = {gene: at[0] for gene, at in found.items() if at}
    return Measured(
        path,
        _slide_names(slides),
        patients,
        cohorts,
        columns,
        [title for title in header if not any(title in titles for titles in _TITLES)],
        lambda rows, wanted: read_blocks(path, delimiter, header, rows, wanted),
    )


def _genes_of(header: Sequence[str]) -> list[str]:
    """The genes of a table whose columns nobody names."""
    marked = [title.removeprefix(_PREFIX) for title in header if title.startswith(_PREFIX)]
    return marked or [title for title in header if not _NO_GENE.fullmatch(title.strip())]


# --- h5ad -----------------------------------------------------------------------------------------------------------


def _open_h5ad(path: Path, of: Collection[str]) -> Measured:
    names, obs, var = h5ad.names(path)
    genes = var.index.astype(str)
    place = "layers/measured" if "layers/measured" in names else "X"
    ours = {"uns/ensemble", "uns/weights"} <= names
    there = place in names
    if not there or (ours and place == "X"):
        raise InputError(
            "the file holds predictions, but no measured expression" if ours else "the AnnData has no X",
            where=str(path),
        )
    if genes.has_duplicates:
        repeated = genes[genes.duplicated()].unique()
        raise InputError(
            f"{counted(len(repeated), 'gene is', 'genes are')} duplicated: {listing(repeated)}",
            where=str(path),
        )
    slides = texts(pd.Series(obs.index), len(obs))
    units = h5ad.text(path, "uns/units") if "uns/units" in names else ""
    patients, cohorts = (next((obs[name] for name in titles if name in obs), None) for titles in _TITLES[1:])
    owners = slides if patients is None else texts(patients, len(obs))
    _refuse_genes_in_rows(path, genes, [*map(bare_slide, slides), *owners], of)
    return Measured(
        path,
        _slide_names(slides),
        owners,
        texts(cohorts, len(obs)),
        {gene: i for i, gene in enumerate(genes)},
        list(genes),
        lambda rows, wanted: _h5ad_blocks(path, place, rows, wanted),
        units or NOT_STATED,
    )


def _h5ad_blocks(path: Path, place: str, rows: NDArray[np.int64], columns: list[int]) -> Iterator[Block]:
    """Rows of X or a layer on disk; AnnData's own backed mode would load layers as a whole."""
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        some = rows[start : start + ROWS_AT_A_TIME]
        yield some, h5ad.rows(path, place, some)[:, columns]


def _slide_names(names: NDArray[np.object_]) -> NDArray[np.object_]:
    """Names without the endings of slide files."""
    return np.array([name and bare_slide(name) for name in names], dtype=object)
