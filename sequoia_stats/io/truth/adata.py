"""Any AnnData (.h5ad) with counts, coordinates of spots, and a scale."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from sequoia_base.arguments import check_limits, number, one_of, optional
from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError, listing, part
from sequoia_stats.io import h5ad
from sequoia_stats.io._options import Option
from sequoia_stats.io.truth._counts import as_counts, totals_of
from sequoia_stats.io.truth._images import full_size
from sequoia_stats.io.truth._joined import refuse_duplicated_spots
from sequoia_stats.io.truth._lattice import (
    HEXAGONAL_PITCH_UM,
    HEXAGONAL_UM,
    Lattice,
    fit_lattice,
    nearest_distance,
)
from sequoia_stats.io.truth._section import SCALE_TOLERANCE, Section
from sequoia_stats.types._matrices import in_memory

if TYPE_CHECKING:
    from anndata import AnnData

#: What coordinates may be in.
COORDS_UNITS = ("px", "um")
#: Names under which files state the µm per pixel of the full-resolution image.
_SCALES = ("mpp", "microns_per_pixel", "pixel_size_um", "pixel_size")
#: Columns of obs that may hold the counts of all genes, where X has only some of them.
_TOTALS = ("total", "total_counts", "n_counts")
_ARRAYS = (("array_col", "array_row"), ("x", "y"))
#: Names of the columns of x, and of y, where ``obsm["spatial"]`` is a table.
_AXES = (
    ("x", "pxl_col_in_fullres", "pixel_x", "imagecol"),
    ("y", "pxl_row_in_fullres", "pixel_y", "imagerow"),
)
_LIMITS = {
    "coords_unit": one_of(COORDS_UNITS),
    "pitch": optional(number("more than 0 µm", lambda value: 0 < value < np.inf)),
    "spot_um": optional(number("more than 0 µm", lambda value: 0 < value < np.inf)),
}
ANNDATA_OPTIONS = (
    Option("section", "The section to read, where the file holds several: a value of obs column 'section'."),
    Option("layer", "The layer that holds the counts.  [default: 'counts' if there is one, else X]"),
    Option("gene_column", "The column of var that holds the symbols.  [default: the names of var]"),
    Option("coords_unit", "Unit of obsm['spatial'].  [default: px]", choices=COORDS_UNITS),
    Option("pitch", "Distance between the centres of neighbouring spots, in µm.", float),
    Option("spot_um", "Diameter of a spot, in µm.", float),
)


def recognises(path: Path) -> bool:
    """Whether the name of `path` is that of an h5ad file."""
    return h5ad.recognises(path)


def read_adata_truth(path: str | Path, **options: Any) -> Section:
    """Read a section from an h5ad file; as `section_of`.

    Parameters
    ----------
    path : path
        The file, which is read apart.
    **options
        As `section_of` takes them.

    Raises
    ------
    InputError
        If the file is damaged; as `section_of`.
    """
    return section_of(h5ad.read_adata(path), str(path), **options)


def section_of(
    adata: AnnData,
    where: str = "AnnData",
    *,
    section: str | None = None,
    layer: str | None = None,
    gene_column: str | None = None,
    coords_unit: str = "px",
    pitch: float | None = None,
    spot_um: float | None = None,
    platform: str = "anndata",
) -> Section:
    """The section that an AnnData holds.

    Parameters
    ----------
    adata : AnnData
        obs = spots, var = genes. ``obsm["spatial"]``: centres, x before y. The scale: ``uns["mpp"]``, or
        ``microns_per_pixel`` among the scale factors in ``uns["spatial"]``; obs columns ``array_col`` and ``array_row``
        (or ``x`` and ``y``), if `pitch` is known or the lattice is the hexagonal one of Visium; without `pitch` they
        tell whether axes are swapped, and whether spots are 100 or 200 µm apart. obs column ``total``,
        ``total_counts`` or ``n_counts``: counts of all genes, if X has only some.
    where : str, default "AnnData"
        The file, for errors.
    section : str, optional
        The value of obs column ``section`` of the spots to read; needed if there are several.
    layer : str, optional
        The layer of the counts. By default "counts" if there is one, else X.
    gene_column : str, optional
        The column of var that holds the symbols. By default the names of var.
    coords_unit : {"px", "um"}
        Unit of the coordinates; µm stay as they are, and the scale tells where the pixels of the slide are.
    pitch, spot_um : float, optional
        µm between the centres of neighbouring spots; diameter of a spot.
    platform : str, default "anndata"
        What the section is read as.

    Returns
    -------
    Section

    Raises
    ------
    InputError
        If coordinates are missing, a value is not a count, a spot is duplicated, there is no such section or layer, or
        several sections are there and none is named.
    """
    check_limits({"coords_unit": coords_unit, "pitch": pitch, "spot_um": spot_um}, _LIMITS)
    adata, flow = in_memory(adata, "section"), Flow()
    adata, name = _chosen(adata, section, where, flow)
    adata = _on_tissue(adata, where, flow)
    spots = adata.obs_names.astype(object)
    refuse_duplicated_spots(spots, where)
    pixels = _coordinates(adata, where)
    library, notes = _library(_mapping(adata.uns, "spatial"), name)
    factors = _mapping(library, "scalefactors")
    scales, unread = _stated(adata.uns, factors)
    in_um = coords_unit == "um"
    array, step, pitch = _array(adata.obs, pitch)
    lattice = fit_lattice(array, pixels) if array is not None else None
    if lattice is not None and step is not None and not in_um and (scale := _of_pitch(lattice, step)):
        scales[f"the pitch of {pitch:g} µm"] = scale
    counts, genes = as_counts(_matrix(adata, layer, where), _genes(adata, gene_column, where), where, flow)
    return Section(
        name, where, platform, spots, pixels, flow, counts, genes, _totals(adata.obs, counts, where), scales=scales,
        lattice=lattice, spot_px=_number(factors.get("spot_diameter_fullres")), spot_um=spot_um or 0.0,
        pitch_um=pitch or 0.0, image_size=_image_size(library, where), notes=(*notes, *unread), in_um=in_um,
    )  # fmt: skip


def _chosen(adata: AnnData, section: str | None, where: str, flow: Flow) -> tuple[AnnData, str]:
    """The spots of one section, and its name."""
    stem = Path(where).stem
    if "section" not in adata.obs:
        if section is not None:
            raise InputError("obs has no column 'section'", where=where, fix="leave --section out")
        return adata, stem
    names = adata.obs["section"].astype(str)
    known = list(dict.fromkeys(names))
    if section is None and len(known) == 1:
        return adata, known[0]
    if section is None or section not in known:
        what = f"{section!r} is not a section of the file" if section else "the file holds several sections"
        raise InputError(what, where=f"{where}: {listing(known)}", fix="name one of them with --section")
    kept = (names == section).to_numpy()
    flow.add("spots: section", len(kept), int(kept.sum()), f"the others are of other sections than {section}")
    return adata[kept].copy(), section


def _on_tissue(adata: AnnData, where: str, flow: Flow) -> AnnData:
    """The spots that are under the tissue, where the file says so."""
    if "in_tissue" not in adata.obs:
        return adata
    under = pd.to_numeric(adata.obs["in_tissue"].astype(object), errors="coerce").to_numpy(np.float64) == 1
    if under.all():
        return adata
    if not under.any():
        raise InputError("the section is empty: no spot is under the tissue (in_tissue)", where=where)
    flow.add("spots: tissue", len(under), int(under.sum()), "the others are not under the tissue (in_tissue)")
    return adata[under].copy()


def _coordinates(adata: AnnData, where: str) -> NDArray[np.float64]:
    if "spatial" not in adata.obsm:
        raise InputError(
            "there are no coordinates of spots",
            where=f"{where}; its obsm has {listing(adata.obsm) or 'nothing'}",
            fix="write the centres of spots, x before y, into obsm['spatial']",
        )
    held = adata.obsm["spatial"]
    if isinstance(held, pd.DataFrame):
        held = _x_before_y(held)
    try:
        values = np.asarray(held.toarray() if hasattr(held, "toarray") else held, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.zeros((0, 0))
    if values.ndim != 2 or values.shape[1] != 2:
        raise InputError(
            "the coordinates must be two numbers a spot",
            where=f"{where}, obsm['spatial'] of shape {getattr(held, 'shape', '?')}",
        )
    return values


def _x_before_y(table: pd.DataFrame) -> pd.DataFrame:
    """The two columns of coordinates, by their names if these tell which is which."""
    lower = {str(column).lower(): column for column in table}
    x, y = (next((lower[name] for name in names if name in lower), None) for names in _AXES)
    return table if x is None or y is None else table[[x, y]]


def _library(libraries: Mapping[str, Any], section: str) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """The library of ``uns["spatial"]``, as scanpy writes it: the only one, or that of the section; and a note."""
    held = {str(key): item for key, item in libraries.items() if isinstance(item, Mapping)}
    if len(held) == 1:
        return next(iter(held.values())), ()
    if not held or section in held:
        return held.get(section, {}), ()
    return {}, (f"uns['spatial'] has {listing(held, 5)}, none of them called {section}: not used.",)


def _mapping(held: Any, key: str | None = None) -> Mapping[str, Any]:
    """What is held, or its item `key`, if it is a mapping; else an empty one."""
    item = held if key is None else held.get(key)
    return item if isinstance(item, Mapping) else {}


def _stated(uns: Mapping[str, Any], factors: Mapping[str, Any]) -> tuple[dict[str, float], tuple[str, ...]]:
    """The scales that a file states, by where it does; and notes of those that are no numbers above 0."""
    places = [("uns", uns), ("uns['spatial']", factors)]
    found = {f"{place}[{key!r}]": held[key] for place, held in places for key in _SCALES if key in held}
    scales = {words: _number(value) for words, value in found.items()}
    unread = (
        f"{words} is {str(found[words])[:40]!r}, which is not a number above 0: not used."
        for words, scale in scales.items()
        if not scale
    )
    return {words: scale for words, scale in scales.items() if scale}, tuple(unread)


def _number(value: Any) -> float:
    """A number above 0, or 0 for anything else."""
    try:
        found = float(np.asarray(value, dtype=np.float64).reshape(()))
    except (TypeError, ValueError):
        return 0.0
    return found if np.isfinite(found) and found > 0 else 0.0


def _array(
    obs: pd.DataFrame, pitch: float | None
) -> tuple[NDArray[np.float64] | None, tuple[float, float] | None, float | None]:
    """Places on the array, µm of a step along its columns and rows, and the pitch; None where unknown.

    Whole numbers are places on an array if the nearest spot is at most two steps away, which pixels and µm are not.
    """
    for columns in _ARRAYS:
        if not {*columns} <= {*obs}:
            continue
        places = obs[list(columns)].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
        if not np.isfinite(places).all() or (places % 1 != 0).any() or nearest_distance(places) > 2:
            continue
        is_hexagonal = columns[0] == "array_col" and (places.sum(axis=1) % 2 == 0).all() and len(places) > 3
        if is_hexagonal:
            pitch = pitch or HEXAGONAL_PITCH_UM
            across, down = np.multiply(HEXAGONAL_UM, pitch / HEXAGONAL_PITCH_UM)
            return places, (float(across), float(down)), pitch
        return places, None if pitch is None else (pitch, pitch), pitch
    return None, None, pitch


def _of_pitch(lattice: Lattice, step: tuple[float, float]) -> float:
    """µm per pixel: along the rows of a hexagonal lattice, in both directions of a square one; 0 if it is neither."""
    across, down = lattice.scales(step)
    if not lattice.holds or max(across, down) > SCALE_TOLERANCE * min(across, down):
        return 0.0
    return float(across if step[0] != step[1] else np.sqrt(across * down))


def _matrix(adata: AnnData, layer: str | None, where: str) -> Any:
    """The matrix of counts, dense or sparse."""
    name = layer or ("counts" if "counts" in adata.layers else None)
    if name is not None and name not in adata.layers:
        raise InputError(
            f"there is no layer {name!r}",
            where=f"{where}; its layers are {listing(adata.layers) or 'none'}",
            fix="name one of them with --layer, or leave --layer out to read X",
        )
    matrix = adata.X if name is None else adata.layers[name]
    if matrix is None:
        raise InputError("the AnnData has no X", where=where, fix="name the layer of counts with --layer")
    return matrix if sparse.issparse(matrix) else np.asarray(matrix)


def _genes(adata: AnnData, column: str | None, where: str) -> list[str]:
    """The symbols of the genes; "" where there is none."""
    if column is None:
        return list(adata.var_names.astype(str))
    if column not in adata.var:
        raise InputError(
            f"var has no column {column!r}",
            where=f"{where}; its columns are {listing(adata.var.columns) or 'none'}",
            fix="name one of them with --gene-column",
        )
    names = adata.var[column].astype(object)
    return list(names.where(names.notna(), "").astype(str))


def _image_size(library: Mapping[str, Any], where: str) -> tuple[int, int] | None:
    """Size of the full-resolution image, from the reductions that the file holds."""
    images, factors = _mapping(library, "images"), _mapping(library, "scalefactors")
    shapes = {kind: np.shape(image) for kind, image in images.items() if np.ndim(image) >= 2}
    known = {kind: _number(factors.get(f"tissue_{kind}_scalef")) for kind in shapes}
    sizes = {kind: ((shapes[kind][1], shapes[kind][0]), factor) for kind, factor in known.items() if factor}
    return full_size(sizes, f"{where}, uns['spatial']")


def _totals(obs: pd.DataFrame, counts: sparse.csc_array, where: str) -> NDArray[np.float64] | None:
    """Counts of all genes, if the file states them."""
    name = next((column for column in _TOTALS if column in obs), None)
    if name is None:
        return None
    stated = pd.to_numeric(obs[name].astype(object), errors="coerce").to_numpy(np.float64)
    less = ~(stated >= totals_of(counts) - 0.5)
    if less.any():
        raise InputError(
            f"{part(int(less.sum()), len(less), 'spot', 'have')} a total that is less than the sum of its counts",
            where=f"{where}, obs column {name!r}: first at {obs.index[less][0]}",
            fix=f"correct or remove the column {name!r}",
        )
    return stated
