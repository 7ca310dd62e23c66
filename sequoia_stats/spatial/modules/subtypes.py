"""The subtype of a tile or spot: the module whose percentile is highest there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sequoia_base.results import Result
from sequoia_stats.errors import InputError, counted
from sequoia_stats.spatial.percentiles import percentiles

if TYPE_CHECKING:
    from sequoia_stats.types.spatial_truth import SpatialTruth

_HIDDEN = {"show": False}


@dataclass(frozen=True, eq=False)
class SubtypeMap(Result):
    """The subtype of each tile of a slide, or of each spot of a section.

    Parameters
    ----------
    slide : str
        Name of the slide or section.
    modules : tuple of str
        The modules or programmes.
    names : tuple of str
        Names of the tiles or spots.
    centres_um : array of shape (n, 2)
        Their centres, x before y, µm.
    side_um : float
        Side of a tile, or diameter of a spot, µm.
    shape : {"square", "circle"}
        Tiles are squares, spots are circles.
    scores : array of shape (n, modules)
        The score of each module; NaN where there is none.
    percentiles : array of shape (n, modules)
        100 × rank / n over the tiles that have the score, ties averaged: in (0, 100].
    best : array of shape (n,)
        int64; the column of the highest percentile, the first of several; −1 where a score is missing.
    margins : array of shape (n,)
        How far the highest percentile is above the second; 0 for a tie, NaN where a score is missing.
    """

    slide: str
    modules: tuple[str, ...]
    names: tuple[str, ...] = field(metadata=_HIDDEN)
    centres_um: NDArray[np.float64] = field(metadata=_HIDDEN)
    side_um: float
    shape: str
    scores: NDArray[np.float64] = field(metadata=_HIDDEN)
    percentiles: NDArray[np.float64] = field(metadata=_HIDDEN)
    best: NDArray[np.int64] = field(metadata=_HIDDEN)
    margins: NDArray[np.float64] = field(metadata=_HIDDEN)

    @property
    def labels(self) -> NDArray[np.object_]:
        """The name of the subtype of each tile; "" where a score is missing."""
        return np.array([*self.modules, ""], dtype=object)[self.best]

    @property
    def counts(self) -> dict[str, int]:
        """How many tiles have each subtype."""
        found = np.bincount(self.best[self.best >= 0], minlength=len(self.modules))
        return dict(zip(self.modules, found.tolist(), strict=True))

    @property
    def n_tied(self) -> int:
        """How many tiles have two modules with the highest percentile."""
        return int((self.margins == 0).sum())

    def to_dict(self) -> dict[str, object]:
        """Name of the slide, its tiles or spots, how many have each subtype, how many none, how many are tied."""
        return {
            "slide": self.slide,
            "n": len(self.names),
            "subtypes": self.counts,
            "n_none": int((self.best < 0).sum()),
            "n_tied": self.n_tied,
        }

    def to_frame(self) -> pd.DataFrame:
        """A row per tile: slide, tile, x_um, y_um, subtype, margin, and the percentile of each module."""
        frame = pd.DataFrame(
            {
                "slide": self.slide,
                "tile": list(self.names),
                "x_um": self.centres_um[:, 0],
                "y_um": self.centres_um[:, 1],
                "subtype": self.labels,
                "margin": self.margins,
            }
        )
        ranks = pd.DataFrame(self.percentiles, columns=[f"percentile_{name}" for name in self.modules])
        return pd.concat([frame, ranks], axis=1)


def highest(ranks: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The column of the largest value of each row, and how far it is above the second.

    Parameters
    ----------
    ranks : array of shape (n, modules)
        Percentiles of two or more modules.

    Returns
    -------
    best : array of shape (n,)
        int64; the first of several equal ones; −1 where a value is missing.
    margins : array of shape (n,)
        0 where the two largest are equal; NaN where a value is missing.
    """
    ranks = np.asarray(ranks, dtype=np.float64)
    whole = ~np.isnan(ranks).any(axis=1)
    best, margins = np.full(len(ranks), -1, dtype=np.int64), np.full(len(ranks), np.nan)
    best[whole] = ranks[whole].argmax(axis=1)
    top = np.partition(ranks[whole], ranks.shape[1] - 2, axis=1)
    margins[whole] = top[:, -1] - top[:, -2]
    return best, margins


def subtype_map(
    scores: ArrayLike,
    modules: Sequence[str],
    *,
    slide: str,
    names: Sequence[str],
    centres_um: ArrayLike,
    side_um: float,
    shape: str = "square",
) -> SubtypeMap:
    """Give each tile the module with the highest percentile over the slide.

    A module without a score on any tile (none of its genes varies) is no subtype of this slide.

    Parameters
    ----------
    scores : array of shape (n, modules)
        The score of each module on each tile; NaN where there is none.
    modules : sequence of str
        Names of the modules, in the order that decides ties.
    slide, names, centres_um, side_um, shape
        As in `SubtypeMap`.

    Returns
    -------
    SubtypeMap

    Raises
    ------
    InputError
        If fewer than two modules have scores.
    """
    values = np.asarray(scores, dtype=np.float64)
    scored = np.flatnonzero(~np.isnan(values).all(axis=0))
    if len(scored) < 2:
        raise InputError(
            f"a subtype is the highest of several modules, but only {len(scored)} of "
            f"{counted(values.shape[1], 'module')} has scores"
            + (": no gene of the others varies" if values.shape[1] > 1 else ""),
            where=f"slide {slide}",
            fix="leave the slide out" if values.shape[1] > 1 else "give several modules",
        )
    ranks = percentiles(values.T).T
    best, margins = highest(ranks[:, scored])
    return SubtypeMap(
        slide=slide,
        modules=tuple(modules),
        names=tuple(names),
        centres_um=np.asarray(centres_um, dtype=np.float64),
        side_um=float(side_um),
        shape=shape,
        scores=values,
        percentiles=ranks,
        best=np.where(best < 0, -1, scored[best]),
        margins=margins,
    )


def subtypes_of_programmes(truth: SpatialTruth) -> SubtypeMap:
    """The subtype of each spot from measured programmes alone: no counts are needed.

    Parameters
    ----------
    truth : SpatialTruth
        A section whose spots have the scores of two or more programmes.

    Returns
    -------
    SubtypeMap
        Of spots; a spot that lacks a score has no subtype.

    Raises
    ------
    InputError
        If the section has no programmes, or only one.
    """
    if truth.programmes is None or truth.programmes.shape[1] == 0:
        raise InputError(
            "the section has no scores of programmes", where=truth.name, fix="use its counts: evaluate a map"
        )
    return subtype_map(
        truth.programmes.to_numpy(dtype=np.float64),
        [str(name) for name in truth.programmes.columns],
        slide=truth.name,
        names=truth.spots,
        centres_um=truth.centres_um,
        side_um=truth.spot_um,
        shape="circle",
    )
