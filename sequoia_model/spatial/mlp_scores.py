"""Genes by a `TileMLP`, which is not linear at its end: its scores on tiles, and its predictions of windows.

A window's prediction is the mean of its best tiles, so each tile is scored once, whatever the number of windows. Holes
are no tiles, and are never among the best. The scores themselves, without windows, are the maps of HE2RNA (Schmauch et
al. 2020, Nature Communications 11).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sequoia_model.nets.tile_mlp import TileMLP
from sequoia_model.spatial.windows import Windows

#: Tiles at once, and numbers at once in a block of windows.
_TILES, _NUMBERS = 4096, 2**22


def tile_scores(
    network: TileMLP,
    features: NDArray[np.floating] | Tensor,
    outputs: Sequence[int] | NDArray[np.integer],
    *,
    device: str | torch.device = "cpu",
) -> NDArray[np.floating]:
    """The score of each tile for some genes.

    Parameters
    ----------
    network : TileMLP
        In evaluation mode and on `device`.
    features : array or Tensor of shape (n, D)
        Of all tiles of the slide.
    outputs : sequence of int
        The genes, by their number among the outputs.
    device : str or device
        Where the network is.

    Returns
    -------
    array of shape (n, genes)
        In the type of the network's parameters.
    """
    like = next(network.parameters())
    with torch.inference_mode():
        tiles = torch.as_tensor(features).to(device, like.dtype)
        chosen = torch.as_tensor(outputs, device=device)
        blocks = [network.scores(block, chosen).cpu() for block in tiles.split(_TILES)]
    return torch.cat(blocks).numpy()


def window_scores(
    network: TileMLP,
    scores: NDArray[np.floating],
    windows: Windows,
    rows: slice | NDArray[np.integer] = slice(None),
    *,
    device: str | torch.device = "cpu",
) -> NDArray[np.floating]:
    """The prediction of each window, as of the network on its real tiles.

    Parameters
    ----------
    network : TileMLP
        Which made the scores: it knows how many best tiles count.
    scores : array of shape (n, genes)
        From `tile_scores`.
    windows : Windows
        Of any size.
    rows : slice or array of int
        Which of the windows; by default all.
    device : str or device
        What computes.

    Returns
    -------
    array of shape (b, genes)
        In the type of the scores.
    """
    chosen, table = torch.from_numpy(windows.tiles[rows]), torch.as_tensor(scores).to(device)
    out = torch.empty((len(chosen), scores.shape[1]), dtype=table.dtype)
    step = max(1, _NUMBERS // max(1, windows.size**2 * scores.shape[1]))
    with torch.inference_mode():
        for start in range(0, len(chosen), step):
            block = slice(start, start + step)
            tiles = chosen[block].to(device)
            out[block] = network.best(table[tiles.clamp(min=0)], tiles >= 0).cpu()
    return out.numpy()
