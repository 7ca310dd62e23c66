"""From a slide to its tiles: the places that lie in the tissue mask, and those whose pixels pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sequoia_model.errors import InputError, counted
from sequoia_model.slide import Slide, open_slide
from sequoia_model.tiles._checks import (
    BACKGROUND,
    CHECKS,
    EXCLUDED,
    INKED,
    LOW_CONTRAST,
    OUTSIDE,
    REASONS,
)
from sequoia_model.tiles._region import find_region
from sequoia_model.tiles.batches import (
    BATCH,
    Pixels,
    PixelTransform,
    TileBatch,
    TileReader,
    in_batches,
)
from sequoia_model.tiles.options import NOT_DRAWN, TileOptions, check_least
from sequoia_model.tissue import TissueMask
from sequoia_model.types.grid import TileGrid, grid_places, tile_side
from sequoia_model.types.units import TILE_MPP, TILE_SIZE


@dataclass(frozen=True, eq=False)
class Candidates:
    """The places of a slide that lie in the tissue mask; made by `find_candidates`.

    Parameters
    ----------
    slide : Slide
        The slide.
    options : TileOptions
        How tiles are chosen and read.
    mask : TissueMask
        Where tiles may lie: tissue or annotation, without ink and excluded areas.
    side : int
        Side of a tile in level-0 pixels.
    n_places : int
        Number of places of the grid.
    coords : array of shape (n, 2), int64
        Top-left corners of the candidates, by y, then x.
    left_out : mapping of str to int
        Number of places that the mask left out, by reason.
    """

    slide: Slide
    options: TileOptions
    mask: TissueMask
    side: int
    n_places: int
    coords: NDArray[np.int64]
    left_out: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.coords)

    @property
    def most(self) -> int:
        """Largest possible number of tiles."""
        return len(self) if self.options.max_tiles is None else min(self.options.max_tiles, len(self))

    def read(
        self,
        use: Callable[[TileBatch], object],
        *,
        transform: PixelTransform | None = None,
        batch: int = BATCH,
        earlier: TileChoice | None = None,
    ) -> TileChoice:
        """Read the candidates and use those whose pixels pass, at most `max_tiles` of them.

        If there are more candidates than `max_tiles`, they are tried in random order, and the first that pass are the
        tiles. They are read in rounds, each as large as the number of tiles still missing and sorted by place.

        Parameters
        ----------
        use : callable
            Called with each batch of tiles that pass.
        transform : callable, optional
            Called in the reader threads with each tile that passes (256, 256, 3); all arrays that it returns have the
            same shape.
        batch : int
            Number of tiles in each batch except the last.
        earlier : TileChoice, optional
            A choice of fewer tiles, which is continued: its candidates are not read again.

        Returns
        -------
        TileChoice
            With the tiles of the earlier choice.

        Raises
        ------
        InputError
            If a place of the slide cannot be read.
        """
        check_least("batch_size", batch)
        return self._read(use, transform, batch, earlier)

    def examine(self) -> TileChoice:
        """Test the candidates without keeping their pixels.

        Raises
        ------
        InputError
            If a place of the slide cannot be read.
        """
        return self._read(None, None, BATCH, None)

    def recall(
        self, coords: NDArray[np.number], tried: NDArray[np.number] | None, left_out: Mapping[str, int]
    ) -> TileChoice | None:
        """An earlier choice among these candidates, from what a file says about it.

        Parameters
        ----------
        coords : array of shape (tiles, 2)
            Its tiles.
        tried : array of shape (n, 2), optional
            The candidates that were read for it. If the file does not say so, they are the first of the random order,
            as many as there are tiles and places left out for their pixels.
        left_out : mapping of str to int
            Number of places that were left out, by reason.

        Returns
        -------
        TileChoice or None
            None if these candidates cannot have led to it.
        """
        lost = Counter({reason: left_out.get(reason, 0) for reason in REASONS[self.options.effective_rule]})
        n_tried = len(coords) + lost.total()
        drawn = self._drawn()[:n_tried]
        kept, indices = self._indices(coords), drawn if tried is None else self._indices(tried)
        if indices is None or kept is None or not np.isin(kept, indices).all() or len(indices) != n_tried:
            return None
        if not (np.diff(kept) > 0).all():  # in another order, or twice: whose vectors are whose is not known
            return None
        if len(indices) < len(self) and not np.array_equal(np.sort(drawn), np.sort(indices)):
            return None
        return self._choice(kept, lost, indices, 0.0)

    def _read(
        self,
        use: Callable[[TileBatch], object] | None,
        transform: PixelTransform | None,
        batch: int,
        earlier: TileChoice | None,
    ) -> TileChoice:
        order, tried, kept, lost = self._order(earlier)

        def passing(reader: TileReader) -> Iterator[tuple[NDArray[np.int64], Pixels]]:
            nonlocal tried
            while tried < len(order) and len(kept) < self.most:
                these = np.sort(order[tried : tried + self.most - len(kept)])
                tried += len(these)
                for index, (reason, pixels) in zip(these, reader.tiles(self.coords[these]), strict=True):
                    if reason:
                        lost[reason] += 1
                    else:
                        kept.append(int(index))
                        yield self.coords[index], pixels

        reader = TileReader(
            self.slide, self.side, TILE_SIZE, CHECKS[self.options.effective_rule], transform, self.options.jobs,
            ahead=2 * batch, keep_pixels=use is not None,
        )  # fmt: skip
        with reader:
            if use is None:
                for _ in passing(reader):
                    pass
            else:
                for tiles in in_batches(passing(reader), reader, batch):
                    use(tiles)
            return self._choice(np.array(kept, dtype=np.intp), lost, order[:tried], reader.waited)

    def _order(self, earlier: TileChoice | None) -> tuple[NDArray[np.intp], int, list[int], Counter[str]]:
        """The order in which candidates are tried; how many were tried before, and which of them are tiles."""
        order = np.arange(len(self)) if self.most == len(self) else self._drawn()
        if earlier is None:
            return order, 0, [], Counter()
        before, kept = self._indices(earlier.tried), self._indices(earlier.grid.coords)
        assert before is not None and kept is not None
        order = np.concatenate([before, order[~np.isin(order, before)]])
        return order, len(before), kept.tolist(), Counter(earlier.grid.left_out)

    def _drawn(self) -> NDArray[np.intp]:
        """The candidates in random order, which does not depend on how many are wanted."""
        return np.random.default_rng(self.options.seed).permutation(len(self))

    def _indices(self, corners: NDArray[np.number]) -> NDArray[np.intp] | None:
        """Which candidates have these corners; None if some are not candidates."""
        width = self.slide.size[0]
        keys, wanted = (each[:, 1] * width + each[:, 0] for each in (self.coords, corners))
        found = np.searchsorted(keys, wanted)
        return found if (found < len(keys)).all() and (keys[found] == wanted).all() else None

    def _choice(
        self, kept: NDArray[np.intp], lost: Mapping[str, int], tried: NDArray[np.intp], waited: float
    ) -> TileChoice:
        rule = self.options.effective_rule
        counts = {reason: lost.get(reason, 0) for reason in REASONS[rule]}
        grid = TileGrid(
            slide=self.slide.name,
            coords=self.coords[np.sort(kept)],
            side=self.side,
            slide_mpp=self.slide.mpp,
            slide_size=self.slide.size,
            rule=rule,
            seed=self.options.seed,
            n_places=self.n_places,
            left_out={**self.left_out, **counts, NOT_DRAWN: len(self) - len(tried)},
        )
        return TileChoice(self, grid, self.coords[tried], waited)


@dataclass(frozen=True, eq=False)
class TileChoice:
    """The tiles of a slide, chosen by the mask and by their pixels.

    Parameters
    ----------
    candidates : Candidates
        The places they were chosen from.
    grid : TileGrid
        The tiles, and why the other places were left out.
    tried : array of shape (n, 2), int64
        Top-left corners of the candidates that were read, in that order.
    waited : float
        Seconds spent waiting for pixels.
    """

    candidates: Candidates
    grid: TileGrid
    tried: NDArray[np.int64]
    waited: float = 0.0

    def refuse_empty(self) -> None:
        """Stop if there is no tile.

        Raises
        ------
        InputError
            If there is none; says why the places were left out.
        """
        if len(self.grid):
            return
        slide, n_places = self.candidates.slide, self.grid.n_places
        if not n_places:
            width, height = slide.size
            raise InputError(
                f"the slide is smaller than a tile: {width} × {height} pixels, and a tile is {self.grid.side} wide",
                where=str(slide.path),
            )
        left_out = self.grid.left_out
        shares = {reason: "all" if n == n_places else f"{n:,}" for reason, n in left_out.items() if n}
        reasons = ", ".join(f"{share} as {reason}" for reason, share in shares.items())
        drawn = OUTSIDE in left_out
        what = "lies in the annotation" if left_out.get(OUTSIDE) == n_places else "of the slide holds tissue"
        if drawn and left_out[OUTSIDE] < n_places:
            what = "in the annotation can be used"
        raise InputError(
            f"no tile {what}: {counted(n_places, 'place')} left out, {reasons}",
            where=str(slide.path),
            fix="; ".join([_way_out(left_out, drawn), *self.candidates.mask.notes]),
        )


def _way_out(left_out: Mapping[str, int], drawn: bool) -> str:
    """What to do if no tile is left, by the reason of most places that lie in the tissue or the annotation."""
    reasons = {reason: n for reason, n in left_out.items() if n and reason not in (BACKGROUND, OUTSIDE)}
    if not reasons and drawn:
        return f"draw larger areas, on this slide: a tile is {TILE_SIZE * TILE_MPP:g} µm wide"
    most = max(reasons, key=lambda reason: reasons[reason], default=BACKGROUND)
    if most == INKED:
        return "if this is not ink, use --keep-ink"
    if most == LOW_CONTRAST:
        return "check that there is tissue and that it is in focus: flat or very pale tiles cannot be used"
    if most == EXCLUDED:
        return "exclude fewer areas"
    return "check that tissue was drawn" if drawn else "if there is tissue, mark it with --annotation FILE"


def find_candidates(
    slide: Slide, options: TileOptions = TileOptions(), *, mask: TissueMask | None = None
) -> Candidates:
    """Find the places of a slide that lie in the tissue mask; no tile is read yet.

    Places form a grid of 128 µm from the top-left corner, whole tiles only, with either rule. By "paper", at least 80%
    of a tile lies in the tissue mask, at most 20% of it is ink, and its contrast is not low. By "published-code", the
    top-left pixel of a tile lies in the published code's mask, more than 20% of the tile is tissue by its own
    thresholds, and its contrast is not low.

    Parameters
    ----------
    slide : Slide
        The slide.
    options : TileOptions
        How tiles are chosen and read.
    mask : TissueMask, optional
        A mask made before, used as it is; without it the mask is made here, by the rule or from the annotation.

    Returns
    -------
    Candidates

    Raises
    ------
    InputError
        If the annotation cannot be used.

    Notes
    -----
    The published code differs in two ways: its last column and row may reach beyond the slide, filled with black, and
    it takes the side of a tile from the objective power, not from the µm per pixel.
    """
    region = find_region(slide, options, mask)
    side = tile_side(slide.mpp)
    places = grid_places(slide.size, side)
    inside, left_out = region.places(places, side)
    return Candidates(slide, options, region.mask, side, len(places), inside, left_out)


def tile_grid(
    slide: Slide | str | Path,
    options: TileOptions = TileOptions(),
    *,
    annotation: str | Path | None = None,
) -> TileGrid:
    """Choose the tiles of a slide: those that hold tissue and have contrast.

    Parameters
    ----------
    slide : Slide or path
        The slide, or its file.
    options : TileOptions
        How tiles are chosen and read.
    annotation : path, optional
        A GeoJSON or PNG that replaces the tissue mask; overrides that of the options.

    Returns
    -------
    TileGrid

    Raises
    ------
    InputError
        If the slide or the annotation cannot be used, a place of the slide cannot be read, or no tile is left.
    """
    if annotation is not None:
        options = replace(options, annotation=annotation)
    if isinstance(slide, str | Path):
        with open_slide(slide, mpp=options.mpp_of(Path(slide))) as opened:
            return tile_grid(opened, options)
    choice = find_candidates(slide, options).examine()
    choice.refuse_empty()
    return choice.grid
