"""How well the pathway scores of one cohort are predicted: read, score, save."""

from __future__ import annotations

from pathlib import Path

from _selections import LEVEL
from _shared import arguments, predictions_file, save_table, say

from sequoia_base.flow import Flow
from sequoia_stats import genesets, read_predictions
from sequoia_stats.sets.collections import GeneSets
from sequoia_stats.sets.gsva import pathway_agreement
from sequoia_stats.types.predictions import Predictions


def main() -> None:
    """Write the correlation of predicted with measured scores of every set."""
    options = arguments("predictions agreement", "Agreement of pathways.", ("cohort", str))
    settings, results = options.settings, options.results
    first = settings["models"][0]["name"]
    predictions = read_predictions(predictions_file(results, options.cohort, first))
    say(f"scoring the pathways of {predictions.name}")
    collections = [genesets.load(collection) for collection in settings["collections"]]
    save(predictions, collections, settings, results, options.cohort)


def save(
    predictions: Predictions, collections: list[GeneSets], settings: dict, results: Path, name: str
) -> None:
    """Score, correlate, and write; patients are the units."""
    chosen = {key: settings[key] for key in ("kcdf", "kernel", "min_size", "max_size")}
    table = pathway_agreement(predictions.per_patient(), collections, by=LEVEL, **chosen)
    flow = Flow(table.attrs["flow"]).to_frame()
    save_table(table, results / f"agreement_{name}.csv")
    save_table(flow, results / f"flow_agreement_{name}.csv")


if __name__ == "__main__":
    main()
