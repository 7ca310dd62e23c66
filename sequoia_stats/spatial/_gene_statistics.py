"""All statistics of the genes of one block: a map against a truth on the same tiles, and against chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from sequoia_stats.association import partial_correlation, pearson
from sequoia_stats.spatial.moran import morans_i
from sequoia_stats.spatial.normalising import normalise
from sequoia_stats.spatial.percentiles import percentiles
from sequoia_stats.spatial.rankings import NullOfGenes
from sequoia_stats.spatial.shifts import PossibleShifts, ShiftNull
from sequoia_stats.spatial.similarity import jensen_shannon, ssim
from sequoia_stats.spatial.spectral import spectral_null
from sequoia_stats.spatial.transport import emds
from sequoia_stats.spatial.truth_on_tiles import TileTruth
from sequoia_stats.types.arrays import Floats

#: The first columns of genes.csv, in this order.
FIRST_COLUMNS = (
    "gene", "r", "spearman", "ssim", "js", "emd", "moran_truth", "moran_map", "r_shift_mean", "p_shift", "r_partial",
    "n_tiles",
)  # fmt: skip

#: Ranks reverse if a gene is in the upper third by one normalisation and in the lower third by the other.
_THIRDS = (1 / 3, 2 / 3)


@dataclass(frozen=True, eq=False)
class SlideSetting:
    """What the genes of a slide share.

    Attributes
    ----------
    tiles : TileTruth
        The tiles and their spots, by the rule of the evaluation.
    one_spot : TileTruth
        The same with the nearest spot alone.
    other : TileTruth
        The same by the other rule.
    weights : sparse array of shape (tiles, tiles)
        Neighbours of the tiles.
    vectors : array of shape (tiles, tiles - 1) or None
        Their eigenvectors (`spectral.moran_eigenvectors`); None if there is no spectral null, or no eigenvectors.
    given : array of shape (tiles, covariates)
        What partial correlations hold constant.
    shifts : PossibleShifts
        The moves of the truth.
    n_spectral : int
        Number of random maps of the spectral null; 0 for none.
    seed : int
        Their random seed.
    with_emd : frozenset of str, optional
        Genes whose earth mover's distances are found; all by default.
    """

    tiles: TileTruth
    one_spot: TileTruth
    other: TileTruth
    weights: sp.sparray
    vectors: Floats | None
    given: Floats
    shifts: PossibleShifts
    n_spectral: int
    seed: int
    with_emd: frozenset[str] | None = None


def gene_statistics(
    genes: list[str], maps: Floats, counts: Any, setting: SlideSetting
) -> tuple[pd.DataFrame, NullOfGenes]:
    """The statistics of some genes; see docs/spatial.md for each column.

    Parameters
    ----------
    genes : list of str
        Their names.
    maps : array of shape (genes, tiles of the map)
        Predicted maps, NaN outside the windows.
    counts : array of shape (spots, genes)
        Raw counts.
    setting : SlideSetting
        What the genes of a slide share.

    Returns
    -------
    table : DataFrame
        A row per gene.
    null : NullOfGenes
        Their correlations with shifted truths.
    """
    tiles = setting.tiles
    far = np.array([setting.with_emd is None or gene in setting.with_emd for gene in genes])
    unsmoothed = tiles.unsmoothed(counts)
    a, b = tiles.scaled(maps[:, tiles.tiles]), tiles.smoothed(unsmoothed)
    a_ranks, b_ranks = percentiles(a), percentiles(b)
    shifts = setting.shifts.null(a, b)
    one, second = setting.one_spot.unsmoothed(counts), tiles.unsmoothed(counts, "pearson-residuals")
    columns: dict[str, Any] = {
        "gene": genes,
        "r": shifts.r,
        "spearman": correlations(a_ranks, b_ranks),
        "ssim": ssim(a_ranks, b_ranks, tiles.places),
        "js": jensen_shannon(a_ranks, b_ranks),
        "emd": rule_emds(a_ranks, b_ranks, tiles, far),
        "moran_truth": morans_i(b, setting.weights),
        "moran_map": morans_i(a, setting.weights),
        "r_shift_mean": shifts.r_mean,
        "p_shift": shifts.p,
        "r_partial": partial_correlation(a.T, b.T, setting.given).r,
        "n_tiles": tiles.n,
        "r_beyond": shifts.r - shifts.r_mean,
        "r_shift_high": shifts.r_high,
        "n_shifts": shifts.n_possible,
        **_spectral(a, b, setting),
        "p_naive": shifts.p_naive,
        "emd_flat": rule_emds(np.ones_like(b_ranks), b_ranks, tiles, far),
        "r_unsmoothed": correlations(a, tiles.scaled(unsmoothed)),
        "r_one_spot": correlations(a, tiles.scaled(one)),
        "moran_unsmoothed": morans_i(tiles.scaled(unsmoothed), setting.weights),
        "moran_one_spot": morans_i(tiles.scaled(one), setting.weights),
        "r_pearson_residuals": correlations(a, tiles.smoothed(second)),
        **_by_the_other_rule(maps, counts, setting.other, far),
        "variance": normalise(counts, tiles.totals).var(axis=0),
        "total_counts": np.asarray(counts.sum(axis=0)).ravel(),
    }
    return pd.DataFrame(columns), NullOfGenes(tuple(genes), weighted(shifts, tiles.n))


def rank_reverses(one: pd.Series, other: pd.Series) -> pd.Series:
    """Which genes are in the upper third by one statistic and in the lower third by the other, bool.

    Parameters
    ----------
    one, other : Series
        r of the same genes by two normalisations.
    """
    low, high = _THIRDS
    a, b = one.rank(pct=True), other.rank(pct=True)
    return ((a > high) & (b <= low)) | ((b > high) & (a <= low))


def weighted(shifts: ShiftNull, n: int) -> NDArray[np.float32]:
    """R under every shift times √(tiles that overlap / all tiles), (shifts, genes): small overlaps vary more."""
    return (shifts.null_r * np.sqrt(shifts.overlap / n)[:, None]).astype(np.float32)


def correlations(a: Floats, b: Floats) -> Floats:
    """Pearson's r of each map with the same row of the other array, (genes,)."""
    return pearson(a.T, b.T).r


