"""The cluster means of many slides: of one encoder, each file read once, then taken from the cache."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sequoia_base.arguments import ProgressBar
from sequoia_base.flow import Flow
from sequoia_base.runs import attempt
from sequoia_base.search import PassedOver
from sequoia_model.errors import Failure, InputError, SequoiaError, counted, listing, none_left, part
from sequoia_model.feature_files import FeatureKind, find, look, read, slide_name
from sequoia_model.targets.network_input import (
    SAME_SIDE,
    InputNotes,
    InputSpec,
    in_order,
    load_input,
    notes_of,
    refuse_other_kind,
)
from sequoia_model.training.data._store import (
    MeansStore,
    StoredSlide,
    content_of,
    default_cache,
    mark_of,
    now,
    row_key,
    trusted,
)
from sequoia_model.types.bag import canonical_encoder

#: Slides in progress or waiting to be written, beside those that threads work on.
_AHEAD = 4


@dataclass(frozen=True, eq=False)
class ClusteredSlides:
    """The cluster means of those slides whose files could be used.

    Parameters
    ----------
    slides : tuple of str
        Their names.
    notes : tuple of InputNotes
        What is known about the features of each.
    means : array of shape (slides, clusters, d), float32
        A read-only memory map.
    digest : str
        SHA-256 of the values.
    failed : tuple of Failure
        The other slides.
    """

    slides: tuple[str, ...]
    notes: tuple[InputNotes, ...]
    means: NDArray[np.float32]
    digest: str
    failed: tuple[Failure, ...]

    def scale_warnings(self) -> list[str]:
        """A warning if tiles differ in size, scale or overlap from slide to slide."""
        scales: dict[str, list[str]] = {}
        for slide, notes in zip(self.slides, self.notes, strict=True):
            scale = notes.tile_scale or ("unknown" if notes.no_scale else "as published")
            scales.setdefault(scale, []).append(slide)
        if len(scales) < 2:
            return []
        rare = sorted(scales, key=lambda scale: len(scales[scale]))[:-1]
        others = [slide for scale in rare for slide in scales[scale]]
        shown = listing((f"{scales[scale][0]} ({scale})" for scale in rare), 3)
        some = part(len(others), len(self.slides), "slide", "have")
        return [f"{some} tiles of another size, scale or overlap than the others: {shown}"]

    def tile_um(self) -> float | None:
        """Side of a tile in µm, if all slides say it and agree within 2%."""
        sides = [notes.tile_um for notes in self.notes]
        known = [side for side in sides if side is not None]
        if len(known) < len(sides) or max(known) > (1 + SAME_SIDE) * min(known):
            return None
        return round(float(np.median(known)), 3)


def find_features(features: str | Path | Iterable[str | Path], flow: Flow) -> dict[str, Path]:
    """The feature file of each slide, in files and folders; the ledger gets a line for what is passed over."""
    passed = PassedOver()
    files = {slide_name(path): path for path in find(features, passed)}
    if passed:
        flow.add("feature files: found", len(files) + passed.total(), len(files), f"passed over: {passed}")
    return files


class MeansSource:
    """Feature files of one encoder, and the folder that keeps their cluster means.

    Parameters
    ----------
    files : mapping of str to Path
        Feature file of each slide.
    cache : path, optional
        The folder; by default one in ``XDG_CACHE_HOME``.
    encoder : str, optional
        The encoder of the features; by default the one that the files name.
    n_clusters, seed : int
        Number of cluster means of a slide, and random seed of the clustering.

    Raises
    ------
    InputError
        If the files name two encoders or none, and `encoder` does not choose; if no file can be used.
    """

    def __init__(
        self,
        files: Mapping[str, Path],
        cache: str | Path | None,
        *,
        encoder: str | None,
        n_clusters: int,
        seed: int,
    ) -> None:
        given = canonical_encoder(encoder) if encoder is not None and encoder.strip() else None
        self._files, self._asked = files, given or ""
        self._store = MeansStore(default_cache() if cache is None else cache)
        self._kinds: dict[str, FeatureKind] = {}
        self._failed: dict[str, SequoiaError] = {}
        for slide, path in files.items():
            self._look(slide, path, given)
        if not self._kinds:
            raise none_left(self._failures(files), "used")
        name = given or _only_encoder(self._kinds, files)
        fitting = [kind.dimension for kind in self._kinds.values() if kind.encoder in ("", name)]
        if not fitting:
            first = next(iter(self._kinds))
            raise InputError(
                f"none of the {counted(len(self._kinds), 'slide')} has features of {name}",
                where=f"{files[first]} ({self._kinds[first].encoder})",
                fix="name their encoder with --encoder, or give other features",
            )
        self.spec = InputSpec(
            Counter(fitting).most_common(1)[0][0], n_clusters, name, given is not None, seed
        )

    def read(
        self, slides: Iterable[str], *, jobs: int = 1, progress: ProgressBar | None = None
    ) -> ClusteredSlides:
        """The cluster means of some slides.

        Parameters
        ----------
        slides : iterable of str
            Their names.
        jobs : int
            Number of threads that read.
        progress : callable, optional
            Wraps an iterable of known length.

        Raises
        ------
        InputError
            If no slide could be used, or the cache cannot be written or is damaged.
        """
        names = list(slides)
        done = self._known(names)
        if len(done) == len(names):
            with suppress(
                FileNotFoundError
            ):  # another process has just put a larger array in the place of this one
                return self._result(names, done)
        with self._store.turn():
            done = self._known(names)
            self._fill(names, done, jobs, progress)
            return self._result(names, done)

    def _known(self, names: Iterable[str]) -> dict[str, StoredSlide]:
        """Slides of which nothing has to be read."""
        there = {slide: self._store.seen(self._files[slide]) for slide in names if slide not in self._failed}
        fitting = {
            slide: [known for known in seen if self._is_there(slide, known)] for slide, seen in there.items()
        }
        return {slide: known[0] for slide, known in fitting.items() if known}

    def _look(self, slide: str, path: Path, given: str | None) -> None:
        found = attempt(lambda: _kind_of(path, self._store, given), slide)
        if isinstance(found, SequoiaError):
            self._failed[slide] = found
        else:
            self._kinds[slide] = found

    def _is_there(self, slide: str, known: StoredSlide) -> bool:
        """Whether the means of a file that has not changed were made with these settings, and are there."""
        asserted = known.notes.encoder_given == (self.spec.encoder_given and not known.kind.encoder)
        same = known.key == row_key(known.content, self.spec) and self._kinds[slide] == known.kind
        return same and asserted and self._store.note(known.key) is not None

    def _fill(
        self, names: list[str], done: dict[str, StoredSlide], jobs: int, progress: ProgressBar | None
    ) -> None:
        left = [slide for slide in names if slide not in done and slide not in self._failed]
        if not left:
            return
        results = in_order(
            left, lambda slide: attempt(lambda: self._work(slide), slide), jobs=jobs, ahead=jobs + _AHEAD
        )
        try:
            for slide, result in results if progress is None else progress(results, len(left)):
                if isinstance(result, SequoiaError):
                    self._failed[slide] = result
                    continue
                done[slide], means = result
                if means is not None:
                    self._store.keep(done[slide].key, means, done[slide].notes.cluster_note)
        finally:
            results.close()

    def _work(self, slide: str) -> tuple[StoredSlide, NDArray[np.float32] | None]:
        """What is known about a file afterwards, and its cluster means unless they are in the folder."""
        path, kind = self._files[slide], self._kinds[slide]
        refuse_other_kind(kind.encoder, kind.encoder_hint, kind.dimension, self.spec)
        began, mark = now(), mark_of(path)
        seen = self._store.seen(path)
        content = seen[0].content if seen else content_of(path)
        key = row_key(content, self.spec)
        note, means = self._store.note(key), None
        if note is None:
            loaded = load_input(path, self.spec)
            notes, means = loaded.notes, loaded.means
        else:
            notes = notes_of(read(path, tiles=False, encoder=self.spec.encoder), self.spec, note)
        if mark_of(path) != mark:
            raise InputError("the file changed while it was read", fix="wait until it is complete")
        mark_kept = seen[0].mark if seen else trusted(mark, began)
        place = str(path.resolve())
        return StoredSlide(place, mark_kept, content, kind, notes, key, self._asked), means

    def _result(self, names: list[str], done: dict[str, StoredSlide]) -> ClusteredSlides:
        failed = self._failures(names)
        if not done:
            raise none_left(failed, "used")
        kept = [slide for slide in names if slide in done]
        stored = [done[slide] for slide in kept]
        means, digest = self._store.array(stored)
        return ClusteredSlides(
            tuple(kept), tuple(slide.notes for slide in stored), means, digest, tuple(failed)
        )

    def _failures(self, names: Iterable[str]) -> list[Failure]:
        return [
            Failure.of(slide, self._files[slide], self._failed[slide])
            for slide in names
            if slide in self._failed
        ]


def _kind_of(path: Path, store: MeansStore, given: str | None) -> FeatureKind:
    for known in store.seen(path):
        if known.asked in ("", given or ""):  # of two encoders in a file, one was asked for
            return known.kind
    return look(path, encoder=given)


def _only_encoder(kinds: Mapping[str, FeatureKind], files: Mapping[str, Path]) -> str:
    """The encoder that the files name.

    Raises
    ------
    InputError
        If they name several, or none.
    """
    by_encoder: dict[str, list[str]] = {}
    for slide, kind in kinds.items():
        by_encoder.setdefault(kind.encoder, []).append(slide)
    named = [name for name in by_encoder if name]
    if len(named) == 1:
        return named[0]
    if not named:
        first = next(iter(kinds))
        hint = kinds[first].encoder_hint
        raise InputError(
            "the features do not name their encoder",
            where=listing((files[slide] for slide in kinds), 2),
            fix=f"name it with --encoder {hint or 'NAME'}"
            + (f"; the folder is named after {hint}" if hint else ""),
        )
    counts = [f"{len(by_encoder[name]):,} of {name} ({files[by_encoder[name][0]]})" for name in sorted(named)]
    raise InputError(
        f"the features are of {len(named)} encoders, and a network takes those of one",
        where=listing(counts),
        fix=f"choose one with --encoder {'|'.join(sorted(named))}, or give a folder with one kind of features",
    )
