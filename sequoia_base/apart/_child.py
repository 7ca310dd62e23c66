"""The child process: runs one function after another, within limits of time and memory, until its parent ends."""

from __future__ import annotations

import importlib
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

from sequoia_base.apart._messages import Answer, receive, run, send
from sequoia_base.errors import InputError


def main(socket_number: int, shared: int, modules: tuple[str, ...]) -> None:
    """Answer the calls that arrive at a socket; both it and the shared memory are given by their descriptors."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends this process at once, whatever it does
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    _limit_memory()
    with socket.socket(fileno=socket_number) as connection:
        send(connection, sys.version)
        for name in modules:
            with suppress(ImportError):  # the call that needs it says so
                importlib.import_module(name)
        while True:
            try:
                folder, name, arguments, seconds = receive(connection)
            except EOFError:
                return
            with suppress(OSError):  # a folder that was removed; absolute paths work all the same
                os.chdir(folder)
            signal.setitimer(signal.ITIMER_PROF, seconds)  # of the processor, so that a disk may be slow
            answer = _answer(name, arguments)
            signal.setitimer(signal.ITIMER_PROF, 0)
            _send(connection, answer, shared)
            del answer


def _answer(name: str, arguments: tuple[Any, ...]) -> Answer:
    """The result of a function, or the error that it raised."""
    try:
        return Answer(run(name, arguments))
    except Exception as error:  # of any kind: the parent raises it, and this process goes on to the next call
        return Answer(error=_readable(error))


def _send(connection: socket.socket, answer: Answer, shared: int) -> None:
    try:
        send(connection, answer, shared)
    except (
        Exception
    ) as error:  # pickle raises what the content raises: it may hold an open file, or be too deep
        held = answer.error
        known = _readable(error) if held is None else RuntimeError(f"{type(held).__name__}: {held}")
        send(connection, Answer(error=known), shared)


def _readable(error: Exception) -> Exception:
    """An error that the parent can show."""
    if isinstance(error, MemoryError):
        return InputError("the file needs more memory than this machine has")
    if isinstance(error, RecursionError):
        return InputError("the content of the file is nested too deeply")
    return error


def _limit_memory() -> None:
    """Let a size that damage made absurd fail here, rather than fill the memory of the machine."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        allowed = [limit for limit in (machine, soft, hard) if limit != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_AS, (min(allowed), hard))
