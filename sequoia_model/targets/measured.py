"""Measured expression of any size: names are read at the start, values in blocks of rows."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.apart import h5ad
from sequoia_base.atomic import existing_file
from sequoia_base.gene_names import examine
from sequoia_base.missing import is_missing_number
from sequoia_base.names import bare_slide, refuse_open_quotes, written_otherwise
from sequoia_model.errors import InputError, counted, listing
from sequoia_model.patients import PATIENT_COLUMNS
from sequoia_model.targets._quotes import QuoteWatch

#: What columns of slides, patients and cohorts are called.
_TITLES = tuple(PATIENT_COLUMNS[what] for what in ("slide", "patient_id", "cohort"))
_PREFIX = "rna_"
#: Rows that are in memory at a time, and bytes of a CSV while names are read.
_BLOCK, _BYTES = 64, 2**22

#: Row numbers with their values, float32, rows × chosen columns.
Block = tuple[NDArray[np.int64], NDArray[np.float32]]


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
    """

    path: Path
    slides: NDArray[np.object_]
    patients: NDArray[np.object_]
    cohorts: NDArray[np.object_]
    columns: Mapping[str, int]
    names: Sequence[str]
    read: Callable[[NDArray[np.int64], list[int]], Iterator[Block]]

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


def open_measured(path: str | Path, genes: Sequence[str]) -> Measured:
    """Open measured expression: names are read, values are not.

    Parameters
    ----------
    path : path
        The published layout (``wsi_file_name, patient_id, tcga_project, rna_*``; .csv, .tsv, also .gz), or an .h5ad
        whose obs are slides or patients: its layer ``measured`` if it has one, else its X.
    genes : sequence of str
        The genes that are wanted.

    Raises
    ------
    InputError
        If the file cannot be read, has no column of slides or patients, has a wanted gene twice, or none of them.
    """
    path = existing_file(path)
    measured = _open_h5ad(path) if path.suffix.lower() == ".h5ad" else _open_csv(path, genes)
    if not any(gene in measured.columns for gene in genes):
        names = examine(name.removeprefix(_PREFIX) for name in measured.names)
        kinds = f": there, {names}" if names.are_identifiers else ""
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


# --- csv ------------------------------------------------------------------------------------------------------------


def _open_csv(path: Path, genes: Sequence[str]) -> Measured:
    header, delimiter = _header(path)
    places: dict[str, list[int]] = {}
    for i, title in enumerate(header):
        places.setdefault(title, []).append(i)
    found = {gene: places.get(_PREFIX + gene) or places.get(gene, []) for gene in genes}
    repeated = [gene for gene, at in found.items() if len(at) > 1]
    if repeated:
        what = f"{counted(len(repeated), 'gene has', 'genes have')} several columns: {listing(repeated)}"
        raise InputError(what, where=str(path))
    chosen = [next((places[name][0] for name in names if name in places), None) for names in _TITLES]
    if chosen[0] is None and chosen[1] is None:
        raise InputError(
            "the measured expression names neither slides nor patients",
            where=f"{path}; its columns begin with {listing(header, 4)}",
            fix="it needs a column wsi_file_name or patient_id",
        )
    slides, patients, cohorts = _names_in_csv(path, delimiter, header, chosen)
    refuse_open_quotes([*slides, *patients], path)
    columns = {gene: at[0] for gene, at in found.items() if at}
    return Measured(
        path,
        _slide_names(slides),
        patients,
        cohorts,
        columns,
        [title for title in header if not any(title in titles for titles in _TITLES)],
        lambda rows, wanted: _csv_blocks(path, delimiter, header, rows, wanted),
    )


def _header(path: Path) -> tuple[list[str], str]:
    """The titles, and the delimiter: a comma, or a tab if the first line has more tabs."""
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            first = file.readline()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None
    delimiter = "\t" if first.count("\t") > first.count(",") else ","
    header = next(csv.reader([first], delimiter=delimiter), [])
    if not header:
        raise InputError("the file is empty", where=str(path))
    return header, delimiter


