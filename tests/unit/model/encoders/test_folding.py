"""Folding does not change the function of a network."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from sequoia_model.encoders._folding import folded_network
from sequoia_model.encoders._lite0 import Lite0
from tests.build.encoders import plain_lite0


def shaken(network: nn.Module) -> nn.Module:
    """Normalisation with an effect."""
    generator = torch.Generator().manual_seed(1)
    for layer in [each for each in network.modules() if isinstance(each, nn.BatchNorm2d)]:
        for values in (layer.running_mean, layer.bias.data):
            values.copy_(torch.randn(values.shape, generator=generator) * 0.2)
        for values in (layer.running_var, layer.weight.data):
            values.copy_(torch.rand(values.shape, generator=generator) + 0.5)
    return network.eval().requires_grad_(False)


def norms(network: nn.Module) -> int:
    return sum(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())


def distance(one: nn.Module, other: nn.Module, side: int) -> float:
    """Difference of outputs, relative to the largest."""
    pixels = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        a, b = one(pixels), other(pixels)
    return float((a - b).abs().max() / a.abs().max())


class Observed(nn.Module):
    """The same network, which does not say what can be folded."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x)


def block(*layers: nn.Module) -> nn.Module:
    return shaken(nn.Sequential(nn.Conv2d(3, 4, 3), *layers, nn.Conv2d(4, 2, 3)))


def test_the_packaged_network_folds_to_rounding():
    network = plain_lite0()
    folded = folded_network(network, 224)
    assert norms(folded) == 0
    assert distance(network, folded, 224) < 1e-5


@pytest.mark.parametrize("side", [63, 64, 224])
def test_what_the_packaged_network_says_of_itself_is_what_is_observed(side):
    network = Lite0().eval().requires_grad_(False)
    network.load_state_dict(plain_lite0().state_dict())
    told = folded_network(network, side).state_dict()
    observed = folded_network(Observed(network).eval(), side).network.state_dict()
    torch.testing.assert_close(told, observed, rtol=0, atol=0)


def test_the_packaged_network_folds_without_a_pass(monkeypatch):
    network = Lite0().eval().requires_grad_(False)
    monkeypatch.setattr(Lite0, "forward", lambda self, x: pytest.fail("pixels passed through"))
    assert norms(folded_network(network, 224)) == 0


@pytest.mark.parametrize("side", [63, 64, 66])
def test_padding_of_any_size_of_image_is_the_same_inside(side):
    import timm  # takes seconds

    network = shaken(timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0))
    folded = folded_network(network, side)
    assert norms(folded) == 0
    assert {type(layer) for layer in folded.modules() if isinstance(layer, nn.Conv2d)} == {nn.Conv2d}
    assert distance(network, folded, side) < 1e-5


def test_a_network_with_shortcuts_folds():
    import timm  # takes seconds

    network = shaken(timm.create_model("resnet10t", pretrained=False, num_classes=0))
    folded = folded_network(network, 64)
    assert norms(folded) == 0
    assert distance(network, folded, 64) < 1e-5


def test_the_network_that_was_given_stays_as_it_was():
    network = block(nn.BatchNorm2d(4))
    before = copy.deepcopy(network.state_dict())
    assert folded_network(network, 16) is not network
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)


def test_a_network_without_batch_norm_is_itself():
    network = block(nn.GELU())
    assert folded_network(network, 16) is network


@pytest.mark.parametrize("between", [nn.ReLU(), nn.AvgPool2d(2)])
def test_a_norm_that_follows_something_else_stays(between):
    folded = folded_network(block(between, nn.BatchNorm2d(4)), 16)
    assert norms(folded) == 1


def test_a_norm_by_the_values_of_the_batch_stays():
    network = block(nn.BatchNorm2d(4))
    network[1] = nn.BatchNorm2d(4, track_running_stats=False).eval()
    assert norms(folded_network(network, 16)) == 1


def test_a_convolution_that_is_used_twice_is_not_folded():
    shared = nn.Conv2d(3, 3, 1)
    network = shaken(nn.Sequential(shared, nn.BatchNorm2d(3), shared, nn.BatchNorm2d(3)))
    assert norms(folded_network(network, 8)) == 2


def test_where_outputs_would_move_the_network_is_itself():
    class Twice(nn.Module):
        """The output of the convolution is used besides the normalised one."""

        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)

        def forward(self, x):
            made = self.conv(x)
            return self.norm(made) + made

    network = shaken(Twice())
    assert folded_network(network, 8) is network
