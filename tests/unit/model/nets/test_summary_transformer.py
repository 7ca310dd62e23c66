"""The SummaryTransformer: its published output, its heads together and separate, its parameters."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear

from sequoia_model.errors import InputError
from sequoia_model.nets import SummaryTransformer
from sequoia_model.nets.summary_transformer import split_heads, stack_heads

GOLDEN = Path(__file__).parents[3] / "data" / "golden"
#: All different, with more than ten heads, whose numbers do not sort like words.
SIZES = {"input_dim": 6, "num_outputs": 5, "num_clusters": 7, "depth": 2, "nheads": 12}
WIDTHS = {"dimensions_f": 3, "dimensions_s": 4, "dimensions_c": 2}


def make_network(seed: int = 0, **sizes: int) -> SummaryTransformer:
    """A small network in float64 whose norms are not the identity."""
    torch.manual_seed(seed)
    network = SummaryTransformer(**(SIZES | WIDTHS | sizes)).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return network


def make_slides(n: int = 3, seed: int = 1) -> Tensor:
    """Slides of the size of `make_network`."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, 7, 6, generator=generator, dtype=torch.float64)


def separate(p: dict[str, Tensor], x: Tensor) -> Tensor:
    """The network as it is published: one head after the other, from parameters by their published names."""

    def affine(name: str, x: Tensor) -> Tensor:
        return linear(x, p[f"{name}.weight"], p[f"{name}.bias"])

    def norm(name: str, x: Tensor) -> Tensor:
        return layer_norm(x, x.shape[-1:], p[f"{name}.weight"], p[f"{name}.bias"])

    def head(name: str, x: Tensor) -> Tensor:
        local = gelu(norm(f"{name}.local_norm", affine(f"{name}.f", x)))
        summary = gelu(norm(f"{name}.summary_norm", affine(f"{name}.s", x).mean(dim=1, keepdim=True)))
        return gelu(affine(f"{name}.c", torch.cat([local, summary.expand(-1, x.shape[1], -1)], dim=2)))

    x = x + p["pos_emb1D"]
    for layer in (f"transformer.layers.{i}" for i in range(SIZES["depth"])):
        heads = [head(f"{layer}.0.mixers.{i}", x) for i in range(SIZES["nheads"])]
        x = x + affine(f"{layer}.0.projection", torch.cat(heads, dim=2))
        x = x + affine(f"{layer}.1.net.3", gelu(affine(f"{layer}.1.net.1", norm(f"{layer}.1.net.0", x))))
    return affine("linear_head.1", norm("linear_head.0", x.mean(dim=1)))


def leaves(network: SummaryTransformer) -> dict[str, Tensor]:
    """Its parameters by their published names, each on its own."""
    return {name: t.detach().clone().requires_grad_() for name, t in network.published_state().items()}


def test_the_published_toy_gives_its_published_output():
    config = json.loads((GOLDEN / "sequoia-toy-0" / "config.json").read_text())
    io = load_file(GOLDEN / "io.safetensors")
    network = SummaryTransformer(**{word: size for word, size in config.items() if word != "device"}).eval()
    network.load_published(load_file(GOLDEN / "sequoia-toy-0" / "model.safetensors"))
    with torch.inference_mode():
        torch.testing.assert_close(network(io["x"]), io["y_vis"], atol=1e-5, rtol=0)


def test_the_full_network_has_the_published_names_and_shapes():
    with gzip.open(GOLDEN / "sequoia_full_state_dict_shapes.json.gz", "rt") as file:
        published = json.load(file)
    with torch.device("meta"):
        network = SummaryTransformer(input_dim=1024, num_outputs=20_820)
    ours = {name: list(tensor.shape) for name, tensor in network.published_state().items()}
    assert ours == published
    assert sum(parameter.numel() for parameter in network.parameters()) == 53_762_388
    assert len(list(network.parameters())) == 113  # of 1,013 published tensors


