"""The parent's side: starts the child when it is first needed, and again after it has died."""

from __future__ import annotations

import atexit
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any

from sequoia_base.apart._messages import Answer, receive, run, send, shared_memory
from sequoia_base.errors import InputError

#: Seconds of the processor's time for a file, and more for each byte of it (a second per MB).
_SECONDS, _PER_BYTE = 10.0, 1e-6
_START = (
    "import sys; sys.path[:] = {path!r}; from sequoia_base.apart._child import main; "
    "main({socket}, {shared}, {modules!r})"
)
_DAMAGED = "the file is damaged: get a new copy, or create it again"


def call(name: str, *arguments: Any, size: int, reader: str) -> Any:
    """Run a function in the child process.

    Parameters
    ----------
    name : str
        "module:function". The child imports the module, which should import little itself.
    *arguments
        What the function takes; they and its result can be pickled.
    size : int
        Bytes of the file that it reads. The limit is 10 seconds of the processor's time and one more per MB, which
        reading needs a small part of; the time that a slow disk takes does not count.
    reader : str
        Who reads, for the message: "the HDF5 library".

    Returns
    -------
    object
        What the function returns.

    Raises
    ------
    InputError
        If the child crashes, is killed, or runs out of time.
    Exception
        What the function raises.

    Notes
    -----
    Threads take turns. If no child can be started, the function runs in this process.
    """
    return _CHILD.call(name, arguments, _SECONDS + size * _PER_BYTE, reader)


def begin(*modules: str) -> None:
    """Start the child process, unless it runs, and do not wait for it; `call` waits.

    Parameters
    ----------
    *modules : str
        What a child that is started imports at once, so that it need not later.
    """
    _CHILD.begin(modules)


def end() -> None:
    """End the child process; the next call starts another one."""
    _CHILD.end()


class _Child:
    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._forget()

    def begin(self, modules: tuple[str, ...] = ()) -> None:
        """As the function `begin`."""
        if self._owner not in (0, os.getpid()):  # a forked process: the child and the lock are its parent's
            self._turn = threading.Lock()
            self._forget()
        with self._turn, suppress(OSError):  # no free descriptors
            self._running(modules)

    def call(self, name: str, arguments: tuple[Any, ...], seconds: float, reader: str) -> Any:
        """As the function `call`."""
        self.begin()
        with self._turn:
            answer = self._asked((_folder(), name, arguments, seconds), reader)
        if answer is None:
            return run(name, arguments)
        if answer.error is not None:
            raise answer.error
        return answer.result

    def end(self) -> None:
        """End the child process, if this process has one."""
        process, connection, files = self._process, self._connection, self._files
        ours = self._owner == os.getpid()
        self._forget()
        if connection is not None:
            connection.detach()
        for number, known in files.items():
            if _identity(number) == known:
                os.close(number)
        if process is not None and ours:
            process.kill()
            process.wait()

    def _forget(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._shared, self._owner, self._greeted = -1, 0, False
        self._files: dict[int, tuple[int, int] | None] = {}

    def _running(self, modules: tuple[str, ...] = ()) -> socket.socket:
        """The connection to the child, which is started if there is none."""
        if self._connection is not None and self._process is not None and self._process.poll() is None:
            return self._connection
        self.end()
        ours, theirs = socket.socketpair()
        self._connection, self._shared, self._owner = ours, shared_memory(), os.getpid()
        self._files = {number: _identity(number) for number in (ours.fileno(), self._shared)}
        path = [entry or os.getcwd() for entry in sys.path]
        numbers = {"socket": theirs.fileno(), "shared": self._shared}
        nothing = subprocess.DEVNULL
        with theirs, suppress(OSError):  # no Python to start, as where it is embedded in another program
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START.format(path=path, modules=modules, **numbers)],
                stdin=nothing, stdout=nothing, stderr=nothing, pass_fds=list(numbers.values()),
            )  # fmt: skip
        return ours

    def _asked(self, question: tuple[Any, ...], reader: str) -> Answer | None:
        """The answer of the child; if it dies, the error that says how; None if it cannot be started."""
        for _ in range(2):
            with suppress(OSError):
                return self._answered(question, reader)
        return None

    def _answered(self, question: tuple[Any, ...], reader: str) -> Answer | None:
        """As `_asked`, or an OSError if another part of the program closed a descriptor of ours."""
        connection = self._running()
        try:
            if any(_identity(number) != known for number, known in self._files.items()):
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            if not self._greeted:
                receive(connection)
                self._greeted = True
            send(connection, question)
            answer: Answer = receive(connection, self._shared)
            return answer
        except (EOFError, ConnectionError):
            began, code = self._greeted, self._process.wait() if self._process else 0
            self.end()
            if not began:
                return None
            what = f"{reader} stopped reading the file: {_cause(code, question[-1])}"
            return Answer(error=InputError(what, fix=_DAMAGED))
        except BaseException:  # Ctrl-C in the middle of an answer
            self.end()
            raise


def _identity(number: int) -> tuple[int, int] | None:
    """Which file an open descriptor means, since its number is given anew once it is closed; None if it is closed."""
    try:
        status = os.fstat(number)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _cause(code: int, seconds: float) -> str:
    if code == -signal.SIGPROF:
        return f"it took more than {seconds:.0f} s of the processor's time"
    if code == -signal.SIGKILL:
        return "it was killed, perhaps because memory ran out"
    name = f"code {code}"
    with suppress(ValueError):
        name = signal.Signals(-code).name
    return f"it crashed ({name})"


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "/"


_CHILD = _Child()
atexit.register(end)
