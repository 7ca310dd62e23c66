"""Times that carry their own unit: durations become months, dates are refused."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sequoia_stats.errors import InputError, part
from sequoia_stats.types.arrays import unmasked

#: Days in a month, everywhere in this package.
MONTH_DAYS = 365.25 / 12
_DURATIONS = (datetime.timedelta, np.timedelta64)
_DATES = (datetime.date, np.datetime64, pd.Period)
#: Months in the units of numpy that have no fixed number of days.
_CALENDAR = {"M": (np.timedelta64(1, "M"), 1.0), "Y": (np.timedelta64(1, "Y"), 12.0)}


def has_own_unit(value: object) -> bool:
    """Whether a value, which is not missing, is a date or a span of time."""
    return isinstance(value, _DATES + _DURATIONS)


def without_own_unit(times: ArrayLike) -> NDArray[Any]:
    """Durations as months of 365.25/12 days, NaN where missing; anything else as it is.

    Parameters
    ----------
    times : array
        Numbers, texts, or durations: `timedelta` of Python, numpy or pandas.

    Raises
    ------
    InputError
        If there are dates, or both durations and numbers.

    Examples
    --------
    >>> import numpy as np
    >>> without_own_unit(np.array([365.25 * 2, 30.4375]) * np.timedelta64(86_400, "s")).tolist()
    [24.0, 1.0]
    """
    array = np.asarray(unmasked(times))
    if array.dtype.kind == "O":
        array = _of_one_kind(array)
    if array.dtype.kind == "M":
        raise InputError(
            "the times are dates, not durations",
            fix="give each patient's time from the start of follow-up to the event or to the last contact",
        )
    return _in_months(array) if array.dtype.kind == "m" else array


def _of_one_kind(objects: NDArray[Any]) -> NDArray[Any]:
    """Python's and pandas' own durations and dates as numpy's."""
    known = ~pd.isna(objects)
    dates, durations = (
        np.array([isinstance(value, types) for value in objects.flat], bool).reshape(objects.shape) & known
        for types in (_DATES, _DURATIONS)
    )
    if dates.any():
        return np.empty(0, "datetime64[D]")
    if not durations.any():
        return objects
    if (known & ~durations).any():
        what = f"{part(int(durations.sum()), objects.size, 'time', 'are')} durations; others are not"
        raise InputError(what, fix="give all times as numbers of one unit")
    present = objects.copy()
    present[~known] = pd.NaT
    return pd.to_timedelta(present.ravel()).to_numpy().reshape(objects.shape)


def _in_months(durations: NDArray[np.timedelta64]) -> NDArray[np.float64]:
    unit = np.datetime_data(durations.dtype)[0]
    if unit == "generic":
        raise InputError(
            "the times are durations without a unit", fix="give them a unit, as in timedelta64[D]"
        )
    if unit in _CALENDAR:
        one, months = _CALENDAR[unit]
        return durations / one * months
    return durations / np.timedelta64(1, "D") / MONTH_DAYS
