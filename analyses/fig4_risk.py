"""Figures 4e and 4f on semi-synthetic patients: survival by risk, C by truth and route, coverage, abstention."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import captions_risk as captions
import numpy as np
import pandas as pd
from _shared import HERE, arguments, save_drawing, save_json, save_table
from risk_tables import ROUTES, TRUTH_NAMES, by_route, read_draws

from sequoia_base.outcomes import read_fold_scales
from sequoia_stats import RiskComparison, compare_risks, plots
from sequoia_stats.conformal import RiskDecisions, decide_risk

#: The tables of `make calibrate`, and the name that each has among the results.
CALIBRATION = {
    "risk.csv": "calibration.csv",
    "risk_epochs.csv": "calibration_epochs.csv",
    "coverage.csv": "coverage.csv",
    "coverage_scores.csv": "coverage_scores.csv",
}
DATA = HERE / "data" / "calibration"
#: Panels of figure 4: the signature on predicted genes, and the network that sees the image alone.
PANELS = {"e": "predicted", "f": "image"}
#: The draw whose curves are drawn, and the level of the intervals of genes.
SHOWN, LEVEL = 0, 0.9


def main() -> None:
    """Write the tables over draws, four Kaplan-Meier figures, and those of C, coverage and abstention."""
    options = arguments("risk", "Draw the figures of risk.")
    draw(options.results, options.settings)


def draw(results: Path, settings: Mapping[str, Any], data: Path = DATA) -> None:
    """Read the draws in `results` and the calibration in `data`, and write figures, tables and captions."""
    folders = [results / "risk" / f"draw_{number}" for number in range(settings["draws"])]
    table = by_route(read_draws(folders))
    save_table(table, results / "risk.csv")
    compared = {truth: compare(folders[SHOWN] / truth, settings) for truth in settings["truths"]}
    judged = {truth: decide(one, folders[SHOWN] / truth) for truth, one in compared.items()}
    decided = {truth: one for truth, one in judged.items() if one is not None}
    save_numbers(table, compared, decided, folders, settings, results)
    about = captions.About.of(compared, settings)
    for truth, one in compared.items():
        for panel, route in PANELS.items():
            figure = plots.survival_by_risk(one, ROUTES[route])
            caption = captions.survival(route, truth, one, table, about)
            save_drawing(figure, caption, results, f"fig4{panel}_{truth}")
    drawn = {TRUTH_NAMES[truth]: one.decided for truth, one in decided.items()}
    save_drawing(plots.abstention_curves(drawn), captions.abstention(judged, about), results, "abstention")
    draw_calibration(results, data, about)


def draw_calibration(results: Path, data: Path, about: captions.About) -> None:
    """Draw what `make calibrate` found, and put its tables among the results."""
    read = {name: pd.read_csv(data / name) for name in CALIBRATION}
    for name, table in read.items():
        save_table(table, results / CALIBRATION[name])
    routes, epochs, coverage = (read[name] for name in ("risk.csv", "risk_epochs.csv", "coverage.csv"))
    panels = routes.assign(panel=routes["truth_name"])
    save_drawing(
        plots.concordance_by_route(panels), captions.routes(routes, about), results, "calibration_routes"
    )
    lines = epochs.assign(line=epochs["recipe"])
    save_drawing(
        plots.concordance_by_epoch(lines), captions.epochs(epochs, about), results, "calibration_epochs"
    )
    genes = pd.read_csv(data / "coverage_genes.csv")
    figure = plots.gene_coverage(genes.loc[genes.index.repeat(genes["genes"])], coverage, level=LEVEL)
    save_drawing(figure, captions.coverage(coverage, LEVEL), results, "coverage")


def compare(scores: Path, settings: Mapping[str, Any]) -> RiskComparison:
    """All routes of a draw and truth, by their names."""
    from sequoia_stats.risk import read_risk_scores

    files = {name: read_risk_scores(scores / f"{route}.csv") for route, name in ROUTES.items()}
    return compare_risks(
        files,
        scores / "outcome.csv",
        endpoint=f"Risk in {scores.name}",
        bootstrap=settings["bootstrap"],
        seed=settings["seed"],
    )


def decide(compared: RiskComparison, scores: Path) -> RiskDecisions | None:
    """Who is uncertain by the interval of the measured score, given that on predicted genes.

    None if no signature has a gene: there is no score then.
    """
    patients = compared.patients.set_index("patient_id")
    calibration = patients[[ROUTES["measured"], ROUTES["predicted"], "fold"]]
    calibration = calibration.set_axis(["measured", "predicted", "fold"], axis=1)
    folds = read_fold_scales(scores / "measured.folds.csv").reset_index()
    if not folds["sd"].any():
        return None
    # Everybody has a fold, with a cut-off of its own: 0 serves nobody.
    return decide_risk(calibration, calibration, 0.0, folds=folds)


def save_numbers(
    table: pd.DataFrame,
    compared: Mapping[str, RiskComparison],
    decided: Mapping[str, RiskDecisions],
    folders: list[Path],
    settings: Mapping[str, Any],
    results: Path,
) -> None:
    """Write the tables of the draw that is shown, and the numbers of the page."""
    frames = {"comparison": "risk_shown.csv", "pairs": "risk_pairs.csv"}
    for name, file in frames.items():
        shown = [getattr(one, name).assign(truth=TRUTH_NAMES[truth]) for truth, one in compared.items()]
        save_table(pd.concat(shown, ignore_index=True), results / file)
    levels = [one.decided.assign(truth=TRUTH_NAMES[truth]) for truth, one in decided.items()]
    save_table(pd.concat(levels, ignore_index=True), results / "risk_decided.csv")
    r = [pd.read_csv(folder / "genes.csv")["r"].median() for folder in folders]
    events = [pd.read_csv(folder / "comparison.csv")["events"].mean() for folder in folders]
    first = next(iter(compared.values()))
    save_json(
        {
            "draws": len(folders),
            "patients": first.n,
            "folds": first.n_folds,
            "per_section": settings["patients"],
            "clusters": settings["clusters"],
            "concentration": settings["concentration"],
            "genes": settings["genes"],
            "score_genes": settings["score_genes"],
            "hazard_ratio": settings["hazard_ratio"],
            "events": float(np.mean(events)),
            "gene_r": float(np.mean(r)),
            "c_se_least": float(table["c_se"].min()),
            "c_se_most": float(table["c_se"].max()),
            "c_sd": float((table["c_se"] * np.sqrt(table["draws"])).mean()),
        },
        results / "risk.json",
    )


if __name__ == "__main__":
    main()
