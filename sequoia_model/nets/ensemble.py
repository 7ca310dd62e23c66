"""Averages networks: the mean and the spread over those that have not seen a slide, or over all of them."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn


def ensemble(
    x: NDArray[np.float32],
    networks: Sequence[nn.Module],
    *,
    used: NDArray[np.bool_] | None = None,
    device: str | torch.device = "cpu",
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Predict with several networks, and average.

    Parameters
    ----------
    x : array of shape (slides, clusters, d), float32
        Cluster means of each slide.
    networks : sequence of Module
        In evaluation mode and on `device`; each maps `x` to (slides, genes).
    used : array of shape (slides, networks), bool, optional
        Which networks predict which slide, at least one for each; by default all. The others are not run.
    device : str or device
        Where the networks are.

    Returns
    -------
    tuple of two arrays of shape (slides, genes), float32
        The mean over the networks of a slide, in the units of their training, and the population standard deviation
        (divided by their number), which is 0 for a single network.
    """
    used = np.ones((len(x), len(networks)), dtype=bool) if used is None else np.asarray(used, dtype=bool)
    needed = np.flatnonzero(used.any(axis=0)).tolist()
    stacked = np.stack([_outputs(x, networks[i], used[:, i], device) for i in needed])
    counted = used.T[needed, :, None]
    mean = np.mean(stacked, axis=0, dtype=np.float64, where=counted)
    spread = np.std(stacked, axis=0, dtype=np.float64, where=counted)
    return np.asarray(mean, dtype=np.float32), np.asarray(spread, dtype=np.float32)


def on_device(networks: Sequence[nn.Module], device: torch.device) -> list[nn.Module]:
    """The networks themselves on the CPU, copies on any other device: the caller's networks are not moved."""
    if device.type == "cpu":
        return list(networks)
    return [copy.deepcopy(network).to(device) for network in networks]


def _outputs(
    x: NDArray[np.float32], network: nn.Module, rows: NDArray[np.bool_], device: str | torch.device
) -> NDArray[np.float32]:
    """The output of a network for the chosen slides; 0, which is not counted, for the others."""
    chosen = np.ascontiguousarray(x if rows.all() else x[rows])
    with torch.inference_mode():
        output = network(torch.from_numpy(chosen).to(device)).float().cpu().numpy()
    if rows.all():
        return output
    whole = np.zeros((len(x), output.shape[1]), dtype=np.float32)
    whole[rows] = output
    return whole
