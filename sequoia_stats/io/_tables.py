"""Matrices of expression from text and parquet, and checks of their ids."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.flow import Flow
from sequoia_base.missing import NO_ID
from sequoia_base.names import is_primary, refuse_open_quotes, tcga_patient
from sequoia_base.tables import read_numbers
from sequoia_stats.errors import InputError, counted, listing, part
from sequoia_stats.io._gene_annotation import about_genes, note_about_genes
from sequoia_stats.io._layout import (
    expression_only,
    genes_only,
    id_position,
    no_expression,
    refuse_no_header,
    without_codes,
    without_summaries,
)
from sequoia_stats.io._parquet import read_parquet
from sequoia_stats.io._parquet import recognises as is_parquet
from sequoia_stats.io._sides import refuse_other_side, title_of_other_side


def read_matrix(
    path: str | Path,
    genes_in: str = "columns",
    id_column: str | None = None,
    unit: str = "patient",
    flow: Flow | None = None,
) -> pd.DataFrame:
    """A table of numbers as patients × genes.

    Parameters
    ----------
    path : path
        As in `read_table`, or a parquet file.
    genes_in : {"columns", "rows"}
        Where the genes are. In "rows" the first column holds their names, the header those of the patients.
    id_column : str, optional
        The column of patient ids where genes are in columns; by default the first (parquet: the index, or the first
        column of text).
    unit : {"patient", "sample"}
        What the ids belong to, for errors.
    flow : Flow, optional
        Takes a line for columns that are not genes: row names, summaries such as N_unmapped, and clinical data such
        as "age"; where genes are in rows, also for columns that tell of the gene, such as "Entrez_Gene_Id".

    Returns
    -------
    DataFrame of shape (patients, genes)
        float64, or float32 if all of a parquet file is; index = patient id, unique; columns = genes as in the
        file, which may repeat.

    Raises
    ------
    InputError
        As `read_numbers`; if a patient has no id, or is duplicated; if names, or the title of the first
        column, show that genes are in the other direction.
    """
    in_rows, flow = are_in_rows(genes_in), Flow() if flow is None else flow
    labels, values = _labelled(path, in_rows, id_column, flow)
    names_of = [list(labels), list(values.columns)]
    samples, genes = reversed(names_of) if in_rows else names_of
    fix = f"--genes-in {'columns' if in_rows else 'rows'}"
    refuse_other_side(samples, genes, path, fix, title_of_other_side(str(labels.name), in_rows))
    refuse_open_quotes(values.columns if in_rows else labels, path)
    if in_rows:
        names = pd.Series(values.columns, dtype=object)
        check_ids(names, f"{path}, row 1", "columns", unit)
        frame = _frame(values.to_numpy().T.copy(), names, labels)
        return genes_only(without_summaries(frame, flow), flow)
    check_ids(
        labels, f"{path}, {f'column {labels.name!r}' if labels.name else 'the column of ids'}", unit=unit
    )
    frame = _frame(values.to_numpy(), labels, values.columns)
    return without_codes(without_summaries(frame, flow), flow, "columns")


def _labelled(
    path: str | Path, in_rows: bool, id_column: str | None, flow: Flow
) -> tuple[pd.Series, pd.DataFrame]:
    """The labels of the rows of a matrix, named by their column, and its numbers."""
    if is_parquet(Path(path)):
        labels, values, lost = read_parquet(
            path, None if in_rows else id_column, left_out=about_genes if in_rows else None
        )
        note_about_genes(values.shape[1] + len(lost), lost, flow)
        return labels, values

    def texts(header: list[str]) -> list[int]:
        if not in_rows:
            refuse_no_header(header, path)
        ids = id_position(header, None if in_rows else id_column, path)
        further = [i for i in about_genes(header) if i > ids] if in_rows else []
        return [ids, *no_expression(header[:ids] if in_rows else header, ids), *further]

    numbers = read_numbers(path, texts)
    if in_rows:
        titles = [str(title) for title in numbers.texts]
        lost = [titles[i] for i in about_genes(titles) if i]
        note_about_genes(len(numbers.columns) + len(titles) - 1, lost, flow)
        numbers = replace(numbers, texts=numbers.texts.drop(columns=lost))
    numbers = expression_only(numbers, flow)
    labels = numbers.texts.iloc[:, 0]
    return labels, pd.DataFrame(numbers.values, labels.index, numbers.columns, copy=False)


def are_in_rows(genes_in: str) -> bool:
    """Whether genes are in rows; `genes_in` must be "rows" or "columns"."""
    if genes_in not in ("columns", "rows"):
        raise InputError(f"genes are in columns or in rows, not {genes_in!r}", fix="--genes-in columns|rows")
    return genes_in == "rows"


def check_ids(ids: pd.Series, where: str, axis: str = "rows", unit: str = "patient") -> None:
    """Refuse missing or duplicated ids of patients or samples (`unit`); the index of `ids` holds their places."""
    refuse_no_id(ids, where, axis, unit)
    repeated = ids[ids.duplicated(keep=False)]
    if len(repeated):
        raise InputError(
            f"{counted(repeated.nunique(), f'{unit} is', f'{unit}s are')} duplicated: {listing(repeated.unique())}",
            where=f"{where}, {axis} {listing(repeated.index)}",
            fix="keep one for each patient" if unit == "patient" else f"give every {unit} an id of its own",
        )


def refuse_no_id(ids: pd.Series, where: str, axis: str = "rows", unit: str = "patient") -> None:
    """Refuse missing ids; as in `check_ids`."""
    absent = ids.isna() | ids.isin(NO_ID)
    if absent.any():
        what = counted(absent.sum(), f"{axis[:-1]} has", f"{axis} have")
        raise InputError(f"{what} no {unit} id", where=f"{where}, {axis} {listing(ids.index[absent])}")


def patient_ids(ids: pd.Series, where: str, axis: str = "rows") -> pd.Series:
    """Ids cut to the patient: none missing, none duplicated, and no barcode of anything but a primary tumour."""
    check_ids(ids, where, axis)
    refuse_open_quotes(ids, where)
    patients = ids.map(tcga_patient)
    check_ids(patients, where, axis)
    other = ids[ids.map(is_primary).eq(False)]
    if len(other):
        raise InputError(
            f"{part(len(other), len(ids), 'TCGA sample', 'are')} not primary tumours: {listing(other)}",
            where=f"{where}, {axis} {listing(other.index)}",
            fix="leave them out of the table",
        )
    return patients


def _frame(values: NDArray[np.float64], patients: Iterable[str], genes: Iterable[str]) -> pd.DataFrame:
    frame = pd.DataFrame(values, index=list(patients), columns=list(genes))
    return frame.rename_axis(index="patient_id", columns="gene")
