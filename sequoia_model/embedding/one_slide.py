"""From the tiles of a slide to its features: batches of one slide, an encoder, the means of the clusters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sequoia_model.clusters import cluster_means
from sequoia_model.embedding.batching import (
    Embedded,
    checked_batch_size,
    embed_batches,
    embed_choice,
    loaded_encoder,
)
from sequoia_model.slide import Slide, open_slide
from sequoia_model.tiles import TileChoice, TileOptions, choose, read_tiles
from sequoia_model.types.bag import FeatureBag
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
    """Compute the features of a slide and the means of their clusters.

    Parameters
    ----------
    slide : Slide or path
    grid : TileGrid, optional
        The tiles; without it they are chosen here.
    encoder : str or Encoder
        A name as `get_encoder` takes it, or what that returned.
    device : str
        auto, cpu, cuda, cuda:N or mps; of an encoder that is given by name.
    batch_size : int, optional
        Tiles of a pass through the encoder; the last digits may depend on it. As the encoder says by default.
    options : TileOptions
        How tiles are chosen and read; its seed is also that of the clusters.

    Returns
    -------
    FeatureBag
        Tiles by y, then x.

    Raises
    ------
    InputError
        If the slide or the encoder cannot be had, an option cannot be used, or no tile holds tissue.
    """
    loaded = loaded_encoder(encoder, device)
    if not isinstance(slide, Slide):
        with open_slide(slide, mpp=options.mpp_of(Path(slide))) as opened:
            return embed(opened, grid, encoder=loaded, batch_size=batch_size, options=options)
    size = checked_batch_size(batch_size, loaded)
    if grid is not None:
        tiles = read_tiles(slide, grid, batch=size, jobs=options.jobs, transform=loaded.prepare)
        made = embed_batches(tiles, loaded, len(grid.coords))
    else:
        choice = choose(slide, options)
        made = embed_choice(choice, loaded, size, options.jobs)
        grid = choice.grid()
    means = cluster_means(made.features, seed=options.seed).means
    return make_bag(made, grid, loaded, means, options.seed)


def make_bag(
    made: Embedded, grid: TileGrid, encoder: Encoder, means: NDArray[np.float32], seed: int
) -> FeatureBag:
    """The features of a slide with all that is known of them.

    Parameters
    ----------
    made : Embedded
    grid : TileGrid
        Its tiles.
    encoder : Encoder
    means : array of shape (clusters, d)
    seed : int
    """
    return FeatureBag(
        grid.slide,
        features=made.features,
        coords=made.coords,
        cluster_features=means,
        encoder=encoder.id,
        mpp=grid.mpp,
        tile_size=grid.size,
        rule=grid.rule,
        seed=seed,
    )


def tile_attributes(slide: Slide, choice: TileChoice, grid: TileGrid, note: str) -> dict[str, Any]:
    """What a feature file says of its tiles beyond the fields of a bag.

    Parameters
    ----------
    slide : Slide
    choice : TileChoice
    grid : TileGrid
    note : str
        About the clusters.
    """
    width, height = grid.slide_size
    return {
        "patch_size_level0": grid.side,
        "level0_width": width,
        "level0_height": height,
        "slide_mpp": grid.slide_mpp,
        "slide_mpp_source": slide.resolution.source,
        "max_tiles": choice.max_tiles,
        "mask": choice.mask.source,
        "n_places": grid.n_places,
        "left_out": json.dumps(dict(grid.left_out)),
        "cluster_note": note or None,
    }
