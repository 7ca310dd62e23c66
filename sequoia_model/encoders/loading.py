"""From the name of an encoder to the encoder itself."""

from __future__ import annotations

from torch import Tensor, nn

from sequoia_model.encoders.architectures import build_network
from sequoia_model.encoders.encoder import Encoder
from sequoia_model.encoders.hub import fetch
from sequoia_model.encoders.packaged import packaged_state
from sequoia_model.encoders.sources import EncoderSource, parse_name
from sequoia_model.encoders.table import DEFAULT_ENCODER, ENCODERS, EncoderCard
from sequoia_model.encoders.timm_models import build_model, find_model
from sequoia_model.errors import InputError
from sequoia_model.types.devices import choose_device
from sequoia_model.types.units import TILE_MPP
from sequoia_model.weights.tensors import WEIGHT_FILES, load_into, read_state, weights_at


def get_encoder(name: str = DEFAULT_ENCODER, *, device: str = "auto") -> Encoder:
    """Load an encoder, its weights from the package, the cache of the hub, the hub, or a file.

    Parameters
    ----------
    name : str
        Of the table in any spelling (``lite0``, ``UNI_v1``); ``timm:NAME`` or ``hf-hub:ORG/NAME``; a folder that
        holds ``config.json`` and weights as the hub stores timm's models; ``NAME@FILE`` or ``NAME@FOLDER`` for one
        of the table, or timm's, with weights on disk.
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.

    Returns
    -------
    Encoder
        Ready to use.

    Raises
    ------
    InputError
        If no encoder has this name, the device is not there, or weights cannot be had, are damaged or of another
        network; with the way out.

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
        card, network = build_model(find_model(source))
    return Encoder(card, network, chosen)


def _of_card(source: EncoderSource) -> tuple[EncoderCard, nn.Module]:
    card = ENCODERS[source.word]
    _refuse_other_mpp(card)
    state, where = _weights(card, source.weights)
    network = build_network(card, device="meta")  # the tensors of the file become its own: no second copy
    load_into(network, state, where=where, encoder=card.name)
    return card, network


def _refuse_other_mpp(card: EncoderCard) -> None:
    """Tiles have one resolution; an encoder made for another would see nuclei of a size that it does not know."""
    if card.mpp is not None and card.mpp != TILE_MPP:
        raise InputError(
            f"{card.name} was made for tiles of {card.mpp:g} µm per pixel, and tiles are read at {TILE_MPP:g}",
            fix=f"one of {', '.join(name for name, other in ENCODERS.items() if other.mpp == TILE_MPP)}",
        )


def _weights(card: EncoderCard, place: str) -> tuple[dict[str, Tensor], str]:
    """The tensors of an encoder of the table, and where they are."""
    if place:
        path = weights_at(place)
    elif card.repository is None:
        return packaged_state(), card.source
    else:
        files = " or ".join(WEIGHT_FILES)
        page = f"https://huggingface.co/{card.repository}"
        way_out = f"download {files} of {page} elsewhere, and give {card.name}@FILE"
        path = fetch(card.repository, WEIGHT_FILES, way_out=way_out)
    return read_state(path), str(path)
