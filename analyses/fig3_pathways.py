"""Gene sets of one collection among the well-predicted genes (figures 3b-e): read, test, draw, save."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import captions_pathways as captions
import pandas as pd
from _selections import LEVEL, load_selection
from _shared import arguments, read_json, save_drawing, save_json, save_table, say

from sequoia_base.flow import Flow
from sequoia_stats import Selection, genesets, plots
from sequoia_stats.errors import InputError
from sequoia_stats.sets.collections import GeneSets
from sequoia_stats.sets.ora import hypergeometric, merge_similar, negative_control

#: A set with an adjusted p-value below this counts as enriched.
ALPHA = 0.05


def main() -> None:
    """Write the tests of one collection, the heatmap, the circle, the dots and their captions."""
    options = arguments("predictions genes pathways", "Test gene sets.", ("collection", str))
    settings, results = options.settings, options.results
    say(f"testing the sets of {options.collection}")
    draw(results, settings["cohorts"], settings, genesets.load(options.collection))


def draw(results: Path, cohorts: list[str], settings: dict, sets: GeneSets) -> None:
    """Read the genes of all cohorts, and write how the sets of one collection contain them."""
    selections = selections_of(results, cohorts, settings["rules"][0])
    limits = {"min_size": settings["min_size"], "max_size": settings["max_size"]}
    table = enriched(selections, sets, limits)
    worst = control(selections, sets, limits)
    merged = merge(table, sets, settings["merge"])
    about = describe(table, merged, sets, settings)
    simulations = [read_json(results / f"simulation_{name}.json") for name in cohorts]
    save_table(table, results / f"ora_{sets.name}.csv")
    save_table(worst, results / f"control_{sets.name}.csv")
    save_table(merged, results / f"merged_{sets.name}.csv")
    save_table(summarise(table, worst, sets), results / f"ora_summary_{sets.name}.csv")
    save_table(Flow(table.attrs["flow"]).to_frame(), results / f"flow_ora_{sets.name}.csv")
    save_json(about, results / f"collection_{sets.name}.json")
    figures = {
        "heatmap": (
            plots.enrichment_heatmap(table, merged=merged, most=settings["shown"]),
            captions.heatmap(about, simulations),
        ),
        "circos": (
            plots.chord_diagram(links_of(table, merged), most=settings["shown"]),
            captions.circos(about, simulations),
        ),
        "control": (
            plots.enrichment_dots(worst, most=settings["shown"]),
            captions.control(about, simulations),
        ),
    }
    for name, (figure, caption) in figures.items():
        save_drawing(figure, caption, results, f"{name}_{sets.name}")


def selections_of(results: Path, cohorts: list[str], rule: str) -> dict[str, Selection]:
    """The genes of the cohorts that have well-predicted ones, by the name of the cohort."""
    loaded = [load_selection(results, rule, name) for name in cohorts]
    found = {one.table[LEVEL].iloc[0]: one for one in loaded if one.well_predicted.any()}
    if not found:
        raise InputError(f"no cohort has a gene that is well predicted by the rule {rule}")
    return found


def enriched(selections: Mapping[str, Selection], sets: GeneSets, limits: dict) -> pd.DataFrame:
    """Tests of the well-predicted genes of every cohort; its universe is the genes measured there."""
    tables = [
        hypergeometric({name: s.gene[s.well_predicted]}, sets, universe=s.gene, **limits)
        for name, s in selections.items()
    ]
    return joined(tables, list(selections))


def control(selections: Mapping[str, Selection], sets: GeneSets, limits: dict) -> pd.DataFrame:
    """The same tests, also for as many of the worst predicted genes."""
    tables = [negative_control(s, sets, **limits) for s in selections.values()]
    for name, table in zip(selections, tables, strict=True):
        table["list"] = f"{name}: " + table["list"]
    return joined(tables, list(selections))


def joined(tables: list[pd.DataFrame], names: list[str]) -> pd.DataFrame:
    """Tables of several cohorts as one, and their ledgers with the name of the cohort."""
    table = pd.concat(tables, ignore_index=True)
    table.attrs["flow"] = [
        (f"{name}, {step}", *rest)
        for name, one in zip(names, tables, strict=True)
        for step, *rest in one.attrs["flow"]
    ]
    return table


def merge(table: pd.DataFrame, sets: GeneSets, rule: dict) -> pd.DataFrame:
    """Groups of similar sets among those that are enriched in a cohort and tested in all of them."""
    chosen = table[table["set"].isin(enriched_sets(table) & tested_everywhere(table))]
    if chosen.empty:
        columns = ["list", "group", "representative", "n_sets", "members", "p", "p_bh"]
        return pd.DataFrame(columns=columns)
    return merge_similar(chosen, sets, measure=rule["measure"], threshold=rule["threshold"])


def enriched_sets(table: pd.DataFrame) -> set[str]:
    """Sets that are enriched in at least one list."""
    return set(table.loc[table["p_bh"] < ALPHA, "set"])


def tested_everywhere(table: pd.DataFrame) -> set[str]:
    """Sets of allowed size in every list."""
    lists = table.groupby("set")["list"].nunique()
    return set(lists.index[lists == table["list"].nunique()])


def summarise(table: pd.DataFrame, worst: pd.DataFrame, sets: GeneSets) -> pd.DataFrame:
    """Sets tested and enriched, a row per cohort."""
    flag = worst.assign(enriched=worst["p_bh"] < ALPHA).groupby("list")["enriched"].sum()
    rows = [
        (
            sets.name, name, len(part), part["list_size"].iloc[0], part["universe"].iloc[0],
            int((part["p_bh"] < ALPHA).sum()), int(flag[f"{name}: worst predicted"]),
        )
        for name, part in table.groupby("list", sort=False)
    ]  # fmt: skip
    columns = ["collection", "level", "sets", "list_size", "universe", "enriched", "enriched_worst"]
    return pd.DataFrame(rows, columns=columns)


def describe(table: pd.DataFrame, merged: pd.DataFrame, sets: GeneSets, settings: dict) -> dict:
    """What the captions and the report say about a collection."""
    found = enriched_sets(table)
    return {
        "collection": sets.name,
        "source": sets.source,
        "licence": sets.licence,
        "notice": sets.notice,
        "sets": len(sets),
        "sets_tested": int(table["set"].nunique()),
        "sets_enriched": len(found),
        "sets_not_tested_everywhere": len(found - tested_everywhere(table)),
        "groups": int(merged["group"].nunique()),
        "rule": settings["rules"][0],
        "lists": list(dict.fromkeys(table["list"])),
        **{key: settings[key] for key in ("merge", "min_size", "max_size", "shown")},
    }


def links_of(table: pd.DataFrame, merged: pd.DataFrame) -> pd.DataFrame:
    """Cohorts and the groups enriched in them, named by their representatives, with the genes shared."""
    found = merged[merged["p_bh"] < ALPHA]
    links = found.merge(table, left_on=["list", "representative"], right_on=["list", "set"])
    links = links.rename(columns={"list": "source", "set": "target", "overlap": "weight"})
    return links.loc[links["weight"] > 0, ["source", "target", "weight"]]


if __name__ == "__main__":
    main()
