"""Strata: patients who are compared with each other only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sequoia_stats.errors import InputError, listing, part
from sequoia_stats.types.alignment import as_groups
from sequoia_stats.types.outcome import Outcome


def stratum_codes(strata: Any, outcome: Outcome) -> NDArray[np.intp]:
    """The number of the stratum of each patient, -1 where it is missing; all are in one if `strata` is None.

    Parameters
    ----------
    strata : array-like of shape (n,), or None
        Labels, read and matched as groups are (`as_groups`).
    outcome : Outcome
        The n patients.

    Raises
    ------
    InputError
        If shapes, lengths or labels do not fit.
    """
    if strata is None:
        return np.zeros(outcome.n, dtype=np.intp)
    labels, _ = as_groups(strata, outcome, ("stratum", "strata"))
    return labels.cat.codes.to_numpy().astype(np.intp)


def known_codes(strata: Any, outcome: Outcome) -> NDArray[np.intp]:
    """As `stratum_codes`, where every patient needs a stratum.

    Raises
    ------
    InputError
        Also if one is missing.
    """
    codes, patients = stratum_codes(strata, outcome), outcome.patients
    if (missing := np.flatnonzero(codes < 0)).size:
        raise InputError(
            f"{part(missing.size, outcome.n, 'patient', 'have')} no stratum",
            where=f"positions {listing(missing)}" if patients is None else listing(patients[missing]),
            fix="leave them out",
        )
    return codes


def rows_of_strata(codes: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """The positions of the patients of each stratum; those without one (-1) are in none."""
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    return np.split(order, starts)[1:] if order.size else []
