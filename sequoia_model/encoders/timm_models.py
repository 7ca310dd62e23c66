"""Encoders outside the table: networks of timm with its own weights, and repositories and folders in its layout."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sequoia_model.encoders.hub import CONFIG, fetch
from sequoia_model.encoders.sources import EncoderSource
from sequoia_model.encoders.table import EncoderCard
from sequoia_model.errors import InputError
from sequoia_model.types.bag import canonical_encoder
from sequoia_model.weights.tensors import WEIGHT_FILES, first_line, read_state, weights_at

_UNKNOWN_MPP = "for which resolution it was made is not known: it gets tiles of 0.5 µm per pixel"


@dataclass(frozen=True)
class TimmModel:
    """What timm needs to make a network.

    Parameters
    ----------
    name : str
        Of the encoder.
    architecture : str
        As timm calls it, with the tag of its weights where they are timm's own.
    arguments : mapping
        For the architecture.
    config : mapping
        What replaces timm's own words on input size, mean and the like.
    weights : Path
        Its file.
    source : str
        Where they come from.
    """

    name: str
    architecture: str
    arguments: Mapping[str, Any]
    config: Mapping[str, Any]
    weights: Path
    source: str


def find_model(source: EncoderSource) -> TimmModel:
    """The model that a source means, its files downloaded where they have to be.

    Raises
    ------
    InputError
        If timm does not know it, files are missing or damaged, or the hub cannot be reached.
    """
    if source.kind == "timm":
        return _of_timm(source)
    if source.kind == "folder":
        folder = Path(source.word)
        config, weights = folder / CONFIG, weights_at(folder)
        name = f"local:{folder.resolve().name.replace('@', '-')}"
        return _of_config(config, weights, name, str(folder))
    way_out = (
        f"download {CONFIG} and {WEIGHT_FILES[0]} of it elsewhere, put them into a folder, and give that"
    )
    config = fetch(source.word, (CONFIG,), source.revision, way_out=way_out)
    # both of one revision: the folder of a snapshot is called after its commit
    weights = fetch(source.word, WEIGHT_FILES, config.parent.name, way_out=way_out)
    owner, _, rest = source.word.partition("/")
    name = f"timm:{rest}" if owner == "timm" else source.word
    return _of_config(config, weights, name, f"hub:{source.word}")


def build_model(model: TimmModel) -> tuple[EncoderCard, nn.Module]:
    """The network with its weights, without a classifier, and a card of what it says of itself.

    Raises
    ------
    InputError
        If timm refuses the arguments, weights do not fit, or the network does not make one vector of a tile.
    """
    network: Any = _network(model, read_state(model.weights))
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


def _of_timm(source: EncoderSource) -> TimmModel:
    import timm

    try:
        config: Any = timm.get_pretrained_cfg(source.word, allow_unregistered=False)
    except RuntimeError:
        near = difflib.get_close_matches(source.word, timm.list_pretrained(), n=3)
        offered = f"timm:{' or timm:'.join(near)}" if near else "timm.list_pretrained() lists them"
        raise InputError(f"timm has no model {source.word!r}", fix=offered) from None
    word = f"{config.architecture}.{config.tag}" if config.tag else str(config.architecture)
    if source.weights:
        weights, place = weights_at(source.weights), source.weights
    elif config.hf_hub_id:
        names = (config.hf_hub_filename,) if config.hf_hub_filename else WEIGHT_FILES
        way_out = (
            f"download {names[0]} of https://huggingface.co/{config.hf_hub_id} elsewhere: timm:{word}@FILE"
        )
        weights, place = fetch(config.hf_hub_id, names, way_out=way_out), f"hub:{config.hf_hub_id}"
    else:
        raise InputError(f"timm has no weights on the hub for {word}", fix=f"timm:{word}@FILE")
    return TimmModel(f"timm:{word}", word, {}, {}, weights, place)


def _of_config(path: Path, weights: Path, name: str, source: str) -> TimmModel:
    """What ``config.json`` says, in timm's layout of now or of earlier years."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"the folder holds no {CONFIG}", where=str(path.parent)) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{CONFIG} cannot be read: {first_line(error)}", where=str(path)) from None
    if not isinstance(config, dict) or not isinstance(config.get("architecture"), str):
        raise InputError(
            'it names no "architecture" of timm',
            where=str(path),
            fix="models of other libraries cannot be loaded: the page of the model says which library it needs",
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
    """With all classes that its weights have, so that no tensor may be missing; the classifier goes afterwards."""
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
    except Exception as error:  # timm's networks check their arguments each in their own way
        raise InputError(
            f"timm cannot make {model.architecture} of these weights: {_reason(error)}",
            where=str(model.weights),
        ) from None
    network.pretrained_cfg.pop("state_dict", None)
    return network.eval()


def _reason(error: Exception) -> str:
    """Of tensors that do not fit, torch writes a line each: the first of them says enough."""
    return " ".join(str(error).split("\n")[:2]).replace("\t", "")[:400] or type(error).__name__


def _data_config(model: TimmModel, network: Any) -> dict[str, Any]:
    from timm.data.config import resolve_data_config

    data = resolve_data_config(pretrained_cfg=network.pretrained_cfg, model=network)
    size, interpolation = data["input_size"], data["interpolation"]
    if size[0] != 3 or size[1] != size[2]:
        raise InputError(
            f"{model.name} takes images of {tuple(size)}, and tiles are square and of 3 channels"
        )
    if interpolation not in ("bicubic", "bilinear", "lanczos"):
        raise InputError(
            f"{model.name} is resized by {interpolation!r}: bicubic, bilinear and lanczos are known"
        )
    return data


def _dimension(model: TimmModel, network: nn.Module, side: int) -> int:
    with torch.inference_mode():
        output = network(torch.zeros(1, 3, side, side))
    if not isinstance(output, Tensor) or output.ndim != 2:
        raise InputError(
            f"{model.name} makes more than one vector of a tile, and how to pool them is not known"
        )
    return int(output.shape[1])
