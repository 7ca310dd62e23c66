"""GSVA against gseapy, decoupler and R on one table, and its growth with samples and sets."""

from __future__ import annotations

import statistics
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from sequoia_stats.sets.collections import GeneSets, load
from sequoia_stats.sets.gsva import Gsva
from tests.bench.timing import alternate, line, seconds

GENES, SAMPLES, SETS = 10_000, 200, 1_000
SIZES = (15, 200)  # 15 to 199 genes
GOAL = ">= 20 x over the fastest"
GROWTH = [
    (100, "hallmark"),
    (300, "hallmark"),
    (1000, "hallmark"),
    (100, "gobp"),
    (300, "gobp"),
    (1000, "gobp"),
]


def made_table(samples: int, genes: list[str]) -> pd.DataFrame:
    """Samples × genes: independent normals."""
    values = np.random.default_rng(0).normal(size=(samples, len(genes)))
    return pd.DataFrame(values, [f"S{i}" for i in range(samples)], genes)


def made_sets(genes: list[str]) -> GeneSets:
    """Random sets of 15 to 199 genes."""
    generator = np.random.default_rng(1)
    drawn = (generator.choice(genes, generator.integers(*SIZES), replace=False) for _ in range(SETS))
    return GeneSets("made", {f"set{i}": tuple(members.tolist()) for i, members in enumerate(drawn)})


def score_with_decoupler(table: pd.DataFrame, sets: GeneSets) -> pd.DataFrame:
    """Scores by decoupler, which compiles in the first call and uses one core."""
    import decoupler

    pairs = [(name, gene) for name, genes in sets.sets.items() for gene in genes]
    return decoupler.mt.gsva(table, pd.DataFrame(pairs, columns=["source", "target"]), tmin=1)[0]


def bench() -> None:
    """Print the lines of this file."""
    genes = [f"G{j}" for j in range(GENES)]
    table, sets = made_table(SAMPLES, genes), made_sets(genes)
    print(f"{GENES:,} genes × {SAMPLES} samples × {SETS:,} sets of {SIZES[0]} to {SIZES[1] - 1} genes")
    ours = Gsva(sets)
    scores = ours.fit_transform(table)
    what = f"GSVA, {SAMPLES} samples"
    mine, other = alternate(
        lambda: ours.fit_transform(table), lambda: Gsva(sets, engine="gseapy").fit_transform(table), runs=3
    )
    line(what, mine, other, "gseapy", GOAL)
    score_with_decoupler(table.iloc[:4], sets)
    others = {
        "R GSVA": lambda: Gsva(sets, engine="r").fit_transform(table),
        "decoupler": lambda: score_with_decoupler(table, sets),
    }
    for name, function in others.items():
        mine = statistics.median(seconds(lambda: ours.fit_transform(table)) for _ in range(3))
        line(what, mine, seconds(function), f"{name} (1 run)", GOAL)
    compare(table.iloc[:40], sets)
    frozen = statistics.median(seconds(lambda: ours.transform(table.iloc[[0]])) for _ in range(5))
    print(f"{'one new sample, frozen reference':<44} {frozen:8.3f} s")
    assert scores.shape == (SAMPLES, SETS)
    print("growth at 20,000 genes (ours only; the rest would take hours)")
    for samples, word in GROWTH:
        print_growth(samples, word)


def compare(table: pd.DataFrame, sets: GeneSets) -> None:
    """Largest differences from ours, on fewer samples."""
    ours = Gsva(sets).fit_transform(table)
    others = {
        "R GSVA": Gsva(sets, engine="r").fit_transform(table),
        "gseapy": Gsva(sets, engine="gseapy").fit_transform(table),
        "decoupler": score_with_decoupler(table, sets)[list(ours)],
    }
    words = [f"{name} {np.abs(other - ours).max().max():.1e}" for name, other in others.items()]
    print(f"largest difference of a score on {len(table)} samples: {', '.join(words)}")


def print_growth(samples: int, word: str) -> None:
    """One line, from a separate process, whose memory holds nothing else."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        wall, n_sets, megabytes, table = pool.submit(partial(grown, samples, word)).result()
    what = f"{samples} samples × {n_sets} sets ({word})"
    print(f"{what:<44} {wall:8.2f} s   peak {megabytes:,.0f} MB, of which the table is {table:,.0f} MB")


def grown(samples: int, word: str) -> tuple[float, int, float, float]:
    """Seconds, sets, peak memory and size of the table, in MB."""
    sets = load(word)
    known = list(load("gobp").genes)
    genes = [*known, *(f"G{j}" for j in range(20_000 - len(known)))]
    table, model = made_table(samples, genes), Gsva(sets)
    model.fit_transform(made_table(4, genes[:3000]))  # loads the compiled code
    wall = seconds(lambda: model.fit_transform(table))
    return wall, len(model.sets_), peak_memory(), table.to_numpy().nbytes / 2**20


def peak_memory() -> float:
    """MB; from /proc, since getrusage gives a number inherited from the parent process."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
