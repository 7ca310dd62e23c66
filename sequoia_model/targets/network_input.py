"""From features to what a network takes: the cluster means of a slide, for many files in threads."""

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
from sequoia_model.errors import InputError, listing, part
from sequoia_model.feature_files import read
from sequoia_model.types.bag import FeatureBag, canonical_encoder
from sequoia_model.weights.loading import Weights

#: Tiles that the published networks were trained on: µm per pixel, and side in µm.
PUBLISHED_MPP, PUBLISHED_SIDE = 0.5, 128.0
_TOLERANCE = 0.05
#: Sides of tiles that differ by no more than this share are the same: a side is a whole number of pixels.
SAME_SIDE = 0.02
#: µm per pixel of a slide scanned at 1x; at 20x it is 0.5.
_MPP_AT_1X = 10.0

Item = TypeVar("Item")
Got = TypeVar("Got")


@dataclass(frozen=True)
class InputSpec:
    """What a network takes, and what features must therefore be.

    Parameters
    ----------
    input_dim : int
        Length of a feature vector.
    n_clusters : int
        Number of cluster means.
    encoder : str
        Canonical name of the encoder.
    encoder_given : bool
        Whether the user named the encoder, which then also applies to feature files that name none.
    seed : int
        Random seed of the clustering.
    """

    input_dim: int
    n_clusters: int
    encoder: str
    encoder_given: bool = False
    seed: int = 0

    @classmethod
    def of(cls, weights: Weights, encoder: str | None, seed: int) -> InputSpec:
        """The input of these weights, whose encoder the user may name.

        Raises
        ------
        InputError
            If neither the weights nor the user name the encoder, or they name different ones.
        """
        given = canonical_encoder(encoder) if encoder is not None and encoder.strip() else None
        name = weights.encoder or given
        if name is None:
            raise InputError(
                "the weights do not name the encoder whose features they take",
                where=weights.source,
                fix="name it with --encoder NAME, for weights and features",
            )
        if given is not None and given != name:
            raise InputError(
                f"the weights take features of {name}, but --encoder is {given}",
                where=weights.source,
                fix=f"give features of {name}, or other weights",
            )
        return cls(weights.input_dim, weights.n_clusters, name, given is not None, seed)


@dataclass(frozen=True)
class InputNotes:
    """What is known about the features of a slide, apart from the features themselves.

    Parameters
    ----------
    n_tiles : int, optional
        Number of tiles.
    cluster_note : str
        A note on the clusters of a slide with too few tiles.
    encoder_given : bool
        Whether the user, and not a program, named the encoder.
    folder_encoder : str
        A different encoder that the file's folder is named after.
    tile_scale : str
        Size, scale and overlap of the tiles, if they differ from those of the published networks.
    no_scale : bool
        Whether the file says nothing about the size of its tiles.
    cohort : str
        Cohort, as the file or its folder names it.
    tile_um : float, optional
        Side of a tile in µm, if it is known.
    """

    n_tiles: int | None = None
    cluster_note: str = ""
    encoder_given: bool = False
    folder_encoder: str = ""
    tile_scale: str = ""
    no_scale: bool = False
    cohort: str = ""
    tile_um: float | None = None


def notes_warnings(slides: Sequence[tuple[str, InputNotes]], spec: InputSpec) -> list[str]:
    """What the user should know about features that are used, counted.

    Parameters
    ----------
    slides : sequence of tuple of str and InputNotes
        Names of slides, and what is known about their features.
    spec : InputSpec
        What the networks take.
    """
    groups = [
        (
            [name for name, notes in slides if notes.encoder_given],
            "have",
            f"features of {spec.encoder} only according to the user",
        ),
        (
            [f"{name} ({notes.folder_encoder})" for name, notes in slides if notes.folder_encoder],
            "are",
            f"used as features of {spec.encoder}, although the folder is named after another encoder",
        ),
        (
            [name for name, notes in slides if notes.cluster_note],
            "have",
            f"fewer distinct tiles than the {spec.n_clusters} clusters, so some clusters repeat a tile",
        ),
    ]
    return [
        f"{part(len(some), len(slides), 'slide', verb)} {what}: {listing(some, 3)}"
        for some, verb, what in groups
        if some
    ]


@dataclass(frozen=True, eq=False)
class NetworkInput:
    """What a network takes of one slide.

    Parameters
    ----------
    means : array of shape (clusters, d), float32
        Cluster means.
    notes : InputNotes
        What is known about the features.
    """

    means: NDArray[np.float32]
    notes: InputNotes


def load_input(path: Path, spec: InputSpec) -> NetworkInput:
    """Read a feature file as network input.

    Raises
    ------
    InputError
        If the file is damaged, or its features are not what the networks take.
    """
    bag = read(path, tiles=False, encoder=spec.encoder)
    return input_of_bag(bag, spec)


