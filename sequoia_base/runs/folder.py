"""The folder of a run: where things are in it, who may work on what, and the table of all."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

from sequoia_base.errors import InputError
from sequoia_base.runs.claims import Claim
from sequoia_base.runs.locks import locked, try_lock
from sequoia_base.runs.states import COLUMNS, ItemState, read_state, replace_file

#: Of the folder that holds states, locks and what is not finished.
HIDDEN = ".runs"
TABLE = "runs.csv"


class RunFolder:
    """A folder of outputs and of the states of its items.

    Parameters
    ----------
    path : path
        Made, with the folders above it, where it is not there.

    Raises
    ------
    InputError
        If it cannot be made, is no folder, or takes no files or locks.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.hidden = self.path / HIDDEN
        try:
            self.hidden.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise InputError(
                "the output is to be a folder, and a file has its name", where=str(path)
            ) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"the folder of the output cannot be made: {reason}", where=str(path)) from None
        if not (os.access(self.path, os.W_OK | os.X_OK) and os.access(self.hidden, os.W_OK | os.X_OK)):
            raise InputError("the folder of the output cannot be written to", where=str(path))
        self._rows: dict[str, tuple[tuple[int, int, int], list[str]]] = {}
        self.write_table()

    def state(self, name: str) -> ItemState:
        """What is known of an item."""
        return read_state(self.hidden / f"{name}.json")

    def claim(self, name: str) -> Claim | None:
        """The right to work on an item, which ends with this process at the latest; None where another has it.

        Raises
        ------
        InputError
            If no lock can be had, or the state cannot be read.
        """
        handle = try_lock(self.hidden / f"{name}.lock")
        if handle is None:
            return None
        try:
            return Claim(self, name, handle)
        except BaseException:
            os.close(handle)
            raise

    def write_table(self) -> None:
        """Write ``runs.csv`` anew from the states, in the order of names.

        Raises
        ------
        InputError
            If it cannot be written; what was there stays.
        """
        with locked(self.hidden / "table"):
            text = io.StringIO()
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(self._read_rows())
            data = text.getvalue().encode("utf-8", "surrogateescape")
            try:
                replace_file(self.path / TABLE, data, self.hidden / TABLE)
            except OSError as error:
                raise InputError(
                    f"the table cannot be written: {error.strerror}", where=str(self.path / TABLE)
                ) from None

    def _read_rows(self) -> list[list[str]]:
        """Rows of all items; files that did not change since the last time are not read again."""
        rows = {}
        with os.scandir(self.hidden) as entries:
            for entry in entries:
                if entry.name.endswith(".json"):
                    about = os.stat(entry.path)
                    mark = (about.st_ino, about.st_mtime_ns, about.st_size)
                    known = self._rows.get(entry.name)
                    if known is None or known[0] != mark:
                        known = (mark, read_state(Path(entry.path)).row)
                    rows[entry.name] = known
        self._rows = rows
        return sorted(row for _, row in rows.values())
