"""Processes that tests start: Ctrl-C always reaches them, and none outlives its test."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

_STARTED: list[subprocess.Popen[str]] = []


def start(
    code: str, *arguments: object, prepare: Callable[[], None] | None = None, **popen: Any
) -> subprocess.Popen[str]:
    """Run Python code in its own process and process group, with pipes for its output."""

    def before() -> None:
        signal.signal(
            signal.SIGINT, signal.SIG_DFL
        )  # tests in the background ignore it, and children inherit that
        if prepare is not None:
            prepare()

    command = [sys.executable, "-c", code, *map(str, arguments)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, preexec_fn=before, start_new_session=True, **popen
    )
    _STARTED.append(process)
    return process


def end_all() -> None:
    """Kill what a test left behind, with all processes that it started itself."""
    while _STARTED:
        process = _STARTED.pop()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate() if process.stdout and not process.stdout.closed else process.wait()
