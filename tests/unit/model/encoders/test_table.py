"""The table of encoders against timm's network for each row, on the meta device, which holds no weights."""

from __future__ import annotations

import pytest
import torch

from sequoia_model.encoders import DEFAULT_ENCODER, ENCODERS
from sequoia_model.encoders._timm_models import build_network
from sequoia_model.types.bag import canonical_encoder
from sequoia_model.types.units import TILE_MPP

#: Millions of parameters, as the papers and pages of the encoders give them.
PARAMETERS = {
    "lite0": 3.37,
    "resnet50": 23.5,
    "uni": 303,
    "uni2-h": 681,
    "virchow2": 631,
    "h-optimus-0": 1135,
}


def test_the_table_has_the_encoders_that_are_promised():
    assert list(ENCODERS) == list(PARAMETERS)
    assert DEFAULT_ENCODER == "lite0"


@pytest.mark.parametrize("name", ENCODERS)
def test_names_are_canonical_and_are_the_keys(name):
    assert ENCODERS[name].name == name == canonical_encoder(name)


@pytest.mark.parametrize("name", ENCODERS)
def test_parameters_are_as_many_as_published(name):
    network = build_network(ENCODERS[name], device="meta")
    millions = sum(each.numel() for each in network.parameters()) / 1e6
    assert millions == pytest.approx(PARAMETERS[name], rel=0.005)


@pytest.mark.parametrize(("name", "width"), [("uni", 1024), ("uni2-h", 1536), ("h-optimus-0", 1536)])
def test_transformers_give_the_class_token(name, width):
    card = ENCODERS[name]
    network = build_network(card, device="meta")
    with torch.inference_mode():
        output = network(torch.empty(2, 3, card.input_size, card.input_size, device="meta"))
    assert output.shape == (2, width) == (2, card.dimension)
    assert network.global_pool == "token"


def test_virchow2_gives_all_tokens_of_which_five_are_not_patches():
    network = build_network(ENCODERS["virchow2"], device="meta")
    with torch.inference_mode():
        output = network(torch.empty(1, 3, 224, 224, device="meta"))
    assert output.shape == (1, 5 + 16 * 16, 1280)
    assert network.num_prefix_tokens == 5


def test_only_pathology_encoders_are_gated():
    gated = [card.name for card in ENCODERS.values() if card.gated]
    assert gated == ["uni", "uni2-h", "virchow2", "h-optimus-0"]


def test_every_encoder_is_for_the_tiles_that_are_read():
    assert {card.mpp for card in ENCODERS.values()} == {TILE_MPP}


def test_the_transform_is_said_in_words():
    assert ENCODERS["lite0"].transform.startswith("bicubic to 224 px, mean 0.485 0.456 0.406, std 0.229")
    assert ENCODERS["resnet50"].transform.startswith("not resized, mean")


def test_what_the_stand_in_is_is_stated():
    assert "not a pathology encoder" in ENCODERS["lite0"].note
