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
from sequoia_model.errors import InputError, listing
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
        The mean of the cluster means if the file holds them, otherwise of the tiles.
    encoder : str
        Which encoder made the features; "not stated" if no file and no user says so.
    """

    slides: tuple[str, ...]
    means: NDArray[np.float32]
    encoder: str


def read_slide_means(
    features: str | Path | Sequence[str | Path],
    *,
    encoder: str | None = None,
    jobs: int | None = 1,
    progress: ProgressBar | None = None,
) -> SlideMeans:
    """Read the mean features of slides.

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
        If a file cannot be read, or the features are of several encoders or lengths.
    """
    files = find(features)
    work = partial(_mean, encoder=encoder)
    with ThreadPoolExecutor(count_jobs(jobs), thread_name_prefix="slides") as pool:
        results = pool.map(work, files)
        found = list(results if progress is None else progress(results, len(files)))
    _refuse_mixed(files, found, encoder)
    named = next((one for _, one in found if one is not None), None)
    name = canonical_encoder(encoder) if encoder else named.name if named else "not stated"
    return SlideMeans(tuple(map(slide_name, files)), np.stack([mean for mean, _ in found]), name)


def _mean(path: Path, encoder: str | None) -> tuple[NDArray[np.float32], EncoderId | None]:
    bag = read(path, tiles=False, encoder=encoder)
    matrix = bag.features if bag.cluster_features is None else bag.cluster_features
    assert matrix is not None
    return matrix.mean(axis=0, dtype=np.float64).astype(np.float32), bag.encoder


def _refuse_mixed(
    files: list[Path], found: list[tuple[NDArray[np.float32], EncoderId | None]], encoder: str | None
) -> None:
    """Refuse features that cannot be compared: of another encoder than the first, or than the user says."""
    said = EncoderId(encoder) if encoder else next((one for _, one in found if one is not None), None)
    others = [
        f"{file} ({one.name})"
        for file, (_, one) in zip(files, found, strict=True)
        if said is not None and one is not None and not one.is_same(said)
    ]
    if said is not None and others:
        raise InputError(
            f"the features are not all of {said.name}",
            where=listing(others, 3),
            fix="give features of one encoder",
        )
    lengths = {len(mean): file for file, (mean, _) in zip(files, found, strict=True)}
    if len(lengths) > 1:
        raise InputError(
            f"the features have different lengths: {listing(sorted(lengths))}",
            where=listing(lengths.values()),
            fix="give features of one encoder",
        )
