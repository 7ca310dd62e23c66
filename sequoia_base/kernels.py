"""Compiled loops: numba with a cache on disk, and threads over blocks."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from numba import njit

from sequoia_base.errors import InputError

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def kernel(function: F) -> F:
    """Compile a function to machine code that runs without Python's lock and is kept on disk.

    Each new combination of argument types is compiled at its first call. Where numba finds no folder that it may
    write to, that is done in every process anew. Division by zero gives an infinity or NaN, as in numpy: a loop that
    has to look out for it is not turned into vector instructions.

    Parameters
    ----------
    function : callable
        What numba understands: arrays, numbers and loops.

    Returns
    -------
    callable

    Examples
    --------
    >>> @kernel
    ... def double(x):
    ...     return 2 * x
    >>> double(21)
    42
    """
    return _compile(function, None)


def typed_kernel(*signatures: Any) -> Callable[[F], F]:
    """A decorator as `kernel` that compiles for the given numba signatures only, when the module is loaded."""
    return lambda function: _compile(function, list(signatures))


def count_threads(threads: int | None) -> int:
    """Number of threads to use: as asked, or the cores that this process may run on."""
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if threads < 1:
        raise InputError(f"{threads} threads cannot work", fix="give 1 or more, or None for all cores")
    return threads


def map_blocks(
    function: Callable[[int, int], T], size: int, block: int, threads: int | None = None
) -> list[T]:
    """Call ``function(start, stop)`` for consecutive blocks of ``range(size)``, several at a time.

    Parameters
    ----------
    function : callable
        Does the work of one block; it must not depend on how the range is cut.
    size : int
        Length of the range.
    block : int
        Length of a block (the last may be shorter).
    threads : int, optional
        Threads at work; all available cores by default.

    Returns
    -------
    list
        What `function` returned, in the order of the blocks.

    Examples
    --------
    >>> map_blocks(lambda start, stop: (start, stop), size=5, block=2)
    [(0, 2), (2, 4), (4, 5)]
    """
    starts = range(0, size, block)
    stops = [min(start + block, size) for start in starts]
    workers = min(count_threads(threads), len(stops))
    if workers < 2:
        return [function(start, stop) for start, stop in zip(starts, stops, strict=True)]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, starts, stops))


def _compile(function: F, signatures: list[Any] | None) -> F:
    try:
        compiled: Any = njit(signatures, nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        compiled = njit(signatures, nogil=True, error_model="numpy")(function)
    return compiled
