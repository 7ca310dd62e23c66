"""What each rule finds when there is nothing to find: draw, judge, save."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd
from _shared import arguments, load, save_json, save_table, say
from null_calibration import null_simulation, summary, unrelated_predictions


def main() -> None:
    """Write the table of all simulations, and a row per rule and number of slides."""
    options = arguments(
        "genes null_simulation", "Simulate predictions unrelated to the truth.", ("endpoint", str)
    )
    cohort = load(options.settings["cohort"], options.endpoint)
    settings = options.settings
    measured = cohort.expression.iloc[: settings["patients"], :: len(cohort.genes) // settings["genes"]]
    measured = measured.iloc[:, : settings["genes"]]
    say(f"{settings['simulations']} simulations in which there is nothing to find")
    save(measured, cohort.name, settings, options.results)


def save(measured: pd.DataFrame, name: str, settings: dict, results: Path) -> None:
    """Simulate, and write."""
    parts = []
    for slides in settings["slides_per_patient"]:
        draw = partial(
            unrelated_predictions,
            measured,
            untrained=settings["untrained"],
            slides=slides,
            folds=settings["folds"],
        )
        drawn = null_simulation(
            draw, simulations=settings["simulations"], seed=settings["seed"], rules=settings["rules"]
        )
        parts.append(drawn.assign(slides_per_patient=slides))
    draws = pd.concat(parts, ignore_index=True)
    tables = [summary(part).assign(slides_per_patient=k) for k, part in draws.groupby("slides_per_patient")]
    save_table(draws, results / "null_draws.csv")
    save_table(pd.concat(tables, ignore_index=True), results / "null.csv")
    about = {"cohort": name, "patients": len(measured), "genes": measured.shape[1]}
    about |= {key: settings[key] for key in ("simulations", "untrained", "seed")}
    save_json(about, results / "null.json")


if __name__ == "__main__":
    main()
