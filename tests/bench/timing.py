"""Wall times of two functions side by side, and memory."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from pathlib import Path


def seconds(function: Callable[[], object]) -> float:
    """Wall time of one call, garbage collected beforehand."""
    gc.collect()
    start = time.perf_counter()
    result = function()
    elapsed = time.perf_counter() - start
    del result
    return elapsed


def cpu_seconds(function: Callable[[], object]) -> float:
    """Seconds of the CPU of one call, which other programs hardly change; garbage collected beforehand."""
    gc.collect()
    start = time.process_time()
    function()
    return time.process_time() - start


def peak() -> int:
    """Peak memory of this process, in bytes; `ru_maxrss` would count its parent's from before the program began."""
    return 1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])


def alternate(ours: Callable[[], object], theirs: Callable[[], object], runs: int) -> tuple[float, float]:
    """Median seconds of both, run in turn after one warm-up each."""
    ours(), theirs()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(runs)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def line(what: str, ours: float, theirs: float, name: str, goal: str) -> None:
    """One row of the table."""
    print(f"{what:<44} {ours:8.3f} s   {name:<11} {theirs:8.3f} s   {theirs / ours:6.2f} x   goal {goal}")
