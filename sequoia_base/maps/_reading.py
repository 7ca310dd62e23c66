"""Reading map files: what they say is read and checked at once, latent vectors and genes when they are asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.apart import h5ad
from sequoia_base.atomic import existing_file
from sequoia_base.errors import InputError
from sequoia_base.flow import Flow
from sequoia_base.maps._about import SCHEMA
from sequoia_base.maps._checks import plain, undamaged
from sequoia_base.maps._gene_values import StoredValues
from sequoia_base.maps._latents import LatentFolds
from sequoia_base.maps._numbers import Place, Stamp, place_here, stamp_of
from sequoia_base.maps.spatial_map import Map

#: Columns of obs that every map has.
_PLACED = ["row", "column", "n_windows"]


@dataclass(frozen=True, eq=False)
class _Layout:
    """What there is in a map file, without its large matrices."""

    about: dict[str, Any]
    obs: pd.DataFrame
    genes: tuple[str, ...]
    centres: tuple[NDArray[np.float64], NDArray[np.float64]]
    shapes: dict[int, tuple[int, ...]]
    has_x: bool
    places: dict[str, Place]
    has_spread: bool


def read_map(path: str | Path, heads: str | Path | None = None) -> Map:
    """Read a map; latent vectors and genes stay in the file until they are asked for.

    Parameters
    ----------
    path : path
        A file ``*.map.h5ad`` that `sequoia-model map` or `write_map` wrote.
    heads : path, optional
        The heads of the map's networks, if they are not where the map says.

    Returns
    -------
    Map
        Without heads if these are not where the map says: its latent vectors and stored genes can be used.

    Raises
    ------
    InputError
        If the file is missing, damaged or no map, has another schema, or the heads are those of other networks.
    """
    path = existing_file(path)
    layout: _Layout = h5ad.ask(f"{__name__}:layout_here", path, stamp_of(path.stat()))
    stored = None
    if layout.has_x:
        stored = StoredValues(path, layout.genes, len(layout.obs), layout.has_spread, layout.places)
    flow = layout.about.pop("flow", None)
    found = Map(
        places=layout.obs[["row", "column"]].to_numpy(np.int64),
        centres_um=layout.centres[0],
        centres_px=layout.centres[1],
        n_windows=layout.obs["n_windows"].to_numpy(np.int64),
        about=layout.about,
        latents=LatentFolds(path, layout.shapes),
        values=stored,
        columns=layout.obs.drop(columns=_PLACED),
        flow=_flow_of(flow, path),
        path=path,
    )
    return found.with_heads(heads)


def _flow_of(columns: Any, path: Path) -> Flow:
    """The ledger in a map file."""
    try:
        return Flow.of(columns)
    except (TypeError, ValueError, KeyError):
        raise InputError("the map is damaged: uns/map/flow is not a ledger", where=str(path)) from None


# What the child does.


def layout_here(path: Path, stamp: Stamp) -> _Layout:
    """What there is in a map file, read in this process, which a damaged file may crash."""
    import h5py
    from anndata.io import read_elem

    with h5py.File(path, "r", locking="best-effort") as file:
        _refuse_other_kind(file, path)
        about = plain(read_elem(file["uns/map"]))
        if about.get("schema") != SCHEMA:
            raise InputError(
                f"the map has the schema {about.get('schema')!r}, but this program reads {SCHEMA!r}",
                where=str(path),
                fix="use the program that wrote it, or make the map again",
            )
        obs, var, obsm = read_elem(file["obs"]), read_elem(file["var"]), file["obsm"]
        absent = [f"obs/{name}" for name in _PLACED if name not in obs]
        absent += [f"obsm/{name}" for name in ("spatial", "spatial_level0") if name not in obsm]
        if absent:
            raise InputError(f"the map is damaged: it has no {absent[0]}", where=str(path))
        shapes = {
            int(name.removeprefix("latent_")): item.shape
            for name, item in obsm.items()
            if re.fullmatch(r"latent_\d+", name)
        }
        about = undamaged(about, shapes, str(path))
        has_x = isinstance(file.get("X"), h5py.Dataset) and len(var) > 0
        if has_x and file["X"].shape != (len(obs), len(var)):
            raise InputError(f"the map is damaged: X has the shape {file['X'].shape}", where=str(path))
        centres = (obsm["spatial"][()], obsm["spatial_level0"][()])
        if not all(np.isfinite(part).all() for part in centres):
            raise InputError("the map is damaged: tiles have no finite centre", where=str(path))
        spread = "std" in file.get("layers", {})
        chunked = [name for name in ("X", "layers/std") if has_x and name in file and file[name].chunks]
        found = {name: place_here(file[name], path, stamp) for name in chunked}
        places = {name: place for name, place in found.items() if place is not None}
        return _Layout(about, obs, tuple(map(str, var.index)), centres, shapes, has_x, places, spread)


def _refuse_other_kind(file: Any, path: Path) -> None:
    """Refuse what is not a map, and say what it looks like."""
    if "map" in file.get("uns", {}):
        return
    fix = "give a map that sequoia-model map wrote (*.map.h5ad)"
    what = "the file is not a map: it has no uns/map"
    if "measured" in file.get("layers", {}) or "patient_id" in file.get("obs", {}):
        what = "the file is not a map: it looks like predictions, which have a row per slide"
    elif "spatial" in file.get("obsm", {}):
        what, fix = (
            "the file is not a map: it looks like measured spots",
            "give it with --truth, after the map",
        )
    elif "weight" in file and "hash" in file:
        what, fix = "the file is not a map: it holds heads", "give it with --heads, after the map"
    elif "obs" not in file and ("coords" in file or "features" in file or "feats" in file):
        what, fix = "the file is not a map: it holds features", "make a map of it with sequoia-model map"
    raise InputError(what, where=str(path), fix=fix)
