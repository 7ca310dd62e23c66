"""Spots that have counts and a place: the inner join of two tables, with every loss counted."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.flow import Flow
from sequoia_base.names import written_otherwise
from sequoia_stats.errors import InputError, counted, listing, part

#: Two tables of which the smaller has less than this share of its spots in the other are of two sections.
_LEAST_SHARE = 0.5
#: Where both lose more than this share of their spots, they may be of two sections that were measured on equal arrays.
_DOUBTFUL_LOSS = 0.1


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
        Takes a line for each side that loses spots, which asks whether the tables belong together if both lose some,
        and one most of its spots or both more than a tenth.
    what : str, default "counts"
        What was measured.

    Raises
    ------
    InputError
        If no spot is in both, names differ only in how they are written, or fewer than half of the smaller table's
        spots are in the other.
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
    fewer = min(len(placed), len(measured))
    if len(both) < _LEAST_SHARE * fewer:
        raise InputError(
            f"{part(len(both), fewer, 'spot', 'have')} both {what} and a place: they seem to be of two sections",
            where=where,
            fix="give the two files of the same section",
        )
    losses = [1 - len(both) / len(spots) for spots in (placed, measured)]
    is_doubtful = len(both) < fewer and (max(losses) > 1 - _LEAST_SHARE or min(losses) > _DOUBTFUL_LOSS)
    doubt = "; are both of this section?" * is_doubtful
    sides = (
        (f"spots: {what}", placed, f"a place but no {what}"),
        ("spots: place", measured, f"{what} but no place"),
    )
    for step, spots, reason in sides:
        if lost := len(spots) - len(both):
            flow.add(step, len(spots), len(both), f"{counted(lost, 'spot')} with {reason}{doubt}")
    return both, at[both]
