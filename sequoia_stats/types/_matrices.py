"""Matrices of slides × genes, also those of an AnnData: checks of their values, and means over groups of slides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_stats.errors import InputError, counted
from sequoia_stats.types.covariates import refuse_repeated_columns

if TYPE_CHECKING:
    from anndata import AnnData

_BLOCK = 1024  # columns at a time, so that copies stay small


def in_memory(data: Any, what: str) -> AnnData:
    """An AnnData, read into memory if it is backed by a file; bytes in obs become texts, as in a file.

    Parameters
    ----------
    data : AnnData
        Anything else is refused.
    what : str
        What it should be: "cohort".

    Raises
    ------
    InputError
        If it is not an AnnData, or the same name of an obs column is used twice.
    """
    import anndata

    if not isinstance(data, anndata.AnnData):
        kind = type(data).__name__
        raise InputError(
            f"{kind} is not a type of {what} that can be read", fix=f"give a file, an AnnData or a {what}"
        )
    refuse_repeated_columns(data.obs.columns, "AnnData, obs")
    data = data.to_memory() if data.isbacked else data
    if texts := {
        name: held for name, column in data.obs.items() if (held := _texts_of_bytes(column)) is not None
    }:
        data = data.copy()
        data.obs = data.obs.assign(**texts)
    return data


def decoded(value: Any) -> Any:
    """The text of bytes, as NumPy holds it; anything else as it is."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _texts_of_bytes(column: pd.Series) -> pd.Series | None:
    """A column of texts in place of one with bytes; None if it has none."""
    is_categorical = isinstance(column.dtype, pd.CategoricalDtype)
    if not is_categorical and column.dtype != object:
        return None
    values = list(column.cat.categories) if is_categorical else column.tolist()
    if not any(isinstance(value, bytes) for value in values):
        return None
    return pd.Series(map(decoded, column), column.index, dtype=object)


def dense(matrix: Any, where: str) -> NDArray[np.float64]:
    """A matrix of AnnData, also a sparse one, as float64.

    Raises
    ------
    InputError
        If there is none, or its values are not numbers.
    """
    if matrix is None:
        raise InputError(
            "the AnnData has no X",
            where=where,
            fix="set X to a matrix of patients × genes, such as a layer if there is one",
        )
    try:
        return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("some values are not numbers", where=f"{where}: {error}") from None


def as_floats(values: Any, where: str) -> NDArray[np.floating[Any]]:
    """The matrix itself if it is float32 or float64, else a float64 copy."""
    matrix = np.asarray(values)
    if matrix.dtype not in (np.float32, np.float64):
        try:
            matrix = matrix.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InputError("some values are not numbers", where=f"{where}: {error}") from None
    if matrix.ndim != 2:
        raise InputError(
            f"a matrix of slides × genes is needed, not an array with {counted(matrix.ndim, 'axis', 'axes')}",
            where=where,
        )
    return matrix


def refuse_not_finite(
    matrix: NDArray[np.floating[Any]], slides: pd.Index, genes: pd.Index, where: str, *, missing: bool
) -> None:
    """Refuse infinite values, and NaN unless values may be missing; names the first slide and gene."""
    # the sum needs no copy; the rest is for matrices with such values
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(matrix.sum()):
            return
    bad = np.isinf(matrix) if missing else ~np.isfinite(matrix)
    if not bad.any():
        return
    row, column = divmod(int(bad.argmax()), bad.shape[1])
    words, fix = "NaN or infinite", "predict these slides again, or leave them out"
    if missing:
        words, fix = "infinite", "write NA for missing values"
    raise InputError(
        f"{counted(int(bad.sum()), 'value is', 'values are')} {words}",
        where=f"{where}: first at slide {slides[row]}, gene {genes[column]}",
        fix=fix,
    )


def varying(matrix: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Whether a column has two different values; missing ones do not count."""
    return np.fmin.reduce(matrix, axis=0) < np.fmax.reduce(matrix, axis=0)


def group_means(matrix: NDArray[np.floating[Any]], codes: NDArray[np.intp]) -> NDArray[np.floating[Any]]:
    """Means over the rows of a group, summed in float64; NaN if all of them are missing."""
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    several = sizes > 1  # a row that is alone in its group is its own mean
    alone = order[np.repeat(~several, sizes)]
    order, repeated = order[np.repeat(several, sizes)], sizes[several]
    starts = np.cumsum(repeated) - repeated
    result = np.empty((len(sizes), matrix.shape[1]), matrix.dtype)
    for start in range(0, matrix.shape[1], _BLOCK):
        columns = slice(start, start + _BLOCK)
        result[~several, columns] = matrix[alone, columns]
        block = matrix[order, columns].astype(np.float64)
        present = ~np.isnan(block)
        if present.all():
            means = np.add.reduceat(block, starts, axis=0) / repeated[:, None]
        else:
            sums = np.add.reduceat(np.where(present, block, 0.0), starts, axis=0)
            with np.errstate(invalid="ignore"):  # 0 / 0 if all are missing
                means = sums / np.add.reduceat(present, starts, axis=0, dtype=np.int64)
        result[several, columns] = means
    return result
