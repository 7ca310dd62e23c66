"""TileTransformer: the same frame with attention; the paper compares the SummaryTransformer with it.

Every token attends to every other, weighted by the softmax of scaled products of queries and keys (Vaswani et al.
2017), with LayerNorm before attention and no class token. `Attention` is that exchange; the rest is in `slide_network`.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from sequoia_model.nets.slide_network import SlideTransformer


class TileTransformer(SlideTransformer):
    """Genes of slides from the means of their clusters.

    Parameters
    ----------
    num_outputs : int
        Number of genes.
    dim : int
        Length d of a feature vector.
    depth, heads : int
        Number of layers, and number of heads per layer.
    mlp_dim : int
        Width of the feed-forward layers.
    dim_head : int
        Width of a head.
    num_clusters : int
        Number k of cluster means of a slide.
    """

    architecture: ClassVar[str] = "tile_transformer"

    def __init__(
        self,
        *,
        num_outputs: int,
        dim: int,
        depth: int,
        heads: int,
        mlp_dim: int,
        dim_head: int,
        num_clusters: int = 100,
    ) -> None:
        sizes = {"num_outputs": num_outputs, "dim": dim, "num_clusters": num_clusters}
        layers = {"depth": depth, "heads": heads, "mlp_dim": mlp_dim, "dim_head": dim_head}
        super().__init__(
            sizes | layers,
            [Attention(dim, heads, dim_head) for _ in range(depth)],
            dim=dim,
            hidden_dim=mlp_dim,
        )


class Attention(nn.Module):
    """LayerNorm, then scaled dot-product attention without biases."""

    def __init__(self, dim: int, heads: int, dim_head: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.to_qkv = nn.Linear(dim, 3 * heads * dim_head, bias=False)
        self.to_out = nn.Linear(heads * dim_head, dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(b, k, d) → (b, k, d)."""
        # rows of to_qkv: all queries, all keys, all values; within each, one head after the other
        split = self.to_qkv(self.norm(x)).unflatten(2, (3, self.heads, -1))
        queries, keys, values = split.permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(queries, keys, values)
        return self.to_out(mixed.transpose(1, 2).flatten(2))
