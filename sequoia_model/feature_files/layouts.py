"""Where each tool keeps what in its feature files, and what it tells about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sequoia_model.errors import InputError, listing
from sequoia_model.feature_files.attributes import integer, number, text
from sequoia_model.feature_files.paths import encoder_in_folder
from sequoia_model.types.bag import EncoderId

#: Of our own layout; a file with a larger number was written by a later version.
SCHEMA_VERSION = 1
#: Encoders of the published code, and what it calls their features.
_PUBLISHED = {"uni": "uni_features", "resnet50": "resnet_features"}
#: TRIDENT cuts its ResNet-50 before the last block, and gives CTransPath the weights of CHIEF.
_TRIDENT_MEANS = {"resnet50": "resnet50-trunc", "ctranspath": "chief-ctranspath"}
#: STAMP keeps the class token of Virchow alone, but for the "full" one.
_STAMP_MEANS = {"virchow": "virchow-cls", "virchow-full": "virchow", "virchow2": "virchow2-cls"}
#: Attributes of TRIDENT's datasets; CLAM writes none.
_TRIDENT_MARKS = frozenset(["encoder", "savetodir", "patch_size_level0", "target_magnification"])


@dataclass(frozen=True)
class Description:
    """What a file holds, before any number is read.

    Parameters
    ----------
    layout : str
        ours, trident, clam, stamp or sequoia.
    features, coords, clusters : str, optional
        Names of the datasets of tile features, corners of tiles and cluster means.
    about : dict
        What is known of the other fields of `FeatureBag`.
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
        Of it, for what its folders tell.
    encoder : str, optional
        Whose features, where the file holds those of two.

    Returns
    -------
    Description
        Of datasets that are there.

    Raises
    ------
    InputError
        If there are no features, none of tiles, or those of two encoders of which neither is wanted; if a later
        version of ours wrote the file, or an attribute cannot be used.
    """
    if "schema_version" in file.attrs:
        found = _ours(file)
    elif "feats" in file:
        found = _stamp(file)
    elif "features" in file:
        found = _trident(file) if _is_trident(file) else Description("clam")
    elif not {"cluster_features", *_PUBLISHED.values()}.isdisjoint(file):
        found = _sequoia(file, path, encoder)
    else:
        held = f"it holds {listing(file)}" if len(file) else "it holds nothing"
        raise InputError(
            f"there are no features in the file: {held}", fix="give files of features, not of tiles"
        )
    if found.about.get("encoder") is None:
        found.about["encoder_hint"] = encoder_in_folder(path)
    return replace(
        found,
        features=_there(file, found.features),
        coords=_there(file, found.coords),
        clusters=_there(file, found.clusters),
    )


def _ours(file: h5py.File) -> Description:
    attributes = file.attrs
    version = integer(attributes, "schema_version")
    if version is None or version > SCHEMA_VERSION:
        raise InputError(
            f"the file was written by a newer version: its schema is {version}, and {SCHEMA_VERSION} is known",
            fix="update sequoia-model",
        )
    name = text(attributes, "encoder")
    asserted = bool(integer(attributes, "encoder_asserted"))
    about = {
        "encoder": name and EncoderId(name, asserted, attributes.get("encoder_fingerprint")),
        "mpp": number(attributes, "mpp"),
        "tile_size": integer(attributes, "tile_size"),
        "rule": text(attributes, "rule"),
        "seed": integer(attributes, "seed"),
        "coords_unit": text(attributes, "coords_unit") or "px",
        "cohort": text(attributes, "cohort") or "",
        "n_tiles": integer(attributes, "n_tiles"),
    }
    return Description("ours", about=about)


def _there(file: h5py.File, name: str | None) -> str | None:
    return name if name is not None and name in file else None


def _is_trident(file: h5py.File) -> bool:
    return any(_TRIDENT_MARKS & set(file[name].attrs) for name in ("features", "coords") if name in file)


def _trident(file: h5py.File) -> Description:
    name = text(file["features"].attrs, "encoder")
    tiles: Mapping[str, Any] = file["coords"].attrs if "coords" in file else {}
    about = {
        "encoder": name and _meant(name, _TRIDENT_MEANS),
        "mpp": number(tiles, "mpp"),  # its magnifications are names of scales, and no µm
        "tile_size": integer(tiles, "patch_size"),
    }
    return Description("trident", about=about)


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
    about = {
        "encoder": name and _meant(name, _STAMP_MEANS),
        "mpp": side_um / side_px if side_um and side_px else None,
        "tile_size": side_px,
        "coords_unit": "px" if unit == "px" else "um",
    }
    # version 1 counts in pixels of its tiles, and does not say how large these are
    return Description("stamp", "feats", "coords" if unit in ("um", "px") else None, about=about)


def _sequoia(file: h5py.File, path: Path, wanted: str | None) -> Description:
    kinds = [kind for kind, name in _PUBLISHED.items() if name in file]
    chosen = [kind for kind in kinds if wanted and EncoderId(wanted).name == kind] or kinds
    if len(chosen) > 1:
        raise InputError(
            f"the file holds features of two encoders: {listing(chosen)}", fix="--encoder NAME says whose"
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
    """Whether the cluster means have the dimension of another encoder's features, and not of this one's."""
    width = np.shape(file["cluster_features"])[-1:] if "cluster_features" in file else ()
    widths = {other: np.shape(file[_PUBLISHED[other]])[-1:] for other in kinds}
    return width != widths[kind] and width in widths.values()


def _meant(name: str, means: Mapping[str, str]) -> EncoderId:
    """The encoder that a tool means by a name."""
    encoder = EncoderId(name)
    return EncoderId(means.get(encoder.name, encoder.name))
