"""Locks on files, which end with the process that holds them, however it ends."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sequoia_base.errors import InputError


def try_lock(path: Path) -> int | None:
    """Lock a file, made where it is not there.

    Returns
    -------
    int or None
        The open file, which is to be closed when the lock is to end; None where another one holds it.

    Raises
    ------
    InputError
        If the file cannot be made, or its disk knows no locks.
    """
    return _lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for the lock on a file, and hold it during a block; errors as in `try_lock`."""
    handle = _lock(path, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _lock(path: Path, how: int) -> int | None:
    try:
        # for writing, as network disks ask for it
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise InputError(f"the lock cannot be made: {error.strerror}", where=str(path)) from None
    try:
        fcntl.flock(handle, how)
    except BaseException as error:
        os.close(handle)
        if not isinstance(error, OSError):
            raise
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return None
        raise InputError(
            f"the disk of the folder takes no locks ({error.strerror}): processes would collide",
            where=str(path),
            fix="give a folder on a disk of this machine, or mount this one with locks",
        ) from None
    return handle
