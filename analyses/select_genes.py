"""Judge the genes of one cohort by every rule: read, judge, save."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from _selections import LEVEL, save_selection
from _shared import arguments, predictions_file, save_json, save_table, say

from sequoia_stats import read_predictions, well_predicted
from sequoia_stats.compare import by_subgroup, downsample
from sequoia_stats.selection import per_slide, top_k
from sequoia_stats.types.predictions import Predictions


def main() -> None:
    """Write the genes by each rule, the optimism of the best genes, slides, subgroups and smaller samples."""
    options = arguments("predictions genes", "Judge the genes of a cohort.", ("cohort", str))
    settings, results = options.settings, options.results
    first = settings["models"][0]["name"]
    predictions = read_predictions(predictions_file(results, options.cohort, first))
    say(f"judging {len(predictions.genes)} genes of {predictions.name}")
    save(predictions, settings, results, options.cohort)


def save(predictions: Predictions, settings: dict, results: Path, name: str) -> None:
    """Write everything about the genes of one cohort."""
    rule = settings["rules"][0]
    for one in settings["rules"]:
        save_selection(well_predicted(predictions, rule=one, by=LEVEL, seed=settings["seed"]), results, name)
    (cohort,) = predictions.obs[LEVEL].unique()
    best = top_k(predictions, min(settings["top"], len(predictions.genes)))
    slides = per_slide(predictions)
    save_table(best.folds, results / f"optimism_{name}.csv")
    save_table(slides, results / f"slides_{name}.csv")
    quantiles = slides["r"].quantile([0.05, 0.5, 0.95]).tolist()
    summary = {"cohort": cohort, **best.to_dict(), "notes": "; ".join(best.notes)}
    summary |= dict(zip(("slide_r_low", "slide_r_median", "slide_r_high"), quantiles, strict=True))
    save_json(summary, results / f"optimism_{name}.json")
    save_subsets(predictions, settings, results, name, rule)


def save_subsets(predictions: Predictions, settings: dict, results: Path, name: str, rule: str) -> None:
    """Write what the rule finds among fewer patients, and in subgroups of them."""
    smaller = downsample(
        predictions,
        settings["fractions"],
        repeats=settings["repeats"],
        seed=settings["seed"],
        rule=rule,
        by=LEVEL,
    )
    save_table(smaller.table, results / f"downsampling_{name}.csv")
    save_table(smaller.summary, results / f"downsampling_summary_{name}.csv")
    groups = by_subgroup(predictions, "er", rule=rule)
    (cohort,) = predictions.obs[LEVEL].unique()
    table = pd.DataFrame(groups.table)
    table.insert(0, "cohort", cohort)
    save_table(table.assign(notes="; ".join(groups.notes)), results / f"subgroups_{name}.csv")


if __name__ == "__main__":
    main()
