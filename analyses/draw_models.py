"""Two noise levels, in place of two models: read, compare, draw, save."""

from __future__ import annotations

from pathlib import Path

import captions_genes as captions
import pandas as pd
from _selections import LEVEL, load_selection, together
from _shared import arguments, predictions_file, read_json, save_drawing, save_table, say

from sequoia_stats import plots
from sequoia_stats.compare import Comparison, compare_models, distribution


def main() -> None:
    """Write the comparison of the models in each cohort, the figure and its caption."""
    options = arguments("predictions genes", "Compare the models.")
    draw(options.results, options.settings["cohorts"], options.settings)


def draw(results: Path, cohorts: list[str], settings: dict) -> None:
    """Read the predictions of all models, and write how they differ."""
    comparisons = [compare(results, name, settings) for name in cohorts]
    save_table(pd.concat([one.pairs for one in comparisons], ignore_index=True), results / "comparison.csv")
    save_table(pd.concat([one.models for one in comparisons], ignore_index=True), results / "models.csv")
    models = [model["name"] for model in settings["models"]]
    selections = {model: together(one.selections[model] for one in comparisons) for model in models}
    top = distribution(selections, top=settings["top"])
    simulations = [read_json(results / f"simulation_{name}.json") for name in cohorts]
    caption = captions.models(top, comparisons, simulations, settings["models"])
    save_drawing(plots.correlation_violins(top), caption, results, "simulated_models")


def compare(results: Path, name: str, settings: dict) -> Comparison:
    """All models on one cohort; the first has already been judged."""
    rule = settings["rules"][0]
    first, *rest = [model["name"] for model in settings["models"]]
    say(f"comparing the models on {name}")
    sources = {model: predictions_file(results, name, model) for model in rest}
    return compare_models(
        {first: load_selection(results, rule, name), **sources},
        rule=rule,
        by=LEVEL,
        top=settings["top"],
    )


if __name__ == "__main__":
    main()
