"""Shifted and turned truths: the null of correlations between maps, with the texture of the tissue kept."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sequoia_base.arguments import check_limits, number, whole
from sequoia_stats.errors import InputError
from sequoia_stats.spatial.lattice import as_map_pairs, as_places
from sequoia_stats.spatial.null_maps import SpatialNull, one_sided_p, rank_statistics, standardised
from sequoia_stats.types.arrays import Floats

_LIMITS = {
    "min_overlap": number("above 0, at most 1", lambda value: 0 < value <= 1),
    "max_moves": whole(1),
    "seed": whole(0),
}
#: Moves of which a null has at most; about 4,000 tiles have as many.
MAX_MOVES = 6000
# Values that are worked on at once: padded grids of a block of genes, tiles of a block of shifts.
_VALUES = 2**20
# A variance on the overlap, as a share of that over all tiles, from which a map counts as constant there.
_CONSTANT = 1e-12


@dataclass(frozen=True, eq=False)
class ShiftNull(SpatialNull):
    """Correlations with shifted and turned truths. See `SpatialNull`.

    Attributes
    ----------
    overlap : array of int64, shape (m,)
        Tiles of the map on which a tile of the moved truth lies.
    moves : array of int64, shape (m, 3)
        Quarter turns of the truth, counter-clockwise, and the rows and columns by which the turned truth, with the
        first row and column of its tissue at those of the map's, is then moved.
    note : str
        How many of the possible moves were drawn; "" if the null has all of them.
    """

    overlap: NDArray[np.int64] = field(metadata={"show": False}, repr=False)
    moves: NDArray[np.int64] = field(metadata={"show": False}, repr=False)
    note: str = ""


def shift_null(
    maps: ArrayLike,
    truth: ArrayLike,
    places: ArrayLike,
    *,
    min_overlap: float = 0.6,
    rotations: bool = True,
    periodic: bool = False,
    max_moves: int = MAX_MOVES,
    seed: int = 0,
) -> ShiftNull:
    """Correlate maps with the truth moved over the tissue: all shifts, after each quarter turn.

    Only moves count after which at least `min_overlap` of the tiles lie on tissue, and r is taken on those. A high r
    on few tiles is less than the same r on many: observed and moved ones are ranked by r · √overlap. All moves of
    all genes come from masked correlations by fast Fourier transforms (Padfield 2012). The truth in its place is no
    part of the null. `r_high` is the 95% quantile of r · √(share of the tiles that overlap); `r_mean` is that of r.
    Of more than `max_moves` moves, as many are drawn at random, the same for all genes.

    Parameters
    ----------
    maps, truth : arrays of shape (genes, tiles) or (tiles,)
        Predicted and measured values without missing ones, gene by gene.
    places : array of shape (tiles, 2)
        Row and column of each tile.
    min_overlap : float, default 0.6
        Least share of the tiles that must lie on tissue.
    rotations : bool, default True
        Whether the truth is turned as well.
    periodic : bool, default False
        Whether what leaves the grid comes in on the other side. The tissue must then be a full rectangle; the test
        is exact for fields that are themselves periodic.
    max_moves : int, default 6000
        Most moves of the null.
    seed : int, default 0
        Seed of the moves that are drawn, where there are more.

    Returns
    -------
    ShiftNull
        Without a null, and with the reason, if no move is possible.

    Raises
    ------
    InputError
        If the shapes differ, a value is missing, two tiles are at one place, or `periodic` tissue has gaps.
    """
    return PossibleShifts(
        places,
        min_overlap=min_overlap,
        rotations=rotations,
        periodic=periodic,
        max_moves=max_moves,
        seed=seed,
    ).null(maps, truth)


class PossibleShifts:
    """All moves of truths over the tissue of some tiles, found once for many blocks of genes.

    Parameters
    ----------
    places : array of shape (tiles, 2)
        Row and column of each tile.
    min_overlap, rotations, periodic, max_moves, seed
        As in `shift_null`.

    Raises
    ------
    InputError
        If two tiles are at one place, or `periodic` tissue has gaps.
    """

    def __init__(
        self,
        places: ArrayLike,
        *,
        min_overlap: float = 0.6,
        rotations: bool = True,
        periodic: bool = False,
        max_moves: int = MAX_MOVES,
        seed: int = 0,
    ) -> None:
        check_limits({"min_overlap": min_overlap, "max_moves": max_moves, "seed": seed}, _LIMITS)
        tiles = as_places(places)
        if len(tiles):
            tiles = tiles - tiles.min(axis=0)
        shape = tuple(tiles.max(axis=0, initial=-1) + 1)
        if periodic and len(tiles) != shape[0] * shape[1]:
            raise InputError(
                f"{len(tiles)} tiles do not fill a grid of {shape[0]} × {shape[1]}",
                fix="leave out periodic=True for tissue that is not a full rectangle",
            )
        quarters = [0] if not rotations else [0, 2] if periodic and shape[0] != shape[1] else [0, 1, 2, 3]
        self.tiles, self.min_overlap = len(tiles), min_overlap
        self.turns = [_Turn(tiles, k, min_overlap, periodic) for k in quarters] if len(tiles) > 2 else []
        self.note = self._thin(max_moves, seed)
        self.overlap = np.concatenate([np.zeros(0, np.int64), *(turn.overlap for turn in self.turns)])
        self.moves = np.concatenate([np.zeros((0, 3), np.int64), *(turn.moves for turn in self.turns)])

    def _thin(self, most: int, seed: int) -> str:
        """Draw `most` of the moves, in their order, if there are more; say so."""
        n = sum(len(turn.overlap) for turn in self.turns)
        if n <= most:
            return ""
        drawn = np.zeros(n, bool)
        drawn[np.random.default_rng(seed).choice(n, most, replace=False)] = True
        ends = np.cumsum([len(turn.overlap) for turn in self.turns])
        for turn, kept in zip(self.turns, np.split(drawn, ends[:-1]), strict=True):
            turn.keep(kept)
        return f"{most:,} of {n:,} possible moves of the truth were drawn at random"

    def null(self, maps: ArrayLike, truth: ArrayLike) -> ShiftNull:
        """The null of some genes; see `shift_null`.

        Parameters
        ----------
        maps, truth : arrays of shape (genes, tiles) or (tiles,)
            Predicted and measured values without missing ones, gene by gene.

        Returns
        -------
        ShiftNull

        Raises
        ------
        InputError
            If the shapes differ, or a value is missing.
        """
        a, b = (standardised(values) for values in as_map_pairs(maps, truth, self.tiles))
        r = np.clip(np.einsum("gt,gt->g", a, b), -1, 1)
        moved = [turn.correlations(a, b) for turn in self.turns]
        null_r = np.concatenate([np.zeros((0, len(r)), np.float32), *moved])
        n = len(self.overlap)
        return ShiftNull(
            r=r,
            p_naive=one_sided_p(r, self.tiles),
            n_possible=n,
            reason="" if n else f"no shift leaves {self.min_overlap:.0%} of the tiles on tissue",
            null_r=null_r,
            overlap=self.overlap,
            moves=self.moves,
            note=self.note,
            **rank_statistics(r, null_r, np.sqrt(self.overlap), np.sqrt(self.tiles)),
        )


def turned(places: NDArray[np.int64], quarters: int) -> NDArray[np.int64]:
    """Places after quarter turns counter-clockwise, with the first row and column at 0.

    Parameters
    ----------
    places : array of int64, shape (tiles, 2)
        Row and column.
    quarters : int
        Number of quarter turns.
    """
    for _ in range(quarters % 4):
        places = np.stack([-places[:, 1], places[:, 0]], axis=1)
    return places - places.min(axis=0)


class _Turn:
    """All possible shifts of the truth after one turn.

    Sums of one map over the overlap are products with the tiles that take part. The sum of products at a shift s is
    the inverse transform of F(map) · conj(F(truth)) at s, on grids padded just so far that no possible shift wraps.
    """

    def __init__(self, places: NDArray[np.int64], quarters: int, min_overlap: float, periodic: bool) -> None:
        self.here, self.there = places, turned(places, quarters)
        sizes = self.here.max(axis=0) + 1, self.there.max(axis=0) + 1
        self.shape = tuple(sizes[0]) if periodic else _fast(sizes[0] + sizes[1] - 1)
        ones = np.ones((1, len(places)))
        counts = np.rint(self._products(ones, ones)[0])
        if quarters == 0:
            counts[0, 0] = 0  # the truth in its place
        enough = counts >= max(np.ceil(min_overlap * len(places) - 1e-9), 3)
        shifts = np.argwhere(enough)
        if not periodic:
            shifts = np.where(shifts >= sizes[0], shifts - np.array(self.shape), shifts)
            reach = np.maximum(
                sizes[0] - shifts.min(axis=0, initial=0), sizes[1] + shifts.max(axis=0, initial=0)
            )
            self.shape = _fast(reach)
        self.overlap = counts[enough].astype(np.int64)
        self.moves = np.column_stack([np.full(len(shifts), quarters), shifts])

    def keep(self, kept: NDArray[np.bool_]) -> None:
        """Leave out some of the shifts."""
        self.overlap, self.moves = self.overlap[kept], self.moves[kept]

    def correlations(self, a: Floats, b: Floats) -> NDArray[np.float32]:
        """Pearson's r on the overlap at each shift, of shape (shifts, genes); 0 where a map is constant there."""
        result = np.empty((len(self.overlap), len(a)), np.float32)
        products = self._products_at_shifts(a, b)
        shifts = max(1, _VALUES // len(self.here))
        for start in range(0, len(result), shifts):
            block = slice(start, start + shifts)
            result[block] = self._block(a, b, products[:, block], block).T
        return result

    def _block(self, a: Floats, b: Floats, products: Floats, block: slice) -> Floats:
        """Pearson's r at some of the shifts, of shape (genes, shifts)."""
        n = self.overlap[block]
        (sum_a, var_a), (sum_b, var_b) = (
            _moments(x, taken, n)
            for x, taken in zip((a, b), self._tiles_that_take_part(self.moves[block, 1:]), strict=True)
        )
        covariance = products - sum_a * sum_b / n
        scale = np.sqrt(np.where((var_a > _CONSTANT) & (var_b > _CONSTANT), var_a * var_b, np.inf))
        return np.clip(covariance / scale, -1, 1)

    def _products_at_shifts(self, a: Floats, b: Floats) -> Floats:
        """Sums over the overlap of maps times shifted truths, of shape (genes, shifts)."""
        result = np.empty((len(a), len(self.overlap)))
        at = tuple((self.moves[:, 1:] % self.shape).T)
        genes = max(1, _VALUES // int(np.prod(self.shape)))
        for start in range(0, len(a), genes):
            block = slice(start, start + genes)
            result[block] = self._products(a[block], b[block])[:, *at]
        return result

    def _products(self, a: Floats, b: Floats) -> Floats:
        """Sums over the overlap of maps times shifted truths, on a grid of shifts."""
        from scipy.fft import irfft2

        spectra = self._spectra(b, self.there)
        np.conj(spectra, out=spectra)
        spectra *= self._spectra(a, self.here)
        return irfft2(spectra, s=self.shape, overwrite_x=True)

    def _spectra(self, values: Floats, places: NDArray[np.int64]) -> NDArray[np.complex128]:
        """Transforms of maps on the padded grid."""
        from scipy.fft import rfft2

        grids = np.zeros((len(values), *self.shape))
        grids[:, places[:, 0], places[:, 1]] = values
        return rfft2(grids, overwrite_x=True)

    def _tiles_that_take_part(self, shifts: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """1 for each tile of the map, and of the truth, that is in the overlap, of shape (tiles, shifts)."""
        taken = []
        for mine, other, sign in ((self.here, self.there, -1), (self.there, self.here, 1)):
            occupied = np.zeros(self.shape)
            occupied[tuple(other.T)] = 1
            rows, columns = ((mine[:, None] + sign * shifts) % self.shape).transpose(2, 0, 1)
            taken.append(occupied[rows, columns])
        return taken[0], taken[1]


def _moments(maps: Floats, taken: Floats, n: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Sum of each map over the tiles of each overlap, and its sum of squares around the mean there."""
    total = maps @ taken
    return total, (maps * maps) @ taken - total**2 / n


def _fast(sizes: NDArray[np.int64]) -> tuple[int, ...]:
    """The next sizes whose Fourier transforms are fast."""
    from scipy.fft import next_fast_len

    return tuple(next_fast_len(int(size), real=True) for size in sizes)
