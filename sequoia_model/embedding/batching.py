"""From the tiles of one slide to their vectors: batches, an encoder, and the order of places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sequoia_model.errors import InputError
from sequoia_model.tiles import TileBatch, TileChoice

if TYPE_CHECKING:
    from sequoia_model.encoders import Encoder

#: Called with the number of tiles that have been embedded since the last call.
Counted = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class Embedded:
    """The tiles of a slide, embedded.

    Parameters
    ----------
    coords : array of shape (tiles, 2), int64
        By y, then x.
    features : array of shape (tiles, d), float32
    """

    coords: NDArray[np.int64]
    features: NDArray[np.float32]


def loaded_encoder(encoder: str | Encoder, device: str) -> Encoder:
    """An encoder, loaded where it is given by name.

    Raises
    ------
    InputError
        If it cannot be had.
    """
    if not isinstance(encoder, str):
        return encoder
    from sequoia_model.encoders import get_encoder  # torch, which tiles alone do not need

    return get_encoder(encoder, device=device)


def checked_batch_size(batch_size: int | None, encoder: Encoder) -> int:
    """Tiles of a batch: as asked for, or as the encoder says.

    Raises
    ------
    InputError
        If it is below 1.
    """
    if batch_size is not None and batch_size < 1:
        raise InputError(f"batches of {batch_size} tiles cannot be made", fix="give 1 or more")
    return encoder.batch_size if batch_size is None else batch_size


def embed_choice(
    choice: TileChoice, encoder: Encoder, batch_size: int, jobs: int | None, counted: Counted | None = None
) -> Embedded:
    """Embed the tiles that the pixels of a choice let through; after it `choice.grid` is known.

    Parameters
    ----------
    choice : TileChoice
    encoder : Encoder
    batch_size : int
    jobs : int, optional
    counted : callable, optional
    """
    most = (
        len(choice.candidates) if choice.max_tiles is None else min(choice.max_tiles, len(choice.candidates))
    )
    tiles = choice.batches(transform=encoder.prepare, jobs=jobs, batch=batch_size)
    return embed_batches(tiles, encoder, most, counted)


def embed_batches(
    batches: Iterator[TileBatch], encoder: Encoder, most: int, counted: Counted | None = None
) -> Embedded:
    """Embed batches as they come.

    Parameters
    ----------
    batches : iterator of TileBatch
        Closed at the end, also by an error, so that its threads stop.
    encoder : Encoder
    most : int
        Tiles that there can be.
    counted : callable, optional
    """
    features: NDArray[np.float32] | None = None
    coords = np.empty((most, 2), dtype=np.int64)
    n = 0
    with closing(batches) as open_batches:  # type: ignore[type-var]
        for batch in open_batches:
            vectors = encoder(batch.pixels)
            if features is None:  # in one piece: all tiles of a slide are not held twice
                features = np.empty((most, vectors.shape[1]), dtype=np.float32)
            end = n + len(vectors)
            features[n:end], coords[n:end] = vectors, batch.coords
            n = end
            if counted is not None:
                counted(len(vectors))
    if features is None:
        raise InputError("there are no tiles to embed")
    return _in_order(coords[:n], features[:n])


def _in_order(coords: NDArray[np.int64], features: NDArray[np.float32]) -> Embedded:
    """By y, then x, as the tiles of a grid are."""
    order = np.lexsort(coords.T)
    if (order[1:] > order[:-1]).all():
        return Embedded(coords, features)
    return Embedded(coords[order], features[order])
