"""gseapy's permutations, in a process of their own where they take long: inside gseapy nobody hears Ctrl-C."""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from subprocess import PIPE, Popen
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

#: Genes × sets × permutations that take about half a second, and are not worth a process.
QUICK = 100_000_000


class Peaks(NamedTuple):
    """What gseapy finds, an entry per set in the order of the sets.

    Parameters
    ----------
    es, nes, p : array of shape (sets,)
    edge_genes : array
        Positions of the genes of all leading edges, one after the other.
    edge_ends : array of shape (sets + 1,)
        Where the edge of a set begins and ends in `edge_genes`.
    """

    es: NDArray[np.float64]
    nes: NDArray[np.float64]
    p: NDArray[np.float64]
    edge_genes: NDArray[np.int64]
    edge_ends: NDArray[np.int64]


class Task(NamedTuple):
    """What gseapy is given.

    Parameters
    ----------
    values : array of shape (genes,)
        Scores from high to low.
    set_genes : array
        Positions of the genes of all sets, one set after the other.
    set_ends : array of shape (sets + 1,)
        Where a set begins and ends in `set_genes`.
    options : array of shape (3,)
        Permutations, seed, threads.
    """

    values: NDArray[np.float64]
    set_genes: NDArray[np.int64]
    set_ends: NDArray[np.int64]
    options: NDArray[np.int64]


def find_peaks(task: Task) -> Peaks:
    """Running sums and their permutations; Ctrl-C ends them, and the process that they may have.

    Raises
    ------
    RuntimeError
        If the process dies.
    """
    work = len(task.values) * (len(task.set_ends) - 1) * int(task.options[0])
    if work <= QUICK or not sys.executable or getattr(sys, "frozen", False):
        return prerank(task)
    return Peaks(**_unpacked(_in_process(_packed(task))))


def prerank(task: Task) -> Peaks:
    """The same, here. gseapy sees numbers for names, so that it cannot change their case."""
    import gseapy

    n, ends = len(task.values), task.set_ends
    permutations, seed, threads = task.options.tolist()
    places = np.char.mod("%d", task.set_genes).tolist()
    sets = {str(i): places[ends[i] : ends[i + 1]] for i in range(len(ends) - 1)}
    with _quiet():
        table = gseapy.prerank(
            pd.Series(task.values, np.char.mod("%d", np.arange(n)), name="score"), sets, outdir=None, min_size=1,
            max_size=n, permutation_num=permutations, ascending=None, threads=threads, no_plot=True, seed=seed,
        ).res2d  # fmt: skip
    table = table.set_axis(table["Term"].astype(int), axis=0).loc[list(range(len(sets)))]
    edges = [np.array(edge.split(";"), dtype=np.int64) for edge in table["Lead_genes"]]
    es, nes, p = (table[column].to_numpy(dtype=np.float64) for column in ("ES", "NES", "NOM p-val"))
    return Peaks(es, nes, p, np.concatenate(edges), np.cumsum([0, *map(len, edges)]))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back gseapy's warnings about ties, which it prints by a logger of its own."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)


def _packed(parts: Task | Peaks) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **parts._asdict())
    return buffer.getvalue()


def _unpacked(content: bytes) -> dict[str, NDArray]:
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return dict(file)


# --- the parent's side ---------------------------------------------------------------------------------------------


def _in_process(request: bytes) -> bytes:
    """The answer of a process that runs `main`, and is gone when this returns or raises."""
    path = os.pathsep.join(os.path.abspath(folder) for folder in sys.path)
    command = [sys.executable, "-P", "-m", __name__]  # -P: the working folder is no place for modules
    with (
        tempfile.TemporaryFile() as said,
        Popen(command, stdin=PIPE, stdout=PIPE, stderr=said, env=os.environ | {"PYTHONPATH": path}) as child,
    ):
        try:
            answer = _ask(child, request)
            code = child.wait()
        except BaseException:
            child.kill()
            child.wait()
            raise
        if code == -signal.SIGINT:  # Ctrl-C on a terminal reaches both
            raise KeyboardInterrupt
        if code:
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines() or [f"exit code {code}"]
            raise RuntimeError(f"gseapy did not end well: {lines[-1]}")
        return answer


def _ask(child: Popen[bytes], request: bytes) -> bytes:
    """Send the request and read to the end; the pipe to the child stays open, since it ends itself when that closes."""
    if child.stdin is None or child.stdout is None:
        raise RuntimeError("the process has no pipes")
    with suppress(BrokenPipeError):  # its exit code tells why
        child.stdin.write(len(request).to_bytes(8, "big") + request)
        child.stdin.flush()
    return child.stdout.read()


# --- the child's side ----------------------------------------------------------------------------------------------


def main() -> None:
    """Read a task from stdin, write its peaks to stdout."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    with os.fdopen(os.dup(1), "wb") as answer:
        os.dup2(2, 1)  # whatever gseapy prints must not come between
        size = int.from_bytes(sys.stdin.buffer.read(8), "big")
        task = Task(**_unpacked(sys.stdin.buffer.read(size)))
        threading.Thread(target=_end_with_parent, daemon=True).start()
        answer.write(_packed(prerank(task)))


def _end_with_parent() -> None:
    """Nothing more is sent: the pipe ends when the parent does, however that happens."""
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    main()