def _names_in_csv(
    path: Path, delimiter: str, header: list[str], chosen: Sequence[int | None]
) -> list[NDArray[np.object_]]:
    """The chosen columns as texts; "" for missing ones.

    pyarrow reads them because it reports a row that is too short; pandas treats the rest of such a row as missing.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow

    ragged: list[Any] = []

    def refuse(row: Any) -> str:
        ragged.append(row)
        return "error"

    wanted = [str(at) for at in chosen if at is not None]
    try:
        with pa.input_stream(str(path), compression="gzip" if path.suffix.lower() == ".gz" else None) as file:
            reader = arrow.open_csv(
                QuoteWatch(file, path, delimiter, len(header)),
                arrow.ReadOptions(
                    use_threads=False,  # with threads, errors do not have a row number
                    block_size=max(_BYTES, 16 * sum(map(len, header))),  # a row must fit into it
                    skip_rows=1,
                    column_names=[str(i) for i in range(len(header))],
                ),
                arrow.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=refuse),
                arrow.ConvertOptions(include_columns=wanted, column_types=dict.fromkeys(wanted, pa.string())),
            )
            table = reader.read_all()
    except (OSError, pa.ArrowInvalid) as error:
        if ragged:
            row = ragged[0]
            raise InputError(
                f"a row has {counted(row.actual_columns, 'field')}, but the header has {row.expected_columns}",
                where=f"{path}, row {row.number}, which begins with {row.text[:40]!r}",
            ) from None
        raise _unreadable(path, error) from None
    none = np.full(len(table), "", dtype=object)
    return [none if at is None else _texts(table[str(at)].to_pandas(), len(table)) for at in chosen]


def _csv_blocks(
    path: Path, delimiter: str, header: list[str], rows: NDArray[np.int64], columns: list[int]
) -> Iterator[Block]:
    try:
        with pd.read_csv(
            path,
            sep=delimiter,
            header=None,
            skiprows=1,
            usecols=columns,
            chunksize=_BLOCK,
            float_precision="round_trip",
            low_memory=False,
            encoding="utf-8-sig",
        ) as blocks:
            for block in blocks:
                numbers = rows[(rows >= block.index[0]) & (rows <= block.index[-1])]
                if len(numbers):
                    yield numbers, _numbers(block.loc[numbers, columns], path, header)
                if not len(rows) or block.index[-1] >= rows[-1]:
                    return
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise _unreadable(path, error) from None


def _numbers(block: pd.DataFrame, path: Path, header: list[str]) -> NDArray[np.float32]:
    """A block as numbers, NaN if missing; pandas keeps a column that holds any text as texts."""
    numbers = np.empty(block.shape, dtype=np.float32)
    plain = np.array([dtype.kind in "fiu" for dtype in block.dtypes])
    with np.errstate(over="ignore"):  # too large for float32 is infinite, and refused by name
        numbers[:, plain] = block.loc[:, plain].to_numpy()
        for place in np.flatnonzero(~plain).tolist():
            title = header[int(block.columns[place])]
            cells = zip(block.index.tolist(), block.iloc[:, place].tolist(), strict=True)
            numbers[:, place] = [
                _number(cell, f"{path}, row {row + 2}, column {title!r}") for row, cell in cells
            ]
    return numbers


def _number(cell: object, place: str) -> float:
    text = "" if cell is None or cell != cell else str(cell).strip()  # NaN differs from itself
    try:
        return (
            np.nan if is_missing_number(text) else float(text.replace("_", "?"))
        )  # float() would take 1_000
    except ValueError:
        raise InputError(
            f"{text!r} is not a number", where=place, fix="write a number, or NA if it is missing"
        ) from None


def _unreadable(path: Path, error: BaseException) -> InputError:
    return InputError("the measured expression cannot be read", where=f"{path} ({error})")


# --- h5ad -----------------------------------------------------------------------------------------------------------


def _open_h5ad(path: Path) -> Measured:
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
    slides = _texts(pd.Series(obs.index), len(obs))
    patients, cohorts = (next((obs[name] for name in titles if name in obs), None) for titles in _TITLES[1:])
    return Measured(
        path,
        _slide_names(slides),
        slides if patients is None else _texts(patients, len(obs)),
        _texts(cohorts, len(obs)),
        {gene: i for i, gene in enumerate(genes)},
        list(genes),
        lambda rows, wanted: _h5ad_blocks(path, place, rows, wanted),
    )


def _h5ad_blocks(path: Path, place: str, rows: NDArray[np.int64], columns: list[int]) -> Iterator[Block]:
    """Rows of X or a layer on disk; AnnData's own backed mode would load layers as a whole."""
    for start in range(0, len(rows), _BLOCK):
        some = rows[start : start + _BLOCK]
        yield some, h5ad.rows(path, place, some)[:, columns]


def _texts(column: pd.Series | None, n: int) -> NDArray[np.object_]:
    """A column as stripped texts; "" if it is missing."""
    if column is None:
        return np.full(n, "", dtype=object)
    column = column.astype(object)
    return column.where(column.notna(), "").astype(str).str.strip().to_numpy(dtype=object)


def _slide_names(names: NDArray[np.object_]) -> NDArray[np.object_]:
    """Names without the endings of slide files."""
    return np.array([name and bare_slide(name) for name in names], dtype=object)
