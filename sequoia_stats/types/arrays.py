"""Types of arrays for annotations, and values of patients from whatever holds them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_stats.errors import InputError, counted

#: Numbers in double precision.
Floats = NDArray[np.float64]
#: Numbers in any precision.
AnyFloats = NDArray[np.floating[Any]]


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
        If they have another shape.
    """
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
    if isinstance(
        values, list | tuple
    ):  # one by one, as numpy would turn None and NaN beside texts into texts
        return pd.Series(list(values), dtype=object).infer_objects()
    array: NDArray[Any] = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.dtype.names:
        raise InputError(
            f"the {what} have the shape {array.shape}", fix=f"pass an array of {what}, one for each patient"
        )
    return pd.Series(array)


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
    try:
        numbers = series.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise InputError(f"some of the {what} are not numbers", where=str(error)) from None
    return pd.Series(numbers, series.index, name=series.name)
