"""Our own layout of a feature file: written from a bag, and its attributes read back."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py

from sequoia_base.atomic import new_file, refuse_existing
from sequoia_model.errors import InputError
from sequoia_model.feature_files.attributes import counts, integer, magnification, number, text
from sequoia_model.types.bag import EncoderId, FeatureBag, TileGeometry

#: A file with a larger number was written by a later version.
_SCHEMA_VERSION = 1
#: Fields of a bag that are attributes of the same name, and how each is read.
_FIELDS = {"mpp": number, "tile_size": integer, "rule": text, "seed": integer, "n_tiles": integer}
#: Fields of its geometry, the attribute of each, and how it is read.
_GEOMETRY: dict[str, tuple[str, Callable[[Mapping[str, Any], str], Any]]] = {
    "side": ("patch_size_level0", number),  # as TRIDENT calls it
    "side_um": ("tile_side_um", number),
    "magnification": ("target_magnification", magnification),
    "overlap": ("overlap", integer),
    "slide_mpp": ("slide_mpp", number),
    "slide_mpp_source": ("slide_mpp_source", text),
    "max_tiles": ("max_tiles", integer),
    "mask": ("mask", text),
    "n_places": ("n_places", integer),
}


def write(
    bag: FeatureBag, path: str | Path, *, force: bool = False, more: Mapping[str, Any] | None = None
) -> None:
    """Write the features of a slide, whole or not at all; the same bag gives the same bytes.

    Parameters
    ----------
    bag : FeatureBag
        What to write.
    path : path
        A new file that ends in ``.h5``. It is read back as the slide that the file is named after.
    force : bool, default False
        Whether an existing file may be replaced.
    more : mapping of str to object, optional
        Further attributes, texts and numbers; None is left out.

    Raises
    ------
    InputError
        If the file exists, its folder does not, or the disk is full.

    Notes
    -----
    Only ``tried`` is compressed: gzip makes float32 features a seventh smaller, but nine times slower to read.
    """
    refuse_existing(path, force=force)
    image = io.BytesIO()  # on a full disk HDF5 raises in destructors, where nothing can catch the error
    with h5py.File(image, "w") as file:
        for name in ("features", "coords", "cluster_features"):
            values = getattr(bag, name)
            if values is not None:
                file[name] = values
        if bag.tried is not None:  # multiples of a step, which shrink to a tenth
            file.create_dataset("tried", data=bag.tried, compression="gzip", shuffle=True)
        for attributes in (more or {}, _attributes(bag)):
            file.attrs.update({name: value for name, value in attributes.items() if value is not None})
    with new_file(path) as temporary:
        temporary.write_bytes(image.getbuffer())


def fields_of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """What the attributes of a file of ours say about the fields of its bag.

    Raises
    ------
    InputError
        If a later version wrote the file, or an attribute cannot be used.
    """
    version = integer(attributes, "schema_version")
    if version is None or version > _SCHEMA_VERSION:
        raise InputError(
            f"the file was written by a newer version: its schema is {version}, but this one knows {_SCHEMA_VERSION}",
            fix="update sequoia-model",
        )
    name = text(attributes, "encoder")
    asserted = bool(integer(attributes, "encoder_asserted"))
    return {
        "encoder": name and EncoderId(name, asserted, attributes.get("encoder_fingerprint")),
        "coords_unit": text(attributes, "coords_unit") or "px",
        "cohort": text(attributes, "cohort") or "",
        "geometry": TileGeometry(
            **{field: read(attributes, attribute) for field, (attribute, read) in _GEOMETRY.items()},
            slide_size=slide_size(attributes),
            left_out=counts(attributes, "left_out"),
        ),
        **{field: read(attributes, field) for field, read in _FIELDS.items()},
    }


def slide_size(attributes: Mapping[str, Any]) -> tuple[int, int] | None:
    """Width and height of level 0, as TRIDENT and we write them; None unless both are known."""
    width, height = integer(attributes, "level0_width"), integer(attributes, "level0_height")
    return None if width is None or height is None else (width, height)


def _attributes(bag: FeatureBag) -> dict[str, object]:
    encoder, geometry = bag.encoder, bag.geometry
    side, left_out = geometry.side, geometry.left_out
    width, height = geometry.slide_size or (None, None)
    return {
        "schema_version": _SCHEMA_VERSION,
        "slide": bag.slide,
        "encoder": encoder and encoder.name,
        "encoder_asserted": encoder and encoder.asserted,
        "encoder_fingerprint": encoder and encoder.fingerprint,
        "coords_unit": bag.coords_unit,
        "cohort": bag.cohort or None,
        "level0_width": width,
        "level0_height": height,
        **{field: getattr(bag, field) for field in _FIELDS},
        **{attribute: getattr(geometry, field) for field, (attribute, _) in _GEOMETRY.items()},
        "patch_size_level0": int(side) if side is not None and float(side).is_integer() else side,
        "left_out": json.dumps(dict(left_out)) if left_out or geometry.n_places is not None else None,
    }
