"""What an interrupted map has computed, kept beside its output until that is written: ``.NAME.part``.

Values of windows are appended to one file per fold, in blocks that begin at fixed windows. A call with the same
settings goes on after the last whole block, so its map has the bytes of one that was never interrupted.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sequoia_base.atomic import write_text
from sequoia_base.errors import InputError
from sequoia_base.runs import locked

_SETTINGS = "settings.json"


class Unfinished:
    """The folder of a map that is being made; made by `unfinished`.

    Parameters
    ----------
    path : path
        The folder, which exists.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Keep what was computed with these settings, and remove what was computed with others."""
        text = json.dumps(settings, sort_keys=True, indent=1) + "\n"
        if self.settings() != json.loads(text):
            for file in self.path.glob("*.f32"):
                file.unlink()
            write_text(self.path / _SETTINGS, text)

    def settings(self) -> dict[str, Any]:
        """The settings of what was computed before; empty if nothing was."""
        try:
            found = json.loads((self.path / _SETTINGS).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # nothing yet, or not written to its end before a power cut
            return {}
        return found if isinstance(found, dict) else {}

    def rows(self, name: str, width: int, block: int) -> KeptRows:
        """The rows of a fold.

        Parameters
        ----------
        name : str
            Of the file.
        width : int
            Numbers in a row.
        block : int
            Rows that are appended at once, but for the last.
        """
        return KeptRows(self.path / f"{name}.f32", width, block)


class KeptRows:
    """A matrix of float32 on the disk, to which blocks of rows are appended."""

    def __init__(self, path: Path, width: int, block: int) -> None:
        self._path, self._width, self._block = path, width, block

    def done(self, n: int) -> int:
        """How many of `n` rows are there, in whole blocks; what follows them is cut off."""
        size = self._path.stat().st_size if self._path.exists() else 0
        rows = size // (4 * self._width)
        whole = n if rows >= n else rows - rows % self._block
        if size > 4 * self._width * whole:
            os.truncate(self._path, 4 * self._width * whole)
        return whole

    def append(self, values: NDArray[np.float32]) -> None:
        """Add rows, and let them reach the disk.

        Raises
        ------
        InputError
            If the disk is full.
        """
        try:
            with self._path.open("ab") as file:
                file.write(np.ascontiguousarray(values, dtype="<f4").data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise InputError(
                f"the output cannot be written: {error.strerror}", where=str(self._path.parent)
            ) from None

    def read(self) -> NDArray[np.float32]:
        """All rows."""
        return np.fromfile(self._path, dtype="<f4").reshape(-1, self._width)


@contextmanager
def unfinished(output: Path) -> Iterator[Unfinished]:
    """The folder of an unfinished map, for the length of a block.

    It is removed at the end, and at bad input, which would be refused again. After Ctrl-C, on a full disk, with too
    little memory, or if the process dies, it stays for the next call.

    Parameters
    ----------
    output : path
        The map.

    Raises
    ------
    InputError
        If another process makes this map, or the folder cannot be created.
    """
    path = output.resolve().parent / f".{output.name}.part"
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"the output cannot be written: {error.strerror}", where=str(path)) from None
    with locked(path / "lock", wait=False) as mine:
        if not mine:
            raise InputError(
                "another process is making this map", where=str(output), fix="wait until it ends"
            )
        try:
            yield Unfinished(path)
        except InputError as error:
            if not isinstance(error.__context__, OSError):  # such as a full disk
                shutil.rmtree(path, ignore_errors=True)
            raise
        shutil.rmtree(path, ignore_errors=True)
