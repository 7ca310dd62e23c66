"""Items in turn: those that are free at once, those that other processes hold when they let go of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from sequoia_base.errors import InputError
from sequoia_base.runs.claims import Claim
from sequoia_base.runs.folder import RunFolder

_POLL = 0.2  # seconds between two looks at items that others hold


def in_turn(folder: RunFolder, names: Sequence[str]) -> Iterator[tuple[str, Claim | InputError]]:
    """A claim on each item, once.

    Parameters
    ----------
    folder : RunFolder
    names : sequence of str

    Yields
    ------
    tuple
        The item, and a claim that whoever takes it has to release, or the error that says why there can be none.
        Items that another process works on come last, as soon as it is at the end with them or has died.
    """
    waiting = list(names)
    while waiting:
        held = []
        for name in waiting:
            try:
                claim = folder.claim(name)
            except InputError as error:
                yield name, error
                continue
            if claim is None:
                held.append(name)
            else:
                yield name, claim
        if len(held) == len(waiting):
            time.sleep(_POLL)
        waiting = held
