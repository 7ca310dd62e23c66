"""Write the inputs of the parity tests of over-representation: ``python -m tests.parity.make_ora_inputs``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sequoia_stats import datasets, genesets
from tests.parity.reference import HERE

FOLDER = HERE / "ora" / "inputs"
#: Overlap, universe, set, list: none, all, the smallest possible, and values that round badly.
ODD = [(0, 100, 10, 10), (10, 100, 10, 10), (5, 20, 12, 13), (1, 1, 1, 1), (1, 2, 1, 1), (3, 3, 3, 3)]
ODD += [(1, 20000, 5000, 19999)]
ODD += [(250, 20000, 300, 260), (180, 17000, 200, 400), (2000, 20000, 2000, 9000), (40, 60000, 40, 40)]


def main() -> None:
    """Write all inputs."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    expression = datasets.load_scanb().expression
    r = expression.corrwith(expression["ESR1"]).drop("ESR1")
    measured = set(expression.columns)
    hallmark = genesets.load("hallmark")
    cycle = [gene for gene in hallmark["HALLMARK_E2F_TARGETS"] if gene in measured]
    lists = {
        "with ESR1": list(r.nlargest(300).index),
        "against ESR1": list(r.nsmallest(300).index),
        "cycle": [*cycle, *r.abs().nsmallest(15).index],
        "few": ["GATA3", "FOXA1", "XBP1", "NOT_MEASURED"],
    }
    table = pd.DataFrame(
        [(name, gene) for name, genes in lists.items() for gene in genes], columns=["list", "gene"]
    )
    _write("lists", table)
    _write("universe", pd.DataFrame({"gene": expression.columns}, index=expression.columns).iloc[:, :0])
    _write(
        "grid", pd.DataFrame([*ODD, *_lattice()], columns=["overlap", "universe", "set_size", "list_size"])
    )


def _lattice() -> list[tuple[int, int, int, int]]:
    """Overlaps from the smallest to the largest possible; those with p below the smallest number are left out."""
    cases = []
    for universe in (30, 500, 20820):
        for set_size in (5, universe // 50 + 1, universe // 8):
            for list_size in (3, universe // 40 + 2, universe // 4):
                low, high = max(0, set_size + list_size - universe), min(set_size, list_size)
                steps = np.unique(np.linspace(low, high, 12).round().astype(int))
                cases += [(int(k), universe, set_size, list_size) for k in steps]
    return cases


def _write(name: str, table: pd.DataFrame) -> None:
    table.to_csv(FOLDER / f"{name}.tsv", sep="\t", index_label="id", lineterminator="\n")


if __name__ == "__main__":
    main()
