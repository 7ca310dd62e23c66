"""What each tool keeps in its feature files, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sequoia_model.errors import InputError, listing
from sequoia_model.feature_files.attributes import if_usable, integer, magnification, number, numbers, text
from sequoia_model.feature_files.own_layout import fields_of, slide_size
from sequoia_model.feature_files.paths import encoder_in_folder
from sequoia_model.types.bag import EncoderId, TileGeometry

#: Encoders of the published code, and what it calls their features.
_PUBLISHED = {"uni": "uni_features", "resnet50": "resnet_features"}
#: TRIDENT cuts its ResNet-50 before the last block, and gives CTransPath the weights of CHIEF.
_TRIDENT_MEANS = {"resnet50": "resnet50-trunc", "ctranspath": "chief-ctranspath"}
#: STAMP keeps only the class token of Virchow, except for the "full" one.
_STAMP_MEANS = {"virchow": "virchow-cls", "virchow-full": "virchow", "virchow2": "virchow2-cls"}
#: Tiles of STAMP before version 2, whose files do not say what their numbers mean: pixels, and µm. By its own reader,
#: a tile or a step of 224 without a unit means these.
_OLD_STAMP_PX, _OLD_STAMP_UM = 224, 256.0
#: Attributes of TRIDENT's datasets that CLAM does not write.
_TRIDENT_MARKS = frozenset(["encoder", "savetodir", "patch_size_level0", "target_magnification"])


@dataclass(frozen=True)
class Description:
    """What a file holds, before its arrays are read.

    Parameters
    ----------
    layout : str
        Who wrote it: ours, trident, clam, stamp or sequoia.
    features, coords, clusters : str, optional
        Names of the datasets of tile features, corners of tiles and cluster means.
    about : dict
        Other fields of `FeatureBag`, as far as the attributes say them.
    """

    layout: str
    features: str | None = "features"
    coords: str | None = "coords"
    clusters: str | None = "cluster_features"
    about: dict[str, Any] = field(default_factory=dict)


def describe(file: h5py.File, path: Path, encoder: str | None = None) -> Description:
    """Recognise who wrote a file, and say where things are in it.

    Parameters
    ----------
    file : File
        Open for reading.
    path : path
        The path of the file, since the names of its folders are also informative.
    encoder : str, optional
        The encoder whose features are wanted, if the file holds those of two.

    Returns
    -------
    Description
        With the names of those datasets that the file has.

    Raises
    ------
    InputError
        If there are no features of tiles; if there are those of two encoders, and neither is the wanted one; if a
        later version of this package wrote the file; or if an attribute cannot be used.
    KeyError
        If datasets are listed, but cannot be opened.
    """
    if "schema_version" in file.attrs:
        found = Description("ours", about=fields_of(file.attrs))
    elif "feats" in file:
        found = _stamp(file)
    elif "features" in file:
        found = _trident(file) if _is_trident(file) else _clam(file)
    elif not {"cluster_features", *_PUBLISHED.values()}.isdisjoint(file):
        found = _sequoia(file, path, encoder)
    else:
        if lost := [name for name in file if name not in file]:  # listed, but looked up in vain
            raise KeyError(f"{listing(lost)} cannot be opened")
        held = f"it holds {listing(file)}" if len(file) else "it holds nothing"
        raise InputError(f"the file has no features: {held}", fix="give feature files, not files of tiles")
    if found.about.get("encoder") is None:
        found.about["encoder_hint"] = encoder_in_folder(path)
    return replace(
        found,
        features=_there(file, found.features),
        coords=_there(file, found.coords),
        clusters=_there(file, found.clusters),
    )


def _there(file: h5py.File, name: str | None) -> str | None:
    return name if name is not None and name in file else None


def _is_trident(file: h5py.File) -> bool:
    return any(_TRIDENT_MARKS & set(file[name].attrs) for name in ("features", "coords") if name in file)


def _attributes_of_coords(file: h5py.File) -> Mapping[str, Any]:
    return file["coords"].attrs if "coords" in file else {}


def _trident(file: h5py.File) -> Description:
    name, tiles = text(file["features"].attrs, "encoder"), _attributes_of_coords(file)
    about = {
        "encoder": name and _meant(name, _TRIDENT_MEANS),
        "mpp": number(tiles, "mpp"),
        "tile_size": if_usable(integer, tiles, "patch_size"),
        "geometry": TileGeometry(
            side=if_usable(number, tiles, "patch_size_level0"),
            magnification=_trident_magnification(tiles),
            overlap=if_usable(integer, tiles, "overlap"),
            slide_size=slide_size(tiles),
        ),
    }
    return Description("trident", about=about)


def _trident_magnification(tiles: Mapping[str, Any]) -> float | None:
    """At which magnification tiles were read: as stated, or by how much a tile shrank from level 0."""
    stated = if_usable(magnification, tiles, "target_magnification")
    scanned, side, wide = (
        if_usable(magnification, tiles, "level0_magnification"),
        if_usable(integer, tiles, "patch_size"),
        if_usable(number, tiles, "patch_size_level0"),
    )
    return stated or (scanned * side / wide if scanned and side and wide else None)


def _clam(file: h5py.File) -> Description:
    """CLAM's own feature files have no attributes; other writers of its layout copy those of the coords."""
    tiles = _attributes_of_coords(file)
    size, level = if_usable(integer, tiles, "patch_size"), if_usable(integer, tiles, "patch_level")
    scale = if_usable(numbers, tiles, "downsample") or (
        [1.0] if level == 0 else []
    )  # of the level: one value, or one each for x and y
    shape = if_usable(numbers, tiles, "level_dim")
    geometry = TileGeometry(
        side=size * scale[0] if size and scale else None,
        slide_size=(round(shape[0] * scale[0]), round(shape[1] * scale[-1]))
        if scale and shape and len(shape) == 2
        else None,
    )
    return Description("clam", about={"tile_size": size, "geometry": geometry})


