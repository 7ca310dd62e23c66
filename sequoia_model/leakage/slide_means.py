"""One vector per slide: the mean of its features."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sequoia_base.arguments import ProgressBar, count_jobs
from sequoia_model.errors import InputError, listing, part
from sequoia_model.feature_files import find, read, slide_name
from sequoia_model.types.bag import EncoderId, canonical_encoder


@dataclass(frozen=True, eq=False)
class SlideMeans:
    """The mean of the features of each slide.

    Parameters
    ----------
    slides : tuple of str
        Names.
    means : array of shape (slides, d), float32
        The mean over the same kind of vectors for all slides.
    encoder : str
        Which encoder made the features; "not stated" if no file and no user says so.
    mean_of : {"tiles", "cluster means"}
        What is averaged. Cluster means count a cluster of three tiles like one of three thousand, so that they and
        tiles have different means: where both were mixed, the layout of a file could be told from its mean.
    """

    slides: tuple[str, ...]
    means: NDArray[np.float32]
    encoder: str
    mean_of: str = "cluster means"


def read_slide_means(
    features: str | Path | Sequence[str | Path],
    *,
    encoder: str | None = None,
    jobs: int | None = 1,
    progress: ProgressBar | None = None,
) -> SlideMeans:
    """Read the mean features of slides: of tiles if all files hold them, otherwise of cluster means if all hold these.

    Parameters
    ----------
    features : path, or sequence of path
        Feature files, or folders of them.
    encoder : str, optional
        The encoder, for files that do not name it, and of files that hold features of two.
    jobs : int, optional
        Number of threads that read; one per core if it is None.
    progress : callable, optional
        ``progress(items, total)`` wraps the files.

    Raises
    ------
    InputError
        If a file cannot be read, the features are of several encoders or lengths, or some files hold tiles alone and
        others cluster means alone.
    """
    files = find(features)
    work = partial(_read, encoder=encoder)
    with ThreadPoolExecutor(count_jobs(jobs), thread_name_prefix="slides") as pool:
        results = pool.map(work, files)
        found = list(results if progress is None else progress(results, len(files)))
    _refuse_mixed(files, found, encoder)
    named = next((one.encoder for one in found if one.encoder is not None), None)
    name = canonical_encoder(encoder) if encoder else named.name if named else "not stated"
    mean_of, means = _alike(files, found)
    return SlideMeans(tuple(map(slide_name, files)), np.stack(means), name, mean_of)


@dataclass(frozen=True, eq=False)
class _Read:
    """What a file gives: the means over its tiles and over its cluster means, None without them; and the encoder."""

    tiles: NDArray[np.float32] | None
    clusters: NDArray[np.float32] | None
    encoder: EncoderId | None

    @property
    def dimension(self) -> int:
        """Length of a feature vector."""
        mean = self.clusters if self.tiles is None else self.tiles
        assert mean is not None
        return len(mean)


def _read(path: Path, encoder: str | None) -> _Read:
    bag = read(path, encoder=encoder)
    return _Read(_mean(bag.features), _mean(bag.cluster_features), bag.encoder)


def _mean(matrix: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
    return None if matrix is None else matrix.mean(axis=0, dtype=np.float64).astype(np.float32)


def _alike(files: list[Path], found: list[_Read]) -> tuple[str, list[NDArray[np.float32]]]:
    """What is averaged in all files, and the means."""
    for mean_of, means in (
        ("tiles", [one.tiles for one in found]),
        ("cluster means", [one.clusters for one in found]),
    ):
        if all(mean is not None for mean in means):
            return mean_of, [mean for mean in means if mean is not None]
    alone = [file for file, one in zip(files, found, strict=True) if one.tiles is None]
    without = [file for file, one in zip(files, found, strict=True) if one.clusters is None]
    raise InputError(
        f"{part(len(alone), len(files), 'file', 'hold')} cluster means alone, and {len(without):,} tiles alone: their "
        "means cannot be compared",
        where=f"cluster means: {listing(alone, 3)}; tiles: {listing(without, 3)}",
        fix="give files that all hold tiles, or all hold cluster means",
    )


def _refuse_mixed(files: list[Path], found: list[_Read], encoder: str | None) -> None:
    """Refuse features that cannot be compared: of another encoder than the first, or than the user says."""
    said = (
        EncoderId(encoder)
        if encoder
        else next((one.encoder for one in found if one.encoder is not None), None)
    )
    others = [
        f"{file} ({one.encoder.name})"
        for file, one in zip(files, found, strict=True)
        if said is not None and one.encoder is not None and not one.encoder.is_same(said)
    ]
    if said is not None and others:
        raise InputError(
            f"the features are not all of {said.name}",
            where=listing(others, 3),
            fix="give features of one encoder",
        )
    lengths = {one.dimension: file for file, one in zip(files, found, strict=True)}
    if len(lengths) > 1:
        raise InputError(
            f"the features have different lengths: {listing(sorted(lengths))}",
            where=listing(lengths.values()),
            fix="give features of one encoder",
        )
