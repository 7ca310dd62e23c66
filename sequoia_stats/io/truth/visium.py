"""10x Visium: the folder of Space Ranger, with counts, positions of the spots and scale factors of the image."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sequoia_base.flow import Flow
from sequoia_base.tables import read_text
from sequoia_stats.errors import InputError, counted
from sequoia_stats.io._parquet import read_parquet
from sequoia_stats.io.truth._counts import as_counts
from sequoia_stats.io.truth._files import find_file
from sequoia_stats.io.truth._images import full_size, image_facts
from sequoia_stats.io.truth._joined import joined, refuse_duplicated_spots
from sequoia_stats.io.truth._lattice import HEXAGONAL_PITCH_UM, HEXAGONAL_UM, Lattice, fit_lattice
from sequoia_stats.io.truth._section import SCALE_TOLERANCE, Section
from sequoia_stats.io.truth._tenx import TenxMatrix, has_tenx_folder, read_tenx_folder, read_tenx_h5

_POSITIONS = (
    *("tissue_positions.csv", "tissue_positions.parquet", "tissue_positions_list.csv"),
    *("tissue_positions.csv.gz", "tissue_positions_list.csv.gz"),
)
_COLUMNS = ("barcode", "in_tissue", "array_row", "array_col", "pxl_row_in_fullres", "pxl_col_in_fullres")
_MATRICES = ("filtered_feature_bc_matrix", "raw_feature_bc_matrix")
_SCALES = ("scalefactors_json.json", "scalefactors_json.json.gz")
#: Diameter of a spot as a share of the pitch: Space Ranger states spots of 55 or 65 µm.
_SPOT_SHARE = (0.5, 0.75)


def recognises(path: Path) -> bool:
    """Whether `path` is a folder with positions of spots in it, in ``spatial``, or in ``outs``."""
    return path.is_dir() and (_outs(path) is not None or _is_binned(path))


def read_visium(path: str | Path) -> Section:
    """Read a section of Visium from the folder that Space Ranger writes, or one with all files side by side.

    Parameters
    ----------
    path : path
        The folder ``outs``, or the one that holds it. Counts: filtered_feature_bc_matrix (.h5, or a folder of text
        files), else raw_feature_bc_matrix, else matrix.mtx in the folder itself. Positions: tissue_positions (.csv,
        .parquet) or tissue_positions_list.csv, which has no header. Scale factors: scalefactors_json.json. The sizes of
        tissue_hires_image and tissue_lowres_image, where they are there, tell that of the full image. Files may have a
        prefix, as in GSM123_filtered_feature_bc_matrix.h5.

    Returns
    -------
    Section
        Spots under the tissue. Without counts if the folder has none. The scale is from the 100 µm between neighbours
        in a row; the diameter of spots is the file's.

    Raises
    ------
    InputError
        If the folder is of Visium HD; positions or scale factors are missing, damaged or those of another image; a
        barcode is duplicated; no barcode of the counts has a position; or no spot is under the tissue.
    """
    path = Path(path)
    outs = _outs(path)
    if outs is None or _is_binned(path):
        what = "Visium HD has bins, not spots" if _is_binned(path) else "there are no positions of spots"
        raise InputError(
            what, where=str(path), fix=f"give a folder of Space Ranger with spatial/{_POSITIONS[0]}"
        )
    flow = Flow()
    spatial = outs / "spatial" if _positions(outs / "spatial") else outs
    places_file = _positions(spatial)
    assert places_file is not None
    places = _read_positions(places_file)
    lattice = _lattice(places, str(places_file))
    under = places[places["in_tissue"] == 1]
    if not len(under):
        raise InputError(
            "the section is empty: no spot is under the tissue (in_tissue)", where=str(places_file)
        )
    if len(under) < len(places):
        flow.add("spots: tissue", len(places), len(under), "the others are not under the tissue (in_tissue)")
    matrix = _matrix(outs, flow)
    notes: tuple[str, ...] = () if matrix is not None else ("The folder has no counts.",)
    at = np.arange(len(under))
    counts: Any = None
    genes: tuple[str, ...] = ()
    if matrix is not None:  # a raw matrix also has the spots that are not under the tissue
        off_tissue = places.index.difference(under.index, sort=False)
        kept = np.flatnonzero(~matrix.barcodes.isin(off_tissue))
        at, rows = joined(under.index, matrix.barcodes[kept], f"{matrix.where} and {places_file}", flow)
        counts, genes = as_counts(matrix.values[kept[rows]], matrix.genes, matrix.where, flow)
    chosen = under.iloc[at]
    factors, source_of_factors = _factors(spatial)
    where = str(source_of_factors)
    if not factors.get("spot_diameter_fullres"):
        notes += (
            "The scale factors state no diameter of spots above 0 (spot_diameter_fullres): it is not known.",
        )
    return Section(
        (path.parent if path.name == "outs" else path).resolve().name, str(path), "visium", chosen.index,
        chosen[list(_COLUMNS[:3:-1])].to_numpy(np.float64), flow,
        counts, genes,
        scales={f"the pitch of {HEXAGONAL_PITCH_UM:g} µm": float(lattice.scales(HEXAGONAL_UM)[0])}, lattice=lattice,
        spot_px=_spot_px(factors, lattice, where), pitch_um=HEXAGONAL_PITCH_UM,
        image_size=_full_size(spatial, factors, where), notes=notes,
    )  # fmt: skip


def _outs(path: Path) -> Path | None:
    """The folder that holds the counts; None if there are no positions."""
    folders = (
        folder for folder in (path, path / "outs") if _positions(folder) or _positions(folder / "spatial")
    )
    return next(folders, None)


def _positions(folder: Path) -> Path | None:
    return find_file(folder, _POSITIONS)


def _is_binned(path: Path) -> bool:
    return any(
        (folder / "binned_outputs").is_dir() or folder.name.startswith("square_0")
        for folder in (path, path / "outs")
    )


def _read_positions(path: Path) -> pd.DataFrame:
    """Positions of all spots; index = barcode, columns as in the files with a header."""
    if path.suffix == ".parquet":
        barcodes, table, _ = read_parquet(path, "barcode")
        table = table.set_axis(pd.Index(barcodes, dtype=object))
    else:
        rows = _rows(path)
        first = int(_COLUMNS[1] in map(str.strip, rows[0]))  # 1 with a header
        header = [name.strip() for name in rows[0]] if first else list(_COLUMNS)
        for number, row in enumerate(rows, start=1):
            if len(row) != len(header):
                raise InputError(
                    f"a row has {counted(len(row), 'field')} where {len(header)} are needed",
                    where=f"{path}, row {number}",
                    fix="positions have barcode, in_tissue, row, column, and the row and column of the pixel",
                )
        named = (
            _COLUMNS[0] if _COLUMNS[0] in header else header[0]
        )  # R writes row numbers before it, or "" over it
        table = pd.DataFrame(rows[first:], columns=header, dtype=object).set_index(named)
    if absent := [name for name in _COLUMNS[1:] if name not in table]:
        raise InputError(f"the positions have no column {absent[0]!r}", where=str(path))
    numbers = table[list(_COLUMNS[1:])].apply(pd.to_numeric, errors="coerce").astype(np.float64)
    if (odd := ~np.isfinite(numbers.to_numpy()).all(axis=1)).any():
        raise InputError(
            f"the position of {counted(int(odd.sum()), 'spot')} is not a number",
            where=f"{path}: first at {numbers.index[odd][0]}",
        )
    refuse_duplicated_spots(numbers.index, str(path))
    return numbers


def _rows(path: Path) -> list[list[str]]:
    """The rows of a table with commas that have something in them; fields may be quoted, as R writes them."""
    try:
        return [row for row in csv.reader(read_text(path).splitlines()) if "".join(row).strip()]
    except csv.Error as error:
        raise InputError("the positions cannot be read", where=f"{path} ({error})") from None


def _lattice(places: pd.DataFrame, where: str) -> Lattice:
    """The lattice of all spots, which must be hexagonal."""
    array, pixels = places[["array_col", "array_row"]], places[["pxl_col_in_fullres", "pxl_row_in_fullres"]]
    lattice = fit_lattice(array.to_numpy(), pixels.to_numpy())
    if lattice is None:
        raise InputError("the spots are too few, or on one line: the scale cannot be told", where=where)
    across, down = lattice.scales(HEXAGONAL_UM)
    if not lattice.holds or max(across, down) > SCALE_TOLERANCE * min(across, down):
        raise InputError(
            "the spots are not on the hexagonal lattice of Visium: "
            f"{across:.4g} µm per pixel along its rows, {down:.4g} across them, "
            f"{lattice.residual:.0f} pixels away from their places",
            where=where,
            fix="give the positions as Space Ranger wrote them",
        )
    return lattice


def _matrix(outs: Path, flow: Flow) -> TenxMatrix | None:
    """The counts; None if there are none."""
    for name in _MATRICES:
        if (file := find_file(outs, [f"{name}.h5"])) is not None:
            return read_tenx_h5(file, flow)
        if has_tenx_folder(outs / name):
            return read_tenx_folder(outs / name, flow)
    if has_tenx_folder(outs):
        return read_tenx_folder(outs, flow)
    return None


def _factors(spatial: Path) -> tuple[dict[str, float], Path]:
    """The scale factors that are numbers above 0, and their file."""
    path = find_file(spatial, _SCALES)
    if path is None:
        raise InputError(
            "the scale factors are missing",
            where=str(spatial / _SCALES[0]),
            fix="Space Ranger writes them there",
        )
    try:
        held: Any = json.loads(read_text(path))
        return {name: float(value) for name, value in held.items() if float(value) > 0}, path
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InputError("the scale factors cannot be read", where=f"{path} ({error})") from None


def _spot_px(factors: dict[str, float], lattice: Lattice, where: str) -> float:
    """Diameter of a spot in pixels, checked against the pitch."""
    spot = factors.get("spot_diameter_fullres", 0.0)
    share = spot / (2 * float(lattice.lengths[0]))
    if spot and not _SPOT_SHARE[0] <= share <= _SPOT_SHARE[1]:
        raise InputError(
            "the scale factors are those of another image: "
            f"a spot would be {share * HEXAGONAL_PITCH_UM:.0f} µm wide, {HEXAGONAL_PITCH_UM:g} µm from the next",
            where=where,
            fix="give the scale factors that were written with these positions",
        )
    return spot


def _full_size(spatial: Path, factors: dict[str, float], where: str) -> tuple[int, int] | None:
    """Size of the full-resolution image, from those of its reductions; None if there are none."""
    sizes = {}
    for kind in ("hires", "lowres"):
        file = find_file(spatial, [f"tissue_{kind}_image.{ending}" for ending in ("png", "jpg", "jpeg")])
        if file is not None and (factor := factors.get(f"tissue_{kind}_scalef")):
            sizes[file.name] = (image_facts(file).size, factor)
    return full_size(sizes, where)
