"""From the tiles of one slide to its features and cluster means."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sequoia_model.clusters import cluster_means
from sequoia_model.embedding._beside import SideBySide, one_core
from sequoia_model.errors import InputError
from sequoia_model.slide import Slide, open_slide
from sequoia_model.tiles import TileBatch, TileChoice, TileOptions, find_candidates, read_tiles
from sequoia_model.tiles.options import check_least
from sequoia_model.types.bag import FeatureBag, TileGeometry
from sequoia_model.types.grid import TileGrid

if TYPE_CHECKING:
    from sequoia_model.encoders import Encoder


def embed(
    slide: Slide | str | Path,
    grid: TileGrid | None = None,
    *,
    encoder: str | Encoder = "lite0",
    device: str = "auto",
    batch_size: int | None = None,
    options: TileOptions = TileOptions(),
) -> FeatureBag:
    """Compute the features and cluster means of a slide.

    Parameters
    ----------
    slide : Slide or path
        The slide, or its file.
    grid : TileGrid, optional
        The tiles; without it they are chosen here.
    encoder : str or Encoder
        A name as `get_encoder` takes it, or a loaded encoder.
    device : str
        Where an encoder given by name runs: auto, cpu, cuda, cuda:N or mps.
    batch_size : int, optional
        Number of tiles that pass through the encoder at once, on each core of a CPU; the last digits may depend on it.
        The default suits the encoder.
    options : TileOptions
        How tiles are chosen and read; its seed is also that of the clusters.

    Returns
    -------
    FeatureBag
        Tiles by y, then x.

    Raises
    ------
    InputError
        If the slide or the encoder cannot be loaded, or no tile holds tissue.
    """
    check_least("batch_size", batch_size)
    loaded = loaded_encoder(encoder, device)
    if not isinstance(slide, Slide):
        with open_slide(slide, mpp=options.mpp_of(Path(slide))) as opened:
            return embed(opened, grid, encoder=loaded, batch_size=batch_size, options=options)
    size = loaded.batch_size if batch_size is None else batch_size
    if grid is not None:
        tiles = read_tiles(slide, grid, batch=size, jobs=options.jobs, transform=loaded.prepare)
        # closing: its threads stop also after an error
        with closing(tiles), TileVectors(loaded, len(grid)) as vectors:
            for batch in tiles:
                vectors.add(batch)
            coords, features = vectors.in_order()
        about = fields_of(grid)
    else:
        candidates = find_candidates(slide, options)
        with TileVectors(loaded, candidates.most) as vectors:
            choice = candidates.read(vectors.add, transform=loaded.prepare, batch=size)
            choice.refuse_empty()
            coords, features = vectors.in_order()
        about = fields_of_choice(choice)
    with one_core():
        means = cluster_means(features, seed=options.seed).means
    return FeatureBag(
        features=features,
        coords=coords,
        cluster_features=means,
        encoder=loaded.id,
        seed=options.seed,
        **about,
    )


def loaded_encoder(encoder: str | Encoder, device: str) -> Encoder:
    """An encoder, loaded if it is given by name.

    Raises
    ------
    InputError
        If it cannot be loaded.
    """
    if not isinstance(encoder, str):
        return encoder
    from sequoia_model.encoders import get_encoder  # needs torch, which tiles alone do not

    return get_encoder(encoder, device=device)


def fields_of(grid: TileGrid, **geometry: Any) -> dict[str, Any]:
    """Fields of a bag that its tiles determine, with further fields of their geometry."""
    where = TileGeometry(
        side=grid.side,
        slide_mpp=grid.slide_mpp,
        slide_size=grid.slide_size,
        n_places=grid.n_places,
        left_out=dict(grid.left_out),
        **geometry,
    )
    return {
        "slide": grid.slide,
        "mpp": grid.mpp,
        "tile_size": grid.size,
        "rule": grid.rule,
        "geometry": where,
    }


def fields_of_choice(choice: TileChoice) -> dict[str, Any]:
    """Fields of a bag that the choice of its tiles determines."""
    candidates = choice.candidates
    more = {
        "slide_mpp_source": candidates.slide.resolution.source,
        "max_tiles": candidates.options.max_tiles,
        "mask": candidates.mask.source,
    }
    return {"tried": choice.tried, **fields_of(choice.grid, **more)}


class TileVectors:
    """The vectors of tiles, collected batch by batch; a context manager, which ends the threads of the encoder.

    Parameters
    ----------
    encoder : Encoder
        Turns pixels into vectors.
    most : int
        Largest number of tiles.
    done : callable, optional
        Called after each batch with its number of tiles and the seconds spent waiting for it.
    earlier : tuple of array, optional
        Corners and vectors of tiles that were embedded before.
    """

    def __init__(
        self,
        encoder: Encoder,
        most: int,
        done: Callable[[int, float], None] | None = None,
        earlier: tuple[NDArray[np.int64], NDArray[np.float32]] | None = None,
    ) -> None:
        self._encoding, self._done = SideBySide(encoder, self._embedded), done
        self._coords = np.empty((most, 2), dtype=np.int64)
        self._vectors: NDArray[np.float32] | None = None
        self.n = 0
        if earlier is not None:
            self._append(*earlier)

    def add(self, batch: TileBatch) -> None:
        """Embed a batch of tiles."""
        self._encoding.add(batch)

    def __enter__(self) -> TileVectors:
        self._encoding.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._encoding.__exit__(kind, error, trace)

    def in_order(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Corners and vectors of all tiles, by y, then x.

        Raises
        ------
        InputError
            If there are none.
        """
        self._encoding.finish()
        if self._vectors is None:
            raise InputError("there are no tiles to embed")
        coords, vectors = self._coords[: self.n], self._vectors[: self.n]
        order = np.lexsort(coords.T)
        if (order[1:] > order[:-1]).all():
            return coords, vectors
        return coords[order], vectors[order]

    def _embedded(self, batch: TileBatch, vectors: NDArray[np.float32]) -> None:
        self._append(batch.coords, vectors)
        if self._done is not None:
            self._done(len(batch), batch.waited)

    def _append(self, coords: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        if self._vectors is None:  # one array, so that the tiles of a slide are not held twice
            self._vectors = np.empty((len(self._coords), vectors.shape[1]), dtype=np.float32)
        end = self.n + len(vectors)
        self._vectors[self.n : end], self._coords[self.n : end] = vectors, coords
        self.n = end
