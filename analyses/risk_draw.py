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
from risk_tables import EPOCHS_OF, ROUTES
from semi_synthetic_files import save_bags, save_measured, splits_of

from sequoia_base.outcomes import (
    read_outcome_table,
    scales_beside,
    write_fold_scales,
    write_outcome_table,
    write_risk_table,
)
from sequoia_base.splits import Splits

#: What the times are those of; their events are simulated.
ENDPOINT = "simulated event"


def main() -> None:
    """Write ``<study>/draw_<number>/`` of some draws: scores and outcomes by truth, and what each route reached.

    Draws of one process share its start, R, and the sections, which take as long as a third of a draw.
    """
    about = "Draw patients and score their risk by every route."
    options = arguments("risk", about, ("study", str), ("first", int), ("draws", int))
    tissue = read_tissue(options.settings)
    for draw in range(options.first, options.first + options.draws):
        folder = options.results / options.study / f"draw_{draw}"
        table = run(draw, tissue, options.settings, folder)
        reached = table.pivot_table(index="truth", columns="route", values="c_index", sort=False)
        say(f"  draw {draw}, C:\n{reached.round(3).to_string()}")


def read_tissue(settings: Mapping[str, Any]) -> synthetic.Tissue:
    """The tiles and spots of all sections; patients of every draw are made of them."""
    return synthetic.tissue_of([read_section(name, BUNDLE) for name in SECTIONS], settings)


def run(draw: int, tissue: synthetic.Tissue, settings: Mapping[str, Any], folder: Path) -> pd.DataFrame:
    """Draw patients, train, score and judge.

    Bags and run folders are made in a temporary folder. What is kept are files of scores and the outcome by truth, the
    logs of the networks of risk, and how well genes are predicted.

    Parameters
    ----------
    draw : int
        Number of the draw, which enters all random numbers.
    tissue : Tissue
        What patients are made of.
    settings : mapping
        The section ``risk`` of the configuration.
    folder : path
        What is kept, in place of an earlier one.

    Returns
    -------
    DataFrame
        A row per truth and route: the columns of ``comparison.csv`` of `sequoia-stats risk compare`.
    """
    import torch

    torch.set_num_threads(1)  # two threads beside another job take longer than one
    generators = synthetic.generators(settings["seed"], draw)
    rng = generators["patients"]
    patients = synthetic.draw_patients(tissue, settings, rng)
    splits = splits_of(patients, settings["val"], rng)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with TemporaryDirectory() as place:
        work = Path(place)
        save_bags(tissue, patients, work / "bags")
        save_measured(patients, work / "measured.h5ad")
        splits.save(work / "splits.csv")
        train_genes(work, settings, draw)
        save_gene_scores(work, folder)
        for truth in settings["truths"]:
            scores = folder / truth
            scores.mkdir()
            plant(truth, patients, splits, settings, generators[truth], scores)
            score_signatures(work, scores, splits, settings)
            score_images(work, scores, settings, draw)
    table = pd.concat([judge(folder / truth, truth) for truth in settings["truths"]], ignore_index=True)
    save_table(table.assign(draw=draw), folder / "comparison.csv")
    return table


def plant(
    truth: str,
    patients: synthetic.Patients,
    splits: Splits,
    settings: Mapping[str, Any],
    rng: np.random.Generator,
    scores: Path,
) -> None:
    """Plant a risk, draw the outcome, and write both; the risk as the scores of a route."""
    risk = synthetic.planted_risk(truth, patients, settings, rng)
    effect = 0.0 if truth == "none" else np.log(settings["hazard_ratio"])
    write_outcome_table(synthetic.draw_outcome(risk, effect, settings, rng), scores / "outcome.csv")
    folds = [splits.test_fold(patient) for patient in risk.index]
    write_risk_table(pd.DataFrame({"risk_score": risk, "fold": folds}), scores / "oracle.csv")


def train_genes(work: Path, settings: Mapping[str, Any], draw: int) -> None:
    """Train the networks of genes, one per section that is held out; they serve all truths."""
    from sequoia_model import TrainOptions, train

    options = TrainOptions(recipe="strict", untrained=0, seed=draw, **settings["gene_network"])
    train(
        work / "bags", work / "measured.h5ad", work / "genes", options,
        splits=work / "splits.csv", device="cpu", checkpoint_seconds=3600,
    )  # fmt: skip


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
    """Train the networks of risk; their scores, those of their ridge baseline, and their logs are kept."""
    run = train_risks(work, scores, settings, draw, "strict")
    for name in ("risk.csv", "risk.folds.csv"):
        shutil.copyfile(run / name, scores / name.replace("risk", "image"))
    baselines = pd.read_csv(run / "baselines.csv", index_col="patient_id")
    write_risk_table(baselines.rename(columns={"ridge_cox": "risk_score"}), scores / "ridge.csv")
    shutil.copyfile(run / "log.csv", scores / "log_strict.csv")
    if scores.name == EPOCHS_OF and draw < settings["paper_draws"]:
        shutil.copyfile(
            train_risks(work, scores, settings, draw, "paper") / "log.csv", scores / "log_paper.csv"
        )


def train_risks(work: Path, scores: Path, settings: Mapping[str, Any], draw: int, recipe: str) -> Path:
    """Train a network of risk per fold and return the run folder; the recipe of the paper has its own 50 epochs."""
    from sequoia_model import RiskOptions, train_risk

    chosen = dict(settings["risk_network"]) | {"recipe": recipe}
    if recipe == "paper":
        del chosen["epochs"]
    options = RiskOptions(repeats=1, untrained=0, seed=draw, **chosen)
    output = work / f"{scores.name}-{recipe}"
    train_risk(
        work / "bags", scores / "outcome.csv", output, options,
        splits=work / "splits.csv", device="cpu", checkpoint_seconds=3600,
    )  # fmt: skip
    return output


def save_gene_scores(work: Path, folder: Path) -> None:
    """Write the correlation of predicted with measured expression of every gene: the mean over folds."""
    import anndata

    from sequoia_stats.association import fisher_mean, pearson

    predictions = anndata.read_h5ad(work / "genes" / "predictions.h5ad")
    folds = predictions.obs.groupby("fold", observed=True).indices.values()
    r = [pearson(predictions.X, predictions.layers["measured"], rows=rows).r for rows in folds]
    save_table(pd.DataFrame({"gene": predictions.var_names, "r": fisher_mean(r)}), folder / "genes.csv")


def judge(scores: Path, truth: str) -> pd.DataFrame:
    """C and the hazard ratio per SD of all routes, without intervals: draws show how far they vary."""
    import sequoia_stats as sq

    found = sq.compare_risks(
        [scores / f"{route}.csv" for route in ROUTES], scores / "outcome.csv", bootstrap=0
    )
    return found.comparison.rename(columns={"score": "route"}).assign(truth=truth)


if __name__ == "__main__":
    main()
