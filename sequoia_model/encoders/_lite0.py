"""EfficientNet-Lite0 in plain torch, with timm's parameter names: the default encoder starts without timm."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, relu6

from sequoia_model.encoders._folding import Folding, same_padding

#: Kernel size, stride, factor by which a block widens, output channels and number of blocks, for each stage.
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
_STEM, _WIDTH = 32, 1280
#: The convolutions of a block, in the order of its batch norms: one that widens, and the first, which does not.
_WIDENING, _FIRST = ("conv_pw", "conv_dw", "conv_pwl"), ("conv_dw", "conv_pw")
#: Names in the packaged file, whose blocks are numbered consecutively.
_PLACES = [(stage, block) for stage, (*_, n_blocks) in enumerate(_STAGES) for block in range(n_blocks)]
_OUTSIDE = {
    "_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier",
}  # fmt: skip
_BLOCK = re.compile(r"_blocks\.(\d+)\.(\w+)\.(\w+)")
_CONVOLUTIONS, _NORMS = ("_expand_conv", "_depthwise_conv", "_project_conv"), ("_bn0", "_bn1", "_bn2")


def lite0_network() -> nn.Module:
    """The network without its classifier and without memory for its parameters, on the device "meta"."""
    with torch.device("meta"):
        return Lite0().eval()


def timm_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors under the names of timm's ``tf_efficientnet_lite0``; unknown names stay as they are."""
    return {_timm_name(name): tensor for name, tensor in state.items()}


class Lite0(nn.Module):
    """EfficientNet-Lite0: pixels (b, 3, s, s) → (b, 1280)."""

    #: What timm calls the last layer, which is not part of this network.
    pretrained_cfg: ClassVar[dict[str, str]] = {"classifier": "classifier"}

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem, self.bn1 = _convolution(3, _STEM, 3, stride=2), _norm(_STEM)
        stages, width = [], _STEM
        for kernel, stride, factor, channels, n_blocks in _STAGES:
            widths, strides = [width, *[channels] * n_blocks], [stride, *[1] * (n_blocks - 1)]
            blocks = [_Block(widths[i], channels, kernel, strides[i], factor) for i in range(n_blocks)]
            stages.append(nn.Sequential(*blocks))
            width = channels
        self.blocks = nn.Sequential(*stages)
        self.conv_head, self.bn2 = _convolution(width, _WIDTH, 1), _norm(_WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """The means of the last channels over the image."""
        x = self.blocks(relu6(self.bn1(self.conv_stem(x))))
        return relu6(self.bn2(self.conv_head(x))).mean(dim=(2, 3))

    def folding(self, side: int) -> Folding:
        """Each convolution with the batch norm after it, and the input of those that pad, for images of a size."""
        blocks = [block for block in self.modules() if isinstance(block, _Block)]
        pairs = [(self.conv_stem, self.bn1), *(pair for block in blocks for pair in block.pairs())]
        padded: dict[nn.Conv2d, tuple[int, int]] = {}
        for convolution, _ in pairs:
            if isinstance(convolution, Conv2dSame):
                padded[convolution] = (side, side)
                side = -(-side // convolution.stride[0])
        return Folding([*pairs, (self.conv_head, self.bn2)], padded)


class _Block(nn.Module):
    """Widens the channels, filters each of them, and narrows them again; adds its input if the shape is the same."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, factor: int) -> None:
        super().__init__()
        self.order = _WIDENING if factor > 1 else _FIRST
        self.adds_input = stride == 1 and before == after
        wide = before * factor
        if factor > 1:
            self.conv_pw = _convolution(before, wide, 1)
        self.conv_dw = _convolution(wide, wide, kernel, stride=stride, groups=wide)
        self.add_module(self.order[-1], _convolution(wide, after, 1))
        for i in range(len(self.order)):
            self.add_module(f"bn{i + 1}", _norm(wide if i < len(self.order) - 1 else after))

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for i, (convolution, norm) in enumerate(self.pairs(), start=1):
            y = norm(convolution(y))
            if i < len(self.order):
                y = relu6(y)
        return y + x if self.adds_input else y

    def pairs(self) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
        """Its convolutions, each with the batch norm after it."""
        return [(getattr(self, name), getattr(self, f"bn{i}")) for i, name in enumerate(self.order, start=1)]


class Conv2dSame(nn.Conv2d):
    """A convolution padded as in TensorFlow: one pixel more at the right and the bottom if the padding is odd."""

    def forward(self, x: Tensor) -> Tensor:
        height, width = (same_padding(self, axis, x.shape[2 + axis]) for axis in (0, 1))
        return super().forward(pad(x, (width // 2, width - width // 2, height // 2, height - height // 2)))


def _convolution(before: int, after: int, kernel: int, *, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    if stride > 1:
        return Conv2dSame(before, after, kernel, stride, groups=groups, bias=False)
    return nn.Conv2d(before, after, kernel, padding=kernel // 2, groups=groups, bias=False)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


def _timm_name(name: str) -> str:
    found = _BLOCK.fullmatch(name)
    if found is None:
        layer, dot, rest = name.partition(".")
        return _OUTSIDE.get(layer, layer) + dot + rest
    number, layer, rest = int(found[1]), found[2], found[3]
    order = _WIDENING if number else _FIRST
    layers = dict(zip(_CONVOLUTIONS[-len(order) :], order, strict=True))
    layers |= {norm: f"bn{i}" for i, norm in enumerate(_NORMS[-len(order) :], start=1)}
    if number >= len(_PLACES) or layer not in layers:
        return name
    stage, block = _PLACES[number]
    return f"blocks.{stage}.{block}.{layers[layer]}.{rest}"