def test_all_heads_together_give_what_separate_heads_give():
    network, x = make_network(), make_slides()
    torch.testing.assert_close(network(x), separate(leaves(network), x), atol=1e-12, rtol=1e-12)


def test_gradients_of_all_heads_together_are_those_of_separate_heads():
    network, x = make_network(), make_slides().requires_grad_()
    network(x).pow(2).sum().backward()
    ours = split_heads({name: p.grad for name, p in network.named_parameters()}, network.nheads)
    parameters, other = leaves(network), x.detach().clone().requires_grad_()
    separate(parameters, other).pow(2).sum().backward()
    torch.testing.assert_close(ours, {name: p.grad for name, p in parameters.items()}, atol=1e-11, rtol=1e-9)
    torch.testing.assert_close(x.grad, other.grad, atol=1e-11, rtol=1e-9)


def test_in_bfloat16_only_the_products_before_the_head_are_rounded():
    network, x = make_network().float(), make_slides().float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = network(x)
    assert rounded.dtype == torch.float32
    assert 0 < (rounded - network(x)).abs().max() < 0.01


def test_tokens_may_change_places_together_with_their_positions():
    network, x = make_network(), make_slides()
    order, before = torch.tensor([3, 0, 6, 1, 5, 2, 4]), network(x)
    network.pos_emb1D.data = network.pos_emb1D.data[order]
    torch.testing.assert_close(network(x[:, order]), before, atol=1e-12, rtol=1e-12)


def test_the_order_of_clusters_matters_to_the_network():
    network, x = make_network(), make_slides()
    assert not torch.allclose(network(x.flip(1)), network(x), atol=1e-3)


def test_slides_of_a_batch_do_not_see_each_other():
    network, x = make_network(), make_slides(3)
    torch.testing.assert_close(network(x)[1:2], network(x[1:2]), atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("shape", [(3, 1, 6), (3, 99, 6), (3, 7, 5), (7, 6)])
def test_slides_of_another_shape_are_refused(shape):
    with pytest.raises(InputError, match=r"must have the shape \(slides, 7, 6\)"):
        make_network()(torch.zeros(shape, dtype=torch.float64))


def test_heads_are_taken_apart_and_put_together_without_loss():
    state = make_network().state_dict()
    torch.testing.assert_close(stack_heads(split_heads(state, 12)), dict(state), atol=0, rtol=0)


def test_heads_are_put_together_by_their_number():
    names = {f"transformer.layers.0.0.mixers.{i}.f.bias": torch.tensor([float(i)]) for i in (10, 2, 0, 1)}
    assert stack_heads(names)["transformer.layers.0.0.f.bias"].tolist() == [0, 1, 2, 10]


@pytest.mark.parametrize(("part", "fan_in"), [("f", 256), ("s", 256), ("c", 8 + 32)])
def test_fresh_parameters_are_spread_as_those_of_one_head_alone(part, fan_in):
    torch.manual_seed(0)
    network = SummaryTransformer(
        input_dim=256, num_outputs=3, depth=1, nheads=8, dimensions_f=8, dimensions_s=32, dimensions_c=64
    )
    state, bound = network.published_state(), 1 / math.sqrt(fan_in)
    weight, bias = (state[f"transformer.layers.0.0.mixers.7.{part}.{kind}"] for kind in ("weight", "bias"))
    assert 0.95 * bound < weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)  # of a uniform distribution
    assert 0.5 * bound < bias.abs().max() <= bound


def test_fresh_norms_are_the_identity_and_positions_standard_normal():
    torch.manual_seed(0)
    network = SummaryTransformer(input_dim=256, num_outputs=3, depth=1)
    state = network.published_state()
    assert (state["transformer.layers.0.0.mixers.3.local_norm.weight"] == 1).all()
    assert (state["transformer.layers.0.0.mixers.3.summary_norm.bias"] == 0).all()
    assert network.pos_emb1D.std().item() == pytest.approx(1, abs=0.02)
    assert network.pos_emb1D.mean().item() == pytest.approx(0, abs=0.02)
