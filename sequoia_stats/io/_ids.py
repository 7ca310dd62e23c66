"""Ids of two tables that mean the same patient, but are written differently."""

from __future__ import annotations

import re

import pandas as pd

from sequoia_base.names import written_otherwise
from sequoia_stats.errors import InputError, counted, listing

#: How a spreadsheet writes a long number, of which the last digits are gone, and R or pandas a round one (1e+05).
_EXPONENT = re.compile(r"\d([.,]\d+)?E\+\d+", re.IGNORECASE)


def refuse_written_otherwise(expression: pd.Index, clinical: pd.Index, where: str) -> None:
    """Refuse ids of one table that differ from the other's only in leading zeros, capitals or R's dots.

    Parameters
    ----------
    expression, clinical : Index
        The patients of both tables.
    where : str
        The clinical file, for the error.

    Raises
    ------
    InputError
        If there are any, or ids that a spreadsheet or R turned into numbers: these patients would be lost by mistake.
    """
    apart = expression.symmetric_difference(clinical)
    damaged = [str(name) for name in apart if _EXPONENT.fullmatch(str(name))]
    if damaged:
        raise InputError(
            f"{counted(len(damaged), 'id was', 'ids were')} made a number by a spreadsheet or R: {listing(damaged, 3)}",
            where=where,
            fix="export the table again with the ids as text (R: options(scipen = 999) before it is written)",
        )
    pairs = written_otherwise(expression, clinical)
    if pairs:
        shown = listing((f"{ours!r} and {theirs!r}" for ours, theirs in pairs), 3)
        raise InputError(
            f"{counted(len(pairs), 'patient has an id', 'patients have ids')} that the two tables write differently",
            where=f"{where}; in the expression and there: {shown}",
            fix="write the ids in the same way in both tables; spreadsheets and pandas drop leading zeros, R puts dots "
            'into names (check.names = FALSE, colClasses = "character")',
        )
