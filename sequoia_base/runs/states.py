"""The state of an item: a small JSON file that is replaced as a whole."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sequoia_base.errors import Failure, InputError
from sequoia_base.results import jsonable

RENAME, DONE, FAILED, DAMAGED = "rename", "done", "failed", "damaged"


@dataclass(frozen=True)
class ItemState:
    """What is known about an item.

    Parameters
    ----------
    item : str
        Its name.
    state : str
        The last step that was begun, or "rename", "done", "failed" or "damaged"; empty before the first attempt.
    attempts : int
        Number of times that work on it was begun, or finished for a process that had died.
    seconds : float, optional
        Duration of the last attempt.
    failure : Failure, optional
        Why the last attempt failed.
    note : str
        What to know about an item that did not fail.
    settings : dict
        Settings of the last attempt.
    made : dict, optional
        Settings of the outputs that are in the folder; None if there are none.
    outputs : list of str
        Names of the outputs in the order in which they are renamed, once this has begun.
    settled : float, optional
        When it was done or failed, in seconds since 1970.
    details : dict
        Further facts, such as counts; a table shows those that the folder has columns for.
    """

    item: str
    state: str = ""
    attempts: int = 0
    seconds: float | None = None
    failure: Failure | None = None
    note: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    made: dict[str, Any] | None = None
    outputs: list[str] = field(default_factory=list)
    settled: float | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """Why it failed, after the file, or what to know about it."""
        return self.note if self.failure is None else self.failure.line

    def row(self, facts: Sequence[str]) -> list[str]:
        """The state as a line of the table, with these details between attempts and seconds."""
        seconds = "" if self.seconds is None else f"{self.seconds:.2f}"
        known = [self.details.get(name) for name in facts]
        texts = ["" if value is None else str(value) for value in known]
        return [self.item, self.state, str(self.attempts), *texts, seconds, " ".join(self.reason.split())]


def read_state(path: Path) -> ItemState:
    """Read a state. An item that was never begun has no file; a damaged file counts as a state, too."""
    try:
        content = json.loads(path.read_bytes())
        failure = content.pop("failure", None)
        return ItemState(**_updated(content), failure=failure and Failure(**failure))
    except FileNotFoundError:
        return ItemState(path.stem)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return ItemState(path.stem, DAMAGED, note=f"{path} is damaged")
    except OSError as error:
        raise InputError(f"the state cannot be read: {error.strerror}", where=str(path)) from None


def write_state(path: Path, state: ItemState) -> None:
    """Replace the state in a file; only for the process that holds the lock of the item.

    Raises
    ------
    OSError
        If it cannot be written; the file then stays as it was.
    """
    content = {f.name: jsonable(getattr(state, f.name)) for f in dataclasses.fields(state)}
    replace_file(path, json.dumps(content, indent=1).encode())


def replace_file(path: Path, data: bytes, beside: Path | None = None) -> None:
    """Write data under a temporary name that only the holder of a lock uses, and rename it.

    Parameters
    ----------
    path : path
        The file to replace.
    data : bytes
        Its new content.
    beside : path, optional
        The temporary name; by default that of the file and ``.new``.
    """
    temporary = beside or path.with_name(f"{path.name}.new")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _updated(content: dict[str, Any]) -> Mapping[str, Any]:
    """Translate a state of version 0.1, which only knew slides and their tiles, into today's fields."""
    if "slide" not in content:
        return content
    item, reason, tiles = (content.pop(name, None) for name in ("slide", "reason", "tiles"))
    details = {**content.pop("details", {}), **({} if tiles is None else {"tiles": tiles})}
    return {"item": item, "note": reason or "", "details": details, **content}
