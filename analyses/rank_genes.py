"""Do the genes of a set accumulate among the best predicted ones? Read, test, save."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from _selections import LEVEL, load_selection
from _shared import arguments, save_table, say

from sequoia_base.flow import Flow
from sequoia_stats import Selection, genesets
from sequoia_stats.sets.collections import GeneSets
from sequoia_stats.sets.gsea import preranked


def main() -> None:
    """Write the enrichment of the ranking by r of one cohort, and its ledger."""
    options = arguments("genes gsea", "Gene set enrichment of the correlations.", ("cohort", str))
    settings, results = options.settings, options.results
    say(f"ranking the genes of {options.cohort}")
    selection = load_selection(results, settings["rules"][0], options.cohort)
    collections = [genesets.load(collection) for collection in settings["collections"]]
    save(selection, collections, settings, results, options.cohort)


def save(selection: Selection, collections: list[GeneSets], settings: dict, results: Path, name: str) -> None:
    """Test, and write."""
    genes = selection.table
    table = preranked(
        pd.Series(genes["r"].to_numpy(), genes["gene"]),
        collections,
        permutations=settings["permutations"],
        seed=settings["seed"],
        min_size=settings["min_size"],
        max_size=settings["max_size"],
    )
    flow = Flow(table.attrs["flow"]).to_frame()
    table.insert(0, "level", genes[LEVEL].iloc[0])
    save_table(table, results / f"gsea_{name}.csv")
    save_table(flow, results / f"flow_gsea_{name}.csv")


if __name__ == "__main__":
    main()
