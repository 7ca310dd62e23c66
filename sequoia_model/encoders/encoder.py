"""Encoder: a network on a device, the preparation of its tiles, and the fixed image of its fingerprint."""

from __future__ import annotations

from functools import cached_property
from importlib.resources import files
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from sequoia_model.encoders._folding import folded_network
from sequoia_model.encoders.table import EncoderCard
from sequoia_model.errors import InputError
from sequoia_model.types.bag import EncoderId
from sequoia_model.types.devices import batches_at_once, best_batch_size
from sequoia_model.types.units import TILE_SIZE

_FILTERS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "lanczos": Image.Resampling.LANCZOS,
}


class Encoder:
    """Tiles in, feature vectors out.

    A GPU computes in float16; a batch that overflows there is computed again in float32.

    Parameters
    ----------
    card : EncoderCard
        The encoder's description.
    network : Module
        On the CPU, in float32. It takes normalised pixels (b, 3, s, s); `card.pooling` says how its output becomes
        vectors.
    device : device
        Where the network runs; it is moved there.
    """

    def __init__(self, card: EncoderCard, network: nn.Module, device: torch.device) -> None:
        self.card = card
        self.device = device
        network = network.eval().requires_grad_(False)
        #: The number of tiles at once that is fastest on this device.
        self.batch_size = best_batch_size(device, sum(each.numel() for each in network.parameters()))
        #: The number of batches that are best computed side by side, by a thread each.
        self.side_by_side = batches_at_once(device)
        self._n_prefix = int(getattr(network, "num_prefix_tokens", 0))
        self._network = folded_network(network, card.input_size)
        self._network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        mean, std = (torch.tensor(values, dtype=torch.float64) for values in (card.mean, card.std))
        self._scale = (1 / (255 * std)).float().view(3, 1, 1).to(device)
        self._shift = (-mean / std).float().view(3, 1, 1).to(device)

    @cached_property
    def id(self) -> EncoderId:
        """Its name and its fingerprint: the embedding of the fixed image, computed when first used."""
        return EncoderId(self.card.name, fingerprint=self(self.prepare(fixed_image())[None])[0])

    def prepare(self, tile: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A tile as the network takes it, still as whole numbers.

        Parameters
        ----------
        tile : array of shape (256, 256, 3), uint8
            Red, green, blue.

        Returns
        -------
        array of shape (s, s, 3), uint8
            Resized and cropped to its centre, as `card` says.
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
            One row per tile. The same batch gives the same bytes; in another batch size, rows differ by rounding.

        Raises
        ------
        InputError
            If the array has another shape or type, or the device does not have enough memory.
        """
        side = self.card.input_size
        batch = np.require(batch, requirements=["C", "W"])  # torch wants writable arrays
        if batch.dtype != np.uint8 or batch.shape[1:] != (side, side, 3):
            raise InputError(
                f"tiles must be uint8 of shape (b, {side}, {side}, 3), but are {batch.dtype} of {batch.shape}",
                where=self.card.name,
            )
        if not len(batch):
            return np.empty((0, self.card.dimension), dtype=np.float32)
        try:
            with torch.inference_mode():
                return self._vectors(torch.from_numpy(batch))
        except torch.OutOfMemoryError:
            raise InputError(
                f"{self.device} does not have enough memory for {len(batch)} tiles at once",
                where=self.card.name,
                fix="a smaller --batch-size, or --device cpu",
            ) from None

    def _vectors(self, pixels: Tensor) -> NDArray[np.float32]:
        if self.device.type != "cuda":
            return self._forward(pixels.to(self.device)).cpu().numpy()
        there = pixels.pin_memory().to(self.device, non_blocking=True)
        # cudnn must not time its algorithms: the choice could differ from run to run, and so could the result
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


def prepare_tile(tile: NDArray[np.uint8], card: EncoderCard) -> NDArray[np.uint8]:
    """A tile as the network takes it, before it is normalised.

    Parameters
    ----------
    tile : array of shape (side, side, 3), uint8
        Red, green, blue.
    card : EncoderCard
        Says the sizes and the interpolation.

    Returns
    -------
    array of shape (input_size, input_size, 3), uint8
        The same pixels as torchvision's Resize and CenterCrop give for a Pillow image.
    """
    tile = np.asarray(tile)
    if tile.dtype != np.uint8 or tile.ndim != 3 or tile.shape[0] != tile.shape[1] or tile.shape[2] != 3:
        raise InputError(
            f"a tile must be uint8 of shape (side, side, 3), but is {tile.dtype} of {tile.shape}"
        )
    side = card.resize
    if len(tile) != side:
        tile = np.array(Image.fromarray(tile).resize((side, side), _FILTERS[card.interpolation]))
    if side == card.input_size:
        return tile
    first = round((side - card.input_size) / 2)
    return np.ascontiguousarray(tile[first : first + card.input_size, first : first + card.input_size])


def fixed_image() -> NDArray[np.uint8]:
    """The tile of H&E tissue whose embedding is an encoder's fingerprint.

    It comes with the package and never changes, because stored fingerprints depend on it.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    place = files("sequoia_model").joinpath("data", "fingerprint.png")
    try:
        with place.open("rb") as file, Image.open(file) as image:
            pixels = np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(
            f"the image for fingerprints cannot be read: {error}",
            where=str(place),
            fix="install the package again",
        ) from None
    if pixels.shape != (TILE_SIZE, TILE_SIZE, 3):
        raise InputError(f"the image for fingerprints has the shape {pixels.shape}", where=str(place))
    return pixels
