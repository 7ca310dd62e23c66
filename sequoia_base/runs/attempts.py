"""One item of several: its result, or the error that says why there is none, whatever that error is."""

from __future__ import annotations

import os
import tempfile
import time
import traceback
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from sequoia_base.errors import InputError, SequoiaError

Worked = TypeVar("Worked")

#: Longest message of another library that is repeated in an error.
_LONGEST = 300


def attempt(work: Callable[[], Worked], item: str, log: Path | None = None) -> Worked | SequoiaError:
    """Work on one of several items, so that an error of any kind ends this item only.

    Parameters
    ----------
    work : callable
        What is done with the item.
    item : str
        Its name, for the log.
    log : path, optional
        The file that gets the traceback of an error that nobody foresaw; it is created when it is needed. By default a
        new one in the folder of temporary files.

    Returns
    -------
    object or SequoiaError
        What `work` returns, or the error that ended it. Ctrl-C and an exit are not caught.
    """
    try:
        return work()
    except SequoiaError as error:
        return error
    except OSError as error:
        if error.strerror:
            return InputError(str(error.strerror), where=str(error.filename or ""))
        return _unforeseen(error, item, log)
    except MemoryError:
        return InputError("there is not enough memory")
    except BrokenExecutor as error:
        return InputError(
            f"a worker process was killed: {_one_line(error)}",
            fix="it may have run out of memory: use fewer --jobs",
        )
    except Exception as error:  # the one place where an error of any kind ends an item and not the run
        return _unforeseen(error, item, log)


def write_traceback(error: BaseException, item: str, log: Path | None = None) -> Path | None:
    """Append the traceback of an error to a log file.

    Parameters
    ----------
    error : Exception
        The error.
    item : str
        What was worked on.
    log : path, optional
        The file; by default a new one in the folder of temporary files.

    Returns
    -------
    path or None
        The file; None if it cannot be written.
    """
    lines = [f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {item}\n", *traceback.format_exception(error), "\n"]
    with suppress(OSError):
        if log is None:
            handle, name = tempfile.mkstemp(prefix="sequoia-", suffix=".log")
            os.close(handle)
            log = Path(name)
        with log.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(lines)
        return log
    return None


def _unforeseen(error: Exception, item: str, log: Path | None) -> InputError:
    """An error that nobody foresaw: its type and message; the traceback is in a file that the error names."""
    written = write_traceback(error, item, log)
    traced = f"; the traceback is in {written}" if written else ""
    return InputError(
        f"unforeseen error: {type(error).__name__}: {_one_line(error)}",
        fix=f"the file may be damaged: get a new copy; if it is intact, please report this{traced}",
    )


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
