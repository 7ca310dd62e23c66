"""Loops compiled by numba and cached on disk, and threads that share the blocks of a range."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from numba import njit

from sequoia_base.arguments import count_jobs

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def kernel(function: F) -> F:
    """Compile a function to machine code that runs without Python's lock and is cached on disk.

    A function is compiled at its first call with each new combination of argument types. If numba finds no folder
    that it can write to, every process compiles again. Division by zero gives infinity or NaN, as in numpy: a loop
    that must check for it is not turned into vector instructions.

    Parameters
    ----------
    function : callable
        Code that numba understands: arrays, numbers and loops.

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
    """A decorator like `kernel` that compiles for the given numba signatures only, when the module is imported."""
    return lambda function: _compile(function, list(signatures))


def map_blocks(function: Callable[[int, int], T], size: int, block: int, jobs: int | None = None) -> list[T]:
    """Call ``function(start, stop)`` for consecutive blocks of ``range(size)``, in several threads.

    Parameters
    ----------
    function : callable
        Processes one block; its result must not depend on how the range is divided.
    size : int
        Length of the range.
    block : int
        Length of a block; the last may be shorter.
    jobs : int, optional
        Number of threads, one per available core by default.

    Returns
    -------
    list
        The results of `function`, in the order of the blocks.

    Examples
    --------
    >>> map_blocks(lambda start, stop: (start, stop), size=5, block=2)
    [(0, 2), (2, 4), (4, 5)]
    """
    starts = range(0, size, block)
    stops = [min(start + block, size) for start in starts]
    jobs = min(count_jobs(jobs), len(stops))
    if jobs < 2:
        return [function(start, stop) for start, stop in zip(starts, stops, strict=True)]
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(function, starts, stops))


def _compile(function: F, signatures: list[Any] | None) -> F:
    try:
        compiled: Any = njit(signatures, nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        compiled = njit(signatures, nogil=True, error_model="numpy")(function)
    return compiled
