"""Messages between parent and child: Python objects, whose arrays travel in memory that both see.

The child writes all arrays of a message into one file that exists only in memory, and the parent copies them out. The
file is used again and again: its pages are there already, and a pipe would carry the arrays in pieces of 64 kB.
"""

from __future__ import annotations

import importlib
import os
import pickle
import socket
import struct
import tempfile
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HEADER = struct.Struct("<QQ")
#: Bytes of shared memory that stay for the next message.
_KEPT = 2**26


@dataclass(frozen=True)
class Answer:
    """What came of a call: a result, or an error."""

    result: Any = None
    error: Exception | None = None


def run(name: str, arguments: tuple[Any, ...]) -> Any:
    """Call the function that "module:function" names."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)(*arguments)


def shared_memory() -> int:
    """The descriptor of a new file in memory, or of one without a name where the system has no such files."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("sequoia", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def send(connection: socket.socket, content: Any, shared: int | None = None) -> None:
    """Send an object; contiguous arrays inside it go into the shared memory, if there is one and it has room."""
    buffers: list[pickle.PickleBuffer] = []
    body = pickle.dumps(content, protocol=5, buffer_callback=None if shared is None else buffers.append)
    views = [buffer.raw() for buffer in buffers]
    try:
        _write(views, shared)
    except OSError:  # a limit on the size of files also holds for files in memory
        views, body = [], pickle.dumps(content, protocol=5)
    sizes = pickle.dumps([view.nbytes for view in views])
    connection.sendall(b"".join([_HEADER.pack(len(sizes), len(body)), sizes, body]))


def _write(views: list[memoryview], shared: int | None) -> None:
    place = 0
    for view in views:
        done = 0
        while done < view.nbytes and shared is not None:
            done += os.pwrite(shared, view[done:], place + done)
        place += view.nbytes


def receive(connection: socket.socket, shared: int | None = None) -> Any:
    """Receive an object.

    Raises
    ------
    EOFError
        If the other side has ended.
    """
    n_sizes, n_body = _HEADER.unpack(_exactly(connection, _HEADER.size))
    sizes: list[int] = pickle.loads(_exactly(connection, n_sizes))
    body = _exactly(connection, n_body)
    buffers = [] if shared is None else _copied(shared, sizes)
    return pickle.loads(body, buffers=buffers)


def _exactly(connection: socket.socket, n: int) -> bytearray:
    content = bytearray(n)
    view = memoryview(content)
    while view:
        got = connection.recv_into(view)
        if not got:
            raise EOFError
        view = view[got:]
    return content


def _copied(shared: int, sizes: list[int]) -> list[NDArray[np.uint8]]:
    buffers, place = [], 0
    for size in sizes:
        buffer, done = np.empty(size, dtype=np.uint8), 0
        while done < size:
            done += os.preadv(shared, [buffer.data[done:]], place + done)
        buffers.append(buffer)
        place += size
    if place > _KEPT:
        os.ftruncate(shared, 0)
    return buffers