def _stamp(file: h5py.File) -> Description:
    attributes = file.attrs
    kind = text(attributes, "feat_type") or "tile"
    if kind != "tile":
        raise InputError(
            f"the file holds features of a {kind}, one vector for all its tiles",
            fix="give the features of the tiles that it was made from",
        )
    name, unit = text(attributes, "extractor"), text(attributes, "unit")
    side_px, side_um = integer(attributes, "tile_size_px"), number(attributes, "tile_size_um")
    if unit is None and side_um is not None:
        unit = "um"
    if side_um is None and unit == "um":
        side_um = number(attributes, "tile_size")  # its name before version 2.1
    if unit is None and round(if_usable(number, attributes, "tile_size") or _stride(file)) == _OLD_STAMP_PX:
        side_px, side_um = _OLD_STAMP_PX, _OLD_STAMP_UM
    about = {
        "encoder": name and _meant(name, _STAMP_MEANS),
        "mpp": side_um / side_px if side_um and side_px else None,
        "tile_size": side_px,
        "coords_unit": "px" if unit == "px" else "um",
        "geometry": TileGeometry(side_um=side_um),
    }
    # version 1 counts in pixels of its tiles
    return Description("stamp", "feats", "coords" if unit in ("um", "px") else None, about=about)


def _stride(file: h5py.File) -> float:
    """The least step between the coords of tiles; 0 if there is none."""
    coords = file.get("coords")
    if not isinstance(coords, h5py.Dataset) or coords.dtype.kind not in "fiu" or len(coords.shape or ()) != 2:
        return 0.0
    steps = [np.diff(np.unique(values)) for values in coords[()].T.astype(np.float64)]
    return float(np.nan_to_num(min((step.min() for step in steps if len(step)), default=0.0), posinf=0.0))


def _sequoia(file: h5py.File, path: Path, wanted: str | None) -> Description:
    kinds = [kind for kind, name in _PUBLISHED.items() if name in file]
    chosen = [kind for kind in kinds if wanted and EncoderId(wanted).name == kind] or kinds
    if len(chosen) > 1:
        raise InputError(
            f"the file holds features of two encoders: {listing(chosen)}",
            fix="choose one with --encoder NAME",
        )
    kind = chosen[0] if chosen else None
    folder = path.absolute().parent
    about = {
        "encoder": kind and EncoderId(kind),
        "cohort": folder.parent.name if folder.name == path.stem else "",
    }
    clusters = None if kind and _made_from_other(file, kinds, kind) else "cluster_features"
    return Description("sequoia", kind and _PUBLISHED[kind], clusters=clusters, about=about)


def _made_from_other(file: h5py.File, kinds: list[str], kind: str) -> bool:
    """Whether the cluster means have the length of the other encoder's features, and not of this one's."""
    width = np.shape(file["cluster_features"])[-1:] if "cluster_features" in file else ()
    widths = {other: np.shape(file[_PUBLISHED[other]])[-1:] for other in kinds}
    return width != widths[kind] and width in widths.values()


def _meant(name: str, means: Mapping[str, str]) -> EncoderId:
    """The encoder that a tool means by a name."""
    encoder = EncoderId(name)
    return EncoderId(means.get(encoder.name, encoder.name))
