"""The last steps of every matrix: one column per symbol, and the logarithm, unless it was taken."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError, counted, listing, part
from sequoia_stats.io.measured._gene_ids import Naming, SymbolColumns
from sequoia_stats.io.measured._units import Unit, note_unit, refuse_contradiction
from sequoia_stats.types.expression import Expression


def finish(
    values: pd.DataFrame,
    naming: Naming,
    unit: Unit,
    where: str,
    name: str,
    flow: Flow,
    totals: NDArray[np.float64],
    covariates: pd.DataFrame,
) -> Expression:
    """Expression from a matrix.

    Parameters
    ----------
    values : DataFrame of shape (patients, columns)
        In `unit`; columns as in the file.
    naming : Naming
        Which columns are kept, and their symbols.
    unit : Unit
        Their unit.
    where, name : str
        The source, for errors, and what it is called.
    flow : Flow
        Takes a line for incomplete counts, several ids of a symbol, missing values, and the unit.
    totals : array of shape (patients,)
        Sums of counts; see `Unit.to_log`.
    covariates : DataFrame
        What is known of each patient, in the same order.

    Raises
    ------
    InputError
        If values contradict the unit, or there is no count in a sample.
    """
    refuse_contradiction(values, unit, where)
    if unit.measure == "counts" and not (totals > 0).all():
        empty = values.index[totals <= 0]
        raise InputError(
            f"{counted(len(empty), 'sample has', 'samples have')} no counts",
            where=f"{where}: {listing(empty)}",
        )
    if unit.measure == "counts":
        _note_incomplete(values, flow)
    symbols = SymbolColumns.of(naming.names, naming.columns)
    symbols.note(unit, flow)
    merged = symbols.merge(values.to_numpy(), unit)
    note_unit(merged, unit, flow)
    frame = pd.DataFrame(unit.to_log(merged, totals), values.index, symbols.symbols)
    _note_missing(frame, flow)
    return Expression(frame, pd.Series(unit.of_output, frame.columns), name, flow.to_frame(), covariates)


def _note_incomplete(counts: pd.DataFrame, flow: Flow) -> None:
    """Add a line to the ledger for samples without all counts: their sums are too small."""
    lacking = counts.index[counts.isna().any(axis=1)]
    if n := len(lacking):
        reason = (
            f"{part(n, len(counts), 'sample', 'have')} missing counts ({listing(lacking, 3)}): a million is the sum of "
            "the others, so CPM are too high there"
        )
        flow.add("samples: incomplete counts", len(counts), len(counts), reason)


def _note_missing(frame: pd.DataFrame, flow: Flow) -> None:
    """Missing values stay, and are counted."""
    missing = frame.isna()
    genes = missing.columns[missing.any()]
    if len(genes):
        n = int(missing.to_numpy().sum())
        reason = f"{counted(n, 'value is', 'values are')} missing, and kept as such, in {listing(genes, 3)}"
        flow.add("genes: missing values", frame.shape[1], frame.shape[1], reason)
