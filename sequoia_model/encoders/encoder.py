"""Encoder: a network on a device, with what happens to pixels before it and to its output behind it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sequoia_model.encoders.fingerprint import fixed_image
from sequoia_model.encoders.folding import folded_network
from sequoia_model.encoders.pixels import prepare_tile
from sequoia_model.encoders.table import EncoderCard
from sequoia_model.errors import InputError
from sequoia_model.types.bag import EncoderId
from sequoia_model.types.devices import best_batch_size


class Encoder:
    """Tiles in, feature vectors out.

    On a GPU products are computed in float16, and a batch in which that overflows is computed again in float32.

    Parameters
    ----------
    card : EncoderCard
        What is known of it.
    network : Module
        On the CPU, in float32: normalised pixels (b, 3, s, s) to what `card.pooling` makes vectors of.
    device : device
        Where it runs; it is moved there.
    """

    def __init__(self, card: EncoderCard, network: nn.Module, device: torch.device) -> None:
        self.card = card
        self.device = device
        network = network.eval().requires_grad_(False)
        #: How many tiles at once are fastest on this device.
        self.batch_size = best_batch_size(device, sum(each.numel() for each in network.parameters()))
        self._n_prefix = int(getattr(network, "num_prefix_tokens", 0))
        self._network = folded_network(network, card.input_size)
        self._network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        mean, std = (torch.tensor(values, dtype=torch.float64) for values in (card.mean, card.std))
        self._scale = (1 / (255 * std)).float().view(3, 1, 1).to(device)
        self._shift = (-mean / std).float().view(3, 1, 1).to(device)

    @cached_property
    def id(self) -> EncoderId:
        """Its name, and as fingerprint its embedding of the fixed image; computed when first asked for."""
        return EncoderId(self.card.name, fingerprint=self(self.prepare(fixed_image())[None])[0])

    def prepare(self, tile: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A tile as the network sees it, before whole numbers become floats.

        Parameters
        ----------
        tile : array of shape (256, 256, 3), uint8
            Red, green, blue.

        Returns
        -------
        array of shape (s, s, 3), uint8
            Resized, and the middle of it cut out, as `card` says.
        """
        return prepare_tile(tile, self.card)

    def __call__(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed prepared tiles.

        Parameters
        ----------
        batch : array of shape (b, s, s, 3), uint8
            As `prepare` returns them, stacked.

        Returns
        -------
        array of shape (b, d), float32
            A row each. The same batch gives the same bytes; in a batch of another size a row differs by rounding.

        Raises
        ------
        InputError
            If these are no such tiles, or the device has not enough memory for so many.
        """
        side = self.card.input_size
        batch = np.require(batch, requirements=["C", "W"])  # torch takes no array that cannot be written
        if batch.dtype != np.uint8 or batch.shape[1:] != (side, side, 3):
            raise InputError(
                f"tiles are {batch.dtype} of the shape {batch.shape}, and uint8 of (b, {side}, {side}, 3) is needed",
                where=self.card.name,
            )
        if not len(batch):
            return np.empty((0, self.card.dimension), dtype=np.float32)
        try:
            with torch.inference_mode():
                return self._vectors(torch.from_numpy(batch))
        except torch.OutOfMemoryError:
            raise InputError(
                f"{self.device} has not enough memory for {len(batch)} tiles at once",
                where=self.card.name,
                fix="a smaller --batch-size, or --device cpu",
            ) from None

    def _vectors(self, pixels: Tensor) -> NDArray[np.float32]:
        if self.device.type != "cuda":
            return self._forward(pixels.to(self.device)).cpu().numpy()
        there = pixels.pin_memory().to(self.device, non_blocking=True)
        # the fastest algorithm of one run may be another's second: the choice has to be the same each time
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=True):
            with torch.autocast("cuda", dtype=torch.float16):
                vectors = self._forward(there).cpu()
            if not bool(vectors.isfinite().all()):
                vectors = self._forward(there).cpu()
        return vectors.numpy()

    def _forward(self, pixels: Tensor) -> Tensor:
        x = pixels.permute(0, 3, 1, 2).float()  # a view: in memory the channels stay last
        x = x.mul_(self._scale).add_(self._shift)
        return self._pooled(self._network(x)).float()

    def _pooled(self, output: Any) -> Tensor:
        if self.card.pooling == "class token and mean of patch tokens":
            return torch.cat([output[:, 0], output[:, self._n_prefix :].float().mean(dim=1)], dim=1)
        return output
