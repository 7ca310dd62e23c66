"""Spots that have counts and a place: the inner join of two tables, with every loss counted."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.flow import Flow
from sequoia_base.names import written_otherwise
from sequoia_stats.errors import InputError, counted, listing


def refuse_duplicated_spots(names: pd.Index, where: str) -> None:
    """Refuse spots of which two have the same name."""
    if names.is_unique:
        return
    repeated = names[names.duplicated()].unique()
    raise InputError(
        f"{counted(len(repeated), 'spot is', 'spots are')} duplicated: {listing(repeated, 3)}", where=where
    )


def joined(
    placed: pd.Index, measured: pd.Index, where: str, flow: Flow, what: str = "counts"
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions, in both tables, of the spots that are in both; in the order of those with a place.

    Parameters
    ----------
    placed, measured : Index
        Names of the spots that have a place, and of those that were measured; unique.
    where : str
        The files, for the error.
    flow : Flow
        Takes a line for each side that loses spots.
    what : str, default "counts"
        What was measured.

    Raises
    ------
    InputError
        If no spot is in both, or names differ only in how they are written.
    """
    at = measured.get_indexer(placed)
    both = np.flatnonzero(at >= 0)
    if not len(both):
        alike = written_otherwise(list(measured[:50]), list(placed))
        pairs = f"; {alike[0][0]} and {alike[0][1]} may be the same" if alike else ""
        raise InputError(
            f"no spot has both {what} and a place: {what} of {listing(measured, 2)}; "
            f"places of {listing(placed, 2)}{pairs}",
            where=where,
            fix="give the two files of the same section",
        )
    if (lost := len(placed) - len(both)) > 0:
        flow.add(
            f"spots: {what}", len(placed), len(both), f"{counted(lost, 'spot')} with a place but no {what}"
        )
    if (lost := len(measured) - len(both)) > 0:
        reason = f"{counted(lost, 'spot')} with {what} but no place"
        flow.add("spots: place", len(measured), len(both), reason)
    return both, at[both]
