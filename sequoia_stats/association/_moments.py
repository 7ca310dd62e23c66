"""All statistics of columns that are based on sums, for two or three matrices at once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sequoia_base.results import Result
from sequoia_stats.errors import InputError, listing, part
from sequoia_stats.types.arrays import Floats, float_array, refuse_other_labels, unmasked

if TYPE_CHECKING:
    import pandas as pd

    from sequoia_stats.association._moment_kernels import ColumnSums


class PerColumn(Result):
    """A result whose fields are arrays of the same length."""

    def to_frame(self) -> pd.DataFrame:
        """One row per column of the data, one column per statistic."""
        import pandas as pd

        return pd.DataFrame({f.name: np.ravel(getattr(self, f.name)) for f in fields(self)})  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Moments(PerColumn):
    """Statistics of every column from one pass over measured (1), predicted (2) and untrained (3) values.

    Attributes
    ----------
    n : array of int64, shape (g,)
        Number of rows with all values; all other statistics use these rows.
    r12, r13, r23 : arrays of shape (g,)
        Pearson's r between the matrices; 0 if a column is constant or n < 3.
    rmse, rmse_untrained, mae : arrays of shape (g,)
        Root mean squared error of the predicted and of the untrained values, and mean absolute error of the
        predicted values; NaN if n is 0.
    explained_variance : array of shape (g,)
        1 − var(measured − predicted) / var(measured); NaN if the measured values are constant.

    Without untrained values r13, r23 and rmse_untrained are NaN.
    """

    n: NDArray[np.int64]
    r12: Floats
    r13: Floats
    r23: Floats
    rmse: Floats
    rmse_untrained: Floats
    mae: Floats
    explained_variance: Floats


def moments(
    measured: ArrayLike,
    predicted: ArrayLike,
    untrained: ArrayLike | None = None,
    *,
    rows: ArrayLike | None = None,
    jobs: int | None = None,
) -> Moments:
    """Correlations and errors of all columns of two or three matrices in one pass.

    Matrices of the same type, float32 or float64, are read in place, others in small tiles. Sums are float64 and
    lose no digits to a large common offset.

    Parameters
    ----------
    measured, predicted : arrays of shape (n, g)
        Samples × genes. A row with NaN in any matrix is left out of that column.
    untrained : array of shape (n, g), optional
        Predictions of an untrained network.
    rows : array, optional
        Indices of the rows to use, or a boolean per row; all by default. This avoids a copy.
    jobs : int, optional
        Number of threads, one per available core by default; results do not depend on it.

    Returns
    -------
    Moments

    Raises
    ------
    InputError
        If the shapes differ, or values are infinite or too large to be squared.

    Examples
    --------
    >>> found = moments([[1.0], [2.0], [4.0]], [[1.0], [3.0], [4.0]])
    >>> found.r12.round(4), found.rmse.round(4), found.mae.round(4)
    (array([0.9286]), array([0.5774]), array([0.3333]))
    """
    from sequoia_stats.association._moment_kernels import column_sums

    refuse_other_labels(measured, predicted, untrained)
    given = [measured, predicted] if untrained is None else [measured, predicted, untrained]
    matrices = [as_matrix(values) for values in given]
    shapes = [m.shape for m in matrices]
    if len(set(shapes)) > 1:
        raise InputError(f"the matrices have different shapes: {' and '.join(map(str, shapes))}")
    chosen = None if rows is None else np.arange(len(matrices[0]))[np.asarray(rows)]
    return _moments(column_sums(matrices, chosen, jobs), three=len(matrices) == 3)


def as_matrix(values: ArrayLike) -> NDArray[Any]:
    """A matrix of numbers, without a copy if it is an array already; an InputError for anything else."""
    matrix = _array(values)
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiub":
        raise InputError(
            "a matrix of numbers is needed",
            where=f"an array of type {matrix.dtype} with {matrix.ndim} dimensions was given",
            fix="pass an array of shape (samples, genes)",
        )
    return matrix


def _array(values: Any) -> NDArray[Any]:
    """An array as it is; sparse matrices, and frames of nullable types, as float64."""
    if hasattr(values, "toarray"):
        return float_array(values, "values")
    try:
        array = np.asarray(unmasked(values))
    except ValueError:
        raise InputError("a matrix of numbers is needed, but its rows have different lengths") from None
    holds_gaps = array.dtype.kind == "O" and isinstance(values, pd.DataFrame | np.ma.MaskedArray)
    return float_array(values, "values") if holds_gaps else array


def _moments(sums: ColumnSums, three: bool) -> Moments:
    if not np.isfinite(sums.s11 + sums.s22 + sums.s33).all():
        bad = np.flatnonzero(~np.isfinite(sums.s11 + sums.s22 + sums.s33))
        raise InputError(
            f"{part(len(bad), len(sums.n), 'column', 'have')} values that are infinite or too large to be squared",
            where=f"columns {listing(bad + 1)}",
        )
    absent = np.full(len(sums.n), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 is NaN if n is 0
        return Moments(
            n=sums.n.astype(np.int64),
            r12=_r(sums.s12, sums.s11, sums.s22, sums.n),
            r13=_r(sums.s13, sums.s11, sums.s33, sums.n) if three else absent,
            r23=_r(sums.s23, sums.s22, sums.s33, sums.n) if three else absent,
            rmse=np.sqrt(sums.e12 / sums.n + sums.b12**2),
            rmse_untrained=np.sqrt(sums.e13 / sums.n + sums.b13**2) if three else absent,
            mae=sums.a12 / sums.n,
            explained_variance=np.where(sums.s11 > 0, 1 - sums.e12 / sums.s11, np.nan),
        )


def _r(products: Floats, squares: Floats, other: Floats, n: Floats) -> Floats:
    # the root of the product gives exactly 1 for equal columns, unless the product is outside the range of float64
    with np.errstate(over="ignore"):
        root = np.sqrt(squares * other)
    usable = (squares > 0) & (other > 0) & (n >= 3)
    root = np.where((root > 1e-150) & (root < 1e150), root, np.sqrt(squares) * np.sqrt(other))
    return np.clip(np.divide(products, root, out=np.zeros_like(root), where=usable), -1, 1)
