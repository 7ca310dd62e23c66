"""Which slides and genes have every value, and a matrix without the others in the memory that it has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: The rule by which slides and genes with missing values are left out, in words for the ledger.
RULE = "largest share first"


def complete(values: NDArray[np.float32]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Rows and columns that are left when none of their values is missing.

    The row or column with the largest share of missing values is left out, then the next among what is left, until
    nothing is missing; of a row and a column with the same share, the column. So a gene that few slides have costs no
    slide, and a slide whose assay failed costs no gene.

    Parameters
    ----------
    values : array of shape (slides, genes), float32
        NaN where a value is missing.

    Returns
    -------
    rows : array of shape (slides,), bool
        Slides that are left.
    columns : array of shape (genes,), bool
        Genes that are left.

    Examples
    --------
    >>> nan = np.nan
    >>> rows, columns = complete(np.array([[1, nan, 3], [nan, nan, nan], [7, 8, 9], [10, nan, 12]]))
    >>> rows.tolist(), columns.tolist()
    ([True, False, True, True], [True, False, True])
    """
    missing = np.isnan(values)
    rows, columns = np.ones(missing.shape[0], dtype=bool), np.ones(missing.shape[1], dtype=bool)
    in_row, in_column = missing.sum(axis=1), missing.sum(axis=0)
    n_rows, n_columns = missing.shape
    while in_row.any():
        row, column = int(in_row.argmax()), int(in_column.argmax())
        if in_column[column] * n_columns >= in_row[row] * n_rows:  # shares, without a division
            columns[column], n_columns = False, n_columns - 1
            in_row -= missing[:, column] & rows
            in_column[column] = 0
        else:
            rows[row], n_rows = False, n_rows - 1
            in_column -= missing[row] & columns
            in_row[row] = 0
    return rows, columns


def constant(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether each column has one value only.

    Parameters
    ----------
    values : array of shape (slides, genes), float32
        At least one slide.

    Returns
    -------
    array of shape (genes,), bool
    """
    same = np.ones(values.shape[1], dtype=bool)
    for row in values[1:]:
        same &= row == values[0]
    return same


def packed(
    values: NDArray[np.float32], rows: NDArray[np.bool_], columns: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Some rows and columns of a matrix, moved to the front of its own memory; the matrix is lost.

    Parameters
    ----------
    values : array of shape (slides, genes), float32
        In C order.
    rows, columns : array of bool
        Which are kept.

    Returns
    -------
    array of shape (slides kept, genes kept), float32
        In C order, in the memory of `values`.
    """
    if rows.all() and columns.all():
        return values
    width, flat = int(columns.sum()), values.reshape(-1)
    kept = np.flatnonzero(rows)
    for target, row in enumerate(kept):  # never ahead of the row that is read
        flat[target * width : (target + 1) * width] = values[row, columns]
    return flat[: len(kept) * width].reshape(len(kept), width)
