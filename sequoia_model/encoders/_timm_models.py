"""Networks that timm builds: those of the table, timm's own, and repositories and folders in timm's layout."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sequoia_model.encoders.table import EncoderCard
from sequoia_model.errors import InputError
from sequoia_model.types.bag import canonical_encoder
from sequoia_model.weights.hub import fetch, first_line, page
from sequoia_model.weights.tensors import CONFIG, SAFETENSORS, WEIGHT_FILES, read_tensors, weights_at

_UNKNOWN_MPP = "the resolution it was made for is not known; its tiles have 0.5 µm per pixel"

#: What timm's networks raise for arguments or tensors that do not fit; each checks them in its own way.
_REFUSALS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


def build_network(card: EncoderCard, *, device: str = "cpu") -> nn.Module:
    """The network of a card, without a classifier; on ``meta`` it has shapes but no memory."""
    import timm
    from timm.layers.mlp import SwiGLUPacked

    layers = {"SwiGLUPacked": SwiGLUPacked, "SiLU": nn.SiLU}
    arguments: dict[str, Any] = {
        name: layers.get(value, value) if isinstance(value, str) else value
        for name, value in card.arguments.items()
    }
    with torch.device(device):
        return timm.create_model(card.architecture, pretrained=False, num_classes=0, **arguments).eval()


@dataclass(frozen=True)
class TimmModel:
    """What timm needs to make a network.

    Parameters
    ----------
    name : str
        Name of the encoder.
    architecture : str
        timm's name, with the tag of the weights if they are timm's own.
    arguments : mapping
        Arguments of the architecture.
    config : mapping
        Replaces what timm says about input size, mean and so on.
    weights : Path
        The file of weights.
    source : str
        Where the weights come from.
    """

    name: str
    architecture: str
    arguments: Mapping[str, Any]
    config: Mapping[str, Any]
    weights: Path
    source: str


def find_model(
    kind: Literal["timm", "hub", "folder"], word: str, *, weights: str = "", revision: str | None = None
) -> TimmModel:
    """The model that a name means; its files are downloaded if necessary.

    Parameters
    ----------
    kind : {"timm", "hub", "folder"}
    word : str
        timm's name, ORG/NAME, or the folder.
    weights : str
        File or folder with weights for a model of timm.
    revision : str, optional
        Branch, tag or commit of a repository.

    Raises
    ------
    InputError
        If timm does not know the model, files are missing or damaged, or the hub cannot be reached.
    """
    if kind == "timm":
        return _of_timm(word, weights)
    if kind == "folder":
        folder = Path(word)
        name = f"local:{folder.resolve().name.replace('@', '-')}"
        return _of_config(folder / CONFIG, weights_at(folder), name, word)
    way_out = f"download its {CONFIG} and {SAFETENSORS} on another machine, put them into a folder, and give the folder"
    config = fetch(word, (CONFIG,), revision, way_out=way_out)
    # of the same revision: the folder of a snapshot is named after its commit
    file = fetch(word, WEIGHT_FILES, config.parent.name, way_out=way_out)
    owner, _, rest = word.partition("/")
    return _of_config(config, file, f"timm:{rest}" if owner == "timm" else word, f"hub:{word}")


def build_model(model: TimmModel) -> tuple[EncoderCard, nn.Module]:
    """The network with its weights but no classifier, and a card with what its configuration says.

    Raises
    ------
    InputError
        If timm refuses the arguments, weights do not fit, or the network does not turn a tile into one vector.
    """
    network: Any = _network(model, read_tensors(model.weights)[0])
    data = _data_config(model, network)
    side = int(data["input_size"][-1])
    card = EncoderCard(
        name=canonical_encoder(model.name),
        dimension=_dimension(model, network, side),
        mpp=None,
        input_size=side,
        resize=int(side / data["crop_pct"]),
        interpolation=data["interpolation"],
        mean=tuple(data["mean"]),
        std=tuple(data["std"]),
        pooling="its own",
        licence=str(network.pretrained_cfg.get("license") or "not stated"),
        source=model.source,
        architecture=model.architecture,
        arguments=model.arguments,
        note=_UNKNOWN_MPP,
    )
    return card, network


def _of_timm(name: str, weights: str) -> TimmModel:
    import timm

    try:
        config: Any = timm.get_pretrained_cfg(name, allow_unregistered=False)
    except RuntimeError:
        near = difflib.get_close_matches(name, timm.list_pretrained(), n=3)
        offered = f"timm:{' or timm:'.join(near)}" if near else "timm.list_pretrained() lists them"
        raise InputError(f"timm has no model {name!r}", fix=offered) from None
    word = f"{config.architecture}.{config.tag}" if config.tag else str(config.architecture)
    if weights:
        file, place = weights_at(weights), weights
    elif config.hf_hub_id:
        names = (config.hf_hub_filename,) if config.hf_hub_filename else WEIGHT_FILES
        way_out = (
            f"download {names[0]} of {page(config.hf_hub_id)} on another machine, and give timm:{word}@FILE"
        )
        file, place = fetch(config.hf_hub_id, names, way_out=way_out), f"hub:{config.hf_hub_id}"
    else:
        raise InputError(f"timm has no weights on the hub for {word}", fix=f"give timm:{word}@FILE")
    return TimmModel(f"timm:{word}", word, {}, {}, file, place)


def _of_config(path: Path, weights: Path, name: str, source: str) -> TimmModel:
    """What ``config.json`` says, in the present or the older layout of timm."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"the folder has no {CONFIG}", where=str(path.parent)) from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{CONFIG} cannot be read: {first_line(error)}", where=str(path)) from None
    if not isinstance(config, dict) or not isinstance(config.get("architecture"), str):
        raise InputError(
            'it does not name an "architecture" of timm',
            where=str(path),
            fix="only models of timm can be loaded: the model's page says which library it needs",
        )
    words = dict(config.get("pretrained_cfg") or config)
    for name_of_both in ("num_classes", "label_names", "label_descriptions"):
        if name_of_both in config:
            words[name_of_both] = config[name_of_both]
    arguments = dict(config.get("model_args") or {})
    if "global_pool" in config:
        arguments.setdefault("global_pool", config["global_pool"])
    return TimmModel(name, config["architecture"], arguments, words, weights, source)


