"""Write the inputs of the parity tests of GSVA: ``python -m tests.parity.make_gsva_inputs``.

Tables are genes × samples as R takes them; sets are pairs of set and gene.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from sequoia_stats import datasets
from sequoia_stats.sets.collections import load
from sequoia_stats.types.cohort import Cohort
from tests.parity.make_inputs import HERE

WIDE = [(True, False), (True, True), (False, False)]  # max_diff, abs_ranking


def main() -> None:
    """Write all inputs."""
    tables = {
        "metabric": cut(datasets.load_metabric(), 300, 24, digits=3),
        "scanb": cut(datasets.load_scanb(), 301, 24, digits=1),
        "ties": ties(),
        "counts": counts(),
    }
    for name, table in tables.items():
        write(name, table)
        sets = hallmark(table.index) if name in ("metabric", "scanb") else drawn(table.index)
        write(f"{name}_sets", long(sets))
    write("cases", cases())


def cut(cohort: Cohort, genes: int, samples: int, digits: int) -> pd.DataFrame:
    """Every second gene of the Hallmark sets that a cohort has, and its first samples."""
    names = cohort.genes[cohort.genes.isin(load("hallmark").genes)][::2][:genes]
    return cohort.expression[names].iloc[:samples].T.round(digits)


def ties() -> pd.DataFrame:
    """41 genes × 8 samples to one decimal: two constant genes, three that repeat others, one nearly constant."""
    generator = np.random.default_rng(31)
    values = generator.normal(size=(41, 8)).round(1)
    values[[5, 17]] = [[0.3], [-2.0]]
    values[30:33] = values[:3]
    values[33] = 2 * values[3]
    values[40] = [1.0] * 7 + [1.1]
    return pd.DataFrame(values, [f"G{i + 1}" for i in range(41)], [f"S{j + 1}" for j in range(8)])


def counts() -> pd.DataFrame:
    """120 genes × 16 samples with a third of low counts, so that many genes have the same counts in different
    orders."""
    generator = np.random.default_rng(32)
    mean = np.repeat([0.2, 4.0, 900.0], 40)[:, None] * generator.gamma(2, 0.5, size=(120, 1))
    values = generator.negative_binomial(2, 2 / (2 + mean), size=(120, 16))
    values[100] = 7
    return pd.DataFrame(values, [f"G{i + 1}" for i in range(120)], [f"S{j + 1}" for j in range(16)])


def hallmark(genes: pd.Index) -> dict[str, list[str]]:
    """The eight Hallmark sets with the most genes, a single gene, and all genes."""
    sets = load("hallmark")
    inside = {name: [gene for gene in sets[name] if gene in genes] for name in sets}
    largest = sorted(inside, key=lambda name: -len(inside[name]))[:8]
    return {name: inside[name] for name in largest} | {"ONE": [genes[7]], "ALL": list(genes)}


def drawn(genes: pd.Index) -> dict[str, list[str]]:
    """Sets of several sizes in random order, one with absent genes, single genes, and all genes."""
    generator = np.random.default_rng(33)
    sizes = {"FIVE": 5, "TEN": 10, "THIRD": len(genes) // 3, "MOST": len(genes) - 4}
    sets = {name: list(generator.permutation(genes)[:size]) for name, size in sizes.items()}
    sets["PARTLY"] = [*generator.permutation(genes)[:6], "ABSENT1", "ABSENT2"]
    return sets | {"FIRST": [genes[0]], "LAST": [genes[-1]], "ALL": list(genes)}


def long(sets: dict[str, list[str]]) -> pd.DataFrame:
    """One row per membership."""
    rows = [(name, gene) for name, genes in sets.items() for gene in genes]
    return pd.DataFrame(rows, range(1, len(rows) + 1), ["set", "gene"])


def cases() -> pd.DataFrame:
    """Table, settings, and how many of its last genes are left out, so that their number is even and odd."""
    every = [(True, False), (True, True), (False, False), (False, True)]
    rows = [
        ("ties", kcdf, tau, *ends, 1, np.inf, drop)
        for kcdf, tau, ends, drop in product(["gaussian", "none"], [0, 0.25, 1, 2], every, [0, 2])
        if drop == 0 or (tau in (1, 2) and ends != every[3])
    ]
    rows += [("counts", "poisson", tau, *ends, 1, np.inf, 0) for tau, ends in product([0, 0.25, 1, 2], every)]
    rows += [
        ("counts", kcdf, 1, *ends, 1, np.inf, 1) for kcdf, ends in product(["poisson", "gaussian"], WIDE)
    ]
    for table in ("metabric", "scanb"):
        rows += [
            (table, kcdf, 1, *ends, 1, np.inf, drop)
            for kcdf, ends, drop in product(["gaussian", "none"], WIDE, [0, 1])
        ]
    rows += [
        ("ties", "gaussian", 1, True, False, 5, 13, 0),
        ("metabric", "gaussian", 1, True, False, 2, 40, 0),
    ]
    columns = ["table", "kcdf", "tau", "max_diff", "abs_ranking", "min_size", "max_size", "drop"]
    return pd.DataFrame(rows, [f"c{i + 1}" for i in range(len(rows))], columns).astype(
        {"max_diff": int, "abs_ranking": int}
    )


def write(name: str, table: pd.DataFrame) -> None:
    """As few digits as necessary."""
    folder = HERE / "gsva" / "inputs"
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / f"{name}.tsv", sep="\t", index_label="id", lineterminator="\n")


if __name__ == "__main__":
    main()
