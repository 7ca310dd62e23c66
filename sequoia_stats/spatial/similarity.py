"""How alike two maps look: structural similarity, and the Jensen–Shannon divergence of their masses."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from sequoia_base.arguments import check_limits, number, whole
from sequoia_stats.spatial.lattice import as_map_pairs, as_masses, as_places, within
from sequoia_stats.types.arrays import Floats

_LIMITS = {
    "window": lambda value: whole(3)(value) or ("" if value % 2 else "an odd number, 3 or more"),
    "data_range": number("above 0", lambda value: value > 0),
}
_K1, _K2 = 0.01, 0.03


def ssim(
    first: ArrayLike, second: ArrayLike, places: ArrayLike, *, window: int = 7, data_range: float = 100.0
) -> Floats:
    """Mean structural similarity of pairs of maps, over the tissue alone.

    As `local_ssim`, averaged over the tiles.

    Parameters
    ----------
    first, second : arrays of shape (genes, tiles) or (tiles,)
        Maps without missing values.
    places : array of shape (tiles, 2)
        Row and column of each tile.
    window : int, default 7
        Side of the window around a tile, an odd number of tiles.
    data_range : float, default 100
        Range of the values: that of percentiles.

    Returns
    -------
    array of shape (genes,)
        1 for equal maps; NaN without tiles.

    Raises
    ------
    InputError
        If the shapes differ, a value is missing, or two tiles are at one place.

    Examples
    --------
    >>> places = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> ssim([[10, 40, 70, 100], [10, 40, 70, 100]], [[10, 40, 70, 100], [100, 70, 40, 10]], places).round(2)
    array([ 1.  , -0.99])
    """
    local = local_ssim(first, second, places, window=window, data_range=data_range)
    return local.mean(axis=1) if local.shape[1] else np.full(len(local), np.nan)


def local_ssim(
    first: ArrayLike, second: ArrayLike, places: ArrayLike, *, window: int = 7, data_range: float = 100.0
) -> Floats:
    """Structural similarity of pairs of maps around each tile (Wang et al. 2004).

    Means, variances and the covariance of a tile are those of the tiles in the square window around it; places
    without tissue have no part. (Co)variances divide by n − 1, and are 0 for a tile that is alone. Where a window
    is full, this is ``skimage.metrics.structural_similarity(full=True)`` with the same window.

    Parameters
    ----------
    first, second : arrays of shape (genes, tiles) or (tiles,)
        Maps without missing values.
    places : array of shape (tiles, 2)
        Row and column of each tile.
    window : int, default 7
        Side of the window, an odd number of tiles.
    data_range : float, default 100
        Range of the values.

    Returns
    -------
    array of shape (genes, tiles)

    Raises
    ------
    InputError
        If the shapes differ, a value is missing, or two tiles are at one place.
    """
    check_limits({"window": window, "data_range": data_range}, _LIMITS)
    places = as_places(places)
    a, b = as_map_pairs(first, second, len(places))
    if not len(places):
        return np.zeros((len(a), 0))
    near = within(places, window // 2)
    n = near.sum(axis=1)

    def mean(x: Floats) -> Floats:
        return (near @ x.T).T / n

    centre_a, centre_b = a.mean(axis=1, keepdims=True), b.mean(axis=1, keepdims=True)
    x, y = a - centre_a, b - centre_b  # squares of small numbers lose fewer digits
    mean_x, mean_y = mean(x), mean(y)
    unbiased = n / np.maximum(n - 1, 1)
    variances = unbiased * (mean(x * x) - mean_x**2 + mean(y * y) - mean_y**2)
    covariance = unbiased * (mean(x * y) - mean_x * mean_y)
    mean_a, mean_b = mean_x + centre_a, mean_y + centre_b
    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return luminance * (2 * covariance + c2) / (variances + c2)


def jensen_shannon(first: ArrayLike, second: ArrayLike) -> Floats:
    """Jensen–Shannon divergence in bits of pairs of maps, each taken as a distribution of masses over the tiles.

    It is the square of SciPy's ``jensenshannon(base=2)``, and does not know where tiles are.

    Parameters
    ----------
    first, second : arrays of shape (genes, tiles) or (tiles,)
        Maps of values 0 or more.

    Returns
    -------
    array of shape (genes,)
        From 0 (proportional maps, or both zero) to 1 (no tile in common); NaN if one of them is zero.

    Raises
    ------
    InputError
        If the shapes differ, or a value is missing or negative.

    Examples
    --------
    >>> jensen_shannon([[1, 3], [1, 0]], [[2, 6], [0, 1]])
    array([0., 1.])
    """
    tiles = np.atleast_2d(np.asarray(first)).shape[-1]
    a, b = (as_masses(maps) for maps in as_map_pairs(first, second, tiles))
    middle = (a + b) / 2
    bits = (_divergence(a, middle) + _divergence(b, middle)) / 2
    both_zero = ~a.any(axis=1) & ~b.any(axis=1)
    bits[a.any(axis=1) != b.any(axis=1)] = np.nan
    bits[both_zero] = 0
    return np.clip(bits, 0, 1)


def _divergence(p: Floats, q: Floats) -> Floats:
    """Kullback–Leibler divergence of rows in bits, where q is at least p / 2."""
    ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    return (p * np.log2(ratio)).sum(axis=1)
