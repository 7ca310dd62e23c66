"""Tables of measured expression, of any length: names are read at once, values row by row."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.atomic import existing_file
from sequoia_model.errors import InputError, listing
from sequoia_model.feature_files import slide_name
from sequoia_model.patients import COLUMNS
from sequoia_model.targets.measured_table import MeasuredTable, Rows

#: What columns of slides, patients and cohorts are called.
_TITLES = tuple(COLUMNS[what] for what in ("slide", "patient_id", "cohort"))
_PREFIX = "rna_"
_MISSING = ("", "NA", "N/A", "na", "null", "NULL", "None")
_BLOCK = 64  # rows of an h5ad


def open_measured(path: str | Path, genes: Sequence[str]) -> MeasuredTable:
    """Open a reference table: names are read, values are not.

    Parameters
    ----------
    path : path
        The published layout (``wsi_file_name, patient_id, tcga_project, rna_*``; .csv, .tsv, also .gz), or an .h5ad
        whose obs are slides or patients: its layer ``measured`` where it has one, else its X.
    genes : sequence of str
        Those that are wanted.

    Raises
    ------
    InputError
        If the file cannot be read, names neither slides nor patients, has a wanted gene twice, or none of them.
    """
    path = existing_file(path)
    table = _open_h5ad(path) if path.suffix.lower() == ".h5ad" else _open_csv(path, genes)
    if not any(gene in table.columns for gene in genes):
        raise InputError(
            f"none of the {len(genes)} genes is in the measured expression",
            where=f"{path}; wanted: {listing(genes, 3)}",
            fix="genes are matched by their exact names, with or without 'rna_' before them",
        )
    return table


# --- csv ------------------------------------------------------------------------------------------------------------


def _open_csv(path: Path, genes: Sequence[str]) -> MeasuredTable:
    lines = _lines(path)
    header = next(lines, None)
    if header is None:
        raise InputError("the file is empty", where=str(path))
    places: dict[str, list[int]] = {}
    for i, title in enumerate(header):
        places.setdefault(title, []).append(i)
    found = {gene: places.get(_PREFIX + gene) or places.get(gene, []) for gene in genes}
    repeated = [gene for gene, at in found.items() if len(at) > 1]
    if repeated:
        what = f"{len(repeated)} genes have several columns: {listing(repeated)}"
        raise InputError(what, where=str(path))
    chosen = [next((places[name][0] for name in names if name in places), None) for names in _TITLES]
    if chosen[0] is None and chosen[1] is None:
        raise InputError(
            "the measured expression names neither slides nor patients",
            where=f"{path}; its columns begin with {listing(header, 4)}",
            fix="it needs a column wsi_file_name or patient_id",
        )
    named = [[line[at].strip() if at is not None else "" for at in chosen] for line in lines]
    slides, patients, cohorts = np.array(named, dtype=object).reshape(-1, 3).T
    columns = {gene: at[0] for gene, at in found.items() if at}

    def read(rows: NDArray[np.int64], wanted: list[int]) -> Rows:
        numbers = iter(rows.tolist())
        row = next(numbers, None)
        for i, line in enumerate(_lines(path), start=-1):  # -1 is the header
            if row is None:
                return
            if i == row:
                yield row, _numbers([line[at] for at in wanted], path, i, [header[at] for at in wanted])
                row = next(numbers, None)

    return MeasuredTable(path, _slide_names(slides), patients, cohorts, columns, read)


def _lines(path: Path) -> Iterator[list[str]]:
    """The fields of every line that is not empty; commas, or tabs where the header has more of them."""
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            delimiter = "\t" if first.count("\t") > first.count(",") else ","
            n = None
            for line in csv.reader(chain([first], file), delimiter=delimiter):
                if not line:
                    continue
                n = n or len(line)
                if len(line) != n:
                    raise InputError(
                        f"a row has {len(line)} fields, and the header {n}", where=f"{path}, row {line[0]}"
                    )
                yield line
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"the measured expression cannot be read: {error}", where=str(path)) from None


def _numbers(texts: list[str], path: Path, row: int, titles: list[str]) -> NDArray[np.float32]:
    """Numbers of a row; NaN where there is none."""
    try:
        values = [float(text) for text in texts]
    except ValueError:
        values = [_number(*pair, path, row) for pair in zip(texts, titles, strict=True)]
    return np.array(values, dtype=np.float32)


def _number(text: str, title: str, path: Path, row: int) -> float:
    if text.strip() in _MISSING:
        return np.nan
    try:
        return float(text)
    except ValueError:
        raise InputError(
            f"{text!r} is not a number", where=f"{path}, row {row + 2}, column {title!r}"
        ) from None


# --- h5ad -----------------------------------------------------------------------------------------------------------


def _open_h5ad(path: Path) -> MeasuredTable:
    from anndata.io import read_elem

    try:
        with h5py.File(path, "r") as file:
            obs, genes = read_elem(file["obs"]), read_elem(file["var"]).index.astype(str)
            place = "layers/measured" if "measured" in file.get("layers", {}) else "X"
            ours = {"ensemble", "weights"} <= set(file.get("uns", {}))
            there = place in file
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise InputError("the file is no readable h5ad", where=f"{path} ({error})") from None
    if not there or (ours and place == "X"):
        raise InputError(
            "the file holds predictions and no measured expression" if ours else "the AnnData has no X",
            where=str(path),
        )
    if genes.has_duplicates:
        repeated = genes[genes.duplicated()].unique()
        raise InputError(
            f"{len(repeated)} gene names stand more than once: {listing(repeated)}", where=str(path)
        )
    names = _texts(pd.Series(obs.index), len(obs))
    patients, cohorts = (next((obs[name] for name in titles if name in obs), None) for titles in _TITLES[1:])
    return MeasuredTable(
        path,
        _slide_names(names),
        names if patients is None else _texts(patients, len(obs)),
        _texts(cohorts, len(obs)),
        {gene: i for i, gene in enumerate(genes)},
        lambda rows, wanted: _h5ad_rows(path, place, rows, wanted),
    )


def _h5ad_rows(path: Path, place: str, rows: NDArray[np.int64], columns: list[int]) -> Rows:
    from anndata.io import sparse_dataset

    with h5py.File(path, "r") as file:
        matrix = file[place] if isinstance(file[place], h5py.Dataset) else sparse_dataset(file[place])
        for start in range(0, len(rows), _BLOCK):
            some = rows[start : start + _BLOCK]
            block = matrix[some]
            dense = block.toarray() if hasattr(block, "toarray") else block
            yield from zip(some.tolist(), np.asarray(dense, dtype=np.float32)[:, columns], strict=True)


def _texts(column: pd.Series | None, n: int) -> NDArray[np.object_]:
    """A column as texts without blanks around them; "" where it is missing."""
    if column is None:
        return np.full(n, "", dtype=object)
    column = column.astype(object)
    return column.where(column.notna(), "").astype(str).str.strip().to_numpy(dtype=object)


def _slide_names(names: NDArray[np.object_]) -> NDArray[np.object_]:
    """Without the endings of slide files."""
    return np.array([name and slide_name(Path(name)) for name in names], dtype=object)
