"""One draw of semi-synthetic patients: every route to their risk, on the same patients and folds. Needs torch and R."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import semi_synthetic as synthetic
from _shared import arguments, save_table, say
from her2st import BUNDLE, SECTIONS, read_section
from semi_synthetic_files import save_bags, save_measured, splits_of

from sequoia_base.outcomes import (
    read_outcome_table,
    scales_beside,
    write_fold_scales,
    write_outcome_table,
    write_risk_table,
)
from sequoia_base.splits import Splits

#: The routes, by the name of their file of scores.
ROUTES = {
    "oracle": "Planted risk",
    "measured": "Signature, measured genes",
    "predicted": "Signature, predicted genes",
    "image": "Image network",
    "ridge": "Ridge Cox, mean features",
}
#: What the times are those of; their events are simulated.
ENDPOINT = "simulated event"


def main() -> None:
    """Write ``risk/draw_<number>/``: scores and outcomes by truth, and what each route reached."""
    options = arguments("risk", "Draw patients and score their risk by every route.", ("draw", int))
    folder = options.results / "risk" / f"draw_{options.draw}"
    table = run(options.draw, options.settings, folder)
    reached = table.pivot_table(index="truth", columns="route", values="c_index", sort=False)
    say(f"  draw {options.draw}, C:\n{reached.round(3).to_string()}")


def run(draw: int, settings: Mapping[str, Any], folder: Path) -> pd.DataFrame:
    """Draw patients, train, score and judge; returns C by truth and route.

    Bags and run folders are made in a temporary folder. What is kept are files of scores by truth, the outcome, the log
    of the image networks, and how well genes are predicted.
    """
    import torch

    torch.set_num_threads(1)  # two threads beside another job take longer than one
    tissue = synthetic.tissue_of([read_section(name, BUNDLE) for name in SECTIONS], settings)
    rng = np.random.default_rng([settings["seed"], draw])
    patients = synthetic.draw_patients(tissue, settings, rng)
    splits = splits_of(patients, settings["val"], rng)
    risks = {truth: synthetic.planted_risk(truth, patients, settings) for truth in synthetic.TRUTHS}
    effects = {truth: 0.0 if truth == "none" else np.log(settings["hazard_ratio"]) for truth in risks}
    outcomes = {
        truth: synthetic.draw_outcome(risk, effects[truth], settings, rng) for truth, risk in risks.items()
    }
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with TemporaryDirectory() as place:
        work = Path(place)
        save_bags(tissue, patients, work / "bags")
        save_measured(patients, work / "measured.h5ad")
        splits.save(work / "splits.csv")
        train_genes(work, settings, draw)
        for truth, outcome in outcomes.items():
            scores = folder / truth
            scores.mkdir()
            write_outcome_table(outcome, scores / "outcome.csv")
            save_oracle(risks[truth], splits, scores)
            score_signatures(work, scores, splits, settings)
            score_images(work, scores, settings, draw)
        save_gene_scores(work, folder)
    table = pd.concat([judge(folder / truth, truth) for truth in outcomes], ignore_index=True)
    save_table(table.assign(draw=draw), folder / "comparison.csv")
    return table


def train_genes(work: Path, settings: Mapping[str, Any], draw: int) -> None:
    """Train the networks of genes, one per section that is held out; they serve all truths."""
    from sequoia_model import TrainOptions, train

    options = TrainOptions(recipe="strict", untrained=0, seed=draw, **settings["gene_network"])
    train(
        work / "bags", work / "measured.h5ad", work / "genes", options,
        splits=work / "splits.csv", device="cpu", checkpoint_seconds=3600,
    )  # fmt: skip


def save_oracle(risk: pd.Series, splits: Splits, scores: Path) -> None:
    """Write the planted risk as the scores of a route."""
    folds = [splits.test_fold(patient) for patient in risk.index]
    write_risk_table(pd.DataFrame({"risk_score": risk, "fold": folds}), scores / "oracle.csv")


def score_signatures(work: Path, scores: Path, splits: Splits, settings: Mapping[str, Any]) -> None:
    """Train a signature per fold on measured genes, and score measured and predicted ones with it."""
    import sequoia_stats as sq

    measured = sq.read_expression(work / "genes" / "predictions.h5ad", layer="measured")
    predicted = sq.read_expression(work / "genes" / "predictions.h5ad")
    table = read_outcome_table(scores / "outcome.csv").loc[measured.values.index]
    outcome = sq.Outcome(table["time"], table["event"], ENDPOINT)
    cohort = sq.Cohort(measured.values, outcome, name="simulated patients")
    estimator = sq.LassoCoxSignature(jobs=1, **settings["signature"])
    signatures = sq.fit_folds(estimator, cohort, splits)
    for route, expression in {"measured": measured, "predicted": predicted}.items():
        found = signatures.risk_score(expression)
        write_risk_table(found.frame.set_index("patient_id"), scores / f"{route}.csv")
        write_fold_scales(found.folds.set_index("fold"), scales_beside(scores / f"{route}.csv"))


def score_images(work: Path, scores: Path, settings: Mapping[str, Any], draw: int) -> None:
    """Train the networks of risk; their scores, those of their ridge baseline, and their log are kept."""
    from sequoia_model import RiskOptions, train_risk

    options = RiskOptions(repeats=1, untrained=0, seed=draw, **settings["risk_network"])
    run = work / f"risk-{scores.name}"
    train_risk(
        work / "bags", scores / "outcome.csv", run, options,
        splits=work / "splits.csv", device="cpu", checkpoint_seconds=3600,
    )  # fmt: skip
    for name, kept in {"risk.csv": "image.csv", "risk.folds.csv": "image.folds.csv", "log.csv": "log.csv"}.items():
        shutil.copyfile(run / name, scores / kept)
    baselines = pd.read_csv(run / "baselines.csv", index_col="patient_id")
    write_risk_table(baselines.rename(columns={"ridge_cox": "risk_score"}), scores / "ridge.csv")


def save_gene_scores(work: Path, folder: Path) -> None:
    """Write the correlation of predicted with measured expression of every gene: the mean over folds."""
    import anndata

    from sequoia_stats.association import fisher_mean, pearson

    predictions = anndata.read_h5ad(work / "genes" / "predictions.h5ad")
    folds = [rows for rows in predictions.obs.groupby("fold", observed=True).indices.values()]
    r = [pearson(predictions.X, predictions.layers["measured"], rows=rows).r for rows in folds]
    save_table(pd.DataFrame({"gene": predictions.var_names, "r": fisher_mean(r)}), folder / "genes.csv")


def judge(scores: Path, truth: str) -> pd.DataFrame:
    """C and the hazard ratio per SD of all routes, without intervals: draws show how far they vary."""
    import sequoia_stats as sq

    found = sq.compare_risks([scores / f"{route}.csv" for route in ROUTES], scores / "outcome.csv", bootstrap=0)
    return found.comparison.rename(columns={"score": "route"}).assign(truth=truth)


if __name__ == "__main__":
    main()
