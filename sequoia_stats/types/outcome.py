"""Survival outcomes: time in months, event, and the name of the endpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sequoia_base.tied_times import tied_times
from sequoia_stats.errors import InputError, listing, part
from sequoia_stats.types.arrays import as_numbers, as_series, unmasked
from sequoia_stats.types.durations import MONTH_DAYS as MONTH_DAYS
from sequoia_stats.types.durations import without_own_unit

#: Texts that mean an event or none, as numpy and pandas write them.
_CODES = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "False": 0, "True": 1}


@dataclass(frozen=True, eq=False)
class Outcome:
    """Right-censored survival outcome of n patients.

    Parameters
    ----------
    time : array of shape (n,)
        Months (of 365.25/12 days) to the event or to censoring, finite and positive, as given; see `tied_time`.
        Durations (`timedelta`) are turned into months.
    event : array of shape (n,)
        Whether the event was seen; False is censored.
    endpoint : str
        What the event is: OS, PFI, RFS, ...
    patients : Index, optional
        Labels by which groups, covariates and scores are matched; by default the index of a Series of times.

    Raises
    ------
    InputError
        If labels or lengths differ, a time is a date, missing or not positive, or an event is neither 0 nor 1.
    """

    time: NDArray[np.float64]
    event: NDArray[np.bool_]
    endpoint: str
    patients: pd.Index | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.patients is None:
            object.__setattr__(self, "patients", _labels(self.time, self.event))
        time = as_numbers(without_own_unit(self.time), "times (months)").to_numpy()
        events = as_series(self.event, "events")
        event = (
            events.astype(object) if pd.api.types.is_extension_array_dtype(events) else events
        ).to_numpy()
        if time.shape != event.shape:
            raise InputError(f"time and event differ in shape: {time.shape} and {event.shape}")
        invalid = np.flatnonzero(~(np.isfinite(time) & (time > 0)))
        if invalid.size:
            raise InputError(
                f"{part(invalid.size, time.size, 'patient', 'have')} a missing, zero or negative time",
                where=f"positions {listing(invalid)}",
                fix="leave these patients out, as read_cohort does with drop_invalid=True",
            )
        if event.dtype != np.bool_:
            event = pd.Series(event).map(_as_code, na_action="ignore").to_numpy()
            odd = np.flatnonzero(~pd.Series(event).isin((0, 1)))
            if odd.size:
                raise InputError(
                    f"{part(odd.size, event.size, 'event', 'are')} neither 0 nor 1",
                    where=f"positions {listing(odd)}: {listing(map(repr, pd.Series(event[odd]).unique().tolist()))}",
                    fix="code events as 1 and censored times as 0, or use read_cohort with event_value=",
                )
        if not self.endpoint:
            raise InputError("the endpoint has no name", fix="name it: OS, PFI, RFS, ...")
        object.__setattr__(self, "time", time)
        object.__setattr__(self, "event", np.ascontiguousarray(event, dtype=np.bool_))

    def __len__(self) -> int:
        return self.time.size

    @property
    def n(self) -> int:
        """Number of patients."""
        return self.time.size

    @property
    def n_events(self) -> int:
        """Number of events."""
        return int(self.event.sum())

    @cached_property
    def tied_time(self) -> NDArray[np.float64]:
        """`time` without differences that come from rounding; these times, and no others, say who is tied."""
        return tied_times(self.time)

    def __getitem__(self, rows: Any) -> Outcome:
        """The outcome of the selected patients (any numpy index that keeps one dimension)."""
        patients = None if self.patients is None else self.patients[rows]
        return Outcome(self.time[rows], self.event[rows], self.endpoint, patients)

    def to_frame(self) -> pd.DataFrame:
        """Columns ``time`` (months) and ``event`` (bool); index = the labels of the patients, called patient_id."""
        index = pd.RangeIndex(self.n) if self.patients is None else self.patients
        return pd.DataFrame({"time": self.time, "event": self.event}, index.rename("patient_id"))

    def to_structured(self) -> NDArray[np.void]:
        """A structured array with fields ``event`` and ``time``, as scikit-survival takes."""
        array = np.empty(self.n, dtype=[("event", np.bool_), ("time", np.float64)])
        array["event"], array["time"] = self.event, self.time
        return array


def unit_time(time: NDArray[np.float64]) -> NDArray[np.float64]:
    """Times below 1: divided by a power of two, which changes no digit and thus no tie."""
    return np.ldexp(time, -np.frexp(time.max(initial=0.0))[1])


def _as_code(event: Any) -> Any:
    """The number of a text such as "1"."""
    return _CODES.get(event.strip(), event) if isinstance(event, str) else event


def _labels(time: Any, event: Any) -> pd.Index | None:
    """The labels of times and events; a default index 0, 1, 2, ... is none."""
    labelled = [values.index for values in (time, event) if isinstance(values, pd.Series)]
    if len(labelled) == 2 and not labelled[0].equals(labelled[1]):
        raise InputError(
            "times and events have different labels, or the same in another order",
            where=f"times: {listing(labelled[0], 3)}; events: {listing(labelled[1], 3)}",
            fix="take both from one table, or pass to_numpy() if their rows are the same patients",
        )
    index = labelled[0] if labelled else None
    plain = index is None or index.equals(pd.RangeIndex(len(index))) or not index.is_unique
    return None if plain else index


def as_outcome(y: Outcome | ArrayLike, event: ArrayLike | None = None, *, endpoint: str = "event") -> Outcome:
    """An `Outcome` from the formats of survival libraries.

    Parameters
    ----------
    y : Outcome, structured array, or array of times
        A structured array holds one boolean and one float field (scikit-survival); an array of times, in months, needs
        `event` too.
    event : array of shape (n,), optional
        1 if the event was seen.
    endpoint : str
        Name of the endpoint, used if `y` does not have one.

    Returns
    -------
    Outcome

    Examples
    --------
    >>> as_outcome([3.5, 12.0], [1, 0], endpoint="OS").n_events
    1
    """
    if isinstance(y, Outcome):
        return y
    array = np.asarray(unmasked(y))
    if array.dtype.names is not None:
        kinds = {array.dtype[name].kind: name for name in array.dtype.names}
        if len(array.dtype.names) != 2 or set(kinds) != {"b", "f"}:
            raise InputError(
                f"a structured outcome needs one boolean and one float field, not {array.dtype}",
                fix="use the fields ('event', bool) and ('time', float)",
            )
        return Outcome(array[kinds["f"]], array[kinds["b"]], endpoint)
    if event is None:
        raise InputError("an array of times needs the events too", fix="pass event=")
    return Outcome(array, np.asarray(unmasked(event)), endpoint)
