"""Spatial Transcriptomics: a table of counts with spots "XxY", and a table of the spots on the image."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from sequoia_base.flow import Flow
from sequoia_base.names import table_stem
from sequoia_base.tables import find_column, read_numbers
from sequoia_stats.errors import InputError, counted
from sequoia_stats.io._options import Option
from sequoia_stats.io.truth._counts import as_counts
from sequoia_stats.io.truth._joined import joined, refuse_duplicated_spots
from sequoia_stats.io.truth._lattice import Lattice, fit_lattice
from sequoia_stats.io.truth._section import SCALE_TOLERANCE, Section

#: Distance between neighbouring spots of these arrays, and diameter of a spot, in µm.
ST_PITCH_UM, SPOT_UM = 200.0, 100.0
ST_OPTIONS = (
    Option(
        "spots", "The table of spots (x, y, pixel_x, pixel_y).  [default: NAME_selection.tsv beside it]", Path
    ),
    Option("pitch", "Distance between the centres of neighbouring spots, in µm.  [default: 200]", float),
)
_TABLES = (".tsv", ".tsv.gz", ".csv", ".csv.gz", ".txt", ".txt.gz")
_BESIDE = ("_selection.tsv", "_selection.tsv.gz", "_selection.txt")
_SPOT = re.compile(r"\d+x\d+")


def recognises(path: Path) -> bool:
    """Whether `path` is a table with a table of spots beside it."""
    return path.name.lower().endswith(_TABLES) and not path.is_dir() and _beside(path) is not None


def read_spatial_transcriptomics(
    path: str | Path, *, spots: str | Path | None = None, pitch: float = ST_PITCH_UM
) -> Section:
    """Read a section of Spatial Transcriptomics, as HER2ST has them.

    Parameters
    ----------
    path : path
        Counts: a row for each spot, named "10x21" by its column and row on the array; a column for each gene.
    spots : path, optional
        The spots: x, y (place on the array), pixel_x, pixel_y (centre in the image); if there, new_x, new_y (the place
        where it was printed, which need not be whole) and selected (0: not on the tissue). By default
        NAME_selection.tsv beside `path`.
    pitch : float, default 200
        µm between the centres of neighbouring spots.

    Returns
    -------
    Section
        Its scale is from a regression of pixels on places over all spots.

    Raises
    ------
    InputError
        If a table is missing, cannot be read or has other columns, a spot is duplicated, a value is not a count, or the
        spots are not on a lattice.
    """
    path = Path(path)
    beside = Path(spots) if spots is not None else _beside(path)
    if beside is None:
        raise InputError(
            "the table of spots is not found",
            where=f"{path}: there is no {table_stem(path)}{_BESIDE[0]} beside it",
            fix="name it with --spots",
        )
    if not (np.isfinite(pitch) and pitch > 0):
        raise InputError(f"pitch must be more than 0 µm, but is {pitch}")
    flow = Flow()
    table = _read_spots(beside, flow)
    numbers = read_numbers(path, lambda header: [0])
    names = pd.Index(numbers.texts.iloc[:, 0], dtype=object)
    if not any(_SPOT.fullmatch(name) for name in names):
        raise InputError(
            "the rows are not spots, whose names are like 10x21",
            where=f"{path}, row {numbers.texts.index[0] if len(names) else 1}",
            fix="give a table with spots in rows and genes in columns",
        )
    refuse_duplicated_spots(names, str(path))
    at, rows = joined(table.index, names, f"{path} and {beside}", flow)
    counts, genes = as_counts(numbers.values[rows], numbers.columns, str(path), flow)
    scales, lattice, note = _of_lattice(table, pitch, str(beside))
    chosen = table.iloc[at]
    return Section(
        table_stem(path), str(path), "spatial-transcriptomics", chosen.index, chosen[["pixel_x", "pixel_y"]].to_numpy(),
        flow, counts, genes, scales=scales, lattice=lattice,
        spot_um=SPOT_UM if pitch == ST_PITCH_UM else 0.0, pitch_um=pitch, notes=note,
    )  # fmt: skip


def _beside(path: Path) -> Path | None:
    stem = table_stem(path)
    found = (path.with_name(stem + ending) for ending in _BESIDE)
    return next((table for table in found if table.is_file()), None)


def _read_spots(path: Path, flow: Flow) -> pd.DataFrame:
    """The table of spots, those on the tissue; index = "XxY"."""
    numbers = read_numbers(path, lambda header: [])
    needed = ("x", "y", "pixel_x", "pixel_y")
    for column in needed:
        find_column(numbers.columns, column, path, "the spots need x, y, pixel_x and pixel_y")
    table = pd.DataFrame(numbers.values, numbers.texts.index, numbers.columns)
    odd = table[list(needed)].isna().any(axis=1) | (table[["x", "y"]] % 1 != 0).any(axis=1)
    if odd.any():
        raise InputError(
            f"{counted(int(odd.sum()), 'spot has', 'spots have')} no place, or one on the array that is not whole",
            where=f"{path}, row {odd.index[odd.to_numpy()][0]}",
        )
    x, y = (table[axis].astype(np.int64).astype(str) for axis in ("x", "y"))
    table.index = pd.Index(x + "x" + y, dtype=object)
    refuse_duplicated_spots(table.index, str(path))
    if "selected" not in table or (on := table["selected"] == 1).all():
        return table
    if not on.any():
        raise InputError("the section is empty: no spot is on the tissue (selected)", where=str(path))
    flow.add(
        "spots: selected", len(table), int(on.sum()), "the others are marked as not on the tissue (selected)"
    )
    return table[on]


def _of_lattice(
    table: pd.DataFrame, pitch: float, where: str
) -> tuple[dict[str, float], Lattice | None, tuple[str, ...]]:
    """The scale that the pitch gives, the lattice, and a note."""
    columns = ["new_x", "new_y"] if {"new_x", "new_y"} <= {*table} else ["x", "y"]
    lattice = fit_lattice(table[columns].to_numpy(), table[["pixel_x", "pixel_y"]].to_numpy())
    if lattice is None:
        return {}, None, ("The spots are too few to tell the scale.",)
    if not lattice.holds:
        raise InputError(
            f"the spots are not on the lattice of the array: they are {lattice.residual:.0f} pixels away from their "
            f"places, a step is {lattice.lengths.min():.0f}",
            where=where,
            fix="give the spots of this image",
        )
    across, down = lattice.scales((pitch, pitch))
    if max(across, down) > SCALE_TOLERANCE * min(across, down):
        raise InputError(
            f"the image is stretched: {across:.4g} µm per pixel along the columns of the array, {down:.4g} along its "
            "rows",
            where=where,
        )
    return {f"the pitch of {pitch:g} µm": float(np.sqrt(across * down))}, lattice, ()
