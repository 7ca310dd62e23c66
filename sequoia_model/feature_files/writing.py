"""From a FeatureBag to a file of our own layout."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py

from sequoia_base.atomic import new_file, refuse_existing
from sequoia_model.feature_files.layouts import SCHEMA_VERSION
from sequoia_model.types.bag import FeatureBag


def write(
    bag: FeatureBag, path: str | Path, *, force: bool = False, more: Mapping[str, Any] | None = None
) -> None:
    """Write the features of a slide, whole or not at all; the same bag gives the same bytes.

    Parameters
    ----------
    bag : FeatureBag
    path : path
        Ends in ``.h5``, and is read back as the slide that it is called after.
    force : bool, default False
        Whether a file that exists may be replaced.
    more : mapping of str to object, optional
        Attributes beyond those of a bag: texts and numbers; what is None is left out.

    Raises
    ------
    InputError
        If the file exists, its folder does not, or the disk takes no more.

    Notes
    -----
    In one piece and without compression: float32 features shrink by a seventh with gzip, and are then read nine times
    as slowly.
    """
    refuse_existing(path, force=force)
    image = io.BytesIO()  # HDF5 on a full disk raises in destructors, where nobody can catch it
    with h5py.File(image, "w") as file:
        for name in ("features", "coords", "cluster_features"):
            values = getattr(bag, name)
            if values is not None:
                file[name] = values
        attributes = {**(more or {}), **_attributes(bag)}
        file.attrs.update({name: value for name, value in attributes.items() if value is not None})
    with new_file(path) as temporary:
        temporary.write_bytes(image.getbuffer())


def _attributes(bag: FeatureBag) -> dict[str, object]:
    encoder = bag.encoder
    return {
        "schema_version": SCHEMA_VERSION,
        "slide": bag.slide,
        "encoder": encoder and encoder.name,
        "encoder_asserted": encoder and encoder.asserted,
        "encoder_fingerprint": encoder and encoder.fingerprint,
        "mpp": bag.mpp,
        "tile_size": bag.tile_size,
        "rule": bag.rule,
        "seed": bag.seed,
        "coords_unit": bag.coords_unit,
        "cohort": bag.cohort or None,
        "n_tiles": bag.n_tiles,
    }
