"""What the networks share: their description on disk, and the frame of the two transformers.

A transformer adds a learned position to each cluster mean. Each of its layers mixes the tokens and feeds each token
forward. It predicts the genes from the mean token. The two differ only in how they mix the tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sequoia_model.errors import InputError
from sequoia_model.nets._pca import PCA


class SlideNetwork(nn.Module):
    """A network that predicts the genes of slides from their tokens, which a PCA may project first."""

    #: Its name in ``config.json``.
    architecture: ClassVar[str]
    #: The arguments of the class.
    sizes: dict[str, Any]
    #: The content of ``config.json``.
    config: dict[str, Any]
    #: The metadata of the safetensors file.
    metadata: dict[str, str] | None
    #: What projects the features before the network sees them, if anything does.
    pca: PCA | None

    def __init__(self, sizes: Mapping[str, Any], *, input_dim: int) -> None:
        super().__init__()
        self.sizes = dict(sizes)
        self.config = {**sizes, "architecture": self.architecture}
        self.metadata = {"format": "pt"}
        self.input_dim = self.token_dim = input_dim
        self.num_outputs, self.num_clusters = int(sizes["num_outputs"]), int(sizes["num_clusters"])
        self.register_module("pca", None)

    def with_pca(
        self, mean: Tensor | NDArray[np.floating], components: Tensor | NDArray[np.floating]
    ) -> Self:
        """Put a PCA in front: from now on the network takes features of length D, and projects them to its own d.

        Parameters
        ----------
        mean : array of shape (D,)
            Mean of the features that the PCA was fitted to.
        components : array of shape (D, d)
            The directions, one per column.

        Returns
        -------
        SlideNetwork
            The network itself. `input_dim` is D; `sizes` remains that of the network behind the PCA.

        Raises
        ------
        InputError
            If the components do not fit the mean or the network, or a value is not finite.
        """
        like = next(self.parameters())
        pca = PCA(*(torch.as_tensor(part).to(like, copy=True) for part in (mean, components)))
        if pca.components.shape[1] != self.token_dim:
            raise InputError(
                f"the PCA has {pca.components.shape[1]} components, but the network takes {self.token_dim}"
            )
        self.pca, self.input_dim = pca, len(pca.mean)
        self.config = {**self.config, "pca": {"input_dim": self.input_dim}}
        return self

    def project(self, x: Tensor) -> Tensor:
        """Tokens of length d from features of length D; the features themselves without a PCA."""
        return x if self.pca is None else self.pca(x)

    @property
    def head_names(self) -> tuple[str, str]:
        """Published names of weight and bias of the last layer, a row for each gene; each architecture has its own."""
        raise NotImplementedError(self.architecture)

    def published_names(self, parameter: str) -> list[str]:
        """Published names of one of our parameters: several if it joins several tensors on disk."""
        return [parameter]

    def published_state(self) -> dict[str, Tensor]:
        """The parameters by their published names, as they are written to disk."""
        return dict(self.state_dict())

    def load_published(self, state: Mapping[str, Tensor], *, assign: bool = False) -> None:
        """Load the parameters of a `published_state`: copy the values, or with `assign` use the tensors themselves."""
        self.load_state_dict(dict(state), assign=assign)


class SlideTransformer(SlideNetwork):
    """Learned positions, then mixing and feeding forward, then a linear head on the mean token.

    Parameters
    ----------
    sizes : mapping
        The arguments of the class, among them num_clusters, the number k of tokens of a slide.
    mixers : iterable of Module
        One per layer: (b, k, d) → (b, k, d).
    dim : int
        Length d of a token.
    hidden_dim : int
        Width of the feed-forward layers.
    """

    def __init__(
        self, sizes: Mapping[str, Any], mixers: Iterable[nn.Module], *, dim: int, hidden_dim: int
    ) -> None:
        super().__init__(sizes, input_dim=dim)
        self.pos_emb1D = nn.Parameter(torch.empty(self.num_clusters, dim))
        if not self.pos_emb1D.is_meta:  # drawing on "meta" makes torch import sympy, which takes seconds
            nn.init.normal_(self.pos_emb1D)
        layers = (nn.ModuleList([mixer, FeedForward(dim, hidden_dim)]) for mixer in mixers)
        self.transformer = nn.ModuleDict({"layers": nn.ModuleList(layers)})
        self.linear_head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, self.num_outputs))

    @property
    def head_names(self) -> tuple[str, str]:
        """Published names of weight and bias of the last layer, which have a row for each gene."""
        return "linear_head.1.weight", "linear_head.1.bias"

    def forward(self, x: Tensor) -> Tensor:
        """Genes (b, num_outputs) of slides (b, k, input_dim) with their clusters in canonical order."""
        latent = self.latent(x)
        with torch.autocast(x.device.type, enabled=False):  # few rows: to halve its weights would cost more
            return cast(Tensor, self.linear_head[1](latent))

    def latent(self, x: Tensor) -> Tensor:
        """What the head sees, the LayerNorm of the mean token: (b, k, input_dim) → (b, d)."""
        wanted = (self.num_clusters, self.input_dim)
        if x.ndim != 3 or x.shape[1:] != wanted:
            raise InputError(
                f"slides must have the shape (slides, {wanted[0]}, {wanted[1]}), but have {tuple(x.shape)}"
            )
        return self.latent_of_tokens(self.project(x))

    def latent_of_tokens(self, x: Tensor) -> Tensor:
        """As `latent`, of features that a PCA has already projected: (b, k, d) → (b, d)."""
        *layers, (last_mix, last_feed) = cast(Any, self.transformer["layers"])
        x = x + self.pos_emb1D
        for mix, feed in layers:
            x = x + mix(x)
            x = x + feed(x)
        x = x + last_mix(x)
        mean = x.mean(dim=1) + last_feed.mean(x)
        with torch.autocast(x.device.type, enabled=False):
            return cast(Tensor, self.linear_head[0](mean))


class FeedForward(nn.Module):
    """LayerNorm, Linear, GELU, Linear on each token."""

    def __init__(self, dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.LayerNorm(dim), nn.Linear(dim, hidden_dim), nn.GELU(), nn.Linear(hidden_dim, dim)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(b, k, d) → (b, k, d)."""
        return self.net(x)

    def mean(self, x: Tensor) -> Tensor:
        """Mean over the tokens: (b, k, d) → (b, d). The last layer is linear, so the mean can be taken before it."""
        return self.net[3](self.net[:3](x).mean(dim=1))