def rule_emds(a: Floats, b: Floats, tiles: TileTruth, of: NDArray[np.bool_] | None = None) -> Floats:
    """Earth mover's distances of percentile maps, normalised by the rule.

    Parameters
    ----------
    a, b : arrays of shape (genes, tiles)
        Percentiles.
    tiles : TileTruth
        The tiles.
    of : array of shape (genes,), bool, optional
        Genes whose distance is found; all by default.

    Returns
    -------
    array of shape (genes,)
        NaN for other genes. In diagonals of the occupied tiles by the strict rule. By the paper's rule, in
        widths of their box, as the published code divides by √(n · n), where n is the first side of its grid.
    """
    of = np.ones(len(a), bool) if of is None else of
    distance = np.full(len(a), np.nan)
    distance[of] = emds(a[of], b[of], tiles.places)
    if tiles.rule == "strict":
        return distance
    rows, columns = np.ptp(tiles.places, axis=0)
    return distance * np.hypot(rows, columns) / (columns + 1)


def _spectral(a: Floats, b: Floats, setting: SlideSetting) -> dict[str, Any]:
    if not setting.n_spectral:
        return dict.fromkeys(("r_spectral_mean", "r_spectral_high", "p_spectral"), np.nan)
    null = spectral_null(
        a, b, setting.weights, n=setting.n_spectral, seed=setting.seed, vectors=setting.vectors
    )
    return {"r_spectral_mean": null.r_mean, "r_spectral_high": null.r_high, "p_spectral": null.p}


def _by_the_other_rule(
    maps: Floats, counts: Any, tiles: TileTruth, far: NDArray[np.bool_]
) -> dict[str, Floats]:
    a, b = tiles.scaled(maps[:, tiles.tiles]), tiles.smoothed(tiles.unsmoothed(counts))
    distance = rule_emds(percentiles(a), percentiles(b), tiles, far)
    return {f"r_{tiles.rule}": correlations(a, b), f"emd_{tiles.rule}": distance}
