"""gseapy's permutations, run in another process if they take long: inside gseapy, Ctrl-C is not noticed."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from typing import NamedTuple

import numpy as np
import pandas as pd
from joblib.externals.loky import ProcessPoolExecutor
from numpy.typing import NDArray

from sequoia_stats.errors import SequoiaError
from sequoia_stats.sets.collections import Membership

#: Number of genes × sets × permutations that take about half a second: fewer are not worth a process.
QUICK = 100_000_000


class Peaks(NamedTuple):
    """What gseapy finds for each set.

    Parameters
    ----------
    es, nes, p : array of shape (sets,)
        Enrichment score, normalised score and p-value.
    edges : Membership
        Leading edges as positions in the ranking.
    """

    es: NDArray[np.float64]
    nes: NDArray[np.float64]
    p: NDArray[np.float64]
    edges: Membership


def find_peaks(
    values: NDArray[np.float64], members: Membership, *, permutations: int, seed: int, jobs: int
) -> Peaks:
    """Running sums of all sets and their permutations.

    Parameters
    ----------
    values : array of shape (genes,)
        Scores from high to low.
    members : Membership
        The sets.
    permutations, seed, jobs : int
        Number of permutations, random seed, and number of threads.

    Raises
    ------
    SequoiaError
        If the other process dies.
    """
    if len(values) * len(members.sizes) * permutations <= QUICK:
        return _prerank(values, members, permutations, seed, jobs)
    pool = ProcessPoolExecutor(1)
    try:
        task = pool.submit(_prerank_elsewhere, os.getpid(), values, members, permutations, seed, jobs)
        peaks: Peaks = task.result()
    except BrokenProcessPool as error:
        raise SequoiaError(
            f"the process that ran gseapy died: {str(error).splitlines()[0]}",
            fix="it may have run out of memory: use fewer sets or permutations, or --jobs 1",
        ) from None
    finally:
        pool.shutdown(kill_workers=True)
    return peaks


def _prerank_elsewhere(
    parent: int, values: NDArray[np.float64], members: Membership, permutations: int, seed: int, jobs: int
) -> Peaks:
    """`_prerank` in a process that dies with its parent and leaves its standard output alone."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    os.dup2(2, 1)
    return _prerank(values, members, permutations, seed, jobs)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _prerank(
    values: NDArray[np.float64], members: Membership, permutations: int, seed: int, jobs: int
) -> Peaks:
    """Gseapy's result in the order of the sets. Genes are numbered, since gseapy changes the case of names."""
    import gseapy

    n, names = len(values), np.char.mod("%d", np.arange(len(values)))
    sets = {str(i): list(genes) for i, genes in enumerate(members.members(pd.Index(names)))}
    with _quiet():
        table = gseapy.prerank(
            pd.Series(values, names, name="score"), sets, outdir=None, min_size=1, max_size=n,
            permutation_num=permutations, ascending=None, threads=jobs, no_plot=True, seed=seed,
        ).res2d  # fmt: skip
    table = table.set_axis(table["Term"].astype(int), axis=0).loc[list(range(len(sets)))]
    edges = [np.array(edge.split(";"), dtype=np.int64) for edge in table["Lead_genes"]]
    es, nes, p = (table[column].to_numpy(dtype=np.float64) for column in ("ES", "NES", "NOM p-val"))
    ends = np.cumsum([0, *map(len, edges)])
    return Peaks(es, nes, p, Membership(ends, np.concatenate(edges)))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppress gseapy's warnings about ties, which it prints through a logger of its own."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)
