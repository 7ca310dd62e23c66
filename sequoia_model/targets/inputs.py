"""From a feature file to what the networks take, for many files at once and in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sequoia_model.clusters import cluster_means
from sequoia_model.errors import InputError
from sequoia_model.feature_files import read
from sequoia_model.types.bag import EncoderId, FeatureBag, canonical_encoder
from sequoia_model.weights.loading import Weights

#: Of the tiles that the published networks were trained on: µm per pixel, and side in µm.
PUBLISHED_MPP, PUBLISHED_SIDE = 0.5, 128.0
_TOLERANCE = 0.05

Item = TypeVar("Item")
Got = TypeVar("Got")


@dataclass(frozen=True)
class Needs:
    """What features have to be for some weights.

    Parameters
    ----------
    input_dim : int
        Length of a feature vector.
    n_clusters : int
        Number of cluster means.
    encoder : str
        Canonical name.
    asserted : bool
        Whether the user says that features which name no encoder are of this one.
    seed : int
        Of the clustering.
    """

    input_dim: int
    n_clusters: int
    encoder: str
    asserted: bool = False
    seed: int = 0


@dataclass(frozen=True)
class About:
    """What is known about a slide once its file is read.

    Parameters
    ----------
    n_tiles : int, optional
    note : str
        About clusters of a slide that has too few tiles.
    asserted : bool
        Whether the user, and not a program, said which encoder it was.
    hint : str
        Another encoder that the folder of such a file is called after.
    scale : str
        The size of its tiles where it is not that of the published networks.
    cohort : str
    """

    n_tiles: int | None = None
    note: str = ""
    asserted: bool = False
    hint: str = ""
    scale: str = ""
    cohort: str = ""


@dataclass(frozen=True, eq=False)
class Slide:
    """What a network takes, and what is known about it.

    Parameters
    ----------
    means : array of shape (clusters, d), float32
    about : About
    """

    means: NDArray[np.float32]
    about: About


def needs_of(weights: Weights, encoder: str | None, seed: int) -> Needs:
    """What features have to be for these weights, of which the user may say the encoder.

    Raises
    ------
    InputError
        If neither weights nor user name the encoder, or they name two.
    """
    said = canonical_encoder(encoder) if encoder is not None and encoder.strip() else None
    name = weights.encoder or said
    if name is None:
        raise InputError(
            "the weights do not name the encoder whose features they take",
            where=weights.source,
            fix="--encoder NAME says it, for weights and features",
        )
    if said is not None and said != name:
        raise InputError(
            f"the weights take features of {name}, and --encoder says {said}",
            where=weights.source,
            fix=f"give features of {name}, or other weights",
        )
    return Needs(weights.input_dim, weights.n_clusters, name, said is not None, seed)


def load_slide(path: Path, needs: Needs) -> Slide:
    """Read a feature file and cluster its tiles, unless it holds the means.

    Raises
    ------
    InputError
        If the file is damaged, or its features are not what the networks need.
    """
    try:
        bag = read(path, tiles=False, encoder=needs.encoder)
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror or error}", where=str(path)) from None
    _refuse_other_encoder(bag, needs)
    if bag.dimension != needs.input_dim:
        raise InputError(
            f"the features have {bag.dimension} columns, and the networks take {needs.input_dim}"
        )
    if bag.cluster_features is not None:
        means, note = bag.cluster_features, ""
        if len(means) != needs.n_clusters:
            raise InputError(
                f"there are {len(means)} cluster means, and the networks take {needs.n_clusters}"
            )
    else:
        assert bag.features is not None
        clusters = cluster_means(bag.features, n_clusters=needs.n_clusters, seed=needs.seed)
        means, note = clusters.means, clusters.note
    about = About(
        n_tiles=bag.n_tiles,
        note=note,
        asserted=bag.encoder is None or bag.encoder.asserted,
        hint=bag.encoder_hint if bag.encoder_hint != needs.encoder else "",
        scale=_other_scale(bag),
        cohort=bag.cohort,
    )
    return Slide(means, about)


def in_order(
    items: Sequence[Item], work: Callable[[Item], Got], *, jobs: int, ahead: int
) -> Generator[tuple[Item, Got | InputError], None, None]:
    """Work on items in threads, and give the results in the order of the items.

    Parameters
    ----------
    items : sequence
    work : callable
        Of one item.
    jobs : int
        Number of threads.
    ahead : int
        How many items are at most under way or waiting to be taken.

    Yields
    ------
    tuple
        The item, and what came of it: a result, or the error that says why there is none.
    """

    def attempt(item: Item) -> Got | InputError:
        try:
            return work(item)
        except InputError as error:
            return error

    pool = ThreadPoolExecutor(jobs, thread_name_prefix="slides")
    waiting: deque[tuple[Item, Future[Got | InputError]]] = deque()
    try:
        for item in items:
            waiting.append((item, pool.submit(attempt, item)))
            if len(waiting) >= ahead:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _refuse_other_encoder(bag: FeatureBag, needs: Needs) -> None:
    if bag.encoder is None and not needs.asserted:
        hint = f"; its folder is called after {bag.encoder_hint}" if bag.encoder_hint else ""
        raise InputError(
            f"the file names no encoder, and the networks take features of {needs.encoder}",
            fix=f"--encoder {needs.encoder}, if it was this one{hint}",
        )
    if bag.encoder is not None and not bag.encoder.is_same(EncoderId(needs.encoder)):
        raise InputError(
            f"the features are of {bag.encoder.name}, and the networks take those of {needs.encoder}",
            fix=f"compute the features with {needs.encoder}",
        )


def _other_scale(bag: FeatureBag) -> str:
    """The size of the tiles in words, where it is known and is not that of the published networks."""
    if bag.mpp is None:
        return ""
    side = None if bag.tile_size is None else bag.mpp * bag.tile_size
    same = abs(bag.mpp / PUBLISHED_MPP - 1) <= _TOLERANCE
    if same and (side is None or abs(side / PUBLISHED_SIDE - 1) <= _TOLERANCE):
        return ""
    return f"{'' if side is None else f'{side:.4g} µm at '}{bag.mpp:.4g} µm/px"
