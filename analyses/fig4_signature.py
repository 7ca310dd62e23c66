"""Figures over all cohorts: forest plot, cross-validation curve, coefficients: read, draw, save."""

from __future__ import annotations

from pathlib import Path

import captions
import pandas as pd
from _shared import arguments, read_json, save_drawing, save_table

from sequoia_stats import Signature, plots
from sequoia_stats.errors import counted
from sequoia_stats.plots import text


def hazard_ratios(validation: dict) -> pd.DataFrame:
    """Rows of the table of hazard ratios for one validation."""
    rows = []
    for model, ratio in (("unadjusted", validation), ("adjusted", validation["adjusted"])):
        covariates = ratio.get("covariates", [])
        rows.append(
            {
                "cohort": validation["cohort"],
                "endpoint": validation["endpoint"],
                "training_cohort": validation["is_training_cohort"],
                "model": model,
                "covariates": " + ".join(covariates),
                "n": ratio["n"],
                "n_events": ratio["events"],
                "n_missing": ratio.get("n_missing", 0),
                "hr": ratio["hr_per_sd"],
                "low": ratio["hr_low"],
                "high": ratio["hr_high"],
                "p": ratio["p"],
                "p_lr": ratio["p_lr"],
            }
        )
    return pd.DataFrame(rows)


def forest_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the words of the forest plot."""
    training = table["training_cohort"].map({True: ", training cohort", False: ""})
    adjusted = "Adjusted for " + table["covariates"].map(_covariates)
    return table.assign(
        group=table["cohort"] + ": " + table["endpoint"].map(text.endpoint_name) + training,
        label=adjusted.where(table["model"] == "adjusted", "Unadjusted"),
    )


def _covariates(names: str) -> str:
    known = {"pam50": "PAM50", "er": "ER", "pr": "PR", "her2": "HER2"}
    return ", ".join(known.get(name, name) for name in names.split(" + "))


def main() -> None:
    """Write the table of hazard ratios, three figures and their captions."""
    options = arguments("validation", "Draw the figures over all cohorts.")
    draw(options.results, options.settings["cohorts"])


def draw(results: Path, cohorts: list[str]) -> None:
    """Read the results of training and validation in `results`, and add to them."""
    signature = Signature.load(results / "signature.json")
    curve = pd.read_csv(results / "cv_curve.csv")
    files = [results / f"validation_{name}.json" for name in cohorts]
    validations = [read_json(file) for file in files]
    table = pd.concat(map(hazard_ratios, validations), ignore_index=True)
    save_table(table, results / "hazard_ratios.csv")
    cv = signature.selection["cross_validation"]
    figures = {
        "forest": (plots.forest(forest_rows(table)), captions.forest(validations, signature)),
        "cv_curve": (
            plots.cv_curve(
                curve,
                lambda_min=cv["lambda_min"],
                lambda_1se=cv["lambda_1se"],
                title=f"{cv['n_folds']}-fold cross-validation, mean of {counted(cv['repeats'], 'draw')}",
            ),
            captions.cv_curve(curve, signature),
        ),
        "coefficients": (plots.coefficients(signature), captions.coefficients(signature)),
    }
    for name, (figure, caption) in figures.items():
        save_drawing(figure, caption, results, name)


if __name__ == "__main__":
    main()
