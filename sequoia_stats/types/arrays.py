"""Types of arrays for annotations, and values of patients from whatever holds them."""

from __future__ import annotations

from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_stats.errors import InputError, counted, listing

#: Numbers in double precision.
Floats = NDArray[np.float64]
#: Numbers in any precision.
AnyFloats = NDArray[np.floating[Any]]


def unmasked(values: Any) -> Any:
    """A masked array of numpy with missing values (NaN, NaT or None) in place of what is masked; else as it is.

    Raises
    ------
    InputError
        If a structured array has masked fields.
    """
    if isinstance(values, list | tuple):
        return [None if value is np.ma.masked else value for value in values]
    if not isinstance(values, np.ma.MaskedArray):
        return values
    mask: Any = np.ma.getmaskarray(values)
    if mask.dtype.names:
        if any(mask[name].any() for name in mask.dtype.names):
            raise InputError(
                "a structured array has masked fields",
                fix="leave out the rows that have them, or pass a DataFrame",
            )
        return values.data
    if not mask.any():
        return values.data
    missing = {"f": np.nan, "m": np.timedelta64("NaT"), "M": np.datetime64("NaT")}.get(values.dtype.kind)
    filled = values.data.astype(object if missing is None else values.dtype)  # a copy
    filled[mask] = missing
    return filled


def as_series(values: Any, what: str) -> pd.Series:
    """One value per patient, from a list, a Series, an array of shape (n,) or (n, 1), or a frame of one column.

    Parameters
    ----------
    values : array-like
        The values.
    what : str
        What they are, in the plural: "groups".

    Raises
    ------
    InputError
        If they have another shape, or are complex numbers.
    """
    series = _one_column(values, what)
    if series.dtype.kind == "c":
        raise InputError(f"the {what} are complex numbers", fix="give real numbers")
    return series


def _one_column(values: Any, what: str) -> pd.Series:
    if isinstance(values, pd.Series):
        return values
    if isinstance(values, pd.DataFrame):
        if values.shape[1] == 1:
            return values.iloc[:, 0]
        raise InputError(
            f"the {what} are a table with {counted(values.shape[1], 'column')}", fix="pass one column"
        )
    if isinstance(values, pd.Categorical | pd.Index | pd.api.extensions.ExtensionArray):
        return pd.Series(values)
    values = unmasked(values)
    if isinstance(values, list | tuple):  # one by one, as numpy would turn None beside texts into a text
        return pd.Series(list(values), dtype=object).infer_objects()
    array: NDArray[Any] = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.dtype.names:
        raise InputError(
            f"the {what} have the shape {array.shape}", fix=f"pass an array of {what}, one for each patient"
        )
    return pd.Series(np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array)


def numbers_of_objects(column: pd.Series) -> pd.Series:
    """A column of objects that all are numbers or missing, as float64; any other column as it is."""
    if column.dtype != object:
        return column
    is_number = column.map(lambda value: isinstance(value, Real | Decimal | np.bool_))
    return column.where(is_number, np.nan).astype(np.float64) if (is_number | column.isna()).all() else column


def float_array(values: Any, what: str) -> Floats:
    """Numbers of any shape in float64, with NaN where a value is missing.

    Parameters
    ----------
    values : array-like
        A number, list, array, Series or frame, also of nullable types, or a sparse matrix.
    what : str
        What they are, in the plural: "correlations".

    Raises
    ------
    InputError
        If they are not numbers.
    """
    try:
        if isinstance(values, pd.DataFrame) and any(dtype.kind in "cmM" for dtype in values.dtypes):
            raise TypeError(f"the columns are of types {listing(values.dtypes.unique())}")
        if isinstance(values, pd.Series) and values.dtype.kind == "c":
            raise TypeError(f"they are of type {values.dtype}")
        if isinstance(values, pd.Series | pd.DataFrame | pd.api.extensions.ExtensionArray):
            values = np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))
        values = unmasked(values)
        array = np.asarray(values.toarray() if hasattr(values, "toarray") else values)
        if array.dtype.kind in "cmM":
            raise TypeError(f"they are of type {array.dtype}")
        return array.astype(np.float64, copy=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"some of the {what} are not numbers", where=str(error)) from None


def refuse_other_labels(*values: Any) -> None:
    """Refuse frames or Series whose rows or columns do not have the same labels in the same order.

    Raises
    ------
    InputError
        If a label differs. A default index 0, 1, 2, ... is none.
    """
    tables = [value for value in values if isinstance(value, pd.Series | pd.DataFrame)]
    for axis, words in enumerate(("rows", "columns")):
        labels = [table.axes[axis] for table in tables if table.ndim > axis]
        named = [index for index in labels if not index.equals(pd.RangeIndex(len(index)))]
        others = [index for index in named[1:] if len(index) == len(named[0]) and not index.equals(named[0])]
        if words == "columns":  # columns without a label in common are pairs by their places: x1 and y1
            others = [index for index in others if index.isin(named[0]).any()]
        if others:
            raise InputError(
                f"the {words} of the tables have different labels, or the same in another order",
                where=" and ".join(listing(index, 3) for index in named),
                fix="reindex one table by the labels of the other, or pass to_numpy() if they are in the same order",
            )


def as_numbers(values: Any, what: str) -> pd.Series:
    """As `as_series`, in float64 with NaN where a value is missing.

    Raises
    ------
    InputError
        If they have another shape, or are not numbers.
    """
    series = as_series(values, what)
    if series.dtype.kind in "mM":
        raise InputError(
            f"the {what} are dates or spans of time, whose unit is not said", fix="turn them into numbers"
        )
    return pd.Series(float_array(series, what), series.index, name=series.name)
