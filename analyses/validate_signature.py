"""Validate the signature on one cohort (figures 4a-c): read, validate, draw, save."""

from __future__ import annotations

from pathlib import Path

import captions
import pandas as pd
from _shared import arguments, load, save_drawing, save_json, save_table, say

from sequoia_stats import Cohort, Signature, plots, validate
from sequoia_stats.signature import Validation


def main() -> None:
    """Write the validation, scores, curves, ledger, figure and caption of one cohort."""
    options = arguments("validation", "Validate the signature.", ("cohort", str), ("endpoint", str))
    name, settings, results = options.cohort, options.settings, options.results
    signature = Signature.load(results / "signature.json")
    cohort = load(name, options.endpoint)
    say(f"validating on {cohort.name}: {cohort.n} patients, {cohort.n_events} events")
    validation = validate(
        signature,
        cohort,
        cut=settings["cut"],
        adjust=settings["adjust"],
        scale=settings["scale"],
        max_weight_lost=settings["max_weight_lost"],
        bootstrap=settings["bootstrap"],
        seed=settings["seed"],
    )
    save(validation, cohort, signature, results, name)


def save(validation: Validation, cohort: Cohort, signature: Signature, results: Path, name: str) -> None:
    """Write everything about one cohort."""
    curves = [curve.frame.assign(group=group) for group, curve in validation.curves.items()]
    caption = captions.kaplan_meier(validation, signature)
    save_drawing(plots.kaplan_meier(validation), caption, results, f"km_{name}")
    save_table(pd.concat(curves), results / f"curves_{name}.csv")
    save_table(validation.scores, results / f"scores_{name}.csv")
    save_table(cohort.flow, results / f"flow_{name}.csv")
    save_json(validation.to_dict(), results / f"validation_{name}.json")


if __name__ == "__main__":
    main()
