"""Matrices of counts: what is not a count is refused, symbols that occur twice are summed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from sequoia_base.flow import Flow
from sequoia_base.gene_names import examine
from sequoia_stats.errors import InputError, counted, listing


def as_counts(
    matrix: Any, genes: Sequence[str], where: str, flow: Flow
) -> tuple[sparse.csc_array, tuple[str, ...]]:
    """Counts as a sparse matrix, one column for each symbol.

    Parameters
    ----------
    matrix : dense or sparse array of shape (spots, genes)
        The counts.
    genes : sequence of str
        Symbols; they may repeat, as several identifiers of one symbol do.
    where : str
        The file, for the error.
    flow : Flow
        Takes a line for what was summed or left out.

    Returns
    -------
    counts : csc_array of shape (spots, symbols)
        Counts of a repeated symbol are summed: each molecule was counted once.
    symbols : tuple of str
        In the order of their first appearance.

    Raises
    ------
    InputError
        If a count is negative, not a whole number, or not finite.
    """
    names = pd.Index([str(gene).strip() for gene in genes], dtype=object)
    counts = sparse.csc_array(matrix)
    _refuse_other_than_counts(counts, names, where)
    if (unnamed := (names == "").nonzero()[0]).size:
        flow.add("genes: named", len(names), len(names) - len(unnamed), "the others have no name")
        kept = (names != "").nonzero()[0]
        counts, names = counts[:, kept], names[kept]
    codes, symbols = pd.factorize(names)
    if len(symbols) < len(names):
        repeated = names[names.duplicated()].unique()
        reason = (
            f"{counted(len(repeated), 'symbol was', 'symbols were')} duplicated ({listing(repeated, 3)}): their counts "
            "are summed"
        )
        flow.add("genes: one column each", len(names), len(symbols), reason)
        kind = (
            np.dtype(np.int64) if counts.dtype.kind in "iu" else counts.dtype
        )  # small integers would overflow
        ones, shape = np.ones(len(names), dtype=kind), (len(names), len(symbols))
        counts = counts @ sparse.csc_array((ones, (np.arange(len(names)), codes)), shape=shape)
    if (found := examine(symbols)).are_identifiers:
        flow.add("genes: other identifiers", len(symbols), len(symbols), f"{found}; kept under these names")
    return sparse.csc_array(counts), tuple(map(str, symbols))


def totals_of(counts: sparse.csc_array) -> NDArray[np.float64]:
    """Sum of the counts of each spot, (spots,)."""
    return np.asarray(counts.sum(axis=1, dtype=np.float64)).ravel()


def _refuse_other_than_counts(counts: sparse.csc_array, genes: pd.Index, where: str) -> None:
    values = counts.data
    if values.dtype.kind == "b":
        raise InputError(
            "the values are true or false, not counts", where=where, fix="give the raw counts of each gene"
        )
    if values.dtype.kind not in "iuf":
        raise InputError("some counts are not numbers", where=where)
    bad = values < 0
    if values.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            bad = bad | ~np.isfinite(values) | (values != np.floor(values))
    if not bad.any():
        return
    first = int(bad.argmax())
    gene = genes[int(np.searchsorted(counts.indptr, first, side="right")) - 1]
    raise InputError(
        f"{counted(int(bad.sum()), 'value is not a count', 'values are not counts')}: "
        "counts are whole numbers of 0 or more",
        where=f"{where}, first at gene {gene}: {values[first]}",
        fix="give the raw counts, not normalised or logarithmic values",
    )
