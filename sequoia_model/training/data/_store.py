"""Cluster means on disk: one array of all slides, and from which content of which file each row was made."""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sequoia_base.atomic import new_file, write_text
from sequoia_base.runs import locked
from sequoia_model.errors import InputError
from sequoia_model.feature_files import FeatureKind
from sequoia_model.targets.network_input import InputNotes, InputSpec

#: Changes whenever the same file would give other means.
_SCHEMA = "sequoia-means-1"
#: Nanoseconds after which a change of a file must have changed its times.
_SETTLED = 2_000_000_000

Mark = tuple[int, int, int, int]


@dataclass(frozen=True)
class StoredSlide:
    """A feature file whose cluster means are known.

    Parameters
    ----------
    path : str
        The file, resolved.
    mark : tuple of int, optional
        Inode, size, times of the last change of content and state; None if the file had changed so shortly before
        that another change might have left them as they are.
    content : str
        SHA-256 of the file.
    kind : FeatureKind
        Which features it holds.
    notes : InputNotes
        What is known about them.
    key : str
        Name of its row: content, encoder, number of clusters and seed.
    asked : str
        The encoder that was asked for when the file was looked at; "" if none was.
    """

    path: str
    mark: Mark | None
    content: str
    kind: FeatureKind
    notes: InputNotes
    key: str
    asked: str = ""

    @classmethod
    def of(cls, words: dict[str, Any]) -> StoredSlide:
        """As `asdict` wrote it to JSON."""
        mark = words["mark"] and tuple(words["mark"])
        kind, notes = FeatureKind(**words["kind"]), InputNotes(**words["notes"])
        return cls(**words | {"mark": mark, "kind": kind, "notes": notes})


def default_cache() -> Path:
    """The folder for cluster means if nobody names one: in ``XDG_CACHE_HOME``, or in ``~/.cache``."""
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".cache") / "sequoia" / "means"


def mark_of(path: Path) -> Mark:
    """What changes if a file is changed or replaced: inode, size, and times in nanoseconds."""
    status = os.stat(path)
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def trusted(mark: Mark, now: int) -> Mark | None:
    """The mark of a file, unless the file changed shortly before a moment in ns since 1970."""
    return mark if max(mark[2:]) < now - _SETTLED else None


def row_key(content: str, spec: InputSpec) -> str:
    """Name of the cluster means of a content: 32 hexadecimal digits."""
    words = f"{_SCHEMA} {content} {spec.encoder} {spec.n_clusters} {spec.seed}"
    return hashlib.sha256(words.encode()).hexdigest()[:32]


