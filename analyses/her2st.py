"""The HER2ST sections as bags of known bulk: what the bundle holds, windows of tiles, and the spots within them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _shared import HERE
from numpy.typing import NDArray

from sequoia_model import FeatureBag, read_features
from sequoia_model.types.bag import EncoderId

BUNDLE = HERE / "data" / "her2st"
#: Part of each section. It was fixed by the order of their names before any network was trained.
ROLES = {"C2": "train", "C3": "train", "C4": "val", "C5": "test"}
SECTIONS = tuple(ROLES)
TRAINING = tuple(name for name, role in ROLES.items() if role == "train")
#: µm per pixel of the images: their spots have a pitch of 200 µm. The 72 dpi that they state mean nothing.
MPP = 0.688
#: Places along a side of a window, so that a window has as many tiles as a network takes.
WINDOW = 10
#: Smallest share of the places of a window that hold tissue.
LEAST_TISSUE = 0.5
UNITS = "log2(CPM+1)"


@dataclass(frozen=True, eq=False)
class Section:
    """The tiles and spots of a section.

    Parameters
    ----------
    name : str
        "C2" to "C5".
    features : array of shape (tiles, d), float32
        Features of the tiles, by y, then x.
    places : array of shape (tiles, 2), int64
        Row and column of each tile in the grid of 128 µm.
    spots : array of shape (spots, 2), float64
        Row and column of each spot's centre in the same grid, whose tiles are 1 wide.
    counts : array of shape (spots, genes), int64
        Counts of the chosen genes.
    totals : array of shape (spots,), int64
        Counts of all genes.
    genes : tuple of str
        The chosen genes.
    encoder : EncoderId
        Which encoder made the features.
    """

    name: str
    features: NDArray[np.float32]
    places: NDArray[np.int64]
    spots: NDArray[np.float64]
    counts: NDArray[np.int64]
    totals: NDArray[np.int64]
    genes: tuple[str, ...]
    encoder: EncoderId


def read_section(name: str, bundle: Path = BUNDLE) -> Section:
    """Read a section from the bundle."""
    import anndata

    bag = read_features(bundle / f"{name}.h5")
    assert bag.features is not None and bag.encoder is not None
    side = bag.geometry.side
    spots = anndata.read_h5ad(bundle / "spots.h5ad")
    spots = spots[spots.obs["section"] == name]
    return Section(
        name,
        bag.features,
        places_of(bag),
        np.asarray(spots.obsm["spatial"], dtype=np.float64)[:, ::-1] / side,
        np.asarray(spots.X, dtype=np.int64),
        spots.obs["total"].to_numpy(dtype=np.int64),
        tuple(spots.var_names),
        bag.encoder,
    )


def places_of(bag: FeatureBag) -> NDArray[np.int64]:
    """Row and column of each tile of a bag in the grid of its slide."""
    assert bag.coords is not None and bag.geometry.side is not None
    return np.asarray(bag.coords)[:, ::-1].astype(np.int64) // int(bag.geometry.side)


def windows(places: NDArray[np.int64], stride: int) -> NDArray[np.int64]:
    """The windows of which at least half of the places hold tissue.

    Parameters
    ----------
    places : array of shape (tiles, 2), int64
        Row and column of each tile.
    stride : int
        Windows begin at rows and columns that are multiples of it; those of stride 10 do not overlap.

    Returns
    -------
    array of shape (windows, 2), int64
        Row and column of the first place of each, in reading order.
    """
    occupied = _occupied(places)
    sums = np.lib.stride_tricks.sliding_window_view(occupied, (WINDOW, WINDOW)).sum(axis=(2, 3))
    first = np.argwhere(sums >= LEAST_TISSUE * WINDOW**2)
    return first[(first % stride == 0).all(axis=1)]


def tokens(section: Section, window: NDArray[np.int64]) -> NDArray[np.float32]:
    """The features of a window in reading order, (100, d); places without a tile have the mean of its tiles."""
    inside = ((section.places >= window) & (section.places < window + WINDOW)).all(axis=1)
    rows, columns = (section.places[inside] - window).T
    features = section.features[inside]
    filled = np.tile(features.mean(axis=0), (WINDOW**2, 1))
    filled[rows * WINDOW + columns] = features
    return filled


def bulk(section: Section, corners: NDArray[np.int64]) -> NDArray[np.float32]:
    """Expression of windows, log2(CPM + 1): the counts of all spots whose centres lie within one are summed.

    Parameters
    ----------
    section : Section
        Counts and positions of the spots.
    corners : array of shape (windows, 2), int64
        As `windows` returns them.

    Returns
    -------
    array of shape (windows, genes), float32
        Counts per million count those of all genes, not only of the chosen ones.
    """
    first = corners[:, None]
    within = ((section.spots >= first) & (section.spots < first + WINDOW)).all(axis=2).astype(np.int64)
    totals = within @ section.totals
    if not totals.all():
        raise ValueError(f"a window of {section.name} has no counts")
    return np.log2(1e6 * (within @ section.counts) / totals[:, None] + 1).astype(np.float32)


def _occupied(places: NDArray[np.int64]) -> NDArray[np.int64]:
    """A picture with 1 where there is a tile; at the right and the bottom it is a window less one larger than needed,
    so that windows may reach beyond the last tiles."""
    picture = np.zeros(places.max(axis=0) + WINDOW, dtype=np.int64)
    picture[tuple(places.T)] = 1
    return picture
