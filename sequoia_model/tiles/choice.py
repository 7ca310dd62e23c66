"""TileChoice: the tiles of a slide, chosen by place, then by their pixels, at most so many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sequoia_model.errors import InputError
from sequoia_model.tiles.batches import BATCH, Batcher, TileBatch
from sequoia_model.tiles.reading import Pixels, Reader, Transform
from sequoia_model.tiles.rules import CHECKS, NOT_DRAWN, OUTSIDE, REASONS
from sequoia_model.tissue import TissueMask
from sequoia_model.types.grid import TileGrid
from sequoia_model.types.units import TILE_SIZE

if TYPE_CHECKING:
    from sequoia_model.slide import Slide


@dataclass(eq=False)
class TileChoice:
    """The tiles of a slide, chosen by place before a pixel is read; made by `choose`.

    Parameters
    ----------
    slide : Slide
    mask : TissueMask
    rule : str
    max_tiles : int, optional
    seed : int
    side : int
        Of a tile in level-0 pixels.
    n_places : int
        Of the grid.
    candidates : array of shape (n, 2), int64
        Corners of the tiles that the mask lets through, by y, then x.
    left_out : dict
        Number of tiles by the reason why they are not used; complete once `batches` has ended.
    waited : float
        Seconds that the consumer of `batches` waited for pixels.
    """

    slide: Slide
    mask: TissueMask
    rule: str
    max_tiles: int | None
    seed: int
    side: int
    n_places: int
    candidates: NDArray[np.int64]
    left_out: dict[str, int]
    waited: float = 0.0
    _chosen: NDArray[np.int64] | None = field(default=None, init=False, repr=False)

    def batches(
        self, *, transform: Transform | None = None, jobs: int | None = None, batch: int = BATCH
    ) -> Iterator[TileBatch]:
        """Read the candidates and yield those that pass the tests of their pixels, at most `max_tiles`.

        More candidates than `max_tiles` are taken in a random order, and the first that pass are the result. They are
        read in rounds, each sorted by place: as many as are lacking, until there are enough or no more.

        Parameters
        ----------
        transform : callable, optional
            Called in the reader threads with each tile that is kept (256, 256, 3); makes an array of one shape.
        jobs : int, optional
            Number of threads that read; does not change the result.
        batch : int
            Number of tiles of each batch but the last.

        Yields
        ------
        TileBatch

        Raises
        ------
        InputError
            If a place of the slide cannot be read, or no tile is left.
        """
        if batch < 1:
            raise InputError(f"batches of {batch} tiles cannot be made", fix="give 1 or more")
        batcher = Batcher(batch)
        with self._reader(transform, jobs, 2 * batch) as reader:
            for corner, pixels in self._kept(reader):
                assert pixels is not None
                full = batcher.add(corner, pixels)
                if full is not None:
                    self.waited = reader.waited
                    yield full
            self.waited = reader.waited
        rest = batcher.rest()
        if rest is not None:
            yield rest

    def examine(self, *, jobs: int | None = None) -> TileGrid:
        """Test the candidates without keeping their pixels.

        Parameters
        ----------
        jobs : int, optional
            Number of threads that read; does not change the result.

        Returns
        -------
        TileGrid

        Raises
        ------
        InputError
            If a place of the slide cannot be read, or no tile is left.
        """
        with self._reader(None, jobs, 2 * BATCH, keep_pixels=False) as reader:
            for _ in self._kept(reader):
                pass
            self.waited = reader.waited
        return self.grid()

    def grid(self) -> TileGrid:
        """The chosen tiles, once all batches have been read.

        Raises
        ------
        RuntimeError
            If they have not.
        """
        if self._chosen is None:
            raise RuntimeError("the tiles are known once all batches have been read")
        return TileGrid(
            slide=self.slide.name,
            coords=self._chosen,
            side=self.side,
            slide_mpp=self.slide.mpp,
            slide_size=self.slide.size,
            rule=self.rule,
            seed=self.seed,
            n_places=self.n_places,
            left_out=dict(self.left_out),
        )

    def _reader(
        self, transform: Transform | None, jobs: int | None, ahead: int, *, keep_pixels: bool = True
    ) -> Reader:
        check = CHECKS[self.rule]
        return Reader(self.slide, self.side, TILE_SIZE, check, transform, jobs, ahead, keep_pixels)

    def _kept(self, reader: Reader) -> Iterator[tuple[tuple[int, int], Pixels | None]]:
        """Corners and pixels of the tiles that pass; at the end what was chosen and left out is known."""
        wanted = len(self.candidates) if self.max_tiles is None else self.max_tiles
        order = np.arange(len(self.candidates))
        if len(order) > wanted:
            order = np.random.default_rng(self.seed).permutation(len(order))
        kept: list[int] = []
        lost: dict[str, int] = {}
        examined = 0
        while examined < len(order) and len(kept) < wanted:
            these = np.sort(order[examined : examined + wanted - len(kept)])
            examined += len(these)
            for index, (reason, pixels) in zip(these, reader.tiles(self.candidates[these]), strict=True):
                if reason:
                    lost[reason] = lost.get(reason, 0) + 1
                    continue
                kept.append(int(index))
                x, y = self.candidates[index].tolist()
                yield (x, y), pixels
        self._end(kept, lost, examined)

    def _end(self, kept: list[int], lost: dict[str, int], examined: int) -> None:
        counts = {reason: lost.get(reason, 0) for reason in REASONS[self.rule]}
        self.left_out = self.left_out | counts | {NOT_DRAWN: len(self.candidates) - examined}
        if not kept:
            raise self._nothing()
        self._chosen = self.candidates[np.sort(kept)]

    def _nothing(self) -> InputError:
        where = str(self.slide.path)
        if not self.n_places:
            width, height = self.slide.size
            return InputError(
                f"the slide is smaller than a tile: {width} × {height} pixels, and a tile is {self.side} wide",
                where=where,
            )
        reasons = ", ".join(f"{n} {reason}" for reason, n in self.left_out.items() if n)
        place = "of the slide holds tissue"
        if OUTSIDE in self.left_out and self.left_out[OUTSIDE] == self.n_places:
            place = "lies in the annotation"
        return InputError(
            f"no tile {place}: of {self.n_places} places {reasons}",
            where=where,
            fix="--annotation FILE says where the tissue is, if there is some",
        )
