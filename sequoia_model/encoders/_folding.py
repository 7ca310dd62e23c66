"""Makes a network faster without changing what it computes: batch norms and padding move into convolutions."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional

#: How much outputs may change, relative to the largest of them; rounding changes them by about 2e-6.
_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Folding:
    """What can be folded in a network.

    Parameters
    ----------
    pairs : list of tuple
        Convolutions that are used once, each with the batch norm after it.
    padded : dict
        Convolutions that pad by the size of their input, and its height and width.
    """

    pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d]]
    padded: dict[nn.Conv2d, tuple[int, int]]


@runtime_checkable
class _KnowsItsFolding(Protocol):
    def folding(self, side: int) -> Folding: ...


def folded_network(network: nn.Module, side: int) -> nn.Module:
    """A network whose convolutions absorb the padding before them and the batch norm after them.

    A network with the method ``folding`` says itself what can be folded. Of any other the order of the layers is
    observed while random pixels pass through, and the result is compared.

    Parameters
    ----------
    network : Module
        In evaluation mode, on the CPU, in float32; it is not changed.
    side : int
        Side of the images that the network takes; the result takes only these.

    Returns
    -------
    Module
        A copy; `network` itself if there is nothing to fold or outputs would change by more than rounding.
    """
    if not any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules()):
        return network
    folded = copy.deepcopy(network)
    if isinstance(folded, _KnowsItsFolding):
        _apply(folded.folding(side), folded)
        return folded
    pixels = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        seen = _Seen(folded)
        wanted = folded(pixels)
        seen.stop()
    _apply(Folding(seen.pairs(), seen.padded), folded)
    with torch.inference_mode():
        moved = (folded(pixels) - wanted).abs().max() / wanted.abs().max()
    return folded if bool(moved <= _TOLERANCE) else network


def same_padding(convolution: nn.Conv2d, axis: int, length: int) -> int:
    """Total number of pixels that a convolution padded as in TensorFlow adds to an axis."""
    stride = convolution.stride[axis]
    reach = (convolution.kernel_size[axis] - 1) * convolution.dilation[axis] + 1
    return max((-(-length // stride) - 1) * stride + reach - length, 0)


class _Seen:
    """Observes which batch norm of a network takes the output of which convolution."""

    def __init__(self, network: nn.Module) -> None:
        self._made: list[tuple[nn.Conv2d, Tensor]] = []  # keeps the tensors, so that no two have the same id
        self._follow: list[tuple[nn.Conv2d, nn.BatchNorm2d]] = []
        #: Convolutions that pad by the size of their input, and that size.
        self.padded: dict[nn.Conv2d, tuple[int, int]] = {}
        self._hooks = []
        for layer in network.modules():
            if _is(layer, "Conv2dSame"):
                self._hooks.append(layer.register_forward_pre_hook(self._before_padded))
            if isinstance(layer, nn.Conv2d):
                self._hooks.append(layer.register_forward_hook(self._after))
            elif _is(layer, "BatchNorm2d", "BatchNormAct2d"):
                self._hooks.append(layer.register_forward_pre_hook(self._before_norm))

    def stop(self) -> None:
        """Stop observing."""
        for hook in self._hooks:
            hook.remove()

    def pairs(self) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
        """Convolutions that are used once, each with the batch norm after it."""
        used = [layer for layer, _ in self._made]
        return [(convolution, norm) for convolution, norm in self._follow if used.count(convolution) == 1]

    def _after(self, layer: nn.Conv2d, _: Any, output: Tensor) -> None:
        self._made.append((layer, output))

    def _before_norm(self, layer: nn.BatchNorm2d, inputs: tuple[Tensor, ...]) -> None:
        # without running statistics a batch norm uses those of the batch, which cannot be folded
        if self._made and self._made[-1][1] is inputs[0] and layer.running_mean is not None:
            self._follow.append((self._made[-1][0], layer))

    def _before_padded(self, layer: nn.Conv2d, inputs: tuple[Tensor, ...]) -> None:
        self.padded[layer] = (int(inputs[0].shape[2]), int(inputs[0].shape[3]))


def _apply(folding: Folding, network: nn.Module) -> None:
    names = {layer: name for name, layer in network.named_modules()}
    for convolution, norm in folding.pairs:
        _fold(convolution, norm)
        _replace(network, names[norm], getattr(norm, "act", nn.Identity()))
    for convolution, size in folding.padded.items():
        _replace(network, names[convolution], _padding_inside(convolution, size))


def _fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    """Fold in float64, so that rounding happens once."""
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
    """The same convolution with equal padding on both sides: its kernel gets leading zeros instead."""
    both, leading = [], []
    for axis, length in enumerate(size):
        dilation = convolution.dilation[axis]
        padding = same_padding(convolution, axis, length)
        both.append(padding - padding // 2)
        leading.append(padding % 2)
        if padding % 2 and dilation > 1:  # a leading zero would count for `dilation` pixels
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


def _is(layer: nn.Module, *names: str) -> bool:
    """Whether the class of a layer has this name: it may be timm's, which is not imported for this."""
    return type(layer).__name__ in names


def _replace(network: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(network.get_submodule(parent), last, layer)
