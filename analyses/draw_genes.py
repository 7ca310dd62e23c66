"""Well-predicted genes of all cohorts, whose predictions are simulated: read, compare, draw, save."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import captions_genes as captions
import pandas as pd
from _selections import LEVEL, load_selection, together
from _shared import arguments, read_json, save_drawing, save_json, save_table

from sequoia_stats import Selection, plots
from sequoia_stats.compare import Downsampling, against_sample_size, distribution, overlap
from sequoia_stats.compare.list_overlaps import OVERLAP_COLUMNS
from sequoia_stats.sets.collections import published_overlap


def main() -> None:
    """Write the tables over all cohorts, the figures and their captions."""
    options = arguments("predictions genes", "Draw the well-predicted genes.")
    draw(options.results, options.settings["cohorts"], options.settings)


def draw(results: Path, cohorts: list[str], settings: dict) -> None:
    """Read the results of each cohort in `results`, and add to them."""
    selections = {
        rule: {name: load_selection(results, rule, name) for name in cohorts} for rule in settings["rules"]
    }
    rule = settings["rules"][0]
    main_rule = selections[rule]
    joined = together(main_rule.values())
    simulations = [read_json(results / f"simulation_{name}.json") for name in cohorts]
    counts = counts_of(selections)
    save_table(counts, results / "counts.csv")
    for one, part in counts.groupby("rule", sort=False):
        save_table(side_by_side(part), results / f"counts_{one}.csv")
    save_table(differences(selections), results / "rules.csv")
    save_table(shared(main_rule), results / "shared_genes.csv")
    save_table(published(main_rule), results / "published_signatures.csv")
    save_table(notes_of(selections), results / "notes_genes.csv")
    size = against_sample_size(joined, LEVEL)
    save_table(size.table, results / "sample_size.csv")
    save_json({**size.to_dict(), "rule": rule, "levels": len(size.table)}, results / "sample_size.json")
    smaller = downsampling(results, cohorts, settings)
    save_table(smaller.summary, results / "downsampling.csv")
    correlations = distribution(joined)
    save_table(correlations.summary, results / "correlations.csv")
    figures = {
        "simulated_correlations": (
            plots.correlation_violins(correlations),
            captions.violins(correlations, joined, simulations),
        ),
        "criteria": (plots.criterion_counts(joined.counts), captions.criteria(joined, simulations)),
        "sample_size": (plots.counts_against_size(size), captions.sample_size(size, joined, simulations)),
        "downsampling": (plots.downsampled_counts(smaller), captions.downsampling(smaller, simulations)),
    }
    for name, (figure, caption) in figures.items():
        save_drawing(figure, caption, results, name)


Selections = Mapping[str, Mapping[str, Selection]]


def counts_of(selections: Selections) -> pd.DataFrame:
    """Genes left after each criterion, a row per rule, cohort and criterion."""
    parts = [one.counts.assign(rule=rule) for rule, cohorts in selections.items() for one in cohorts.values()]
    table = pd.concat(parts, ignore_index=True)
    table["share"] = table["n_left"] / table.groupby(["rule", "level"])["n_left"].transform("first")
    return table[["rule", "level", "criterion", "n_left", "share"]]


def side_by_side(counts: pd.DataFrame) -> pd.DataFrame:
    """The genes left by one rule, a row per criterion and a column per cohort."""
    wide = counts.pivot(index="criterion", columns="level", values="n_left")
    return wide.loc[counts["criterion"].unique(), counts["level"].unique()].reset_index()


def differences(selections: Selections) -> pd.DataFrame:
    """Genes that two rules agree on, and that one of them finds alone; a row per cohort and pair of rules."""
    rows = []
    for a, b in combinations(selections, 2):
        for name, one in selections[a].items():
            other = selections[b][name]
            found, also = (set(s.gene[s.well_predicted]) for s in (one, other))
            rows.append(
                (one.table[LEVEL].iloc[0], a, b, len(found & also), len(found - also), len(also - found))
            )
    return pd.DataFrame(rows, columns=["level", "rule_a", "rule_b", "both", "only_a", "only_b"])


def shared(selections: Mapping[str, Selection]) -> pd.DataFrame:
    """Well-predicted genes that the cohorts share, among those measured in both, or in all."""
    found = {s.table[LEVEL].iloc[0]: s for s in selections.values() if s.well_predicted.any()}
    if len(found) < 2:
        return pd.DataFrame(columns=OVERLAP_COLUMNS)
    lists = {name: s.gene[s.well_predicted] for name, s in found.items()}
    return overlap(lists, {name: s.gene for name, s in found.items()})


def published(selections: Mapping[str, Selection]) -> pd.DataFrame:
    """Overlap of the well-predicted genes of each cohort with published signatures."""
    parts = [
        published_overlap(s.gene[s.well_predicted], s.gene).assign(level=s.table[LEVEL].iloc[0])
        for s in selections.values()
    ]
    table = pd.concat(parts, ignore_index=True)
    return table[["level", *table.columns.drop("level")]]


def notes_of(selections: Selections) -> pd.DataFrame:
    """The notes of the selections, once each."""
    rows = [
        (rule, one.table[LEVEL].iloc[0], note)
        for rule, cohorts in selections.items()
        for one in cohorts.values()
        for note in one.notes
    ]
    table = pd.DataFrame(rows, columns=["rules", "levels", "note"])
    return table.groupby("note", sort=False).agg(lambda names: ", ".join(dict.fromkeys(names))).reset_index()


def downsampling(results: Path, cohorts: list[str], settings: dict) -> Downsampling:
    """The draws of all cohorts as one result."""
    table, summary = (
        pd.concat([pd.read_csv(results / f"{stem}_{name}.csv") for name in cohorts], ignore_index=True)
        for stem in ("downsampling", "downsampling_summary")
    )
    return Downsampling(settings["rules"][0], settings["seed"], table, summary)


if __name__ == "__main__":
    main()
