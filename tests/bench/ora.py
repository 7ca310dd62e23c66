"""Over-representation of 16 lists in GO:BP against gseapy.enrich, with the same universe."""

from __future__ import annotations

import statistics

import numpy as np
import pandas as pd

from sequoia_stats import genesets, ora
from tests.bench.timing import line, seconds

N_LISTS = 16


def cell_types(smallest: int = 200, largest: int = 500) -> dict[str, list[str]]:
    """Lists of genes: sets of C8."""
    cells = genesets.load("c8")
    names = [name for name in cells if smallest <= len(cells[name]) <= largest]
    return {name: list(cells[name]) for name in names[:N_LISTS]}


def bench() -> None:
    """Print the lines of this file: gseapy takes one list after the other, and ours runs in between."""
    import gseapy

    loading = min(seconds(lambda: genesets.load("gobp")) for _ in range(5))
    print(f"{'load(gobp), not counted on either side':<44} {loading:8.3f} s")
    sets, lists = genesets.load("gobp"), cell_types()
    universe = sorted({*sets.genes, *genesets.load("c8").genes})
    theirs_sets = {name: list(genes) for name, genes in sets.sets.items()}
    theirs: dict[str, pd.DataFrame] = {}

    def ours() -> pd.DataFrame:
        return ora.hypergeometric(lists, sets, universe=universe, min_size=1, max_size=None)

    def gseapy_on(name: str) -> None:
        theirs[name] = gseapy.enrich(
            gene_list=lists[name],
            gene_sets=theirs_sets,
            background=universe,
            outdir=None,
            no_plot=True,
            cutoff=1,
        ).results

    table = ours()
    pairs = [(seconds(lambda name=name: gseapy_on(name)), seconds(ours)) for name in lists]
    mine, other = statistics.median(b for _, b in pairs), sum(a for a, _ in pairs)
    line(
        f"ORA, {len(lists)} lists x {len(sets)} sets, universe {len(universe)}",
        mine,
        other,
        "gseapy",
        ">= 50 x",
    )

    keys = ["list", "set"]
    want = pd.concat(theirs, names=["list", "row"]).rename(columns={"Term": "set"}).reset_index("list")
    joined = table[table["overlap"] > 0].merge(want[[*keys, "P-value"]], on=keys, how="outer", indicator="in")
    assert (joined["in"] == "both").all()
    worst = np.abs(joined["p"] / joined["P-value"].astype(float) - 1).max()
    print(
        f"{'':<44} gseapy reports the {len(want)} of {len(table)} pairs that overlap; "
        f"largest relative difference of p {worst:.1e}"
    )
    assert worst < 1e-8
