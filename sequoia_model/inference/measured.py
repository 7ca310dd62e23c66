"""Tables of measured expression, of any length: names are read at once, values in blocks."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_model.errors import InputError, listing
from sequoia_model.feature_files import slide_name
from sequoia_model.inference.measured_table import Blocks, MeasuredTable
from sequoia_model.patients import COLUMNS

#: What columns of slides, patients and cohorts are called.
_TITLES = tuple(COLUMNS[what] for what in ("slide", "patient_id", "cohort"))
_PREFIX = "rna_"
_BLOCK_BYTES = 32 * 2**20
_BLOCK_ROWS = 64


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
    path = Path(path)
    if path.is_dir():
        raise InputError("a folder was given where a file is needed", where=str(path))
    if not path.is_file():
        raise InputError("the file of measured expression does not exist", where=str(path))
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
    header, delimiter = _header(path)
    columns = {}
    for gene in genes:
        name = _PREFIX + gene if _PREFIX + gene in header else gene
        if name in header:
            columns[gene] = name
    repeated = [name for name in columns.values() if header[name] > 1]
    if repeated:
        raise InputError(
            f"{len(repeated)} columns stand more than once: {listing(repeated)}", where=str(path)
        )
    chosen = [next((name for name in names if name in header), None) for names in _TITLES]
    if chosen[0] is None and chosen[1] is None:
        raise InputError(
            "the measured expression names neither slides nor patients",
            where=f"{path}; its columns begin with {listing(header, 4)}",
            fix="it needs a column wsi_file_name or patient_id",
        )
    blocks = _csv_blocks(path, delimiter, [name for name in chosen if name], "string")
    parts = [block.to_pandas() for block in blocks]
    names = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=chosen)
    slides, patients, cohorts = (_texts(names.get(name), len(names)) for name in chosen)

    def read(rows: NDArray[np.int64], wanted: list[str]) -> Blocks:
        start = 0
        for block in _csv_blocks(path, delimiter, wanted, "float"):
            inside = rows[(rows >= start) & (rows < start + block.num_rows)]
            if len(inside):
                taken = block.take(inside - start)
                values = [column.to_numpy(zero_copy_only=False) for column in taken.columns]
                yield inside, np.array(values, dtype=np.float32).T
            start += block.num_rows

    return MeasuredTable(path, _slide_names(slides), patients, cohorts, columns, read)


def _header(path: Path) -> tuple[dict[str, int], str]:
    """How often each column stands in the first line, and what is between them."""
    try:
        with _text(path) as file:
            line = file.readline()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError("the measured expression is no readable table", where=f"{path} ({error})") from None
    if not line.strip():
        raise InputError("the file is empty", where=str(path))
    delimiter = "\t" if line.count("\t") > line.count(",") else ","
    counts: dict[str, int] = {}
    for name in next(csv.reader([line], delimiter=delimiter)):
        counts[name] = counts.get(name, 0) + 1
    return counts, delimiter


def _text(path: Path) -> IO[str]:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _csv_blocks(path: Path, delimiter: str, columns: list[str], kind: str) -> Iterator[Any]:
    """Blocks of rows of some columns, texts or numbers (float32)."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    types = dict.fromkeys(columns, pa.string() if kind == "string" else pa.float32())
    try:
        with (
            pa.input_stream(str(path)) as stream,  # unpacks .gz
            arrow.open_csv(
                stream,
                read_options=arrow.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False),
                parse_options=arrow.ParseOptions(delimiter=delimiter),
                convert_options=arrow.ConvertOptions(
                    include_columns=columns, column_types=types, strings_can_be_null=True
                ),
            ) as reader,
        ):
            yield from reader
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"the measured expression cannot be read: {reason}", where=str(path)) from None


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
        lambda rows, wanted: _h5ad_blocks(path, place, rows, wanted),
    )


def _h5ad_blocks(path: Path, place: str, rows: NDArray[np.int64], columns: list[int]) -> Blocks:
    from anndata.io import sparse_dataset

    with h5py.File(path, "r") as file:
        matrix = file[place] if isinstance(file[place], h5py.Dataset) else sparse_dataset(file[place])
        for start in range(0, len(rows), _BLOCK_ROWS):
            some = rows[start : start + _BLOCK_ROWS]
            block = matrix[some]
            dense = block.toarray() if hasattr(block, "toarray") else block
            yield some, np.asarray(dense, dtype=np.float32)[:, columns]


def _texts(column: pd.Series | None, n: int) -> NDArray[np.object_]:
    """A column as texts without blanks around them; "" where it is missing."""
    if column is None:
        return np.full(n, "", dtype=object)
    column = column.astype(object)
    return column.where(column.notna(), "").astype(str).str.strip().to_numpy(dtype=object)


def _slide_names(names: NDArray[np.object_]) -> NDArray[np.object_]:
    """Without the endings of slide files."""
    return np.array([name and slide_name(Path(name)) for name in names], dtype=object)
