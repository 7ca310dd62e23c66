"""Expression without outcomes, from any file that holds it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype, is_object_dtype

from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.io._layout import without_clinical, without_codes
from sequoia_stats.io._tables import check_ids, read_matrix
from sequoia_stats.io.h5ad import expression_of, read_adata
from sequoia_stats.io.h5ad import recognises as is_h5ad
from sequoia_stats.types._matrices import in_memory
from sequoia_stats.types.arrays import float_array, numbers_of_objects
from sequoia_stats.types.cohort import UNIT_UNKNOWN, Cohort, plain
from sequoia_stats.types.covariates import MISSING_VALUES
from sequoia_stats.types.expression import Expression
from sequoia_stats.types.genes import as_given, standardise

if TYPE_CHECKING:
    from anndata import AnnData


def read_expression(
    source: str | Path | Cohort | AnnData | Expression | pd.DataFrame,
    *,
    genes_in: str = "columns",
    symbols: str = "approved",
    rows: str = "patients",
    layer: str | None = None,
) -> Expression:
    """Read expression; times and events are ignored.

    Parameters
    ----------
    source : path, Cohort, AnnData, Expression or DataFrame
        A cohort, an AnnData without outcomes, or a predictions file, as an object or ``.h5ad``: if ``obs`` holds
        ``patient_id``, the slides of a patient are averaged. Or a table (text or parquet) whose first column holds
        patient ids, or a frame of patients × genes. Expression is returned as it is.
    genes_in : {"columns", "rows"}
        Where a table has its genes; with "rows" the header holds the patient ids.
    symbols : {"approved", "as-given"}
        Replace former names of genes by approved ones, or keep the names. A cohort always has approved ones.
    rows : {"patients", "samples"}
        One row per patient, or the rows of the source, which must then have unique names.
    layer : str, optional
        Layer of an AnnData to read in place of X.

    Returns
    -------
    Expression

    Raises
    ------
    InputError
        If the source cannot be read or lacks the layer, or a patient (or sample) is duplicated; with names as given, if
        one is a date.
    """
    approved = _is_first(symbols, ("approved", "as-given"), "symbols are")
    per_patient = _is_first(rows, ("patients", "samples"), "rows are")
    if isinstance(source, Cohort):
        _refuse_layer(layer, "a cohort", source.name)
        return Expression(source.expression, source.units, source.name, source.flow, source.covariates)
    if isinstance(source, Expression):
        _refuse_layer(layer, "expression", source.name)
        return source
    if isinstance(source, pd.DataFrame):
        _refuse_layer(layer, "a table", "DataFrame")
        return _from_frame(source, approved, per_patient)
    if not isinstance(source, str | Path):
        _refuse_other_type(source)
        return _from_adata(in_memory(source, "cohort"), "AnnData", approved, per_patient, layer)
    path = Path(source)
    if is_h5ad(path):
        return _from_adata(read_adata(path), str(path), approved, per_patient, layer)
    _refuse_layer(layer, "a table", str(path))
    left_out, unit = Flow(), "patient" if per_patient else "sample"
    values = read_matrix(path, genes_in, unit=unit, flow=left_out).astype(np.float64)
    values, flow = standardise(values) if approved else as_given(values, str(path))
    flow = Flow([*left_out, *flow])
    units = pd.Series(UNIT_UNKNOWN, values.columns)
    return _pack(values, units, path.name.partition(".")[0], flow, per_patient)


def _from_frame(frame: pd.DataFrame, approved: bool, per_patient: bool) -> Expression:
    """A frame of patients × genes in memory, judged as a table in a file is."""
    left_out = Flow()
    frame = without_clinical(frame, left_out, "columns")
    if any(map(is_object_dtype, frame.dtypes)):
        frame = frame.apply(numbers_of_objects)
    odd = [str(name) for name, dtype in frame.dtypes.items() if not is_numeric_dtype(dtype)]
    if odd:
        raise InputError(
            f"{counted(len(odd), 'column holds', 'columns hold')} no numbers: {listing(odd)}",
            where="DataFrame",
            fix="keep only the genes, and make ids of patients the index",
        )
    values = pd.DataFrame(float_array(frame, "values"), frame.index, frame.columns)
    if np.isinf(values.to_numpy()).any():
        raise InputError("some values are infinite", where="DataFrame", fix="use NaN for missing values")
    names = pd.Series(values.index.astype(str), values.index.astype(str), dtype=object)
    check_ids(names, "DataFrame, index", unit="patient" if per_patient else "sample")
    values = without_codes(values, left_out, "columns")
    values, flow = standardise(values) if approved else as_given(values, "DataFrame")
    flow = Flow([*left_out, *flow])
    return _pack(values, pd.Series(UNIT_UNKNOWN, values.columns), "DataFrame", flow, per_patient)


def _refuse_other_type(source: object) -> None:
    """Refuse what is no AnnData; an array has a shape, but no names."""
    if all(hasattr(source, part) for part in ("obs_names", "var_names", "X")):
        return
    if isinstance(source, pd.Series):
        raise InputError(
            "a Series holds one patient or one gene, not a table",
            fix="give a DataFrame of patients × genes: of one patient, series.to_frame().T",
        )
    shape = getattr(source, "shape", None)
    if shape is not None:
        raise InputError(
            f"an array of shape {tuple(shape)} has no names of patients and genes",
            fix="give a DataFrame of patients × genes",
        )
    raise InputError(
        f"{type(source).__name__} is not a source of expression",
        fix="give a file, a cohort, an AnnData, or a DataFrame of patients × genes",
    )


def _from_adata(
    adata: AnnData, where: str, approved: bool, per_patient: bool, layer: str | None
) -> Expression:
    average = per_patient and "patient_id" in adata.obs  # then slides may share a name
    if not average:
        ids = pd.Series(adata.obs_names, adata.obs_names, dtype=object)
        check_ids(ids, f"{where}, obs", unit="patient" if per_patient else "sample")
    values, units, flow = expression_of(adata, where, approved=approved, layer=layer)
    covariates = adata.obs.apply(plain)
    if average:
        patients = adata.obs["patient_id"].astype(object)
        absent = patients.isna() | patients.astype(str).str.strip().isin(MISSING_VALUES)
        if absent.any():
            raise InputError(
                f"{counted(int(absent.sum()), 'slide has', 'slides have')} no patient_id",
                where=f"{where}: {listing(values.index[absent.to_numpy()])}",
                fix="fill the column patient_id of obs, or leave these slides out",
            )
        n, ids = len(values), patients.astype(str).to_numpy()
        values = values.groupby(ids, sort=False).mean()
        same = covariates.groupby(ids, sort=False).nunique(dropna=False).le(1).all()
        covariates = covariates.loc[:, same[same].index].groupby(ids, sort=False).first()
        flow.add("slides: one row per patient", n, len(values), "slides of a patient averaged")
    name = str(adata.uns.get("name", "")) or Path(where).stem
    return _pack(values, units, name, flow, per_patient, covariates)


def _pack(
    values: pd.DataFrame,
    units: pd.Series,
    name: str,
    flow: Flow,
    per_patient: bool,
    covariates: pd.DataFrame | None = None,
) -> Expression:
    values.index = values.index.astype(str).rename("patient_id" if per_patient else "sample_id")
    values.columns = values.columns.astype(str).rename("gene")
    if covariates is None:
        covariates = pd.DataFrame(index=values.index)
    return Expression(values, units, name, flow.to_frame(), covariates.set_axis(values.index, axis=0))


def _is_first(word: str, choices: tuple[str, str], what: str) -> bool:
    if word not in choices:
        raise InputError(f"{what} {choices[0]} or {choices[1]}, not {word!r}")
    return word == choices[0]


def _refuse_layer(layer: str | None, what: str, where: str) -> None:
    if layer is not None:
        raise InputError(f"{what} has no layers", where=where, fix="leave --layer out")
