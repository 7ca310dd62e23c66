"""What stands in the holes of a window, where the slide has no tile."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from sequoia_base.arguments import check_limits, one_of

Filled = tuple[Tensor, Tensor]


def fill(features: Tensor, tiles: Tensor, rule: str = "mean", *, zeros: Tensor | None = None) -> Filled:
    """The tokens of windows.

    Parameters
    ----------
    features : Tensor of shape (n, d)
        Of all tiles of a slide.
    tiles : Tensor of shape (b, size²), int64
        The tile at each place of a window; −1 is a hole. Each window has a tile.
    rule : str
        One of `HOLES`.
    zeros : Tensor of shape (d,), optional
        What stands for features of zeros, if `features` have been projected since; zeros by default.

    Returns
    -------
    tuple of Tensor of shape (b, size², d) and Tensor of shape (b, size²), bool
        The tokens, and which of them are tiles.

    Raises
    ------
    InputError
        If there is no such rule.
    """
    check_limits({"rule for holes": rule}, {"rule for holes": one_of(tuple(HOLES))})
    return HOLES[rule](features, tiles, features.new_zeros(features.shape[1]) if zeros is None else zeros)


def _means(features: Tensor, tiles: Tensor, _zeros: Tensor) -> Filled:
    tokens, real = features[tiles.clamp(min=0)], tiles >= 0
    if bool(real.all()):
        return tokens, real
    tokens = tokens * real[:, :, None]
    means = tokens.sum(dim=1, keepdim=True) / real.sum(dim=1)[:, None, None]
    return torch.where(real[:, :, None], tokens, means), real


def _zeros(features: Tensor, tiles: Tensor, zeros: Tensor) -> Filled:
    real = tiles >= 0
    return torch.where(real[:, :, None], features[tiles.clamp(min=0)], zeros), real


def _packed_zeros(features: Tensor, tiles: Tensor, zeros: Tensor) -> Filled:
    order = torch.argsort((tiles < 0).to(torch.uint8), dim=1, stable=True)
    return _zeros(features, tiles.gather(1, order), zeros)


#: What stands in a hole. "mean": the mean of the window's tiles; "zeros": features of zeros; "packed-zeros": the tiles
#: move up in reading order, and features of zeros follow the last, as in the published code, which goes by column.
HOLES: dict[str, Callable[[Tensor, Tensor, Tensor], Filled]] = {
    "mean": _means,
    "packed-zeros": _packed_zeros,
    "zeros": _zeros,
}
