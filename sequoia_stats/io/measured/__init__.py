"""Measured expression in the layouts of others, as a network is trained and judged on it.

`read_measured` recognises a source by the table `FORMATS`; `write_measured` writes what `sequoia_model` and ``genes``
read. A format is a module with ``recognises(path)`` and a reader, and a line in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sequoia_base.atomic import new_file
from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError
from sequoia_stats.io.measured import matrix, star_counts, xena
from sequoia_stats.io.measured.star_counts import CATEGORIES, COLUMN_UNITS, ShowProgress
from sequoia_stats.types.expression import Expression

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["CATEGORIES", "COLUMN_UNITS", "FORMATS", "Format", "read_measured", "write_measured"]


@dataclass(frozen=True)
class Format:
    """A layout of measured expression.

    Parameters
    ----------
    recognises : callable
        Takes a path; returns whether it has this format.
    read : callable
        Takes a path and the `options` by name; returns `Expression`.
    words : str
        What the format is called in messages, with its article.
    options : tuple of str
        Arguments of the reader.
    """

    recognises: Callable[[Path], bool]
    read: Callable[..., Expression]
    words: str
    options: tuple[str, ...]


#: The formats, the particular before the general.
FORMATS = {
    "gdc": Format(
        star_counts.recognises,
        star_counts.read_star_counts,
        "a folder of STAR counts of the GDC",
        ("samples", "column", "categories"),
    ),
    "xena": Format(
        xena.recognises,
        xena.read_xena,
        "a matrix of UCSC Xena",
        ("unit", "probe_map", "identifiers", "samples"),
    ),
    "matrix": Format(
        matrix.recognises,
        matrix.read_expression_matrix,
        "a matrix (.csv, .tsv, .parquet or .h5ad)",
        ("unit", "genes_in", "probe_map", "identifiers", "samples"),
    ),
}


def read_measured(
    source: str | Path,
    *,
    format: str = "auto",
    unit: str | None = None,
    column: str | None = None,
    categories: Sequence[str] | None = None,
    samples: str | Path | None = None,
    genes_in: str | None = None,
    probe_map: str | Path | None = None,
    identifiers: str | None = None,
    progress: ShowProgress | None = None,
) -> Expression:
    """Read measured expression on a logarithmic scale, one primary sample per patient.

    Parameters
    ----------
    source : path
        A folder of STAR counts of the GDC, a matrix of UCSC Xena, or any other matrix.
    format : {"auto", "gdc", "xena", "matrix"}
        How to read it; "auto" recognises it by its name.
    unit : str, optional
        Unit of the values of a matrix: "FPKM-UQ", "TPM", "counts", "log2(FPKM-UQ+1)".
    column : str, optional
        GDC: which values, by default fpkm_uq_unstranded.
    categories : sequence of str, optional
        GDC: types of genes to keep, by default protein_coding, miRNA and lncRNA.
    samples : path, optional
        GDC: the sample sheet, or the metadata of the cart. Matrices: a table whose first column names the samples to
        take.
    genes_in : {"columns", "rows"}, optional
        Where a matrix has its genes, by default in columns; one of Xena has them in rows.
    probe_map : path, optional
        Table with the columns ``id`` and ``gene``, for genes that are not named by symbols.
    identifiers : {"symbols", "as-they-are"}, optional
        Whether names of genes must be symbols, which is the default.
    progress : callable, optional
        Takes an iterator and its length, and shows how far it is.

    Returns
    -------
    Expression
        Symbols are those of the source, not replaced by newer ones, since networks name their genes so.

    Raises
    ------
    InputError
        If the source is not recognised, an option is not one of its format, or it cannot be read.
    """
    path = Path(source)
    chosen = _format(path, format)
    given = {
        "unit": unit, "column": column, "categories": categories, "samples": samples, "genes_in": genes_in,
        "probe_map": probe_map, "identifiers": identifiers,
    }  # fmt: skip
    given = {name: value for name, value in given.items() if value is not None}
    for name in given:
        if name not in chosen.options:
            others = " and of ".join(other.words for other in FORMATS.values() if name in other.options)
            raise InputError(
                f"--{name.replace('_', '-')} is not an option of {chosen.words}",
                where=str(path),
                fix=f"leave it out; it is an option of {others}",
            )
    extra: dict[str, Any] = {"progress": progress} if chosen is FORMATS["gdc"] else {}
    return chosen.read(path, **given, **extra)


def _format(path: Path, format: str) -> Format:
    if format != "auto" and format not in FORMATS:
        raise InputError(f"{format!r} is not a valid format", fix=f"--format auto|{'|'.join(FORMATS)}")
    if not path.exists():
        raise InputError("the file does not exist", where=str(path))
    if path.name.lower().endswith((".tar.gz", ".tgz", ".tar")):
        raise InputError("the archive is not unpacked", where=str(path), fix="unpack it, and give the folder")
    if format != "auto":
        return FORMATS[format]
    if path.is_dir():  # what it lacks is said by the only format that is a folder
        return FORMATS["gdc"]
    return next(known for known in FORMATS.values() if known.recognises(path))


def write_measured(expression: Expression, path: str | Path) -> None:
    """Write measured expression, whole or not at all.

    Parameters
    ----------
    expression : Expression
        As from `read_measured`.
    path : path
        .h5ad (X float32; obs = patients, with ``patient_id`` and what else is known; ``uns["units"]`` and the ledger
        ``uns["flow"]``), or .csv (the column ``patient_id``, then genes; float32).

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    path = Path(path)
    values = expression.values.astype(np.float32)
    with new_file(path) as temporary:
        if path.suffix == ".csv":
            _write_csv(values, temporary)
            return
        _adata(expression, values).write_h5ad(temporary)


def _write_csv(values: pd.DataFrame, path: Path) -> None:
    """A table with as many digits as float32 has; pyarrow is some ten times as fast as pandas."""
    import pyarrow as pa
    from pyarrow import csv

    patients = pa.array(values.index.astype(str).to_list(), pa.string())
    columns = [pa.array(column, from_pandas=True) for column in values.to_numpy().T]
    table = pa.table([patients, *columns], names=[str(i) for i in range(len(columns) + 1)])
    special = any(set(name) & set(',"\r\n') for name in values.index.astype(str))
    style = "needed" if special else "none"  # "needed" quotes every text
    with path.open("wb") as file:
        file.write(values.iloc[:0].to_csv(index_label="patient_id", lineterminator="\n").encode())
        csv.write_csv(table, file, csv.WriteOptions(include_header=False, quoting_style=style))


def _adata(expression: Expression, values: pd.DataFrame) -> AnnData:
    import anndata

    patients = values.index.astype(str)
    obs = expression.covariates.astype(object).set_axis(patients.rename(None), axis=0)
    obs.insert(0, "patient_id", patients)
    genes = values.columns.astype(str).rename(None)
    var = pd.DataFrame({"unit": expression.units.to_numpy(dtype=object)}, index=genes)
    units = list(dict.fromkeys(expression.units))
    uns = {
        "name": expression.name,
        "units": units[0] if len(units) == 1 else "several",
        "flow": Flow.of(expression.flow).to_columns(),
    }
    return anndata.AnnData(values.to_numpy(), obs, var, uns)
