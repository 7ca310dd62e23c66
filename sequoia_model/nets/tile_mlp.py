"""TileMLP: the idea of HE2RNA (Schmauch et al. 2020, Nature Communications 11), implemented from the paper.

A small network scores every gene on every tile; the slide's value of a gene is the mean of its k best tiles. Which k
is best differs by gene, so k is drawn at random at each training step, and a prediction averages over all k.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, linear, relu

from sequoia_model.errors import InputError
from sequoia_model.nets.slide_network import SlideNetwork


class TileMLP(SlideNetwork):
    """Genes of slides from any number of tiles, in any order.

    Parameters
    ----------
    input_dim : int
        Length d of a feature vector.
    num_outputs : int
        Number of genes.
    layers : sequence of int
        Widths of the hidden layers; ReLU and dropout follow each.
    ks : sequence of int
        The numbers k of best tiles.
    dropout : float
        Fraction of the units that training drops.
    num_clusters : int
        Number of cluster means per slide in training; `forward` takes any number.
    """

    architecture: ClassVar[str] = "tile_mlp"

    def __init__(
        self,
        *,
        input_dim: int,
        num_outputs: int,
        layers: Sequence[int] = (256, 256),
        ks: Sequence[int] = (1, 2, 5, 10, 20, 50, 100),
        dropout: float = 0.5,
        num_clusters: int = 100,
    ) -> None:
        sizes = {"input_dim": input_dim, "num_outputs": num_outputs, "num_clusters": num_clusters}
        choices: dict[str, Any] = {"layers": list(layers), "ks": list(ks), "dropout": dropout}
        super().__init__(sizes | choices, input_dim=input_dim)
        widths = (input_dim, *layers, num_outputs)
        for i, (before, after) in enumerate(pairwise(widths)):
            self.add_module(f"conv{i}", nn.Conv1d(before, after, kernel_size=1))
        self.n_layers, self.ks, self.dropout = len(widths) - 1, tuple(ks), dropout

    @property
    def head_names(self) -> tuple[str, str]:
        """Published names of weight and bias of the last layer, which have a row for each gene."""
        return f"conv{self.n_layers - 1}.weight", f"conv{self.n_layers - 1}.bias"

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Predict the genes of slides.

        Parameters
        ----------
        x : Tensor of shape (b, n, d)
            Tiles, or cluster means.
        mask : Tensor of shape (b, n), bool, optional
            Which rows are tiles; the others are padding and do not count. By default all are tiles.

        Returns
        -------
        Tensor of shape (b, num_outputs)
            If a slide has fewer than k tiles, the mean is over all of them.
        """
        if x.ndim != 3 or x.shape[2] != self.input_dim:
            raise InputError(
                f"slides must have the shape (slides, tiles, {self.input_dim}), but have {tuple(x.shape)}"
            )
        if (mask is not None and not bool(mask.any(dim=1).all())) or not x.shape[1]:
            raise InputError("a slide has no tiles")
        padded = mask is not None and not bool(mask.all())
        hidden = self._hidden(x.masked_fill(~mask[:, :, None], 0) if mask is not None and padded else x)
        ks = (self.ks[int(torch.randint(len(self.ks), (1,)))],) if self.training else self.ks
        if mask is not None and padded:
            return _best_of_real(self._last(hidden), ks, mask)
        return self._best(hidden, ks)

    def scores(self, x: Tensor, outputs: Tensor | None = None) -> Tensor:
        """Each gene, or the genes of some outputs, on each tile: (…, n, d) → (…, n, genes)."""
        return self._last(self._hidden(x), outputs)

    def _hidden(self, x: Tensor) -> Tensor:
        """Each tile before the last layer: (b, n, d) → (b, n, width)."""
        x = self.project(x)
        for i in range(self.n_layers - 1):
            x = dropout(relu(self._on_tiles(i, x)), self.dropout, self.training)
        return x

    def _last(self, hidden: Tensor, outputs: Tensor | None = None) -> Tensor:
        return self._on_tiles(self.n_layers - 1, hidden, outputs)

    def _on_tiles(self, i: int, x: Tensor, outputs: Tensor | None = None) -> Tensor:
        layer = cast(nn.Conv1d, self.get_submodule(f"conv{i}"))
        weight, bias = layer.weight[:, :, 0], cast(Tensor, layer.bias)
        if outputs is not None:
            weight, bias = weight[outputs], bias[outputs]
        return linear(x, weight, bias)  # a convolution of width 1 is a product on each tile

    def _best(self, hidden: Tensor, ks: Sequence[int]) -> Tensor:
        """The mean over the ks of the means of the k best tiles."""
        n = hidden.shape[1]
        some = [k for k in ks if k < n]
        share = 1 - len(some) / len(ks)  # of the ks that take every tile
        # the last layer is linear, so their mean can be taken before it, for one product instead of n
        of_all = share * self._last(hidden.mean(dim=1)) if share else 0
        if not some:
            return cast(Tensor, of_all)
        best = self._last(hidden).topk(max(some), dim=1, sorted=len(some) > 1).values
        if len(ks) == 1:
            return best.mean(dim=1)
        weights = [sum(1 / k for k in some if rank < k) / len(ks) for rank in range(max(some))]
        return best.new_tensor(weights) @ best + of_all

    def best(self, scores: Tensor, real: Tensor) -> Tensor:
        """The mean over the ks of the means of the k best tiles, for slides of different numbers of tiles.

        Parameters
        ----------
        scores : Tensor of shape (b, n, g)
            As of `scores`, for any of the genes.
        real : Tensor of shape (b, n), bool
            Which rows are tiles, at least one for each slide; the others are never among the best.

        Returns
        -------
        Tensor of shape (b, g)
            If a slide has fewer than k tiles, the mean is over all of them.
        """
        return _best_of_real(scores, self.ks, real)


def _best_of_real(scores: Tensor, ks: Sequence[int], real: Tensor) -> Tensor:
    scores = scores.masked_fill(~real[:, :, None], -torch.inf)
    best = scores.topk(min(max(ks), scores.shape[1]), dim=1).values
    # the weight of the j-th best tile in the mean of the best k, averaged over the ks
    taken = torch.minimum(torch.tensor(ks, device=real.device), real.sum(dim=1, keepdim=True))
    taken = taken[:, None].to(best.dtype)  # (b, 1, ks)
    rank = torch.arange(best.shape[1], device=real.device)[:, None]
    weights = torch.where(rank < taken, 1 / taken, 0).mean(dim=2, keepdim=True)
    return (best.masked_fill(weights == 0, 0) * weights).sum(dim=1)  # 0, since -inf · 0 is NaN
