"""Baselines of maps on the same tiles: ridge regressions trained on the other sections, and their mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from her2st import Section, bulk
from numpy.typing import NDArray

from sequoia_model.spatial import tile_means
from sequoia_model.spatial.windows import Windows, windows_of
from sequoia_model.training.baselines import fit_ridge
from sequoia_stats.spatial.normalising import normalise

Matrix = NDArray[np.floating[Any]]


def spot_ridge(train: Sequence[Section], held_out: Section) -> Matrix:
    """Ridge regression on the mean features of a tile and its neighbours, trained on single spots.

    It is told more than a network, which only sees the sums of windows. Its penalty is the one with the smallest error
    on training sections that are left out in turn.

    Parameters
    ----------
    train : sequence of Section
        The sections to learn from.
    held_out : Section
        The section to predict.

    Returns
    -------
    array of shape (tiles, genes)
        Normalised expression, ln(1 + count · median total / total).
    """
    x, y, names = [], [], []
    for section in train:
        tiles, spots = tiles_of_spots(section)
        x.append(neighbourhoods(section)[tiles])
        y.append(normalise(section.counts, section.totals)[spots])
        names += [section.name] * len(spots)
    fit = fit_ridge(np.concatenate(x), np.concatenate(y), patients=names)
    return fit.predict(neighbourhoods(held_out))


def window_ridge(train: Sequence[Section], held_out: Section, stride: int) -> Matrix:
    """Ridge regression on the mean features of windows, trained on what a network is trained on.

    Parameters
    ----------
    train : sequence of Section
        The sections to learn from; its penalty is chosen as for `spot_ridge`.
    held_out : Section
        The section to predict, at stride 1: a tile has the mean of the windows that hold it.
    stride : int
        Places between the windows of the training sections.

    Returns
    -------
    array of shape (tiles, genes)
        log2(CPM + 1); NaN for a tile in no window.
    """
    x, y, names = [], [], []
    for section in train:
        windows = windows_of(section.places, stride=stride)
        x.append(window_features(section, windows))
        y.append(bulk(section, windows.origins))
        names += [section.name] * len(windows)
    fit = fit_ridge(np.concatenate(x), np.concatenate(y), patients=names)
    windows = windows_of(held_out.places)
    return tile_means(fit.predict(window_features(held_out, windows)), windows, len(held_out.places))[0]


def training_mean(train: Sequence[Section], held_out: Section) -> Matrix:
    """The mean over all training spots, the same on every tile, (tiles, genes)."""
    values = np.concatenate([normalise(section.counts, section.totals) for section in train])
    return np.broadcast_to(values.mean(axis=0), (len(held_out.places), values.shape[1]))


def window_features(section: Section, windows: Windows) -> Matrix:
    """The mean features of the tiles of each window, (windows, d)."""
    held = windows.tiles >= 0
    sums = np.einsum("wt,wtd->wd", held, section.features[windows.tiles].astype(np.float64))
    return sums / held.sum(axis=1)[:, None]


def neighbourhoods(section: Section) -> Matrix:
    """The mean features of each tile and the at most 8 tiles that touch it, (tiles, d)."""
    near = np.abs(section.places[:, None] - section.places).max(axis=2) <= 1
    return near @ section.features.astype(np.float64) / near.sum(axis=1)[:, None]


def tiles_of_spots(section: Section) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The tile that holds the centre of a spot, and the spot, of all spots that lie on a tile."""
    numbers = {tuple(place): tile for tile, place in enumerate(section.places.tolist())}
    found = [numbers.get(tuple(place), -1) for place in np.floor(section.spots).astype(int).tolist()]
    tiles = np.array(found, dtype=np.intp)
    spots = np.flatnonzero(tiles >= 0)
    return tiles[spots], spots
