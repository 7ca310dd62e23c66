"""What networks compute for each window, and how it becomes genes: latent vectors, or predictions of the asked genes.

A transformer ends in a linear layer, so its latent vectors stand for all genes. A `TileMLP` does not, and computes the
genes that were asked for.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray

from sequoia_model.nets import TileMLP
from sequoia_model.nets.slide_network import SlideNetwork, SlideTransformer
from sequoia_model.spatial.latents import window_latents
from sequoia_model.spatial.mlp_scores import tile_scores, window_scores
from sequoia_model.spatial.windows import Windows


class WindowValues(Protocol):
    """Computes a row of numbers for each window, fold by fold."""

    #: Numbers of a window.
    width: int

    def of(self, fold: int, windows: Windows, rows: slice | NDArray[np.integer]) -> NDArray[np.float32]:
        """The numbers of some windows, (b, width)."""

    def genes(self, fold: int, values: NDArray[np.float32], outputs: Sequence[int]) -> NDArray[np.float64]:
        """Some genes of rows of numbers, by their number among the outputs: (rows, genes)."""


class LatentValues:
    """The latent vectors of transformers.

    Parameters
    ----------
    networks : mapping of int to SlideNetwork
        The transformer of each fold.
    features : array of shape (tiles, d)
        Of all tiles.
    holes : str
        What fills the holes of windows.
    precision : {"float32", "bfloat16"}
        Of the products.
    device : device
        What computes.
    batch_size : int, optional
        Windows at once.
    """

    def __init__(
        self,
        networks: Mapping[int, SlideNetwork],
        features: NDArray[np.float32],
        *,
        holes: str,
        precision: str,
        device: torch.device,
        batch_size: int | None,
    ) -> None:
        self._networks, self._device = cast(Mapping[int, SlideTransformer], networks), device
        self._features = torch.from_numpy(features).to(device)
        self._holes, self._precision, self._batch_size = holes, precision, batch_size
        self._there: tuple[int, SlideTransformer] | None = None
        self.width = next(iter(networks.values())).token_dim

    def of(self, fold: int, windows: Windows, rows: slice | NDArray[np.integer]) -> NDArray[np.float32]:
        """The latent vectors of some windows."""
        network = self._on_device(fold)
        values = window_latents(
            network, self._features, windows, rows, holes=self._holes, precision=self._precision,
            device=self._device, batch_size=self._batch_size,
        )  # fmt: skip
        return np.asarray(values, dtype=np.float32)

    def genes(self, fold: int, values: NDArray[np.float32], outputs: Sequence[int]) -> NDArray[np.float64]:
        """The head applied to latent vectors."""
        head = cast(torch.nn.Linear, self._networks[fold].linear_head[1])
        weight, bias = (
            part.detach()[list(outputs)].double().cpu().numpy() for part in (head.weight, head.bias)
        )
        return np.asarray(values, dtype=np.float64) @ weight.T + bias

    def _on_device(self, fold: int) -> SlideTransformer:
        """The network of a fold where it computes; one at a time, since each may be large."""
        if self._device.type == "cpu":
            return self._networks[fold]
        if self._there is None or self._there[0] != fold:
            self._there = fold, copy.deepcopy(self._networks[fold]).to(self._device)
        return self._there[1]


class ScoreValues:
    """The predictions of a `TileMLP` for some genes; each tile is scored once.

    Parameters
    ----------
    networks : mapping of int to SlideNetwork
        The network of each fold.
    features : array of shape (tiles, d)
        Of all tiles.
    outputs : sequence of int
        The genes, by their number among the outputs.
    device : device
        What computes.
    """

    def __init__(
        self,
        networks: Mapping[int, SlideNetwork],
        features: NDArray[np.float32],
        outputs: Sequence[int],
        *,
        device: torch.device,
    ) -> None:
        self._networks, self._device = cast(Mapping[int, TileMLP], networks), device
        self._features, self._outputs, self.width = features, list(outputs), len(outputs)
        self._scores: dict[int, NDArray[np.float32]] = {}

    def of(self, fold: int, windows: Windows, rows: slice | NDArray[np.integer]) -> NDArray[np.float32]:
        """The predictions of some windows."""
        scores = self.of_tiles(fold)
        values = window_scores(self._networks[fold], scores, windows, rows, device=self._device)
        return np.asarray(values, dtype=np.float32)

    def of_tiles(self, fold: int) -> NDArray[np.float32]:
        """The scores of all tiles, without windows."""
        if fold not in self._scores:
            network = self._networks[fold]
            if self._device.type != "cpu":
                network = copy.deepcopy(network).to(self._device)
            scores = tile_scores(network, self._features, self._outputs, device=self._device)
            self._scores = {fold: np.asarray(scores, dtype=np.float32)}
        return self._scores[fold]

    def genes(self, fold: int, values: NDArray[np.float32], outputs: Sequence[int]) -> NDArray[np.float64]:
        """The predictions of some of the genes."""
        columns = [self._outputs.index(output) for output in outputs]
        return np.asarray(values[:, columns], dtype=np.float64)
