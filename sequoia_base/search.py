"""Searching folders: linked folders are followed, and what is passed over is counted."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sequoia_base.errors import InputError, counted


def walk(folder: str | Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """A folder and those below it, linked ones too, each once, with the sorted names of their folders and files.

    Parameters
    ----------
    folder : path
        Where to begin.

    Yields
    ------
    tuple of Path, list of str, list of str
        A folder, the folders in it that are entered next unless the caller removes them, and its files.

    Raises
    ------
    InputError
        If a folder cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise InputError(
            f"the folder cannot be read: {error.strerror or error}", where=str(error.filename)
        ) from None

    entered: set[tuple[int, int]] = set()
    for place, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        status = os.stat(place)
        if (
            status.st_dev,
            status.st_ino,
        ) in entered:  # a link that leads back, or a second one to the same folder
            folders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        folders.sort()
        yield Path(place), folders, sorted(files)


class PassedOver(Counter[tuple[str, str]]):
    """Number of files that a search passed over, by the ending of their names and the reason."""

    def add(self, name: str, reason: str, ending: str = "") -> None:
        """Count a file; its ending is the last suffix of its name, unless it is given."""
        self[ending or Path(name).suffix.lower() or name, reason] += 1

    def to_list(self) -> list[dict[str, Any]]:
        """Plain Python values: ending, files, reason; sorted by ending."""
        return [
            {"ending": ending, "files": n, "reason": reason} for (ending, reason), n in sorted(self.items())
        ]

    def __str__(self) -> str:
        words = [f"{counted(n, 'file')} {ending} ({reason})" for (ending, reason), n in sorted(self.items())]
        return ", ".join(words)
