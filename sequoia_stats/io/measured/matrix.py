"""Any matrix of expression: a table of text or parquet, or AnnData in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sequoia_base.flow import Flow
from sequoia_base.names import refuse_open_quotes
from sequoia_stats.errors import InputError
from sequoia_stats.io._layout import without_summaries
from sequoia_stats.io._sides import refuse_other_side
from sequoia_stats.io._tables import check_ids, read_matrix
from sequoia_stats.io.h5ad import read_adata
from sequoia_stats.io.h5ad import recognises as is_h5ad
from sequoia_stats.io.measured._finish import finish
from sequoia_stats.io.measured._gene_ids import name_columns, read_probe_map
from sequoia_stats.io.measured._primary_samples import one_per_patient, samples_of_names, take_listed
from sequoia_stats.io.measured._units import UNIT_CHOICES, Unit, parse_unit
from sequoia_stats.types._matrices import decoded, dense
from sequoia_stats.types.expression import Expression
from sequoia_stats.types.genes import refuse_dates

if TYPE_CHECKING:
    from anndata import AnnData


def recognises(path: Path) -> bool:
    """Whether `path` is a file; folders are not matrices."""
    return not path.is_dir()


def read_expression_matrix(
    path: str | Path,
    *,
    unit: str | None = None,
    genes_in: str = "columns",
    probe_map: str | Path | None = None,
    identifiers: str = "symbols",
    samples: str | Path | None = None,
) -> Expression:
    """Read a matrix of measured expression.

    Parameters
    ----------
    path : path
        Text (.csv, .tsv, .txt, also .gz, .zip), .parquet, or .h5ad whose layer ``measured``, or else X, is read.
    unit : str, optional
        The unit of the values; needed unless ``uns["units"]`` of an .h5ad states it. It is never guessed.
    genes_in : {"columns", "rows"}
        Where a table has its genes.
    probe_map : path, optional
        Table with the columns ``id`` and ``gene``, where genes are not named by symbols.
    identifiers : {"symbols", "as-they-are"}
        Whether names of genes must be symbols.
    samples : path, optional
        A table whose first column names the samples to take; by default all are.

    Returns
    -------
    Expression
        Abundances as log2(x + 1), counts as log2(CPM + 1); everything else as it is. Of barcodes of TCGA one primary
        sample per patient is kept; any other name is a patient.

    Raises
    ------
    InputError
        If the unit is not stated or contradicts the values, or the matrix cannot be read.
    """
    path, flow = Path(path), Flow()
    frame, stated = (
        _from_h5ad(path, genes_in, flow) if is_h5ad(path) else (_from_table(path, genes_in, flow), "")
    )
    chosen = _unit(path, unit, stated)
    refuse_dates(frame.columns, str(path))
    named = take_listed(samples_of_names(frame.index), samples, str(path), flow)
    kept = one_per_patient(named, str(path), flow)
    frame = frame.loc[kept.index].set_axis(pd.Index(kept["patient_id"], name="patient_id"), axis=0)
    symbol_of = None if probe_map is None else read_probe_map(probe_map)
    naming = name_columns(frame.columns, str(path), flow, symbol_of=symbol_of, identifiers=identifiers)
    covariates = kept[["sample"]].set_axis(frame.index, axis=0)
    if (covariates["sample"] == covariates.index).all():
        covariates = covariates[[]]
    name, totals = path.name.partition(".")[0], chosen.totals(frame.to_numpy())
    return finish(frame, naming, chosen, str(path), name, flow, totals, covariates)


def _unit(path: Path, said: str | None, stated: str) -> Unit:
    """The unit that the user names, or the one in the file."""
    if said is None and not stated:
        raise InputError("the unit is not stated", where=str(path), fix=f"--unit: {UNIT_CHOICES}")
    unit = parse_unit(said or stated)
    if said and stated and parse_unit(stated) != unit:
        raise InputError(
            f"the file says {stated}, but --unit {said}", where=str(path), fix="leave --unit out"
        )
    return unit


def _from_table(path: Path, genes_in: str, flow: Flow) -> pd.DataFrame:
    frame = read_matrix(path, genes_in, unit="sample", flow=flow).astype(np.float64, copy=False)
    frame.index = frame.index.astype(str)
    return frame


def _from_h5ad(path: Path, genes_in: str, flow: Flow) -> tuple[pd.DataFrame, str]:
    """Measured values of an AnnData, rows named by their patient, and the unit that it states."""
    if genes_in == "rows":
        raise InputError(
            "AnnData always has its genes in columns", where=str(path), fix="leave --genes-in out"
        )
    adata = read_adata(path)
    place = "measured" if "measured" in adata.layers else "X"
    if place == "X" and {"ensemble", "weights"} <= set(adata.uns):
        raise InputError("the file holds predictions, but no measured expression", where=str(path))
    values = dense(adata.X if place == "X" else adata.layers[place], f"{path}, {place}")
    if np.isinf(values).any():
        raise InputError(
            "some values are infinite", where=f"{path}, {place}", fix="use NaN for missing values"
        )
    names = _row_names(adata, path)
    genes = adata.var_names.astype(str)
    refuse_other_side(list(names), list(genes), path, "genes are in columns: transpose it (adata.T)")
    frame = without_summaries(pd.DataFrame(values, names, genes), flow)
    return frame, str(decoded(adata.uns.get("units", "")))


def _row_names(adata: AnnData, path: Path) -> pd.Index:
    column = adata.obs["patient_id"] if "patient_id" in adata.obs else adata.obs_names.to_series()
    names = pd.Series(column.astype(object).to_numpy(), adata.obs_names, dtype=object)
    check_ids(names, f"{path}, obs", unit="patient")
    refuse_open_quotes(names, path)
    return pd.Index(names.astype(str), dtype=object)
