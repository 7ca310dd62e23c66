"""An output as a flat dictionary: name → array of numbers, booleans or texts.

Prose, and whatever differs from run to run, has a name in `IGNORED` and is left out, with everything below it. A ledger
is read as the numbers before and after each step, a count by reason as the counts in their order. A long array is
condensed: numbers to every k-th of them and two means, whole numbers and texts to a digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

Values = dict[str, NDArray[Any]]

IGNORED = frozenset(
    [
        *("version", "versions", "schema", "schema_version", "sequoia_cohort", "encoding-version"),
        *("path", "output", "file", "source", "reference", "savetodir", "device", "sha256"),
        *("seconds", "tiles_per_second", "waiting_share", "created", "settled"),
        *("reason", "reasons", "note", "notes", "warnings", "caption", "licence", "fix", "notice", "notices"),
        *("cluster_note", "hr_note"),
    ]
)
#: Left out if they are texts, as for an encoder; the transform of a signature has parameters.
IGNORED_TEXTS = frozenset({"transform", "pooling"})
#: Counts by reasons in words.
COUNTED = frozenset({"left_out", "found"})
#: Longer arrays are condensed.
LONGEST = 400
_SAMPLE = 200


def read_json(text: str, name: str) -> Values:
    """The leaves of a JSON object by their path."""
    return _condensed(_leaves(json.loads(text), name))


def read_output(path: Path) -> Values:
    """The content of a file, read by its ending."""
    values = _READERS[path.suffix](path)
    return _condensed({f"{path}: {name}": value for name, value in values.items()})


# --- formats ---------------------------------------------------------------------------------------------------------


def _csv(path: Path) -> Values:
    table = pd.read_csv(path, float_precision="round_trip", low_memory=False)
    return {f"column {name}": _column(table[name]) for name in table if name not in IGNORED}


def _json(path: Path) -> Values:
    return _leaves(json.loads(path.read_text()), "json")


def _h5ad(path: Path) -> Values:
    adata = anndata.read_h5ad(path)
    values = {
        "X": np.asarray(adata.X),
        "obs names": _texts(adata.obs_names),
        "var names": _texts(adata.var_names),
    }
    values |= {f"layer {name}": np.asarray(layer) for name, layer in adata.layers.items()}
    values |= {f"obs {name}": _column(adata.obs[name]) for name in adata.obs if name not in IGNORED}
    values |= {f"var {name}": _column(adata.var[name]) for name in adata.var if name not in IGNORED}
    return values | _numbers_only(_leaves(dict(adata.uns), "uns"))


def _h5(path: Path) -> Values:
    values: Values = {}

    def visit(name: str, item: Any) -> None:
        values.update(_attributes(item, name))
        if isinstance(item, h5py.Dataset) and not IGNORED & set(name.split("/")):
            values[f"dataset {name}"] = _dataset(item)

    with h5py.File(path) as file:
        visit("", file)
        file.visititems(visit)
    return values


def _attributes(item: Any, name: str) -> Values:
    """Attributes that are numbers, and counts by reason."""
    taken = {key: value for key, value in item.attrs.items() if key not in IGNORED}
    counts = {key: json.loads(value) for key, value in taken.items() if key in COUNTED}
    return _numbers_only(_leaves(taken | counts, f"attribute {name}"))


def _dataset(item: h5py.Dataset) -> NDArray[Any]:
    return (
        np.asarray(item.asstr()[()]).astype(str)
        if h5py.check_string_dtype(item.dtype)
        else np.asarray(item[()])
    )


def _npz(path: Path) -> Values:
    with np.load(path, allow_pickle=False) as file:
        return {f"array {name}": file[name] for name in file}


def _geojson(path: Path) -> Values:
    """Corners of every polygon, and how many polygons, rings and corners there are."""
    features = json.loads(path.read_text())["features"]
    rings = [ring for feature in features for ring in feature["geometry"]["coordinates"]]
    corners = np.array([corner for ring in rings for corner in ring], dtype=float)
    return {
        "features": np.array(len(features)),
        "lengths": np.array(list(map(len, rings))),
        "corners": corners,
    }


def _png(path: Path) -> Values:
    with Image.open(path) as image:
        pixels = np.asarray(image)
    return {"pixels shape": np.array(pixels.shape), "pixels": np.array(_digest(pixels.tobytes()))}


_READERS = {
    ".csv": _csv, ".json": _json, ".h5ad": _h5ad, ".h5": _h5, ".npz": _npz, ".geojson": _geojson, ".png": _png,
}  # fmt: skip


# --- values ----------------------------------------------------------------------------------------------------------


def _leaves(content: Any, name: str) -> Values:
    """Scalars and lists of scalars below a value, by their path."""
    last = name.rpartition("/")[2]
    if last in IGNORED or (last in IGNORED_TEXTS and isinstance(content, str)):
        return {}
    if last in COUNTED and isinstance(content, Mapping):
        return {name: np.array(list(content.values()))}
    if last == "flow":
        table = pd.DataFrame(content, columns=["n_before", "n_after"])
        return {f"{name}/{column}": table[column].to_numpy(dtype=np.int64) for column in table}
    if isinstance(content, Mapping):
        return _joined(_leaves(value, f"{name}/{key}") for key, value in content.items())
    if isinstance(content, list) and any(isinstance(value, dict | list) for value in content):
        return _joined(_leaves(value, f"{name}/{i}") for i, value in enumerate(content))
    return {name: _scalars(content)}


def _joined(parts: Iterable[Values]) -> Values:
    return {name: value for part in parts for name, value in part.items()}


def _scalars(content: Any) -> NDArray[Any]:
    """A scalar or a list; a single null is a text, and NaN among numbers."""
    if content is None:
        return np.array("null")
    if isinstance(content, list) and None in content:
        texts = any(isinstance(value, str) for value in content)
        return _column(pd.Series(content, dtype=object if texts else float))
    array = np.asarray(content)
    return array.astype(str) if array.dtype.kind in "OST" else array


def _column(column: pd.Series) -> NDArray[Any]:
    """Numbers and booleans as they are, NaN if missing; anything else as texts, empty if missing."""
    if pd.api.types.is_bool_dtype(column) and not column.isna().any():
        return column.to_numpy(dtype=bool)
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(dtype=float, na_value=np.nan) if column.isna().any() else column.to_numpy()
    return _texts(column.astype(object).where(column.notna(), ""))


def _texts(values: Iterable[Any]) -> NDArray[Any]:
    return np.array([str(value) for value in values], dtype=str)


def _numbers_only(values: Values) -> Values:
    return {name: value for name, value in values.items() if value.dtype.kind in "biuf"}


# --- long arrays -----------------------------------------------------------------------------------------------------


def _condensed(values: Values) -> Values:
    return _joined(
        {name: value} if value.size <= LONGEST else _less(name, value) for name, value in values.items()
    )


def _less(name: str, value: NDArray[Any]) -> Values:
    """The shape, and for numbers every k-th value, their mean and that of their sizes; for others a digest."""
    shape = {f"{name}, shape": np.array(value.shape)}
    if value.dtype.kind != "f":
        return shape | {f"{name}, digest": np.array(_digest(json.dumps(value.tolist()).encode()))}
    numbers = value.astype(float).ravel()
    step = numbers.size // _SAMPLE
    step += step % 2 == 0  # odd, so that it meets different columns in different rows
    return shape | {
        f"{name}, every {step}th": numbers[::step],
        f"{name}, missing": np.array(int(np.isnan(numbers).sum())),
        f"{name}, mean": np.array(np.nanmean(numbers)),
        f"{name}, mean size": np.array(np.nanmean(np.abs(numbers))),
    }


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
