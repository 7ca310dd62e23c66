"""From the name of an encoder to the encoder, loaded and ready."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import Tensor, nn

from sequoia_model.encoders._lite0 import lite0_network
from sequoia_model.encoders.encoder import Encoder
from sequoia_model.encoders.packaged import packaged_tensors
from sequoia_model.encoders.table import DEFAULT_ENCODER, ENCODERS, EncoderCard
from sequoia_model.errors import InputError
from sequoia_model.types.bag import canonical_encoder, is_known_encoder
from sequoia_model.types.devices import choose_device
from sequoia_model.types.units import TILE_MPP
from sequoia_model.weights.hub import fetch, page
from sequoia_model.weights.tensors import WEIGHT_FILES, load_into, read_tensors, weights_at

_HUB, _TIMM = "hf-hub:", "timm:"
_FORMS = f"{', '.join(ENCODERS)}, timm:NAME, hf-hub:ORG/NAME, ENCODER@FILE, or a folder with config.json"


def get_encoder(name: str = DEFAULT_ENCODER, *, device: str = "auto") -> Encoder:
    """Load an encoder; its weights are in the package, in the hub's cache, on the hub, or in a file.

    Parameters
    ----------
    name : str
        One of the table in any spelling (``lite0``, ``UNI_v1``); ``timm:NAME`` or ``hf-hub:ORG/NAME``; a folder
        with ``config.json`` and weights, as the hub stores timm's models; ``NAME@FILE`` or ``NAME@FOLDER`` for one
        of the table, or of timm, with weights on disk.
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.

    Returns
    -------
    Encoder
        Ready to use.

    Raises
    ------
    InputError
        If no encoder has this name, the device does not exist, or the weights cannot be found or downloaded, are
        damaged or belong to another network; the error says what to do.

    Examples
    --------
    >>> encoder = get_encoder("lite0")
    >>> encoder.card.dimension, encoder.id.name
    (1280, 'lite0')
    """
    source = parse_name(name)
    chosen = choose_device(device)
    if source.kind == "card":
        card, network = _of_card(source)
    else:
        from sequoia_model.encoders._timm_models import build_model, find_model

        card, network = build_model(
            find_model(source.kind, source.word, weights=source.weights, revision=source.revision)
        )
    return Encoder(card, network, chosen)


@dataclass(frozen=True)
class EncoderSource:
    """What the name of an encoder means.

    Parameters
    ----------
    kind : {"card", "timm", "hub", "folder"}
        A row of the table, timm's own weights, a repository of the hub, or a folder as the hub stores one.
    word : str
        Name in the table or in timm, ORG/NAME, or the folder.
    weights : str
        File or folder with weights, if one was given after ``@``.
    revision : str, optional
        Branch, tag or commit of the repository.
    """

    kind: Literal["card", "timm", "hub", "folder"]
    word: str
    weights: str = ""
    revision: str | None = None


def parse_name(name: str) -> EncoderSource:
    """Read the name of an encoder.

    Parameters
    ----------
    name : str
        See `get_encoder`.

    Raises
    ------
    InputError
        If it is empty or not known; similar names are suggested.

    Examples
    --------
    >>> parse_name("UNI_v1").word
    'uni'
    >>> parse_name("hf-hub:MahmoodLab/UNI").kind
    'card'
    """
    name = name.strip()
    word, at, after = name.partition("@")
    if at and not after:
        raise InputError(f"nothing follows the @ of {name!r}", fix=f"{word}@FILE, or {word}@FOLDER")
    if not word:
        raise InputError("the name of the encoder is empty", fix=_FORMS)
    if name.startswith(_TIMM):
        return EncoderSource("timm", word.removeprefix(_TIMM), weights=after)
    if name.startswith(_HUB):
        return _of_hub(word.removeprefix(_HUB), after or None)
    if canonical_encoder(word) in ENCODERS:
        return EncoderSource("card", canonical_encoder(word), weights=after)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return EncoderSource("folder", str(folder))
    raise _unknown(name, word)


def _of_hub(repository: str, revision: str | None) -> EncoderSource:
    organisation, slash, name = repository.partition("/")
    if not (organisation and slash and name) or "/" in name:
        raise InputError(f"{_HUB}{repository} is not the name of a repository", fix=f"{_HUB}ORG/NAME")
    if canonical_encoder(repository) in ENCODERS and revision is None:
        return EncoderSource("card", canonical_encoder(repository))
    return EncoderSource("hub", repository, revision=revision)


def _unknown(name: str, word: str) -> InputError:
    if Path(name).is_file():
        what = f"{name} is a file, which does not say whose weights it holds"
        return InputError(what, fix=f"ENCODER@{name}, where ENCODER is one of {', '.join(ENCODERS)}")
    if is_known_encoder(word):
        what = (
            f"features of {canonical_encoder(word)} can be read, but this package cannot embed tiles with it"
        )
        return InputError(what, fix=f"one of {_FORMS}")
    near = difflib.get_close_matches(canonical_encoder(word), ENCODERS, n=3, cutoff=0.5)
    offered = f"did you mean {' or '.join(near)}? " if near else ""
    return InputError(f"there is no encoder {name!r}", fix=f"{offered}valid are {_FORMS}")


def _of_card(source: EncoderSource) -> tuple[EncoderCard, nn.Module]:
    card = ENCODERS[source.word]
    _refuse_other_mpp(card)
    state, where = _weights(card, source.weights)
    if card.repository is None:
        network = lite0_network()
    else:
        from sequoia_model.encoders._timm_models import build_network

        network = build_network(card, device="meta")  # takes over the tensors of the file: no second copy
    load_into(network, state, where=where, encoder=card.name)
    return card, network


def _refuse_other_mpp(card: EncoderCard) -> None:
    """All tiles have one resolution; to an encoder made for another, nuclei would have an unfamiliar size."""
    if card.mpp is not None and card.mpp != TILE_MPP:
        raise InputError(
            f"{card.name} was made for tiles of {card.mpp:g} µm per pixel, but tiles are read at {TILE_MPP:g}",
            fix=f"one of {', '.join(name for name, other in ENCODERS.items() if other.mpp == TILE_MPP)}",
        )


def _weights(card: EncoderCard, place: str) -> tuple[dict[str, Tensor], str]:
    """The tensors of an encoder of the table, and where they are."""
    if place:
        path = weights_at(place)
    elif card.repository is None:
        return packaged_tensors(), card.source
    else:
        way_out = (
            f"download {' or '.join(WEIGHT_FILES)} of {page(card.repository)} on another machine, "
            f"and give {card.name}@FILE"
        )
        path = fetch(card.repository, WEIGHT_FILES, way_out=way_out)
    return read_tensors(path)[0], str(path)
