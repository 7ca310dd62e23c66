"""Expression without outcomes: what a score needs, from any file that holds it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sequoia_stats.cohort import FLOW_COLUMNS, UNIT_UNKNOWN, Cohort
from sequoia_stats.errors import InputError
from sequoia_stats.genes import standardise
from sequoia_stats.io._tables import read_matrix
from sequoia_stats.io._time_and_event import Steps
from sequoia_stats.io.h5ad import check_patients, expression_of, read_adata
from sequoia_stats.io.h5ad import recognises as is_h5ad

if TYPE_CHECKING:
    from anndata import AnnData


@dataclass(frozen=True, eq=False)
class Expression:
    """Expression of patients, without outcomes.

    Parameters
    ----------
    values : DataFrame of shape (patients, genes)
        float64; index = patient id, columns = gene symbol, both unique.
    units : Series
        Unit of every gene, "not stated" where the file does not say.
    name : str
        Name of the cohort or of the file.
    flow : DataFrame
        Ledger: ``step, n_before, n_after, reason``.
    """

    values: pd.DataFrame
    units: pd.Series
    name: str
    flow: pd.DataFrame


def read_expression(source: str | Path | Cohort | AnnData, *, genes_in: str = "columns") -> Expression:
    """Read expression; times and events, if there are any, are left alone.

    Parameters
    ----------
    source : path, Cohort or AnnData
        A cohort, an AnnData without outcomes, or a predictions file, as object or ``.h5ad``: where ``obs`` holds
        ``patient_id``, the slides of a patient are averaged. Or a table whose first column holds patient ids.
    genes_in : {"columns", "rows"}
        Where the genes are in a table; in "rows" the header holds the patient ids.

    Returns
    -------
    Expression

    Raises
    ------
    InputError
        If the source cannot be read, or a patient stands more than once in a table.
    """
    if isinstance(source, Cohort):
        return Expression(source.expression, source.units, source.name, source.flow)
    if not isinstance(source, str | Path):
        return _from_adata(source, "AnnData")
    path = Path(source)
    if is_h5ad(path):
        return _from_adata(read_adata(path), str(path))
    values, steps = standardise(read_matrix(path, genes_in))
    return _pack(values, pd.Series(UNIT_UNKNOWN, values.columns), path.name.partition(".")[0], steps)


def _from_adata(adata: AnnData, where: str) -> Expression:
    if "patient_id" not in adata.obs:  # slides may share a name, patients may not
        check_patients(adata, where)
    values, units, steps = expression_of(adata, where)
    if "patient_id" in adata.obs:
        patients = adata.obs["patient_id"].astype(object)
        if patients.isna().any():
            raise InputError(f"{patients.isna().sum()} slides have no patient_id", where=where)
        n = len(values)
        values = values.groupby(patients.astype(str).to_numpy(), sort=False).mean()
        steps.append(("slides: one row a patient", n, len(values), "slides of a patient averaged"))
    return _pack(values, units, str(adata.uns.get("name", "")) or Path(where).stem, steps)


def _pack(values: pd.DataFrame, units: pd.Series, name: str, steps: Steps) -> Expression:
    values.index = values.index.astype(str).rename("patient_id")
    values.columns = values.columns.astype(str).rename("gene")
    return Expression(values, units, name, pd.DataFrame(steps, columns=FLOW_COLUMNS))
