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
        real = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device) if mask is None else mask
        if not bool(real.any(dim=1).all()):
            raise InputError("a slide has no tiles")
        x = x.masked_fill(~real[:, :, None], 0)  # otherwise NaN in the padding would reach the gradients
        scores = self.scores(x).masked_fill(~real[:, :, None], -torch.inf)
        best = scores.topk(min(max(self.ks), x.shape[1]), dim=1).values
        # the weight of the j-th best tile in the mean of the best k, averaged over the ks
        ks = torch.tensor(self.ks, device=x.device)
        ks = ks[torch.randint(len(ks), (1,))] if self.training else ks
        taken = torch.minimum(ks, real.sum(dim=1, keepdim=True))[:, None].to(best.dtype)  # (b, 1, ks)
        rank = torch.arange(best.shape[1], device=x.device)[:, None]
        weights = torch.where(rank < taken, 1 / taken, 0).mean(dim=2, keepdim=True)
        return (best.masked_fill(weights == 0, 0) * weights).sum(dim=1)  # 0, since -inf · 0 is NaN

    def scores(self, x: Tensor) -> Tensor:
        """Each gene on each tile: (b, n, d) → (b, n, num_outputs)."""
        *hidden, last = (cast(nn.Conv1d, self.get_submodule(f"conv{i}")) for i in range(self.n_layers))
        for layer in hidden:  # a convolution of width 1 is a product on each tile
            x = dropout(relu(linear(x, layer.weight[:, :, 0], layer.bias)), self.dropout, self.training)
        return linear(x, last.weight[:, :, 0], last.bias)