def _network(model: TimmModel, state: dict[str, Tensor]) -> nn.Module:
    """The network, loaded with its classifier, so that no tensor may be missing; then the classifier is removed."""
    import timm

    no_place = {"url": "", "file": None, "source": "", "hf_hub_id": None, "hf_hub_filename": None}
    overlay = {**model.config, **no_place, "state_dict": state}
    arguments = dict(model.arguments)
    if "num_classes" in model.config:
        arguments.setdefault("num_classes", model.config["num_classes"])
    try:
        network: Any = timm.create_model(
            model.architecture, pretrained=True, pretrained_cfg_overlay=overlay, **arguments
        )
        pool = {"global_pool": arguments["global_pool"]} if "global_pool" in arguments else {}
        if getattr(network, "num_classes", 0):
            network.reset_classifier(0, **pool)
    except _REFUSALS as error:
        raise InputError(
            f"timm cannot load these weights into {model.architecture}: {_reason(error)}",
            where=str(model.weights),
        ) from None
    network.pretrained_cfg.pop("state_dict", None)
    return network.eval()


def _reason(error: Exception) -> str:
    """The first lines of an error: torch writes one for each tensor that does not fit."""
    return " ".join(str(error).split("\n")[:2]).replace("\t", "")[:400] or type(error).__name__


def _data_config(model: TimmModel, network: Any) -> dict[str, Any]:
    from timm.data.config import resolve_data_config

    data = resolve_data_config(pretrained_cfg=network.pretrained_cfg, model=network)
    size, interpolation = data["input_size"], data["interpolation"]
    if size[0] != 3 or size[1] != size[2]:
        raise InputError(
            f"{model.name} takes images of {tuple(size)}, but tiles are square and have 3 channels"
        )
    if interpolation not in ("bicubic", "bilinear", "lanczos"):
        raise InputError(
            f"{model.name} needs the interpolation {interpolation!r}",
            fix="only bicubic, bilinear and lanczos are available",
        )
    return data


def _dimension(model: TimmModel, network: nn.Module, side: int) -> int:
    with torch.inference_mode():
        output = network(torch.zeros(1, 3, side, side))
    if not isinstance(output, Tensor) or output.ndim != 2:
        raise InputError(
            f"{model.name} turns a tile into more than one vector, and it is not known how to pool them"
        )
    return int(output.shape[1])