def input_of_bag(bag: FeatureBag, spec: InputSpec) -> NetworkInput:
    """The cluster means of a bag: its own, or else those of its tiles.

    Raises
    ------
    InputError
        If the features are not what the networks take.
    """
    refuse_misfit(bag, spec)
    if bag.cluster_features is not None:
        means, note = bag.cluster_features, ""
        if len(means) != spec.n_clusters:
            raise InputError(
                f"the file holds {len(means)} cluster means, but the networks take {spec.n_clusters}"
            )
    else:
        assert bag.features is not None
        clusters = cluster_means(bag.features, n_clusters=spec.n_clusters, seed=spec.seed)
        means, note = clusters.means, clusters.note
    return NetworkInput(means, notes_of(bag, spec, note))


def notes_of(bag: FeatureBag, spec: InputSpec, cluster_note: str) -> InputNotes:
    """What is known about the features of a bag, apart from the features themselves.

    Parameters
    ----------
    bag : FeatureBag
        Features that fit.
    spec : InputSpec
        What the networks take.
    cluster_note : str
        A note on its clusters.
    """
    scale = _scale_of(bag)
    return InputNotes(
        n_tiles=bag.n_tiles,
        cluster_note=cluster_note,
        encoder_given=bag.encoder is None or bag.encoder.asserted,
        folder_encoder=bag.encoder_hint if bag.encoder_hint != spec.encoder else "",
        tile_scale=scale.words if scale.differs else "",
        no_scale=not scale.words
        and bag.layout != "sequoia",  # the published files say nothing, and are right
        cohort=bag.cohort,
        tile_um=_side_um(bag),
    )


def in_order(
    items: Sequence[Item], work: Callable[[Item], Got], *, jobs: int, ahead: int
) -> Generator[tuple[Item, Got], None, None]:
    """Process items in threads, and yield the results in the order of the items.

    Parameters
    ----------
    items : sequence
        What is processed.
    work : callable
        Takes one item.
    jobs : int
        Number of threads.
    ahead : int
        Largest number of items in progress or waiting to be taken.

    Yields
    ------
    tuple
        The item, and its result.
    """
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="slides")
    waiting: deque[tuple[Item, Future[Got]]] = deque()
    try:
        for item in items:
            waiting.append((item, pool.submit(work, item)))
            if len(waiting) >= ahead:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def refuse_misfit(bag: FeatureBag, spec: InputSpec) -> None:
    """Refuse features of another encoder or length than the networks take.

    Raises
    ------
    InputError
        If they are.
    """
    refuse_other_kind("" if bag.encoder is None else bag.encoder.name, bag.encoder_hint, bag.dimension, spec)


def refuse_other_kind(encoder: str, hint: str, dimension: int, spec: InputSpec) -> None:
    """Refuse features by what is known before they are read.

    Parameters
    ----------
    encoder : str
        Canonical name of their encoder; "" if the file names none.
    hint : str
        The encoder that the folder is named after, if the file names none.
    dimension : int
        Length of a feature vector.
    spec : InputSpec
        What the networks take.

    Raises
    ------
    InputError
        If their encoder or length is another.
    """
    if not encoder and not spec.encoder_given:
        named = f"; the folder is named after {hint}" if hint else ""
        raise InputError(
            f"the file does not name its encoder, but the networks take features of {spec.encoder}",
            fix=f"if it was {spec.encoder}, give --encoder {spec.encoder}{named}",
        )
    if encoder and encoder != spec.encoder:
        raise InputError(
            f"the features are of {encoder}, but the networks take those of {spec.encoder}",
            fix=f"compute the features with {spec.encoder}",
        )
    if dimension != spec.input_dim:
        raise InputError(f"the features have {dimension} columns, but the networks take {spec.input_dim}")


@dataclass(frozen=True)
class _Scale:
    """How large tiles are, in words, and whether that differs from the tiles of the published networks."""

    words: str
    differs: bool


def _scale_of(bag: FeatureBag) -> _Scale:
    """Side, scale and overlap of the tiles of a bag, as far as they are known.

    A magnification counts as 10 / magnification µm per pixel, as all scanners and TRIDENT have it within some percent.
    """
    known = bag.geometry
    mpp = bag.mpp or (_MPP_AT_1X / known.magnification if known.magnification else None)
    side = known.side_um or (mpp * bag.tile_size if mpp and bag.tile_size else None)
    words = []
    if side is not None:
        words.append(f"{side:.4g} µm")
    if bag.mpp is not None:
        words.append(f"at {bag.mpp:.4g} µm/px")
    elif known.magnification is not None:
        words.append(f"at {known.magnification:g}x")
    if known.overlap:
        words.append(f"overlapping by {known.overlap} px")
    differs = bool(known.overlap) or _differ(mpp, PUBLISHED_MPP) or _differ(side, PUBLISHED_SIDE)
    return _Scale(" ".join(words).removeprefix("at "), differs)


def _side_um(bag: FeatureBag) -> float | None:
    """Side of a tile in µm, if the file says it or is one of the published code, which says nothing."""
    if bag.layout == "sequoia":
        return PUBLISHED_SIDE
    try:
        return bag.tile_side_um
    except InputError:
        return None


def _differ(value: float | None, published: float) -> bool:
    return value is not None and abs(value / published - 1) > _TOLERANCE
