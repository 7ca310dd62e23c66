"""Sharing the source of a slide's pixels among threads and forked processes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sequoia_model.errors import InputError
from sequoia_model.slide.sources.levels import Source


class SharedSource:
    """A source that is closed only after its last read, and reopened in a forked process.

    libopenslide crashes if a slide is closed during a read, and processes must not share file positions and locks.

    Parameters
    ----------
    source : Source
        The open source, which this object closes.
    """

    def __init__(self, source: Source) -> None:
        self._take(source)

    def _take(self, source: Source, closed: bool = False) -> None:
        self._changed = threading.Condition()
        self._source, self._users, self._closed = source, 0, closed
        self._process = os.getpid()

    @contextmanager
    def use(self) -> Iterator[Source]:
        """Lend the source, which stays open meanwhile.

        Raises
        ------
        InputError
            If the slide was closed.
        """
        if self._process != os.getpid():
            self._take(self._source if self._closed else self._source.reopened(), self._closed)
        with self._changed:
            if self._closed:
                raise InputError("the slide is closed", where=str(self._source.path))
            self._users += 1
        try:
            yield self._source
        finally:
            with self._changed:
                self._users -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Close the source, once, after the reads in progress."""
        if self._process != os.getpid():
            self._take(self._source, closed=True)  # the open file belongs to the parent process
        with self._changed:
            first, self._closed = not self._closed, True
            self._changed.wait_for(lambda: self._users == 0)
        if first:
            self._source.close()
