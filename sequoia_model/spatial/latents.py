"""The latent vectors of windows: what the linear head of a transformer sees of each.

The head is linear, so the mean over windows of the predicted genes is the head of the mean over windows of the latent
vectors: no gene is computed here.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sequoia_model.nets.slide_network import SlideTransformer
from sequoia_model.spatial.holes import fill
from sequoia_model.spatial.windows import Windows

#: Windows at once: more do not fit into the caches of a CPU, and do not make a GPU faster.
_BATCH = {"cpu": 4, "cuda": 128}


def window_latents(
    network: SlideTransformer,
    features: NDArray[np.floating] | Tensor,
    windows: Windows,
    rows: slice | NDArray[np.integer] = slice(None),
    *,
    holes: str = "mean",
    precision: str = "float32",
    device: str | torch.device = "cpu",
    batch_size: int | None = None,
) -> NDArray[np.floating]:
    """The latent vector of each window.

    Parameters
    ----------
    network : SlideTransformer
        In evaluation mode and on `device`.
    features : array or Tensor of shape (n, D)
        Of all tiles of the slide. A tensor on `device` is not copied again for each block of windows.
    windows : Windows
        As many tiles each as the network takes clusters.
    rows : slice or array of int
        Which of the windows; by default all.
    holes : str
        One of `sequoia_model.spatial.holes.HOLES`.
    precision : {"float32", "bfloat16"}
        Of the products.
    device : str or device
        Where the network is.
    batch_size : int, optional
        Windows at once; by default what is fast on this kind of device.

    Returns
    -------
    array of shape (b, d)
        In the type of the network's parameters.

    Raises
    ------
    InputError
        If the windows or the features do not have the sizes that the network takes.
    """
    device = torch.device(device)
    like = next(network.parameters())
    chosen = torch.from_numpy(windows.tiles[rows])
    step = batch_size or _BATCH.get(device.type, 32)
    out = torch.empty((len(chosen), network.token_dim), dtype=like.dtype)
    with torch.inference_mode():
        tiles = torch.as_tensor(features).to(device, like.dtype)
        zeros = network.project(tiles.new_zeros(1, tiles.shape[1]))[0]
        tiles = network.project(tiles)  # a PCA once for each tile, not for each window that holds it
        for start in range(0, len(chosen), step):
            block = slice(start, start + step)
            tokens, _ = fill(tiles, chosen[block].to(device), holes, zeros=zeros)
            with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
                out[block] = network.latent_of_tokens(tokens).to("cpu", like.dtype)
    return out.numpy()
