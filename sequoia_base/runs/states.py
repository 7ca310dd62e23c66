"""The state of an item: a small JSON file that is replaced as a whole."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sequoia_base.errors import InputError
from sequoia_base.results import jsonable

#: Of the table of a folder; the names of fields of `ItemState`, but for the item itself.
COLUMNS = ("slide", "state", "attempts", "tiles", "seconds", "reason")

RENAME, DONE, FAILED, DAMAGED = "rename", "done", "failed", "damaged"


@dataclass(frozen=True)
class ItemState:
    """What is known of an item.

    Parameters
    ----------
    slide : str
        Its name.
    state : str
        The step that was begun last, "rename", "done" or "failed"; empty before the first attempt.
    attempts : int
        How often work on it was begun, or ended for a process that had died.
    tiles : int, optional
    seconds : float, optional
        Of the last attempt.
    reason : str
        Why it failed, or what is to be remarked.
    settings : dict
        With which the last attempt was begun.
    made : dict, optional
        With which the outputs that stand in the folder were made; None where there are none.
    outputs : list of str
        Names of the outputs in the order in which they are renamed, once this has begun.
    settled : float, optional
        When it was done or failed, seconds since 1970.
    details : dict
        More for reports.
    """

    slide: str
    state: str = ""
    attempts: int = 0
    tiles: int | None = None
    seconds: float | None = None
    reason: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    made: dict[str, Any] | None = None
    outputs: list[str] = field(default_factory=list)
    settled: float | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def row(self) -> list[str]:
        """Texts for the table."""
        seconds = "" if self.seconds is None else f"{self.seconds:.2f}"
        tiles = "" if self.tiles is None else str(self.tiles)
        return [self.slide, self.state, str(self.attempts), tiles, seconds, " ".join(self.reason.split())]


def read_state(path: Path) -> ItemState:
    """The state in a file, or that of an item which nobody has begun; a damaged file is such a state too."""
    try:
        content = json.loads(path.read_bytes())
        return ItemState(**content)
    except FileNotFoundError:
        return ItemState(path.stem)
    except (ValueError, TypeError, RecursionError):
        return ItemState(path.stem, DAMAGED, reason=f"{path} is damaged")
    except OSError as error:
        raise InputError(f"the state cannot be read: {error.strerror}", where=str(path)) from None


def write_state(path: Path, state: ItemState) -> None:
    """Replace the state in a file; for the process alone that holds the lock of the item.

    Raises
    ------
    OSError
        If it cannot be written; what was there stays.
    """
    content: Mapping[str, Any] = {f.name: jsonable(getattr(state, f.name)) for f in dataclasses.fields(state)}
    replace_file(path, json.dumps(content, indent=1).encode())


def replace_file(path: Path, data: bytes, beside: Path | None = None) -> None:
    """Write data under a fixed temporary name, which the holder of a lock alone uses, and rename it.

    Parameters
    ----------
    path : path
    data : bytes
    beside : path, optional
        The temporary name; without it, that of the file and ``.new``.
    """
    temporary = beside or path.with_name(f"{path.name}.new")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
