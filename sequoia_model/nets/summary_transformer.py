"""SummaryTransformer: the linearized transformer of SEQUOIA.

Attention compares every token with every other. Here a token sees the others only through their mean: each head
combines (c) what it reads from the token itself (f) with what it reads from the mean token (s), so the cost grows
linearly with the number of tokens (SummaryMixing: Parcollet et al. 2023, arXiv:2307.07421; for slides:
Pizurica et al. 2024, Nature Communications 15). `SummaryHeads` is that exchange, with all heads in one product;
positions, feed-forward layers and the gene head are in `slide_network`.

On disk each head has its own parameters: `split_heads` and `stack_heads` translate.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, layer_norm

from sequoia_model.nets.slide_network import SlideTransformer

_STACKED = re.compile(r"(transformer\.layers\.\d+\.0)\.((?:f|s|c|local_norm|summary_norm)\.(?:weight|bias))")
_OF_A_HEAD = re.compile(r"(transformer\.layers\.\d+\.0)\.mixers\.(\d+)\.(.+)")


class SummaryTransformer(SlideTransformer):
    """Genes of slides from the means of their clusters.

    Parameters
    ----------
    input_dim : int
        Length d of a feature vector.
    num_outputs : int
        Number of genes.
    num_clusters : int
        Number k of cluster means of a slide.
    depth, nheads : int
        Number of layers, and number of heads per layer.
    dimensions_f, dimensions_s, dimensions_c : int
        Widths of a head's local branch, its summary branch, and both combined.
    """

    architecture: ClassVar[str] = "summary_transformer"

    def __init__(
        self,
        *,
        input_dim: int,
        num_outputs: int,
        num_clusters: int = 100,
        depth: int = 6,
        nheads: int = 16,
        dimensions_f: int = 64,
        dimensions_s: int = 64,
        dimensions_c: int = 64,
    ) -> None:
        widths = {"dimensions_f": dimensions_f, "dimensions_s": dimensions_s, "dimensions_c": dimensions_c}
        sizes = {"input_dim": input_dim, "num_outputs": num_outputs, "num_clusters": num_clusters}
        super().__init__(
            {**sizes, "depth": depth, "nheads": nheads, **widths},
            [SummaryHeads(input_dim, nheads, *widths.values()) for _ in range(depth)],
            dim=input_dim,
            hidden_dim=input_dim,
        )
        self.nheads = nheads
        del self.config["architecture"]  # published configurations do not have it

    def published_names(self, parameter: str) -> list[str]:
        """Published names of one of our parameters: one for each head if it joins the heads."""
        return list(split_heads({parameter: self.get_parameter(parameter)}, self.nheads))

    def published_state(self) -> dict[str, Tensor]:
        """The parameters by their published names, separate for each head; views of ours."""
        return split_heads(self.state_dict(), self.nheads)

    def load_published(self, state: Mapping[str, Tensor], *, assign: bool = False) -> None:
        """Load the parameters of a `published_state`: copy the values, or with `assign` use the tensors themselves."""
        self.load_state_dict(stack_heads(state), assign=assign)


class SummaryHeads(nn.Module):
    """The exchange between tokens, for all heads at once.

    A head computes GELU(c [local, summary]) with local = GELU(LN(f x)) of each token and summary = GELU(LN(s x̄)) of
    the mean token x̄; the projection joins the heads. The rows of f, s, c and the norms are those of the heads, one
    head after the other.
    """

    def __init__(self, dim: int, nheads: int, dim_f: int, dim_s: int, dim_c: int) -> None:
        super().__init__()
        self.nheads, self.widths = nheads, (dim_f, dim_s)
        self.f = nn.Linear(dim, nheads * dim_f)
        self.s = nn.Linear(dim, nheads * dim_s)
        self.local_norm = HeadNorm(nheads, dim_f)
        self.summary_norm = HeadNorm(nheads, dim_s)
        self.c = nn.Linear(dim_f + dim_s, nheads * dim_c)  # only holds parameters, applied by head below
        self.projection = nn.Linear(nheads * dim_c, dim)

    def forward(self, x: Tensor) -> Tensor:
        """(b, k, d) → (b, k, d)."""
        local = gelu(self.local_norm(self.f(x)))
        mean = x.mean(dim=1, keepdim=True)  # s is linear, so the mean can be taken before it
        summary = gelu(self.summary_norm(self.s(mean)))
        of_local, of_summary = self.c.weight.unflatten(0, (self.nheads, -1)).split(self.widths, dim=2)
        combined = self._by_head(local, of_local) + (self._by_head(summary, of_summary) + self.c.bias)
        return self.projection(gelu(combined))

    def _by_head(self, x: Tensor, weight: Tensor) -> Tensor:
        """(b, k, heads · in) times (heads, out, in): (b, k, heads · out)."""
        # contiguous: of strided matrices in bfloat16, the backward pass makes slow copies
        heads = x.flatten(0, 1).unflatten(1, (self.nheads, -1)).transpose(0, 1).contiguous()
        product = torch.bmm(heads, weight.transpose(1, 2))
        return product.transpose(0, 1).flatten(1).unflatten(0, x.shape[:2])


class HeadNorm(nn.Module):
    """LayerNorm within each head."""

    def __init__(self, nheads: int, width: int) -> None:
        super().__init__()
        self.shape = (nheads, width)
        self.weight = nn.Parameter(torch.ones(nheads * width))
        self.bias = nn.Parameter(torch.zeros(nheads * width))

    def forward(self, x: Tensor) -> Tensor:
        """(…, heads · width) → the same shape."""
        standard = layer_norm(x.unflatten(-1, self.shape), self.shape[1:]).flatten(-2)
        # in the type of the tokens: with float32 parameters, bfloat16 tokens would be copied to and fro
        return torch.addcmul(self.bias.to(standard.dtype), standard, self.weight.to(standard.dtype))


def split_heads(state: Mapping[str, Tensor], nheads: int) -> dict[str, Tensor]:
    """Parameters with separate heads, as published: ``…0.f.weight`` becomes ``…0.mixers.0.f.weight`` and so on.

    Parameters
    ----------
    state : mapping of str to Tensor
        The `state_dict` of a `SummaryTransformer`.
    nheads : int
        Number of heads.
    """
    apart: dict[str, Tensor] = {}
    for name, tensor in state.items():
        stacked = _STACKED.fullmatch(name)
        if stacked is None:
            apart[name] = tensor
        else:
            layer, kind = stacked.groups()
            apart |= {f"{layer}.mixers.{i}.{kind}": part for i, part in enumerate(tensor.chunk(nheads))}
    return apart


def stack_heads(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of `split_heads`.

    Parameters
    ----------
    state : mapping of str to Tensor
        Parameters by their published names.
    """
    together: dict[str, Tensor] = {}
    heads: dict[str, dict[int, Tensor]] = {}
    for name, tensor in state.items():
        head = _OF_A_HEAD.fullmatch(name)
        if head is None:
            together[name] = tensor
        else:
            layer, i, kind = head.groups()
            heads.setdefault(f"{layer}.{kind}", {})[int(i)] = tensor
    return together | {name: torch.cat([parts[i] for i in sorted(parts)]) for name, parts in heads.items()}
