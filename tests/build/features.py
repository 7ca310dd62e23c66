"""Builders of feature files, byte for byte as each tool writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from sequoia_model.errors import InputError
from sequoia_model.types.bag import EncoderId, FeatureBag, TileGeometry

SLIDE = "TCGA-A2-A0T2-01Z-00-DX1.29A5C4B7"


def make_features(tiles: int = 12, dim: int = 8, seed: int = 0) -> np.ndarray:
    """Normal float32 features, one row per tile; multiples of 1/64, so that float16 holds them exactly."""
    drawn = np.random.default_rng([seed, tiles, dim]).normal(size=(tiles, dim))
    return (np.round(drawn * 64) / 64).astype(np.float32)


def make_coords(tiles: int = 12, side: float = 512, dtype: type = np.int64) -> np.ndarray:
    """Corners of tiles on a grid four wide, x before y."""
    index = np.arange(tiles)
    return (np.stack([index % 4, index // 4], axis=1) * side).astype(dtype)


def make_geometry(**fields: Any) -> TileGeometry:
    """Tiles of 512 px on a slide of 0.25 µm per pixel; `fields` are those of TileGeometry and take precedence."""
    made = {
        "side": 512.0,
        "slide_mpp": 0.25,
        "slide_mpp_source": "the file",
        "slide_size": (20000, 16000),
        "max_tiles": 4000,
        "mask": "published",
        "n_places": 1209,
        "left_out": {"no tissue": 1100, "no contrast": 97},
    }
    return TileGeometry(**(made | fields))


def make_bag(slide: str = SLIDE, tiles: int = 12, dim: int = 8, draw: int = 0, **fields: Any) -> FeatureBag:
    """A bag by UNI with coords and the features of a draw.

    `fields` are those of FeatureBag and take precedence (``features=None, ...``).
    """
    made = {
        "features": make_features(tiles, dim, draw),
        "coords": make_coords(tiles),
        "encoder": EncoderId("uni"),
        "mpp": 0.5,
        "tile_size": 256,
    }
    return FeatureBag(slide, **(made | fields))


def write_ours(path: Path, tiles: int = 12, dim: int = 8, seed: int = 0, **fields: Any) -> Path:
    """Our own layout; the slide is named by the file, `fields` are those of FeatureBag."""
    from sequoia_model.feature_files import slide_name, write

    path.parent.mkdir(parents=True, exist_ok=True)
    write(make_bag(slide_name(path), tiles, dim, seed, **fields), path, force=True)
    return path


def write_clam(
    path: Path,
    tiles: int = 12,
    dim: int = 1024,
    seed: int = 0,
    *,
    features: np.ndarray | None = None,
    coords: np.ndarray | None = None,
    clusters: np.ndarray | None = None,
    attrs: Mapping[str, Any] | None = None,
) -> Path:
    """CLAM's ``h5_files/<slide>.h5``: resizable, 32 rows per chunk, appended to batch by batch; without attributes.

    `clusters` are added as if someone ran the published clustering on it, `attrs` as if the file of patches, which
    has attributes on its ``coords``, was copied.
    """
    features = make_features(tiles, dim, seed) if features is None else features
    coords = make_coords(len(features), dtype=np.int32) if coords is None else coords
    with _new(path) as file:
        for name, values in {"features": features, "coords": coords}.items():
            shape, rest = np.shape(values), np.shape(values)[1:]
            made = file.create_dataset(
                name, (0, *rest), dtype=values.dtype, maxshape=(None, *rest), chunks=(32, *rest)
            )
            made.resize(shape)
            made[:] = values
        file["coords"].attrs.update(attrs or {})
        if clusters is not None:
            file["cluster_features"] = clusters
    return path


def write_trident(
    path: Path,
    tiles: int = 12,
    dim: int = 8,
    seed: int = 0,
    *,
    encoder: str | None = "uni_v1",
    features: np.ndarray | None = None,
    coords: np.ndarray | None = None,
    old: bool = False,
    more: Mapping[str, Any] | None = None,
) -> Path:
    """TRIDENT's ``features_<encoder>/<slide>.h5``: one row per chunk, attributes on the datasets.

    `old` files have no attribute ``encoder``; newer ones hold the word "None" if it is not known. `more` are
    attributes of ``coords``.
    """
    features = make_features(tiles, dim, seed) if features is None else features
    coords = make_coords(tiles) if coords is None else coords
    slide = path.stem
    about: dict[str, dict[str, Any]] = {
        "features": {"name": slide, "savetodir": str(path.parent)},
        "coords": {
            "patch_size": 256,
            "patch_size_level0": 512,
            "level0_magnification": 40,
            "target_magnification": 20,
            "overlap": 0,
            "name": slide,
            "savetodir": str(path.parent.parent / "patches"),
            "level0_width": 20000,
            "level0_height": 16000,
        }
        | dict(more or {}),
    }
    if not old:
        about["features"]["encoder"] = "None" if encoder is None else encoder
    with _new(path) as file:
        for name, values in {"features": features, "coords": coords}.items():
            rest = np.shape(values)[1:]
            made = file.create_dataset(
                name, np.shape(values), dtype=values.dtype, maxshape=(None, *rest), chunks=(1, *rest)
            )
            made[:] = values
            made.attrs.update(about[name])
    return path


def write_stamp(
    path: Path,
    tiles: int = 12,
    dim: int = 8,
    seed: int = 0,
    *,
    extractor: str = "mahmood-uni-77ffbca1",
    features: np.ndarray | None = None,
    coords: np.ndarray | None = None,
    attrs: Mapping[str, Any] | None = None,
) -> Path:
    """STAMP's ``<extractor>-<hash>/<slide>.h5``: float16 ``feats``, float32 ``coords`` in µm, attributes on the file.

    `attrs` replace those of version 2.4 (``{"extractor": ..., "tile_size": 256.0, "unit": "um"}``
    before 2.1, the extractor alone in version 1).
    """
    newest = {
        "stamp_version": "2.4.0",
        "extractor": extractor,
        "unit": "um",
        "tile_size_um": 256.0,
        "tile_size_px": 224,
        "code_hash": "d41d8cd9",
        "feat_type": "tile",
    }
    features = make_features(tiles, dim, seed).astype(np.float16) if features is None else features
    coords = make_coords(tiles, 256.0, np.float32) if coords is None else coords
    with _new(path) as file:
        file["coords"] = coords
        file["feats"] = features
        file.attrs.update(newest if attrs is None else attrs)
    return path


def write_sequoia(
    path: Path,
    tiles: int = 12,
    dim: int = 8,
    seed: int = 0,
    *,
    kinds: Sequence[str] = ("uni",),
    clusters: np.ndarray | int | None = 100,
    features: Mapping[str, np.ndarray] | None = None,
) -> Path:
    """The published ``<project>/<slide>/<slide>.h5``: ``<kind>_features`` and ``cluster_features``, no attribute.

    `kinds` may be "uni", "resnet", both, or none; `features` gives the array of a kind. `clusters` are rows drawn
    at random if it is a number, and left out if it is None.
    """
    given = dict(features or {})
    with _new(path) as file:
        for kind in dict.fromkeys([*kinds, *given]):
            file[f"{kind}_features"] = given.get(kind, make_features(tiles, dim, seed))
        if clusters is not None:
            rows = make_features(clusters, dim, seed + 1) if isinstance(clusters, int) else clusters
            file["cluster_features"] = rows
    return path


def _new(path: Path) -> h5py.File:
    path.parent.mkdir(parents=True, exist_ok=True)
    return h5py.File(path, "w")


#: Writers of all layouts, by their names in bags.
WRITERS = {
    "ours": write_ours,
    "clam": write_clam,
    "trident": write_trident,
    "stamp": write_stamp,
    "sequoia": write_sequoia,
}


def assert_same_bag(got: FeatureBag, wanted: FeatureBag, *, but: tuple[str, ...] = ()) -> None:
    """Every field, arrays with their types."""
    for field in fields_of(FeatureBag):
        one, other = getattr(got, field.name), getattr(wanted, field.name)
        if field.name in but:
            continue
        if isinstance(other, np.ndarray):
            np.testing.assert_array_equal(one, other, err_msg=field.name, strict=True)
        elif isinstance(other, EncoderId):
            assert (one.name, one.asserted) == (other.name, other.asserted)
            np.testing.assert_array_equal(one.fingerprint, other.fingerprint)
        else:
            assert one == other, field.name


def refused(path: Path, **options: Any) -> InputError:
    """The error of reading a file, which must name it."""
    from sequoia_model.feature_files import read

    with pytest.raises(InputError) as caught:
        read(path, **options)
    assert str(path) in caught.value.where
    return caught.value
