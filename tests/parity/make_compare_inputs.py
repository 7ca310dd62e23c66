"""Write the inputs of the parity tests of `compare`: ``python -m tests.parity.make_compare_inputs``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sequoia_stats import datasets
from sequoia_stats.types.cohort import Cohort
from tests.parity.make_inputs import _write

#: universe, sizes of the lists, genes on all of them.
OVERLAPS = {
    "none": (100, [10, 20], 0),
    "chance": (20820, [5000, 3000], 721),
    "strong": (20820, [5000, 3000], 1100),
    "all": (20820, [300, 3000], 300),
    "full": (50, [50, 20], 20),
    "three": (20820, [5000, 3000, 900], 60),
    "three_strong": (20820, [5000, 3000, 900], 200),
    "three_small": (12, [4, 5, 6], 1),
}


def main() -> None:
    """Write all inputs."""
    tcga, scanb = datasets.load_tcga_brca(), datasets.load_scanb()
    genes = sorted((set(tcga.genes) & set(scanb.genes)) - {"ESR1"})[:420]
    pairs = pd.DataFrame({"x": with_esr1(tcga, genes), "y": with_esr1(scanb, genes)}).round(6)
    _write("wilcoxon", "genes", pairs)
    _write("wilcoxon", "ties", pairs.iloc[:150].round(1))
    _write("wilcoxon", "small", pairs.iloc[:30])
    zeros = pairs.iloc[30:70].copy()
    zeros.loc[zeros.index[::4], "y"] = zeros["x"]
    _write("wilcoxon", "zeros", zeros)
    _write("wilcoxon", "border", pairs.iloc[100:149])
    _write("wilcoxon", "beyond", pairs.iloc[100:150])
    unequal = pairs.iloc[200:245].copy()
    unequal.iloc[30:, 1] = np.nan
    _write("wilcoxon", "unequal", unequal)
    lists = {
        name: (universe, shared, *sizes, *[np.nan] * (3 - len(sizes)))
        for name, (universe, sizes, shared) in OVERLAPS.items()
    }
    columns = ["universe", "shared", "a", "b", "c"]
    _write("compare", "overlaps", pd.DataFrame.from_dict(lists, orient="index", columns=columns))
    generator = np.random.default_rng(5)
    n = generator.integers(80, 1100, size=16)
    well = np.round(n * generator.uniform(3, 14, size=16), -2)  # hundreds, so that some tie
    _write(
        "compare", "sizes", pd.DataFrame({"n": n, "n_well_predicted": well}, [f"C{i + 1}" for i in range(16)])
    )


def with_esr1(cohort: Cohort, genes: list[str]) -> pd.Series:
    """Correlation of each gene with ESR1 over the ranks of patients."""
    ranks = cohort.expression[[*genes, "ESR1"]].rank()
    return ranks[genes].corrwith(ranks["ESR1"])


if __name__ == "__main__":
    main()
