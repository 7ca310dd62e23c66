"""Counts as 10x Genomics writes them: one HDF5 file, or a folder of three text files."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import io as scipy_io
from scipy import sparse

from sequoia_base.apart import contents
from sequoia_base.atomic import existing_file
from sequoia_base.flow import Flow
from sequoia_base.tables import read_text
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.io.truth._files import find_file
from sequoia_stats.io.truth._joined import refuse_duplicated_spots

#: The only type of features that is a gene; others are antibodies, guides and the like.
GENES_ARE = "Gene Expression"
_PARTS = ("matrix.mtx", "features.tsv", "barcodes.tsv")
_DAMAGED = "the file is truncated, damaged or of another kind"


@dataclass(frozen=True, eq=False)
class TenxMatrix:
    """The genes of one file, as they are there.

    Parameters
    ----------
    barcodes : Index
        Names of the spots, unique.
    values : csr_array of shape (spots, genes)
        Not yet known to be counts.
    genes : list of str
        Symbols; they may repeat.
    where : str
        The file of the values, for errors.
    """

    barcodes: pd.Index
    values: sparse.csr_array
    genes: list[str]
    where: str


def read_tenx_h5(path: Path, flow: Flow) -> TenxMatrix:
    """Read feature_bc_matrix.h5, apart.

    Raises
    ------
    InputError
        If the file is damaged or of another kind, or has no genes.
    """
    existing_file(path)
    try:
        _, matrix = contents(path, "matrix")
        _, features = contents(path, "matrix/features")
        shape = tuple(int(n) for n in matrix["shape"])
        counts = sparse.csc_array((matrix["data"], matrix["indices"], matrix["indptr"]), shape=shape)
        counts.check_format(full_check=True)
        symbols, kinds = (_texts(features[name]) for name in ("name", "feature_type"))
        barcodes = _texts(matrix["barcodes"])
    except InputError as error:
        error.where = error.where or str(path)
        raise
    except Exception as error:  # h5py raises a dozen kinds for a damaged or foreign file
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(
            "the file is not a readable matrix of 10x Genomics: it is truncated, damaged or of another kind",
            where=f"{path} ({reason})",
        ) from None
    return _matrix(counts, symbols, kinds, barcodes, str(path), flow)


def read_tenx_folder(folder: Path, flow: Flow) -> TenxMatrix:
    """Read matrix.mtx, features.tsv and barcodes.tsv, plain or gzip.

    Raises
    ------
    InputError
        If one of them is missing, truncated or of another kind, or their sizes differ.
    """
    matrix, features, barcodes = (_part(folder, name) for name in _PARTS)
    rows = [line.split("\t") for line in read_text(features).splitlines() if line.strip()]
    if any(len(row) < 2 for row in rows):
        raise InputError("a row has fewer than the two columns id and symbol", where=str(features))
    kinds = [row[2] if len(row) > 2 else GENES_ARE for row in rows]
    names = [line.split("\t")[0].strip() for line in read_text(barcodes).splitlines() if line.strip()]
    return _matrix(_read_mtx(matrix), [row[1] for row in rows], kinds, names, str(matrix), flow)


def has_tenx_folder(folder: Path) -> bool:
    """Whether a folder holds a matrix in text files."""
    return find_file(folder, [_PARTS[0], f"{_PARTS[0]}.gz"]) is not None


def _part(folder: Path, name: str) -> Path:
    path = find_file(folder, [name, f"{name}.gz"])
    if path is None:
        raise InputError(f"{name}.gz is missing", where=str(folder))
    return path


def _read_mtx(path: Path) -> Any:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return scipy_io.mmread(file)
    except (ValueError, OSError, EOFError, zlib.error, OverflowError, TypeError, MemoryError) as error:
        raise InputError(_DAMAGED, where=f"{path} ({error})", fix="download the file again") from None


def _texts(values: Any) -> list[str]:
    return [value.decode("utf-8") if isinstance(value, bytes) else str(value) for value in values]


def _matrix(
    counts: Any, symbols: list[str], kinds: list[str], barcodes: list[str], where: str, flow: Flow
) -> TenxMatrix:
    """The matrix of spots × genes from one of features × spots."""
    if counts.shape != (len(symbols), len(barcodes)):
        raise InputError(
            f"the matrix has {counts.shape[0]:,} × {counts.shape[1]:,} values, "
            f"but there are {counted(len(symbols), 'feature')} and {counted(len(barcodes), 'barcode')}",
            where=where,
            fix="give the three files of one section",
        )
    names = pd.Index(barcodes, dtype=object)
    refuse_duplicated_spots(names, where)
    are_genes = np.asarray(kinds) == GENES_ARE
    if not are_genes.any():
        raise InputError(
            f"there are no genes among the features, which are {listing(dict.fromkeys(kinds)) or 'none'}",
            where=where,
        )
    if not are_genes.all():
        others = listing(dict.fromkeys(kind for kind in kinds if kind != GENES_ARE), 3)
        flow.add("features: genes", len(kinds), int(are_genes.sum()), f"the others are {others}")
    values = sparse.csr_array(counts.T)  # without a copy, as the HDF5 file has it
    if not are_genes.all():
        values = values[:, np.flatnonzero(are_genes)]
    symbols = [symbol for symbol, is_gene in zip(symbols, are_genes, strict=True) if is_gene]
    return TenxMatrix(names, values, symbols, where)
