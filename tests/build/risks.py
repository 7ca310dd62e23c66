"""Risk scores of cross-validated models, as frames and as files."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from sequoia_base.outcomes import write_fold_scales, write_outcome_table, write_risk_table
from sequoia_stats.risk import RiskScores
from tests.build.cohorts import make_outcome

#: Centre and spread that each fold's model gives to its scores.
SHIFTS, SPREADS = np.array([0.0, 5.0, -3.0]), np.array([1.0, 0.2, 4.0])


class Made(NamedTuple):
    """Patients with an outcome, two scores in the same folds, and covariates.

    Parameters
    ----------
    outcome : DataFrame
        Index = patient_id; time, event.
    good, noise : RiskScores
        The planted risk with some noise, and noise alone; each fold has a scale of its own.
    clinical : DataFrame
        Index = patient_id; age, stage.
    truth : Series
        The planted risk.
    """

    outcome: pd.DataFrame
    good: RiskScores
    noise: RiskScores
    clinical: pd.DataFrame
    truth: pd.Series


def make_risks(n: int = 120, events: int = 60, folds: int = 3, seed: int = 0) -> Made:
    """`n` patients in `folds` folds, and scores of which one tells something of the outcome."""
    generator = np.random.default_rng([seed, 5])
    ids = pd.Index([f"TCGA-{'ABCDEF'[i % 6]}{i % 2}-{i:04d}" for i in range(n)], name="patient_id")
    truth, age = generator.normal(size=n), generator.normal(60, 10, size=n)
    made = make_outcome(n, events, seed, log_hazard=1.2 * truth + 0.04 * (age - 60))
    outcome = pd.DataFrame({"time": made.time, "event": made.event}, ids)
    fold = generator.permutation(np.arange(n) % folds)
    scores = [truth + 0.5 * generator.normal(size=n), generator.normal(size=n)]
    clinical = pd.DataFrame({"age": age.round(1), "stage": generator.choice(["I", "II", "III"], size=n)}, ids)
    good, noise = (
        in_folds(name, raw, fold, ids) for name, raw in zip(("good", "noise"), scores, strict=True)
    )
    return Made(outcome, good, noise, clinical, pd.Series(truth, ids))


def in_folds(name: str, raw: np.ndarray, fold: np.ndarray, ids: pd.Index) -> RiskScores:
    """Scores on the scale of each fold's model, with the scale of its training patients."""
    shift, spread = np.resize(SHIFTS, fold.max() + 1), np.resize(SPREADS, fold.max() + 1)
    frame = pd.DataFrame({"risk_score": shift[fold] + spread[fold] * raw, "fold": fold}, ids)
    own = [shift[k] + spread[k] * raw[fold != k] for k in range(fold.max() + 1)]
    training = pd.DataFrame(
        [(len(one), one.mean(), one.std(ddof=1), np.median(one)) for one in own],
        columns=["n_train", "mean", "sd", "cutoff"],
    ).rename_axis("fold")
    return RiskScores(name, frame.astype({"fold": "Int64"}), training)


def write_risks(folder: Path, made: Made) -> list[Path]:
    """``good.csv`` and ``noise.csv`` with their folds, ``outcome.csv`` and ``clinical.csv``; the two score files."""
    files = []
    for model in (made.good, made.noise):
        path = folder / f"{model.name}.csv"
        write_risk_table(model.frame, path)
        write_fold_scales(model.training, folder / f"{model.name}.folds.csv")
        files.append(path)
    write_outcome_table(made.outcome, folder / "outcome.csv")
    made.clinical.to_csv(folder / "clinical.csv")
    return files
