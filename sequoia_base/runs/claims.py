"""A claim: the right of one process to work on an item, and all that it may do with it."""

from __future__ import annotations

import dataclasses
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sequoia_base.errors import InputError
from sequoia_base.runs.states import DONE, FAILED, RENAME, write_state

if TYPE_CHECKING:
    from sequoia_base.runs.folder import RunFolder


class Claim:
    """The right to work on an item, for a ``with`` block; made by `RunFolder.claim`.

    Outputs that a process which died has left unfinished are removed; those that were whole stay for `recover`. An
    error that leaves the block is written down as the reason of a failure; an end from outside, as by Ctrl-C, leaves
    the state as it is. Nothing that is not finished stays.

    Parameters
    ----------
    folder : RunFolder
    name : str
        Of the item.
    handle : int
        The open file whose lock is held.
    """

    def __init__(self, folder: RunFolder, name: str, handle: int) -> None:
        self.name = name
        self.state = folder.state(name)
        self._folder, self._handle = folder, handle
        self._file = folder.hidden / f"{name}.json"
        self._part = folder.hidden / f"{name}.part"
        self._start = time.monotonic()
        if self.state.state != RENAME:
            self._clear()

    @property
    def part(self) -> Path:
        """A folder for outputs until they are whole; emptied when the claim ends."""
        self._part.mkdir(exist_ok=True)
        return self._part

    def recover(self) -> None:
        """Rename what a process that died while it renamed has left whole; to be called before anything else.

        Where an output is lost, the state stays as it is, and the work is to be done again.

        Raises
        ------
        InputError
            If the folder or the state cannot be written.
        """
        names = self.state.outputs
        if self.state.state != RENAME:
            return
        if all((self._part / name).is_file() or self.has_outputs([name]) for name in names):
            self.state = dataclasses.replace(self.state, attempts=self.state.attempts + 1)
            self._rename()
        self._clear()

    def has_outputs(self, names: Sequence[str]) -> bool:
        """Whether all outputs stand in the folder."""
        return all(self.place(name).is_file() for name in names)

    def place(self, name: str) -> Path:
        """Where an output stands when it is whole."""
        return self._folder.path / name

    def begin(self, state: str, settings: Mapping[str, Any]) -> None:
        """Begin an attempt with a first step."""
        self._start = time.monotonic()
        self._save(
            state=state, settings=dict(settings), attempts=self.state.attempts + 1, tiles=None, seconds=None,
            reason="", outputs=[], settled=None, details={},
        )  # fmt: skip

    def advance(self, state: str, *, tiles: int | None = None, **details: Any) -> None:
        """Begin the next step.

        Parameters
        ----------
        state : str
            Its name.
        tiles : int, optional
            Where their number is known by now.
        **details : object
            Kept for reports.
        """
        known = self.state.tiles if tiles is None else tiles
        self._save(state=state, tiles=known, details=self.state.details | details, seconds=self._seconds())

    def remember(self, **details: Any) -> None:
        """Have details written with the next state."""
        self.state = dataclasses.replace(self.state, details=self.state.details | details)

    def finish(self, outputs: Sequence[str], *, note: str = "") -> None:
        """Rename the outputs, which are whole by now, out of `part`, in this order; then the item is done.

        Parameters
        ----------
        outputs : sequence of str
            Their names. The last of them is there only when all are.
        note : str
            For the column of reasons.
        """
        for name in outputs:
            _to_disk(self._part / name)
        self._save(state=RENAME, outputs=list(outputs), reason=note, seconds=self._seconds())
        self._rename()

    def fail(self, reason: str) -> None:
        """Write down why the attempt failed, if the disk still takes it."""
        self._clear()  # first: the disk may be full of it
        self.state = dataclasses.replace(
            self.state, state=FAILED, reason=reason, seconds=self._seconds(), settled=time.time()
        )
        with suppress(OSError, InputError):  # a full disk; the caller tells the reason as well
            write_state(self._file, self.state)
            self._folder.write_table()

    def release(self) -> None:
        """End the claim, and remove what is not finished."""
        if self._handle >= 0:
            if self.state.state != RENAME:  # whole outputs wait for the next
                self._clear()
            os.close(self._handle)
            self._handle = -1

    def __enter__(self) -> Claim:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            if isinstance(error, Exception):
                self.fail(f"internal error: {kind.__name__ if kind else ''}: {error}")
            elif error is not None and self.state.state not in (DONE, FAILED, RENAME, ""):
                with suppress(OSError, InputError):
                    self._save(reason="interrupted", seconds=self._seconds())
        finally:
            self.release()

    def _save(self, **changes: Any) -> None:
        state = dataclasses.replace(self.state, **changes)
        try:
            write_state(self._file, state)
        except OSError as error:
            raise InputError(
                f"the state cannot be written: {error.strerror}", where=str(self._file)
            ) from None
        self.state = state
        self._folder.write_table()

    def _rename(self) -> None:
        for name in self.state.outputs:
            try:
                with suppress(FileNotFoundError):  # renamed before its process died
                    os.replace(self._part / name, self.place(name))
            except OSError as error:
                what = f"the output cannot be written: {error.strerror}"
                raise InputError(what, where=str(self.place(name))) from None
        self._clear()
        self._save(state=DONE, made=self.state.settings, settled=time.time(), seconds=self.state.seconds)

    def _clear(self) -> None:
        shutil.rmtree(self._part, ignore_errors=True)

    def _seconds(self) -> float:
        return round(time.monotonic() - self._start, 3)


def _to_disk(path: Path) -> None:
    """Have a file on the disk before its name is, so that it is whole after a power cut as well."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        raise InputError(f"the output cannot be written: {error.strerror}", where=str(path)) from None
    finally:
        os.close(handle)
