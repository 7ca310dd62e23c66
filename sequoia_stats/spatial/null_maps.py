"""What correlations between maps are worth: the observed ones among those with maps that are related by chance."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sequoia_base.results import Result
from sequoia_stats.association import correlation_p
from sequoia_stats.types.arrays import Floats

if TYPE_CHECKING:
    import pandas as pd

# The null is kept in float32; what differs from the observed statistic by its rounding is as high.
_ROUNDING = 1e-6
# A p of at most 1 in 20 is above the 95% quantile.
_ONE_IN = 20
# Values of the null that are ranked at once.
_VALUES = 2**23


@dataclass(frozen=True, eq=False)
class SpatialNull(Result):
    """Correlations between maps and truth, beside those with truths that are related to the maps by chance alone.

    Attributes
    ----------
    r : array of shape (genes,)
        Pearson's r over the tiles; 0 if a map is constant.
    r_mean : array of shape (genes,)
        Mean of r in the null, as it is, without a weight; NaN if it is empty.
    r_high : array of shape (genes,)
        95% quantile of the null on the scale on which `p` ranks: r is above it where p is at most .05, but for
        ties. It is the value of rank ⌈.95 (m + 1)⌉ from below, and the highest one if m < 19, where no p is as
        small; NaN if the null is empty.
    p : array of shape (genes,)
        (b + 1) / (m + 1), where b of the m correlations in the null are as high as the observed one or higher; NaN
        if it is empty.
    p_naive : array of shape (genes,)
        One-sided p-value of Student's t, as if tiles were independent.
    n_possible : int
        m, the same for all genes.
    reason : str
        Why the null is empty; "" if it is not.
    null_r : array of float32, shape (m, genes)
        The null itself. A row is one shift, or one draw, of all genes together: statistics of several genes, and
        differences between maps on the same tiles, have their null row by row.
    """

    r: Floats
    r_mean: Floats
    r_high: Floats
    p: Floats
    p_naive: Floats
    n_possible: int
    reason: str
    null_r: NDArray[np.float32] = field(metadata={"show": False}, repr=False)

    def to_frame(self) -> pd.DataFrame:
        """One row a gene, one column a statistic."""
        import pandas as pd

        columns = [f.name for f in fields(self) if f.name in ("r", "r_mean", "r_high", "p", "p_naive")]
        return pd.DataFrame({name: getattr(self, name) for name in columns}).assign(
            n_possible=self.n_possible
        )


def standardised(maps: Floats) -> Floats:
    """Each map with mean 0 and length 1; a constant one is 0.

    Parameters
    ----------
    maps : array of shape (genes, tiles)
    """
    if not maps.size:
        return np.zeros_like(maps)
    centred = maps - maps.mean(axis=1, keepdims=True)
    length = np.sqrt(np.einsum("gt,gt->g", centred, centred))[:, None]
    varies = (np.ptp(maps, axis=1, keepdims=True) > 0) & (length > 0)
    return np.divide(centred, length, out=np.zeros_like(centred), where=varies)


def one_sided_p(r: Floats, tiles: int) -> Floats:
    """Naive p-value of r > 0, as if the tiles were independent.

    Parameters
    ----------
    r : array
        Correlations.
    tiles : int
        Number of tiles.
    """
    half = np.asarray(correlation_p(r, tiles)) / 2
    return np.where(r > 0, half, np.where(r < 0, 1 - half, 0.5))


def rank_statistics(r: Floats, null_r: Floats, weight: Floats, observed_weight: float) -> dict[str, Floats]:
    """Mean, 95% quantile and p of the nulls of some genes; see `SpatialNull`.

    Parameters
    ----------
    r : array of shape (genes,)
        Observed correlations.
    null_r : array of shape (m, genes)
        Correlations in the null.
    weight : array of shape (m,)
        What the correlations of a row are multiplied by before they are ranked.
    observed_weight : float
        The same for the observed ones. The quantile is divided by it, so as to stand beside r.

    Returns
    -------
    dict
        `r_mean`, `r_high` and `p`, arrays of shape (genes,).
    """
    if not len(null_r):
        return {name: np.full(len(r), np.nan) for name in ("r_mean", "r_high", "p")}
    m = len(null_r)
    rank = m - max((m + 1) // _ONE_IN, 1)
    relative = (weight / observed_weight).astype(np.float32)
    as_high, high = np.empty(len(r)), np.empty(len(r))
    genes = max(1, _VALUES // m)
    for start in range(0, len(r), genes):
        block = slice(start, start + genes)
        ranked = np.ascontiguousarray((null_r[:, block] * relative[:, None]).T)
        as_high[block] = (ranked >= r[block, None] - _ROUNDING).sum(axis=1)
        ranked.partition(rank, axis=1)
        high[block] = ranked[:, rank]
    return {"r_mean": null_r.mean(axis=0, dtype=np.float64), "r_high": high, "p": (as_high + 1) / (m + 1)}
