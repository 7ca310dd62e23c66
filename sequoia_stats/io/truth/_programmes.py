"""Programmes: scores that were measured, or computed by others, on the spots of a section."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from sequoia_base.tables import read_table
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.io.truth._joined import joined, refuse_duplicated_spots
from sequoia_stats.io.truth._section import Section

#: How columns of row numbers are called.
_ROW_NUMBERS = ("", "Unnamed: 0", "index")
_FILES = ("programmes.csv", "programmes.csv.gz")


def programmes_beside(folder: Path) -> Path | None:
    """The table of programmes that a folder holds under its usual name; None if there is none."""
    return next((folder / name for name in _FILES if (folder / name).is_file()), None)


def with_programmes(section: Section, path: str | Path) -> Section:
    """The section with the programmes of a table.

    Parameters
    ----------
    section : Section
        Its spots are kept; without counts, those that the table has.
    path : path
        A table: one column holds names of spots, the others numbers; columns of text are left out and counted.

    Returns
    -------
    Section

    Raises
    ------
    InputError
        If no column names spots of the section, one of them is duplicated, or no column is numeric.
    """
    table = read_table(path)
    spots = next((name for name in table if table[name].isin(section.spots).any()), None)
    if spots is None:
        raise InputError(
            f"no column names a spot of the section, such as {section.spots[0]}",
            where=f"{path}; its columns are {listing(name or '(no title)' for name in table)}",
            fix="give the programmes of this section",
        )
    names = pd.Index(table[spots], dtype=object)
    refuse_duplicated_spots(names[names.notna()], str(path))
    values = table.drop(columns=[spots, *(name for name in table if name in _ROW_NUMBERS)])
    numbers = values.apply(pd.to_numeric, errors="coerce").astype(np.float64).set_axis(names)
    is_text = (numbers.isna().to_numpy() & values.notna().to_numpy()).any(axis=0)
    if is_text.any():
        others = listing(numbers.columns[is_text], 3)
        section.flow.add("programmes: numeric", len(is_text), int((~is_text).sum()), f"of text: {others}")
    numbers = numbers.loc[:, ~is_text]
    if not numbers.shape[1]:
        raise InputError("the table has no column of numbers", where=str(path))
    where = f"{section.where} and {path}"
    if section.counts is not None:
        programmes = numbers.reindex(section.spots)
        if lost := int((~section.spots.isin(names)).sum()):
            n = len(section.spots)
            section.flow.add(
                "programmes: spots", n, n - lost, f"{counted(lost, 'spot has', 'spots have')} none"
            )
        return replace(section, programmes=programmes)
    at, rows = joined(section.spots, names, where, section.flow, "programmes")
    return replace(
        section, spots=section.spots[at], pixels=section.pixels[at], programmes=numbers.iloc[rows],
    )  # fmt: skip
