"""Builders of what networks learn risk from: slides that show a hidden risk, and the outcome that follows it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from tests.build.training import write_bag


class RiskSet(NamedTuple):
    """Paths of features, outcome and patients, and the risk that was planted."""

    features: Path
    outcome: Path
    patients: Path
    risk: pd.Series


def make_outcome(risk: np.ndarray, *, beta: float = 1.0, events: float = 0.5, seed: int = 0) -> pd.DataFrame:
    """Exponential times (n) in months whose log-hazard is beta · risk, and a share of events, at least."""
    drawn = np.random.default_rng([seed, 7])
    time = 20 * drawn.exponential(size=len(risk)) * np.exp(-beta * risk)
    event = drawn.random(len(risk)) < events
    table = pd.DataFrame({"time": np.round(time, 3) + 0.001, "event": event.astype(int)})
    table.index = pd.Index([f"P{i:02}" for i in range(len(risk))], name="patient_id")
    return table


def write_risk_set(
    root: Path, n: int = 30, *, several: int = 3, dim: int = 8, seed: int = 0, **outcome: float
) -> RiskSet:
    """Slides S00, S01, … of patients P00, P01, …, the first of whom have a second one (T00, T01, …); in `root`."""
    drawn = np.random.default_rng([seed, dim])
    risk, direction = drawn.normal(size=n), drawn.normal(size=dim)
    names = [(f"S{i:02}", i) for i in range(n)] + [(f"T{i:02}", i) for i in range(several)]
    for slide, patient in names:
        noise = drawn.normal(size=(100, dim))
        write_bag(root / "features", slide, (noise + risk[patient] * direction).astype(np.float32))
    table = make_outcome(risk, seed=seed, **outcome)
    table.to_csv(root / "outcome.csv")
    patients = pd.DataFrame(
        {"slide": [slide for slide, _ in names], "patient_id": [f"P{i:02}" for _, i in names]}
    )
    patients["site"] = [f"H{i % 7}" for _, i in names]
    patients.to_csv(root / "patients.csv", index=False)
    return RiskSet(
        root / "features", root / "outcome.csv", root / "patients.csv", pd.Series(risk, table.index)
    )
