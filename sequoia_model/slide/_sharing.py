"""A source that threads and forked processes share."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sequoia_model.errors import InputError
from sequoia_model.slide.sources.levels import Source


class Shared:
    """A source that is closed when nobody reads it, and opened anew in a process that was forked.

    libopenslide crashes where a slide is closed under a read, and file positions and locks must not be shared with
    another process.

    Parameters
    ----------
    source : Source
    """

    def __init__(self, source: Source) -> None:
        self._own(source)

    def _own(self, source: Source, closed: bool = False) -> None:
        self._changed = threading.Condition()
        self._source, self._users, self._closed = source, 0, closed
        self._process = os.getpid()

    @contextmanager
    def use(self) -> Iterator[Source]:
        """The source, which is not closed in the meantime.

        Raises
        ------
        InputError
            If it is closed.
        """
        if self._process != os.getpid():
            self._own(self._source if self._closed else self._source.reopened(), self._closed)
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
        """Close the source once, after the reads under way."""
        if self._process != os.getpid():
            self._own(self._source, closed=True)  # what is open belongs to the other process
        with self._changed:
            first, self._closed = not self._closed, True
            self._changed.wait_for(lambda: self._users == 0)
        if first:
            self._source.close()
