"""The same function with less memory to go through: normalisation and padding become part of convolutions."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

#: How far outputs may move, relative to the largest of them: rounding moves them by some 2e-6.
_TOLERANCE = 1e-5


def folded_network(network: nn.Module, side: int) -> nn.Module:
    """A network in which batch normalisation behind convolutions, and padding before them, are part of these.

    What follows what is seen in a pass of random pixels, and not read from names.

    Parameters
    ----------
    network : Module
        In evaluation mode, on the CPU, in float32; it is left as it is.
    side : int
        Of the images that it takes, and that the result takes: no other.

    Returns
    -------
    Module
        A copy; `network` itself where there is nothing to fold, or outputs would move by more than rounding.
    """
    if not any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules()):
        return network
    pixels = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    folded = copy.deepcopy(network)
    with torch.inference_mode():
        seen = _Seen(folded)
        wanted = folded(pixels)
        seen.stop()
    names = {layer: name for name, layer in folded.named_modules()}
    for convolution, norm in seen.pairs():
        _fold(convolution, norm)
        _replace(folded, names[norm], getattr(norm, "act", nn.Identity()))
    for convolution, size in seen.padded.items():
        _replace(folded, names[convolution], _padding_inside(convolution, size))
    with torch.inference_mode():
        moved = (folded(pixels) - wanted).abs().max() / wanted.abs().max()
    return folded if bool(moved <= _TOLERANCE) else network


class _Seen:
    """What passes through the layers of a network: the output of which convolution a normalisation gets."""

    def __init__(self, network: nn.Module) -> None:
        from timm.layers.conv2d_same import Conv2dSame
        from timm.layers.norm_act import BatchNormAct2d

        self._made: list[
            tuple[nn.Conv2d, Tensor]
        ] = []  # tensors are kept, so that none takes another's place
        self._follow: list[tuple[nn.Conv2d, nn.BatchNorm2d]] = []
        #: Convolutions that pad by the size of their input, and that size.
        self.padded: dict[nn.Conv2d, tuple[int, int]] = {}
        self._hooks = []
        for layer in network.modules():
            if isinstance(layer, Conv2dSame):
                self._hooks.append(layer.register_forward_pre_hook(self._before_padded))
            if isinstance(layer, nn.Conv2d):
                self._hooks.append(layer.register_forward_hook(self._after))
            elif type(layer) in (nn.BatchNorm2d, BatchNormAct2d):
                self._hooks.append(layer.register_forward_pre_hook(self._before_norm))

    def stop(self) -> None:
        """Look at nothing more."""
        for hook in self._hooks:
            hook.remove()

    def pairs(self) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
        """Convolutions that are used once, with the normalisation behind each."""
        used = [layer for layer, _ in self._made]
        return [(convolution, norm) for convolution, norm in self._follow if used.count(convolution) == 1]

    def _after(self, layer: nn.Conv2d, _: Any, output: Tensor) -> None:
        self._made.append((layer, output))

    def _before_norm(self, layer: nn.BatchNorm2d, inputs: tuple[Tensor, ...]) -> None:
        # without running values those of the batch are used: nothing is fixed that could be folded
        if self._made and self._made[-1][1] is inputs[0] and layer.running_mean is not None:
            self._follow.append((self._made[-1][0], layer))

    def _before_padded(self, layer: nn.Conv2d, inputs: tuple[Tensor, ...]) -> None:
        self.padded[layer] = (int(inputs[0].shape[2]), int(inputs[0].shape[3]))


def _fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    """In float64, so that rounding happens once."""
    mean, variance = (_double(each, 0, convolution) for each in (norm.running_mean, norm.running_var))
    factor = _double(norm.weight, 1, convolution) / torch.sqrt(variance + norm.eps)
    bias = _double(norm.bias, 0, convolution) + (_double(convolution.bias, 0, convolution) - mean) * factor
    kernel = convolution.weight.detach().double() * factor.view(-1, 1, 1, 1)
    convolution.weight = nn.Parameter(kernel.float(), requires_grad=False)
    convolution.bias = nn.Parameter(bias.float(), requires_grad=False)


def _double(values: Tensor | None, default: float, convolution: nn.Conv2d) -> Tensor:
    if values is None:
        return torch.full((convolution.out_channels,), default, dtype=torch.float64)
    return values.detach().double()


def _padding_inside(convolution: nn.Conv2d, size: tuple[int, int]) -> nn.Conv2d:
    """A convolution that pads both sides alike, where one pads the right side by more: zeros lead its kernel."""
    both, leading = [], []
    for axis, length in enumerate(size):
        stride, dilation = convolution.stride[axis], convolution.dilation[axis]
        reach = (convolution.kernel_size[axis] - 1) * dilation + 1
        padding = max((-(-length // stride) - 1) * stride + reach - length, 0)
        both.append(padding - padding // 2)
        leading.append(padding % 2)
        if padding % 2 and dilation > 1:  # a leading zero would be `dilation` pixels wide
            return convolution
    weight = functional.pad(convolution.weight.detach(), (leading[1], 0, leading[0], 0))
    inside = nn.Conv2d(
        convolution.in_channels,
        convolution.out_channels,
        (int(weight.shape[2]), int(weight.shape[3])),
        (convolution.stride[0], convolution.stride[1]),
        (both[0], both[1]),
        (convolution.dilation[0], convolution.dilation[1]),
        convolution.groups,
        bias=convolution.bias is not None,
    )
    inside.weight = nn.Parameter(weight, requires_grad=False)
    inside.bias = convolution.bias
    return inside.eval()


def _replace(network: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(network.get_submodule(parent), last, layer)