class MeansStore:
    """A folder of cluster means.

    ``means-KEY.npy`` is an array of all slides of one call, ``means-KEY.json`` says from which files, and
    ``pieces/KEY.npz`` are slides of a call that has not ended.

    Parameters
    ----------
    folder : path
        Created if it does not exist.

    Raises
    ------
    InputError
        If it cannot be created or read.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._pieces = self.folder / "pieces"
        try:
            self._pieces.mkdir(parents=True, exist_ok=True)
            self.refresh()
        except OSError as error:
            raise InputError(
                f"the cache of cluster means cannot be used: {error.strerror}",
                where=str(folder),
                fix="set XDG_CACHE_HOME to a folder that can be written to",
            ) from None

    def refresh(self) -> None:
        """Look again what the folder holds."""
        self._slides: dict[str, list[StoredSlide]] = {}
        self._arrays: dict[Path, list[str]] = {}  # names of rows
        self._rows: dict[str, tuple[Path, int, str]] = {}  # with the note on the clusters
        for side in sorted(self.folder.glob("means-*.json")):
            with suppress(
                ValueError, TypeError, KeyError, FileNotFoundError
            ):  # damaged, or removed meanwhile
                slides = [StoredSlide.of(words) for words in json.loads(side.read_text("utf-8"))["slides"]]
                array = side.with_suffix(".npy")
                _mapped(array)
                self._arrays[array] = [slide.key for slide in slides]
                for row, slide in enumerate(slides):
                    self._rows[slide.key] = array, row, slide.notes.cluster_note
                for slide in slides:
                    self._slides.setdefault(slide.path, []).append(slide)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until no other process fills the folder, and see what it left; without locks where there are none."""
        with ExitStack() as stack:
            with suppress(InputError):
                stack.enter_context(locked(self.folder / "lock"))
                for place in (self.folder, self._pieces):
                    _remove(place.glob(".*-*.np?"))  # unfinished, of a process that was killed
            self.refresh()
            yield

    def seen(self, path: Path) -> list[StoredSlide]:
        """What is known about a file that has not changed since, with each of several settings; nothing is read."""
        known = self._slides.get(str(path.resolve()), [])
        mark = mark_of(path) if known else None
        return [slide for slide in known if slide.mark == mark]

    def note(self, key: str) -> str | None:
        """The note on the clusters of a row that is there; None if there is no such row."""
        if key in self._rows:
            return self._rows[key][2]
        with suppress(OSError, ValueError, KeyError, zipfile.BadZipFile), self._piece(key) as piece:
            return str(piece["note"])
        return None

    def keep(self, key: str, means: NDArray[np.float32], note: str) -> None:
        """Write the means of a slide, until `array` takes them."""
        with new_file(self._pieces / f"{key}.npz") as temporary:
            np.savez(temporary, means=means, note=np.array(note))

    def array(self, slides: Sequence[StoredSlide]) -> tuple[NDArray[np.float32], str]:
        """The means of slides, all of which are there, as a read-only memory map, and the SHA-256 of its values.

        Raises
        ------
        InputError
            If the array cannot be written, or was damaged on the disk.
        """
        keys = [slide.key for slide in slides]
        name = hashlib.sha256(" ".join(keys).encode()).hexdigest()[:32]
        path = self.folder / f"means-{name}.npy"
        if path not in self._arrays:
            self._assemble(path, keys)
        means = _mapped(path)
        digest = _digest(means)
        side = path.with_suffix(".json")
        content = {"sha256": digest, "slides": [asdict(slide) for slide in slides]}
        text = json.dumps(content)
        if path in self._arrays:
            before = side.read_text("utf-8")
            if json.loads(before)["sha256"] != digest:
                _remove([side, path])
                raise InputError(
                    "the cache of cluster means is damaged, and was removed",
                    where=str(path),
                    fix="run the command again: the cluster means are computed again",
                )
            if text == before:
                return means, digest
        write_text(side, text)
        self._tidy(path, keys)
        return means, digest

    def _assemble(self, path: Path, keys: Sequence[str]) -> None:
        """Write rows one after the other, from pieces or other arrays."""
        with new_file(path) as temporary, temporary.open("wb") as file:
            for place, key in enumerate(keys):
                means = self._means(key)
                if not place:
                    header = io.BytesIO()
                    about = {"descr": "<f4", "fortran_order": False, "shape": (len(keys), *means.shape)}
                    np.lib.format.write_array_header_1_0(header, about)
                    file.write(header.getvalue())
                file.write(np.ascontiguousarray(means, dtype="<f4").data)
            file.flush()
            os.fsync(file.fileno())

    def _means(self, key: str) -> NDArray[np.float32]:
        if key in self._rows:
            array, row, _ = self._rows[key]
            means: NDArray[np.float32] = _mapped(array)[row]
            return means
        with self._piece(key) as piece:
            return piece["means"]

    def _piece(self, key: str) -> Any:
        return np.load(self._pieces / f"{key}.npz")

    def _tidy(self, path: Path, keys: Sequence[str]) -> None:
        """Remove what an array has made superfluous: its pieces, and arrays all of whose rows it holds."""
        _remove(self._pieces / f"{key}.npz" for key in keys)
        held = set(keys)
        others = [array for array in self._arrays if array != path and held.issuperset(self._arrays[array])]
        _remove(array.with_suffix(".json") for array in others)
        _remove(others)  # a process that has mapped one keeps it


def content_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove(paths: Iterable[Path]) -> None:
    """Remove files, as far as this user may."""
    for path in paths:
        with suppress(OSError):
            path.unlink()


def now() -> int:
    """Nanoseconds since 1970, as times of files count."""
    return time.time_ns()


def _mapped(path: Path) -> NDArray[np.float32]:
    """An array on disk; a ValueError if it is not as long as its header says."""
    means: NDArray[np.float32] = np.load(path, mmap_mode="r")
    return means


def _digest(means: NDArray[np.float32]) -> str:
    """SHA-256 of an array, row by row."""
    digest = hashlib.sha256()
    for row in means:
        digest.update(np.ascontiguousarray(row).data)
    return digest.hexdigest()
