"""HEST-1k: an h5ad file of a section, and a JSON file with what is known of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sequoia_base.tables import read_text
from sequoia_stats.errors import InputError
from sequoia_stats.io import h5ad
from sequoia_stats.io._options import Option
from sequoia_stats.io.truth._section import Section
from sequoia_stats.io.truth.adata import section_of

HEST_OPTIONS = (
    Option(
        "metadata",
        "The metadata (.json) of the section.  [default: ../metadata/NAME.json, or metrics.json]",
        Path,
    ),
)
#: Ids of HEST-1k: TENX95, SPA141, NCBI681.
_ID = re.compile(r"(TENX|NCBI|INT|MEND|SPA|MISC|ZEN)\d+")
_SAVED, _METRICS = "aligned_adata", "metrics.json"
_SCALES = ("pixel_size_um_estimated", "pixel_size_um_embedded")
_WIDTH, _HEIGHT = ("fullres_px_width", "fullres_width"), ("fullres_px_height", "fullres_height")
_PIXELS = ["pxl_col_in_fullres", "pxl_row_in_fullres"]


def recognises(path: Path) -> bool:
    """Whether `path` has an id of HEST-1k as its name, or metadata of HEST beside it."""
    if path.suffix.lower() != ".h5ad" or path.is_dir():
        return False
    return _ID.fullmatch(path.stem) is not None or path.stem == _SAVED or _beside(path) is not None


def read_hest(path: str | Path, *, metadata: str | Path | None = None) -> Section:
    """Read a section of HEST-1k.

    Parameters
    ----------
    path : path
        The file of the folder ``st``. X: counts; ``obsm["spatial"]``: centres in pixels of the full-resolution image.
    metadata : path, optional
        Its scale (pixel_size_um_estimated, and pixel_size_um_embedded if the image has one), size of the image,
        diameter and distance of spots. By default NAME.json in the folder ``metadata`` beside ``st``, or metrics.json
        beside `path`; without it the scale must be given.

    Returns
    -------
    Section

    Raises
    ------
    InputError
        As `adata.section_of`; if the metadata cannot be read.
    """
    path = Path(path)
    file = Path(metadata) if metadata is not None else _beside(path)
    about = {} if file is None else _read_metadata(file)
    adata = h5ad.read_adata(path)
    pitch, width, height = (_number(about, *keys) for keys in (("inter_spot_dist",), _WIDTH, _HEIGHT))
    section = section_of(adata, str(path), platform="hest", pitch=pitch or None)
    scales = {f"{key} of the metadata": _number(about, key) for key in _SCALES}
    known = {words: scale for words, scale in scales.items() if scale > 0}
    size = (int(width), int(height)) if width and height else section.image_size
    return replace(
        section, name=_name(path, about), scales={**known, **section.scales}, lattice=None,
        swapped=_swapped(adata.obs.reindex(section.spots), section.pixels), spot_um=_number(about, "spot_diameter"),
        image_size=size,
        notes=(*section.notes, *([] if file is not None else ["The file has no metadata beside it."])),
    )  # fmt: skip


def _name(path: Path, about: Mapping[str, Any]) -> str:
    return str(about.get("id") or (path.parent.name if path.stem == _SAVED else path.stem))


def _beside(path: Path) -> Path | None:
    files = (path.parent.parent / "metadata" / f"{path.stem}.json", path.parent / _METRICS)
    return next((file for file in files if file.is_file()), None)


def _read_metadata(path: Path) -> dict[str, Any]:
    try:
        held = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise InputError("the metadata is not a JSON file", where=f"{path} ({error})") from None
    if not isinstance(held, dict):
        raise InputError("the metadata is not a JSON object", where=str(path))
    return held


def _number(about: Mapping[str, Any], *keys: str) -> float:
    """The first of the keys that is a number above 0; 0 if none is."""
    for key in keys:
        try:
            value = float(about.get(key) or 0)
        except (TypeError, ValueError):
            continue
        if np.isfinite(value) and value > 0:
            return value
    return 0.0


def _swapped(obs: Any, pixels: np.ndarray) -> str:
    """Why axes seem to be swapped: the columns of pixels in obs say so; "" if they do not.

    The columns array_row and array_col of HEST are not asked, since they do not always follow the image.
    """
    if not {*_PIXELS} <= {*obs}:
        return ""
    stated = obs[_PIXELS].to_numpy(np.float64)
    as_they_are, otherwise = (np.abs(stated - side).max() for side in (pixels, pixels[:, ::-1]))
    return (
        "obs has the column of the pixel where obsm['spatial'] has its row" if otherwise < as_they_are else ""
    )
