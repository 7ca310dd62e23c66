"""Simulate the predictions of one cohort: read, draw, save. `noise_model.py` says how they are drawn."""

from __future__ import annotations

from pathlib import Path

import noise_model
import numpy as np
import pandas as pd
from _shared import arguments, load, predictions_file, save_json, save_table, say

from sequoia_base.atomic import new_file
from sequoia_stats import Cohort
from sequoia_stats.signature.transforms import rank_normal
from sequoia_stats.types.predictions import Predictions

_RECEPTOR = {1.0: "ER+", 0.0: "ER−"}


def main() -> None:
    """Write the predictions of every model, a description, and the target correlations of the genes."""
    options = arguments("predictions", "Simulate predictions.", ("cohort", str), ("endpoint", str))
    name, settings, results = options.cohort, options.settings, options.results
    cohort = load(name, options.endpoint)
    place = settings["cohorts"].index(name)
    seed = np.random.SeedSequence(settings["seed"]).spawn(place + 1)[place]
    truth, predictions = simulate(cohort, settings, seed)
    say(
        f"simulating predictions of {cohort.name}: {len(truth.obs)} slides, {len(truth.measured.columns)} genes"
    )
    save(cohort, truth, predictions, results, name)


def save(
    cohort: Cohort, truth: noise_model.Truth, predictions: dict[str, Predictions], results: Path, name: str
) -> None:
    """Write everything about the simulation of one cohort."""
    results.mkdir(parents=True, exist_ok=True)
    save_table(truth.to_frame(), results / f"targets_{name}.csv")
    save_json(describe(cohort, truth, predictions), results / f"simulation_{name}.json")
    for model, one in predictions.items():
        save_predictions(one, predictions_file(results, name, model))


def describe(cohort: Cohort, truth: noise_model.Truth, predictions: dict[str, Predictions]) -> dict:
    """Numbers for the report and the captions."""
    slides = truth.obs["patient_id"].value_counts()
    return {
        "cohort": cohort.name,
        "source": source(cohort),
        "patients": len(slides),
        "patients_with_two_slides": int((slides > 1).sum()),
        "slides": len(truth.obs),
        "genes": len(truth.target),
        "genes_without_signal": int((truth.target == 0).sum()),
        "median_target_r": float(np.median(truth.target[truth.target > 0])),
        "untrained": len(next(iter(predictions.values())).untrained),
        "models": ", ".join(predictions),
    }


def simulate(
    cohort: Cohort, settings: dict, seed: np.random.SeedSequence
) -> tuple[noise_model.Truth, dict[str, Predictions]]:
    """What all models share, and the predictions of each: separate draws from one seed."""
    model = noise_model.settings_of(settings)
    expression, note = on_one_scale(cohort), noise_model.note([source(cohort)])
    obs = pd.DataFrame({"cohort": cohort.name, "er": receptor(cohort)}, index=cohort.patients)
    first, *rest = seed.spawn(1 + len(settings["models"]))
    truth = noise_model.make_truth(expression, obs, model, np.random.default_rng(first))
    return truth, {
        one["name"]: noise_model.predict(
            truth,
            one["factor"],
            model,
            np.random.default_rng(stream),
            name=f"{cohort.name}, {one['name']}",
            note=note,
        )
        for one, stream in zip(settings["models"], rest, strict=True)
    }


def on_one_scale(cohort: Cohort) -> pd.DataFrame:
    """Expression whose genes are in one unit: mixed units become ranks."""
    if not is_ranked(cohort):
        return cohort.expression
    return pd.DataFrame(rank_normal(cohort.expression.to_numpy()), cohort.patients, cohort.genes)


def is_ranked(cohort: Cohort) -> bool:
    """Whether the units are mixed."""
    return cohort.units.nunique() > 1


def source(cohort: Cohort) -> str:
    """The cohort, and what was done to its expression."""
    return f"{cohort.name} (rank-normalised)" if is_ranked(cohort) else cohort.name


def receptor(cohort: Cohort) -> pd.Series:
    """Estrogen receptor status of every patient, in words; missing if it is not known."""
    return cohort.covariates["er"].map(_RECEPTOR).astype(object)


def save_predictions(predictions: Predictions, path: Path) -> None:
    """Write a predictions file, whole or not at all."""
    with new_file(path) as temporary:
        predictions.adata.write_h5ad(temporary)


if __name__ == "__main__":
    main()
