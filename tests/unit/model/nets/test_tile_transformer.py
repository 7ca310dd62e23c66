"""The TileTransformer: its published output, and attention written out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.nn.functional import layer_norm

from sequoia_model.errors import InputError
from sequoia_model.nets import TileTransformer
from sequoia_model.nets.tile_transformer import Attention

GOLDEN = Path(__file__).parents[3] / "data" / "golden"
TOY = {"num_outputs": 40, "dim": 32, "depth": 2, "heads": 4, "mlp_dim": 64, "dim_head": 8}


def make_network() -> TileTransformer:
    """The published toy."""
    network = TileTransformer(**TOY).eval()
    network.load_published(load_file(GOLDEN / "vit_toy.safetensors"))
    return network


def test_the_published_toy_gives_its_published_output():
    io = load_file(GOLDEN / "io.safetensors")
    with torch.inference_mode():
        torch.testing.assert_close(make_network()(io["x"]), io["y_vit"], atol=1e-5, rtol=0)


def test_attention_is_the_softmax_of_scaled_products():
    torch.manual_seed(0)
    attention, x = Attention(6, heads=2, dim_head=5).double(), torch.randn(1, 4, 6, dtype=torch.float64)
    q, k, v = (layer_norm(x[0], (6,)) @ attention.to_qkv.weight.T).split(10, dim=1)
    second = slice(5, 10)
    weights = torch.softmax(q[:, second] @ k[:, second].T / 5**0.5, dim=1)
    attention.to_out.weight.data[:, :5] = 0  # what the first head says
    wanted = weights @ v[:, second] @ attention.to_out.weight[:, second].T
    torch.testing.assert_close(attention(x)[0], wanted, atol=1e-12, rtol=1e-12)


def test_tokens_may_change_places_together_with_their_positions():
    network, x = make_network(), load_file(GOLDEN / "io.safetensors")["x"]
    order, before = torch.arange(99, -1, -1), network(x)
    network.pos_emb1D.data = network.pos_emb1D.data[order]
    torch.testing.assert_close(network(x[:, order]), before, atol=1e-5, rtol=1e-4)


def test_slides_of_another_shape_are_refused():
    with pytest.raises(InputError, match=r"must have the shape \(slides, 100, 32\)"):
        make_network()(torch.zeros(2, 99, 32))
