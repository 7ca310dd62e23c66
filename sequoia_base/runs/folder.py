"""The folder of a run: who may work on which item, what a process that died left behind, and the table of all items."""

from __future__ import annotations

import csv
import dataclasses
import errno
import fcntl
import io
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sequoia_base.atomic import to_disk
from sequoia_base.errors import Failure, InputError
from sequoia_base.runs.states import (
    DONE,
    FAILED,
    RENAME,
    ItemState,
    read_state,
    replace_file,
    write_state,
)

#: Folder of states, locks and unfinished outputs, and the table of all items.
HIDDEN, TABLE = ".runs", "runs.csv"
#: File for the tracebacks of errors that nobody foresaw.
LOG = "runs.log"

#: Seconds between two checks of items that other processes hold.
POLL = 0.2


def stored_state(path: Path, name: str) -> ItemState:
    """What is known about an item of a folder, which need not exist yet."""
    return read_state(path / HIDDEN / f"{name}.json")


class RunFolder:
    """A folder of outputs and of the states of its items.

    Parameters
    ----------
    path : path
        Created if it does not exist, with the folders above it.
    item : str
        What an item is: the name of the first column of the table.
    facts : sequence of str
        Details of a state that are columns of the table.

    Raises
    ------
    InputError
        If it cannot be created, is not a folder, or does not accept files or locks.
    """

    def __init__(self, path: str | Path, *, item: str = "item", facts: Sequence[str] = ()) -> None:
        self.path = Path(path)
        self.hidden = self.path / HIDDEN
        self.facts = tuple(facts)
        self.columns = (item, "state", "attempts", *facts, "seconds", "reason")
        try:
            self.hidden.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise InputError("the output must be a folder, but is a file", where=str(path)) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"the output folder cannot be created: {reason}", where=str(path)) from None
        if not (os.access(self.path, os.W_OK | os.X_OK) and os.access(self.hidden, os.W_OK | os.X_OK)):
            raise InputError("the output folder is not writable", where=str(path))
        self._rows: dict[str, tuple[tuple[int, int, int], list[str]]] = {}
        self.write_table()

    def state(self, name: str) -> ItemState:
        """What is known about an item."""
        return stored_state(self.path, name)

    def claim(self, name: str) -> Claim | None:
        """The right to work on an item, which ends with this process at the latest; None if another process has it.

        Raises
        ------
        InputError
            If the item cannot be locked, or its state cannot be read.
        """
        handle = _lock(self.hidden / f"{name}.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
        if handle is None:
            return None
        try:
            return Claim(self, name, handle)
        except BaseException:
            os.close(handle)
            raise

    def in_turn(self, names: Sequence[str]) -> Iterator[tuple[str, Claim | InputError]]:
        """A claim on each item, once.

        Parameters
        ----------
        names : sequence of str
            The items.

        Yields
        ------
        tuple
            The item, and a claim that must be released, or the error that says why it cannot be claimed. Items that
            another process works on come last, as soon as that process releases them or dies.
        """
        for turn in self.free(names):
            if turn is None:
                time.sleep(POLL)
            else:
                yield turn

    def free(self, names: Sequence[str]) -> Iterator[tuple[str, Claim | InputError] | None]:
        """A claim on each item, once, as in `in_turn`; None whenever other processes work on all that are left.

        The caller may do something else, and has to wait before it asks again.

        Parameters
        ----------
        names : sequence of str
            The items.
        """
        waiting = list(names)
        while waiting:
            held = []
            for name in waiting:
                try:
                    claim = self.claim(name)
                except InputError as error:
                    yield name, error
                    continue
                if claim is None:
                    held.append(name)
                else:
                    yield name, claim
            if len(held) == len(waiting):
                yield None
            waiting = held

    def write_table(self) -> None:
        """Rewrite ``runs.csv`` from the states, sorted by item.

        Raises
        ------
        InputError
            If it cannot be written; the file then stays as it was.
        """
        with locked(self.hidden / "table"):
            text = io.StringIO()
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(self.columns)
            writer.writerows(self._read_rows())
            data = text.getvalue().encode("utf-8", "surrogateescape")
            try:
                replace_file(self.path / TABLE, data, self.hidden / TABLE)
            except OSError as error:
                raise InputError(
                    f"the table cannot be written: {error.strerror}", where=str(self.path / TABLE)
                ) from None

    def _read_rows(self) -> list[list[str]]:
        """Rows of all items; a file that has not changed since the last time is not read again."""
        rows = {}
        with os.scandir(self.hidden) as entries:
            for entry in entries:
                if entry.name.endswith(".json"):
                    about = os.stat(entry.path)
                    mark = (about.st_ino, about.st_mtime_ns, about.st_size)
                    known = self._rows.get(entry.name)
                    if known is None or known[0] != mark:
                        known = (mark, read_state(Path(entry.path)).row(self.facts))
                    rows[entry.name] = known
        self._rows = rows
        return sorted(row for _, row in rows.values())


class Claim:
    """The right to work on an item, for a ``with`` block; made by `RunFolder.claim`.

    Unfinished outputs of a process that died are removed; finished ones stay for `recover`. An error that leaves the
    block is written down as a failure; an end from outside, as by Ctrl-C, leaves the state as it is. Unfinished
    outputs never stay.

    Parameters
    ----------
    folder : RunFolder
        The folder of the run.
    name : str
        Name of the item.
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
        """A folder for outputs until they are finished; removed when the claim ends."""
        self._part.mkdir(exist_ok=True)
        return self._part

    def recover(self) -> None:
        """Rename the finished outputs of a process that died while it renamed them; call it before anything else.

        If an output is lost, the state stays as it is, and the work must be done again.

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
        """Whether all these outputs are in the folder."""
        return all(self.place(name).is_file() for name in names)

    def place(self, name: str) -> Path:
        """Path of an output once it is finished."""
        return self._folder.path / name

    def begin(self, state: str, settings: Mapping[str, Any]) -> None:
        """Begin an attempt with a first step."""
        self._start = time.monotonic()
        self._save(
            state=state, settings=dict(settings), attempts=self.state.attempts + 1, seconds=None, failure=None,
            note="", outputs=[], settled=None, details={},
        )  # fmt: skip

    def advance(self, state: str, **details: Any) -> None:
        """Begin the next step, and keep further details."""
        self._save(state=state, details=self.state.details | details, seconds=self._seconds())

    def remember(self, **details: Any) -> None:
        """Keep further details, to be written with the next state."""
        self.state = dataclasses.replace(self.state, details=self.state.details | details)

    def finish(self, outputs: Sequence[str], *, note: str = "") -> None:
        """Move the finished outputs out of `part`, in this order; then the item is done.

        Parameters
        ----------
        outputs : sequence of str
            Their names. The last one is in the folder only when all are.
        note : str
            What to know about the item, for the column of reasons.
        """
        for name in outputs:
            to_disk(self._part / name)
        self._save(state=RENAME, outputs=list(outputs), note=note, seconds=self._seconds())
        self._rename()

    def fail(self, failure: Failure) -> None:
        """Record why the attempt failed, unless the disk is full."""
        self._clear()  # first, since it may fill the disk
        self.state = dataclasses.replace(
            self.state, state=FAILED, failure=failure, note="", seconds=self._seconds(), settled=time.time()
        )
        with suppress(OSError, InputError):  # a full disk; the caller reports the failure as well
            write_state(self._file, self.state)
            self._folder.write_table()

    def release(self) -> None:
        """End the claim, and remove what is not finished."""
        if self._handle >= 0:
            if self.state.state != RENAME:  # finished outputs wait for the next claim
                self._clear()
            os.close(self._handle)
            self._handle = -1

    def __enter__(self) -> Claim:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            if isinstance(error, Exception):
                what = f"internal error: {kind.__name__ if kind else ''}: {error}"
                self.fail(Failure(self.name, "", what))
            elif error is not None and self.state.state not in (DONE, FAILED, RENAME, ""):
                with suppress(OSError, InputError):
                    self._save(note="interrupted", seconds=self._seconds())
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


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock on a file for the length of a block; errors as in `_lock`.

    Parameters
    ----------
    path : path
        The file.
    wait : bool
        Whether to wait for a process that holds it.

    Yields
    ------
    bool
        Whether the lock is held, which it always is after waiting.
    """
    handle = _lock(path, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            os.close(handle)


def _lock(path: Path, how: int) -> int | None:
    """Lock a file, created if it does not exist, until its handle is closed or the process ends in any way.

    Returns
    -------
    int or None
        The open file; None if another process holds the lock and `how` does not wait.

    Raises
    ------
    InputError
        If the file cannot be created, or its disk does not support locks.
    """
    try:
        # for writing, as network disks require
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise InputError(f"the lock cannot be created: {error.strerror}", where=str(path)) from None
    try:
        fcntl.flock(handle, how)
    except BaseException as error:
        os.close(handle)
        if not isinstance(error, OSError):
            raise
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return None
        raise InputError(
            f"the disk of the output folder does not support locks ({error.strerror}), so processes would collide",
            where=str(path),
            fix="choose a folder on a local disk, or mount this disk with support for locks",
        ) from None
    return handle
