"""Agreement of predicted and measured pathway scores of all cohorts (figure 3a): read, draw, save."""

from __future__ import annotations

from pathlib import Path

import captions_pathways as captions
import pandas as pd
from _shared import arguments, read_json, save_drawing, save_table

from sequoia_stats import genesets, plots


def main() -> None:
    """Write the summary, the figure and its caption."""
    options = arguments("predictions agreement", "Draw the agreement of pathways.")
    sources = [genesets.load(name).source for name in options.settings["collections"]]
    draw(options.results, options.settings["cohorts"], sources, options.settings)


def draw(results: Path, cohorts: list[str], sources: list[str], settings: dict) -> None:
    """Read the results of each cohort in `results`, and add to them."""
    table = pd.concat([pd.read_csv(results / f"agreement_{name}.csv") for name in cohorts], ignore_index=True)
    summary = summarise(table)
    save_table(summary, results / "agreement.csv")
    simulations = [read_json(results / f"simulation_{name}.json") for name in cohorts]
    caption = captions.agreement(table, settings, sources, simulations)
    save_drawing(plots.pathway_correlations(table), caption, results, "fig3a")


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """A row per cohort and collection: sets, quartiles of r, and how many are significant."""
    grouped = table.assign(significant=(table["p_bh"] < 0.05) & (table["r"] > 0)).groupby(
        ["level", "collection"], sort=False
    )
    return grouped.agg(
        sets=("set", "size"),
        r_q25=("r", lambda r: r.quantile(0.25)),
        r_median=("r", "median"),
        r_q75=("r", lambda r: r.quantile(0.75)),
        significant=("significant", "sum"),
    ).reset_index()


if __name__ == "__main__":
    main()
